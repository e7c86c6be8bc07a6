"""Alerts, weekly reviews, and how far the ledger has been watched"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

from crypto.columns import Moment

revision = "0003"
down_revision = "0002"


def upgrade() -> None:  # It is longer than most: one statement for each table.
    """Alerts, weekly reviews, and how far the ledger has been watched."""
    op.create_table(
        "alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("first_index", sa.BigInteger(), nullable=False),
        sa.Column("last_index", sa.BigInteger(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("officer", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.String(length=80), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("usual", sa.Integer(), nullable=False),
        sa.Column("dismissed_by", sa.Uuid(), nullable=True),
        sa.Column("dismissed_at", Moment(), nullable=True),
        sa.Column("carried_week", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("rule", "first_index", name=op.f("uq_alerts_rule")),
    )
    op.create_index("ix_alerts_open", "alerts", ["dismissed_at", "at"], unique=False)
    op.create_index("ix_alerts_officer", "alerts", ["officer", "at"], unique=False)
    op.create_index(op.f("ix_alerts_at"), "alerts", ["at"], unique=False)
    op.create_table(
        "weekly_reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("week", sa.Integer(), nullable=False),
        sa.Column("reviewed_by", sa.Uuid(), nullable=False),
        sa.Column("reviewed_at", Moment(), nullable=False),
        sa.Column("alerts", sa.Integer(), nullable=False),
        sa.Column("carried", sa.Integer(), nullable=False),
        sa.Column("signed_size", sa.BigInteger(), nullable=True),
        sa.Column("signed_root", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weekly_reviews")),
        sa.UniqueConstraint("week", name=op.f("uq_weekly_reviews_week")),
    )
    watch = op.create_table(
        "ledger_watch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("next_index", sa.BigInteger(), nullable=False),
        sa.Column("memory", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_watch")),
    )
    # It is there from the start, so that of two who watch at once one waits for the other at this row.
    op.bulk_insert(watch, [{"id": UUID(int=1), "next_index": 0, "memory": {}}])
    op.create_table(
        "watched_officers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("memory", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watched_officers")),
    )
    op.create_table(
        "watched_hours",
        sa.Column("officer", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("officer", "day", "hour", name=op.f("pk_watched_hours")),
    )
    op.create_index("ix_watched_hours_day", "watched_hours", ["day"], unique=False)
    for name in ("session", "compartment", "reason"):
        there = sa.column(name).is_not(None)
        op.create_index(
            f"ledger_entries_{name}",
            "ledger_entries",
            [name, "index"],
            unique=False,
            sqlite_where=there,
            postgresql_where=there,
        )
    amiss = sa.text("outcome <> 'done'")
    op.create_index(
        "ledger_entries_amiss",
        "ledger_entries",
        ["outcome", "index"],
        unique=False,
        sqlite_where=amiss,
        postgresql_where=amiss,
    )
