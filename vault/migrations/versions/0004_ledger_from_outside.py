"""The ledger in volumes, outside witnesses and kept checkpoints"""

import sqlalchemy as sa
from alembic import op

from crypto.columns import Moment

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """The ledger in volumes, outside witnesses and kept checkpoints."""
    op.create_table(
        "kept_checkpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("kept_at", Moment(), nullable=False),
        sa.Column("witness", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_checkpoints")),
        sa.UniqueConstraint("origin", "size", "witness", name=op.f("uq_kept_checkpoints_origin")),
    )
    op.create_index("ix_kept_checkpoints_kept", "kept_checkpoints", ["kept_at"], unique=False)
    op.create_index("ix_kept_checkpoints_witness", "kept_checkpoints", ["witness", "size"], unique=False)
    op.create_table(
        "witnesses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("registered_by", sa.Uuid(), nullable=False),
        sa.Column("registered_at", Moment(), nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_witnesses")),
        sa.UniqueConstraint("key", name=op.f("uq_witnesses_key")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_witnesses_token_digest")),
    )
    _make_room_for_volumes()


def _make_room_for_volumes() -> None:
    op.create_table(
        "ledger_volumes",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_index", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.CheckConstraint("number >= 2 AND first_index > 0", name="ledger_volumes_follow_the_first"),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("first_index"),
        sa.UniqueConstraint("origin"),
    )
