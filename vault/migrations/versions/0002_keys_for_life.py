"""Keys that are renewed, the directory, papers and key acts"""

import sqlalchemy as sa
from alembic import op

from crypto.columns import Moment

revision = "0002"
down_revision = "0001"


def upgrade() -> None:  # It is longer than most: one statement for each table.
    """Keys that are renewed, the directory, papers and key acts."""
    op.create_table(
        "directory_pages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_pages")),
        sa.UniqueConstraint("number", name=op.f("uq_directory_pages_number")),
    )
    op.create_table(
        "directory_slips",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("holder_version", sa.Integer(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_slips")),
    )
    op.create_table(
        "key_acts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("compartment", sa.String(length=40), nullable=True),
        sa.Column("for_officer", sa.Uuid(), nullable=True),
        sa.Column("ground", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("done_at", Moment(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_acts")),
    )
    op.create_table(
        "vouching_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("ended_at_index", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vouching_keys")),
        sa.UniqueConstraint("version", name=op.f("uq_vouching_keys_version")),
    )
    op.create_table(
        "key_act_decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("act_id", sa.Uuid(), nullable=False),
        sa.Column("officer", sa.Uuid(), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["act_id"], ["key_acts.id"], name=op.f("fk_key_act_decisions_act_id_key_acts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_act_decisions")),
        sa.UniqueConstraint("act_id", "officer", name=op.f("uq_key_act_decisions_act_id")),
    )
    op.create_table(
        "papers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=False),
        sa.Column("added_at", Moment(), nullable=False),
        sa.Column("removed_at", Moment(), nullable=True),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("title", sa.LargeBinary(), nullable=False),
        sa.Column("media_type", sa.LargeBinary(), nullable=False),
        sa.Column("length", sa.LargeBinary(), nullable=False),
        sa.Column("content_key", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_papers_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_papers")),
        sa.UniqueConstraint("case_id", "number", name=op.f("uq_papers_case_id")),
    )
    op.create_table(
        "paper_pieces",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("paper_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kept_at", Moment(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_pieces")),
        sa.UniqueConstraint("paper_id", "number", name=op.f("uq_paper_pieces_paper_id")),
    )
    op.create_index("ix_paper_pieces_kept", "paper_pieces", ["paper_id", "kept_at"], unique=False)
    for table in ("cases", "referrals", "disclosure_requests"):
        op.add_column(table, sa.Column("destroyed_on", sa.Date(), nullable=True))
    op.add_column("holder_keys", sa.Column("code", sa.LargeBinary(), nullable=True))
    op.add_column("holder_keys", sa.Column("renew_due_at", Moment(), nullable=True))
    op.add_column("lockboxes", sa.Column("commitment", sa.LargeBinary(), nullable=True))
    op.add_column("lockboxes", sa.Column("code", sa.LargeBinary(), nullable=True))
    op.add_column("lockboxes", sa.Column("destroyed_at", Moment(), nullable=True))
    op.create_index("ix_lockboxes_rekey_due_at", "lockboxes", ["rekey_due_at"], unique=False)
    op.create_index(op.f("ix_payment_decisions_case_id"), "payment_decisions", ["case_id"], unique=False)
    op.drop_index("ix_seals_holder", table_name="seals")
    op.create_index("ix_seals_holder", "seals", ["holder", "holder_version"], unique=False)
