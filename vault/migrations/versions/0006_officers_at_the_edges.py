"""Waiting entries in the order in which they came, and officers at the edges"""

import sqlalchemy as sa
from alembic import op

from crypto.columns import Moment

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Waiting entries in the order in which they came, and officers at the edges."""
    _number_waiting_entries()
    _make_duress_wraps()
    _make_delegations()
    _make_access_reviews()
    _make_emergencies()
    _make_nobodys_lock()
    _mark_unused_accounts()
    _keep_new_apps()


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


def _make_duress_wraps() -> None:
    op.create_table(
        "duress_wraps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.Column("totp", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duress_wraps")),
    )


def _make_delegations() -> None:
    op.create_table(
        "delegations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("delegate_id", sa.Uuid(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.Column("subjects", sa.JSON(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("arranged_by", sa.Uuid(), nullable=True),
        sa.Column("arranged_at", Moment(), nullable=True),
        sa.Column("begun_at", Moment(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("end", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegations")),
    )
    op.create_index(op.f("ix_delegations_officer_id"), "delegations", ["officer_id"], unique=False)
    op.create_index(op.f("ix_delegations_delegate_id"), "delegations", ["delegate_id"], unique=False)
    op.add_column("assignments", sa.Column("delegation", sa.Uuid(), nullable=True))
    op.add_column("assignments", sa.Column("ends_on", sa.Date(), nullable=True))


def _make_access_reviews() -> None:
    op.create_table(
        "access_reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("begun_by", sa.Uuid(), nullable=False),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.Column("finished_by", sa.Uuid(), nullable=True),
        sa.Column("finished_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_reviews")),
    )
    op.create_table(
        "access_review_answers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("review_id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("answer", sa.String(length=40), nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=False),
        sa.Column("answered_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["review_id"],
            ["access_reviews.id"],
            name=op.f("fk_access_review_answers_review_id_access_reviews"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_review_answers")),
        sa.UniqueConstraint("review_id", "officer_id", name=op.f("uq_access_review_answers_review_id")),
    )


def _make_emergencies() -> None:
    op.create_table(
        "emergency_grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("officer", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("compartment", sa.String(length=40), nullable=False),
        sa.Column("lockboxes", sa.JSON(), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=False),
        sa.Column("granted_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_grants")),
        sa.UniqueConstraint("request_id", name=op.f("uq_emergency_grants_request_id")),
    )
    op.create_index("ix_emergency_grants_officer", "emergency_grants", ["officer", "ended_at"], unique=False)
    _make_emergency_requests()


def _make_emergency_requests() -> None:
    op.create_table(
        "emergency_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("compartment", sa.String(length=40), nullable=False),
        sa.Column("ground", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.Column("review_due_on", sa.Date(), nullable=True),
        sa.Column("verdict", sa.String(length=40), nullable=True),
        sa.Column("reviewed_by", sa.Uuid(), nullable=True),
        sa.Column("reviewed_at", Moment(), nullable=True),
        sa.Column("overdue_told_at", Moment(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("review", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_requests")),
    )
    op.create_index(op.f("ix_emergency_requests_asked_by"), "emergency_requests", ["asked_by"], unique=False)
    op.create_index(op.f("ix_emergency_requests_state"), "emergency_requests", ["state"], unique=False)


def _make_nobodys_lock() -> None:
    op.create_table(
        "nobodys_lock",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("locked_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nobodys_lock")),
    )


def _mark_unused_accounts() -> None:
    op.add_column("officers", sa.Column("unused_at", Moment(), nullable=True))


def _keep_new_apps() -> None:
    op.add_column("sessions", sa.Column("new_app", sa.LargeBinary(), nullable=True))
