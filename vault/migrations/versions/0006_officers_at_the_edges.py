"""Waiting entries in the order in which they came, and officers at the edges"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Waiting entries in the order in which they came, and officers at the edges."""
    _number_waiting_entries()


def _number_waiting_entries() -> None:
    """The table is made anew, because neither engine gives an older one a primary key that counts."""
    op.create_table(
        "ledger_pending_in_order",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            sa.Identity(always=True),
            primary_key=True,
        ),
        sa.Column("id", sa.Uuid(), nullable=False, unique=True),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=True),
    )
    op.execute(
        "INSERT INTO ledger_pending_in_order (id, leaf, details) "
        "SELECT id, leaf, details FROM ledger_pending ORDER BY id"
    )
    op.drop_table("ledger_pending")
    op.rename_table("ledger_pending_in_order", "ledger_pending")
