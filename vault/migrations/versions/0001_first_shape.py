"""The first shape of the records, of housing and of the ledger, with the guards that keep houses apart; the
ledger's guards are made again after every migration."""

# This module and its function are longer than others: a migration is the plain list of what it makes.

import sqlalchemy as sa
from alembic import op

from crypto.columns import Moment
from housing.models import guards

revision = "0001"
down_revision = None


def upgrade() -> None:  # It is longer than most: one statement for each table.
    """The first shape of the records."""
    op.create_table(
        "agencies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("telephone", sa.String(length=40), nullable=False),
        sa.Column("added_on", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agencies")),
        sa.UniqueConstraint("name", name=op.f("uq_agencies_name")),
    )
    op.create_table(
        "assignments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("officer", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignments")),
    )
    op.create_index("ix_assignments_officer", "assignments", ["officer", "kind"], unique=False)
    op.create_index("ix_assignments_subject", "assignments", ["subject_id"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_address"), "attempts", ["address"], unique=False)
    op.create_index(op.f("ix_attempts_officer_id"), "attempts", ["officer_id"], unique=False)
    op.create_table(
        "cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("emergency", sa.Boolean(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("ceiling_cents", sa.Integer(), nullable=False),
        sa.Column("period_ends_on", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("code", name=op.f("uq_cases_code")),
        sa.UniqueConstraint("referral_id", name=op.f("uq_cases_referral_id")),
    )
    op.create_table(
        "holder_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("issued_by", sa.Uuid(), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("certified_at", Moment(), nullable=True),
        sa.Column("withdrawn_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holder_keys")),
        sa.UniqueConstraint("holder", "version", name=op.f("uq_holder_keys_holder")),
    )
    op.create_index(op.f("ix_holder_keys_holder"), "holder_keys", ["holder"], unique=False)
    op.create_table(
        "lockboxes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("compartment", sa.String(length=40), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("rekey_due_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lockboxes")),
        sa.UniqueConstraint("subject", "compartment", name=op.f("uq_lockboxes_subject")),
    )
    op.create_index(op.f("ix_lockboxes_case_id"), "lockboxes", ["case_id"], unique=False)
    op.create_table(
        "memoranda",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("shared", sa.JSON(), nullable=False),
        sa.Column("terms", sa.String(length=4000), nullable=False),
        sa.Column("drafted_on", sa.Date(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("renew_by", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memoranda")),
    )
    op.create_table(
        "officers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("full_name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("auth_epoch", sa.Integer(), nullable=False),
        sa.Column("wrap_salt", sa.LargeBinary(), nullable=True),
        sa.Column("wrap_cost", sa.String(length=60), nullable=True),
        sa.Column("wrap_blob", sa.LargeBinary(), nullable=True),
        sa.Column("recovery_salt", sa.LargeBinary(), nullable=True),
        sa.Column("recovery_cost", sa.String(length=60), nullable=True),
        sa.Column("recovery_blob", sa.LargeBinary(), nullable=True),
        sa.Column("enrolment_hash", sa.LargeBinary(), nullable=True),
        sa.Column("enrolment_ends_at", Moment(), nullable=True),
        sa.Column("added_at", Moment(), nullable=False),
        sa.Column("locked_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_officers")),
        sa.UniqueConstraint("name", name=op.f("uq_officers_name")),
    )
    op.create_table(
        "referrals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("prosecutor_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("harm", sa.JSON(), nullable=False),
        sa.Column("basis", sa.String(length=40), nullable=False),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("household", sa.Integer(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("witness", sa.LargeBinary(), nullable=False),
        sa.Column("docket", sa.LargeBinary(), nullable=False),
        sa.Column("felony", sa.LargeBinary(), nullable=False),
        sa.Column("defendants", sa.LargeBinary(), nullable=False),
        sa.Column("narrative", sa.LargeBinary(), nullable=False),
        sa.Column("trial_starts", sa.LargeBinary(), nullable=False),
        sa.Column("contact", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referrals")),
        sa.UniqueConstraint("code", name=op.f("uq_referrals_code")),
    )
    op.create_index(op.f("ix_referrals_prosecutor_id"), "referrals", ["prosecutor_id"], unique=False)
    op.create_table(
        "seals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key_kind", sa.String(length=8), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("holder_kind", sa.String(length=12), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=False),
        sa.Column("holder_version", sa.Integer(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_by_version", sa.Integer(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seals")),
        sa.UniqueConstraint("key_id", "epoch", "holder", "holder_version", name=op.f("uq_seals_key_id")),
    )
    op.create_index("ix_seals_holder", "seals", ["holder"], unique=False)
    op.create_table(
        "second_factors",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_factors")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sid_hash", sa.LargeBinary(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("auth_epoch", sa.Integer(), nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.String(length=60), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=False),
        sa.Column("stepped_up_at", Moment(), nullable=True),
        sa.Column("step_up_code", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("sid_hash", name=op.f("uq_sessions_sid_hash")),
    )
    op.create_index(op.f("ix_sessions_officer_id"), "sessions", ["officer_id"], unique=False)
    op.create_table(
        "agency_contacts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("position", sa.String(length=80), nullable=False),
        sa.Column("telephone", sa.String(length=40), nullable=False),
        sa.Column("after_hours", sa.String(length=40), nullable=False),
        sa.Column("email", sa.String(length=120), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.id"], name=op.f("fk_agency_contacts_agency_id_agencies")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency_contacts")),
    )
    op.create_index(op.f("ix_agency_contacts_agency_id"), "agency_contacts", ["agency_id"], unique=False)
    op.create_table(
        "case_notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("author", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_notes_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_notes")),
    )
    op.create_index(op.f("ix_case_notes_case_id"), "case_notes", ["case_id"], unique=False)
    op.create_table(
        "danger_areas",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("label", sa.LargeBinary(), nullable=False),
        sa.Column("latitude", sa.LargeBinary(), nullable=False),
        sa.Column("longitude", sa.LargeBinary(), nullable=False),
        sa.Column("radius_miles", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_danger_areas_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_danger_areas")),
    )
    op.create_index(op.f("ix_danger_areas_case_id"), "danger_areas", ["case_id"], unique=False)
    op.create_table(
        "disclosure_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("requester_id", sa.Uuid(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("authority", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.LargeBinary(), nullable=False),
        sa.Column("agency", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("order_reference", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_disclosure_requests_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["referral_id"], ["referrals.id"], name=op.f("fk_disclosure_requests_referral_id_referrals")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_requests")),
        sa.UniqueConstraint("code", name=op.f("uq_disclosure_requests_code")),
    )
    op.create_index(op.f("ix_disclosure_requests_case_id"), "disclosure_requests", ["case_id"], unique=False)
    op.create_index(
        op.f("ix_disclosure_requests_requester_id"), "disclosure_requests", ["requester_id"], unique=False
    )
    op.create_table(
        "memorandum_parties",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("memorandum_id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.id"], name=op.f("fk_memorandum_parties_agency_id_agencies")
        ),
        sa.ForeignKeyConstraint(
            ["memorandum_id"], ["memoranda.id"], name=op.f("fk_memorandum_parties_memorandum_id_memoranda")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memorandum_parties")),
        sa.UniqueConstraint("memorandum_id", "agency_id", name=op.f("uq_memorandum_parties_memorandum_id")),
    )
    op.create_index(
        op.f("ix_memorandum_parties_agency_id"), "memorandum_parties", ["agency_id"], unique=False
    )
    op.create_table(
        "payment_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("drafted_at", Moment(), nullable=False),
        sa.Column("submitted_at", Moment(), nullable=True),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.Column("paid_by", sa.Uuid(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("payment_number", sa.String(length=24), nullable=True),
        sa.Column("receipted_at", Moment(), nullable=True),
        sa.Column("reconciled_by", sa.Uuid(), nullable=True),
        sa.Column("reconciled_at", Moment(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("payee", sa.LargeBinary(), nullable=False),
        sa.Column("payee_alias", sa.LargeBinary(), nullable=False),
        sa.Column("bank_details", sa.LargeBinary(), nullable=False),
        sa.Column("justification", sa.LargeBinary(), nullable=False),
        sa.Column("receipt_number", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_payment_requests_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_requests")),
        sa.UniqueConstraint("code", name=op.f("uq_payment_requests_code")),
        sa.UniqueConstraint("payment_number", name=op.f("uq_payment_requests_payment_number")),
    )
    op.create_index(op.f("ix_payment_requests_case_id"), "payment_requests", ["case_id"], unique=False)
    op.create_index(op.f("ix_payment_requests_state"), "payment_requests", ["state"], unique=False)
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("position", sa.String(length=40), nullable=False),
        sa.Column("minor", sa.Boolean(), nullable=False),
        sa.Column("added_at", Moment(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("legal_name", sa.LargeBinary(), nullable=False),
        sa.Column("aliases", sa.LargeBinary(), nullable=False),
        sa.Column("birth_date", sa.LargeBinary(), nullable=False),
        sa.Column("social_security", sa.LargeBinary(), nullable=False),
        sa.Column("documents", sa.LargeBinary(), nullable=False),
        sa.Column("description", sa.LargeBinary(), nullable=False),
        sa.Column("cover_name", sa.LargeBinary(), nullable=False),
        sa.Column("cover_papers", sa.LargeBinary(), nullable=False),
        sa.Column("medical", sa.LargeBinary(), nullable=False),
        sa.Column("treatment", sa.LargeBinary(), nullable=False),
        sa.Column("supervision_terms", sa.LargeBinary(), nullable=False),
        sa.Column("supervision_contacts", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_people_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    op.create_index(op.f("ix_people_case_id"), "people", ["case_id"], unique=False)
    op.create_table(
        "referral_decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("reasons", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["referral_id"], ["referrals.id"], name=op.f("fk_referral_decisions_referral_id_referrals")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral_decisions")),
    )
    op.create_index(
        op.f("ix_referral_decisions_referral_id"), "referral_decisions", ["referral_id"], unique=False
    )
    op.create_table(
        "separations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_separations_case_id_cases")),
        sa.ForeignKeyConstraint(["other_id"], ["cases.id"], name=op.f("fk_separations_other_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_separations")),
    )
    op.create_index(op.f("ix_separations_case_id"), "separations", ["case_id"], unique=False)
    op.create_index(op.f("ix_separations_other_id"), "separations", ["other_id"], unique=False)
    op.create_table(
        "shred_parts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lockbox_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("part", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lockbox_id"], ["lockboxes.id"], name=op.f("fk_shred_parts_lockbox_id_lockboxes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shred_parts")),
        sa.UniqueConstraint("lockbox_id", "epoch", name=op.f("uq_shred_parts_lockbox_id")),
    )
    op.create_table(
        "threat_assessments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("author", sa.Uuid(), nullable=False),
        sa.Column("level", sa.String(length=40), nullable=False),
        sa.Column("review_on", sa.Date(), nullable=False),
        sa.Column("who_threatens", sa.LargeBinary(), nullable=False),
        sa.Column("capability", sa.LargeBinary(), nullable=False),
        sa.Column("rationale", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_threat_assessments_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threat_assessments")),
    )
    op.create_index(op.f("ix_threat_assessments_case_id"), "threat_assessments", ["case_id"], unique=False)
    op.create_table(
        "whereabouts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.LargeBinary(), nullable=False),
        sa.Column("telephone", sa.LargeBinary(), nullable=False),
        sa.Column("movement", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_whereabouts_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_whereabouts")),
        sa.UniqueConstraint("case_id", name=op.f("uq_whereabouts_case_id")),
    )
    op.create_table(
        "disclosure_decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("struck_out", sa.JSON(), nullable=False),
        sa.Column("reasons", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["disclosure_requests.id"],
            name=op.f("fk_disclosure_decisions_request_id_disclosure_requests"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_decisions")),
        sa.UniqueConstraint("request_id", name=op.f("uq_disclosure_decisions_request_id")),
    )
    op.create_table(
        "disclosure_packets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("released_by", sa.Uuid(), nullable=False),
        sa.Column("released_at", Moment(), nullable=False),
        sa.Column("released", sa.JSON(), nullable=False),
        sa.Column("mark", sa.String(length=16), nullable=False),
        sa.Column("taken_back_at", Moment(), nullable=True),
        sa.Column("fetched_at", Moment(), nullable=True),
        sa.Column("acknowledged_at", Moment(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["disclosure_requests.id"],
            name=op.f("fk_disclosure_packets_request_id_disclosure_requests"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_packets")),
        sa.UniqueConstraint("mark", name=op.f("uq_disclosure_packets_mark")),
    )
    op.create_index(
        op.f("ix_disclosure_packets_request_id"), "disclosure_packets", ["request_id"], unique=False
    )
    op.create_table(
        "disclosure_selections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("prepared_by", sa.Uuid(), nullable=False),
        sa.Column("prepared_at", Moment(), nullable=False),
        sa.Column("chosen", sa.JSON(), nullable=False),
        sa.Column("return_by", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["disclosure_requests.id"],
            name=op.f("fk_disclosure_selections_request_id_disclosure_requests"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_selections")),
        sa.UniqueConstraint("request_id", name=op.f("uq_disclosure_selections_request_id")),
    )
    op.create_table(
        "disclosure_worksheets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("author", sa.Uuid(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("verified", sa.LargeBinary(), nullable=False),
        sa.Column("reasons", sa.LargeBinary(), nullable=False),
        sa.Column("danger", sa.LargeBinary(), nullable=False),
        sa.Column("sole_purpose", sa.LargeBinary(), nullable=False),
        sa.Column("other_means", sa.LargeBinary(), nullable=False),
        sa.Column("prevention", sa.LargeBinary(), nullable=False),
        sa.Column("witness_heard", sa.LargeBinary(), nullable=False),
        sa.Column("witness_words", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["disclosure_requests.id"],
            name=op.f("fk_disclosure_worksheets_request_id_disclosure_requests"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_worksheets")),
    )
    op.create_index(
        op.f("ix_disclosure_worksheets_request_id"), "disclosure_worksheets", ["request_id"], unique=False
    )
    op.create_table(
        "payment_decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("answer", sa.String(length=40), nullable=False),
        sa.Column("approved_cents", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("reasons", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_payment_decisions_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["payment_requests.id"],
            name=op.f("fk_payment_decisions_request_id_payment_requests"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_decisions")),
        sa.UniqueConstraint("request_id", "round", "step", name=op.f("uq_payment_decisions_request_id")),
    )
    op.create_index(
        op.f("ix_payment_decisions_request_id"), "payment_decisions", ["request_id"], unique=False
    )
    op.create_table(
        "payment_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("approved_cents", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["payment_requests.id"], name=op.f("fk_payment_lines_request_id_payment_requests")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_lines")),
    )
    op.create_index(op.f("ix_payment_lines_request_id"), "payment_lines", ["request_id"], unique=False)
    op.create_table(
        "disclosure_accounting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("packet_id", sa.Uuid(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("recipient", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("description", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["packet_id"],
            ["disclosure_packets.id"],
            name=op.f("fk_disclosure_accounting_packet_id_disclosure_packets"),
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["disclosure_requests.id"],
            name=op.f("fk_disclosure_accounting_request_id_disclosure_requests"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_accounting")),
        sa.UniqueConstraint("packet_id", name=op.f("uq_disclosure_accounting_packet_id")),
    )
    op.create_index(
        op.f("ix_disclosure_accounting_request_id"), "disclosure_accounting", ["request_id"], unique=False
    )
    op.create_table(
        "houses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "safe-house",
                "shelter",
                "emergency",
                "temporary",
                name="housekind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("beds", sa.Integer(), nullable=False),
        sa.Column("rooms", sa.Integer(), nullable=False),
        sa.Column("needs", sa.JSON(), nullable=False),
        sa.Column("nightly_cost_cents", sa.Integer(), nullable=False),
        sa.Column(
            "standing",
            sa.Enum(
                "prospective",
                "vetted",
                "compromised",
                "retired",
                name="standing",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("last_confirmed_on", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("area", sa.LargeBinary(), nullable=False),
        sa.Column("near", sa.LargeBinary(), nullable=False),
        sa.Column("area_latitude", sa.LargeBinary(), nullable=False),
        sa.Column("area_longitude", sa.LargeBinary(), nullable=False),
        sa.Column("street", sa.LargeBinary(), nullable=False),
        sa.Column("town", sa.LargeBinary(), nullable=False),
        sa.Column("postcode", sa.LargeBinary(), nullable=False),
        sa.Column("latitude", sa.LargeBinary(), nullable=False),
        sa.Column("longitude", sa.LargeBinary(), nullable=False),
        sa.Column("access", sa.LargeBinary(), nullable=False),
        sa.Column("landlord", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("beds >= 1", name=op.f("ck_houses_has_a_bed")),
        sa.CheckConstraint("nightly_cost_cents >= 0", name=op.f("ck_houses_cost_not_negative")),
        sa.CheckConstraint("rooms >= 1", name=op.f("ck_houses_has_a_room")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_houses")),
        sa.UniqueConstraint("code", name=op.f("uq_houses_code")),
    )
    op.create_index(op.f("ix_houses_standing"), "houses", ["standing"], unique=False)
    op.create_table(
        "house_voids",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("house_id", sa.Uuid(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "deep-clean",
                "repairs",
                "safety-works",
                "incident-cooling-off",
                "pending-handback",
                "held-by-order",
                name="voidreason",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("from_on <= until_on", name=op.f("ck_house_voids_days_in_order")),
        sa.ForeignKeyConstraint(["house_id"], ["houses.id"], name=op.f("fk_house_voids_house_id_houses")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_house_voids")),
    )
    op.create_index(op.f("ix_house_voids_house_id"), "house_voids", ["house_id"], unique=False)
    op.create_table(
        "stays",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("house_id", sa.Uuid(), nullable=False),
        sa.Column("occupant", sa.String(length=100), nullable=False),
        sa.Column("party", sa.Integer(), nullable=False),
        sa.Column("single", sa.Boolean(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("turnaround", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "held",
                "confirmed",
                "arrived",
                "departed",
                "closed",
                "cancelled",
                "did-not-arrive",
                name="staystate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("hold_expires_at", Moment(), nullable=False),
        sa.Column("arrived_on", sa.Date(), nullable=True),
        sa.Column("departed_on", sa.Date(), nullable=True),
        sa.Column(
            "reason",
            sa.Enum(
                "hold-expired",
                "no-longer-needed",
                "other-place-found",
                "declined-by-person",
                "threat-near",
                "house-compromised",
                "transport-failed",
                "not-reached",
                "entered-in-error",
                name="stayreason",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column(
            "overstay_reason",
            sa.Enum(
                "next-place-not-ready",
                "transport-delayed",
                "illness",
                "threat-on-the-way",
                "court-date-moved",
                name="overstayreason",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("overstay_authority", sa.String(length=100), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("from_on <= until_on", name=op.f("ck_stays_days_in_order")),
        sa.CheckConstraint("party >= 1", name=op.f("ck_stays_has_people")),
        sa.CheckConstraint("turnaround >= 0", name=op.f("ck_stays_turnaround_not_negative")),
        sa.ForeignKeyConstraint(["house_id"], ["houses.id"], name=op.f("fk_stays_house_id_houses")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stays")),
    )
    op.create_index(op.f("ix_stays_house_id_from_on"), "stays", ["house_id", "from_on"], unique=False)
    op.create_index(op.f("ix_stays_occupant"), "stays", ["occupant"], unique=False)
    op.create_index(
        op.f("ix_stays_state_hold_expires_at"), "stays", ["state", "hold_expires_at"], unique=False
    )
    op.create_table(
        "bed_claims",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("house_id", sa.Uuid(), nullable=False),
        sa.Column("bed", sa.Integer(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("stay_id", sa.Uuid(), nullable=True),
        sa.Column("void_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(stay_id IS NULL) <> (void_id IS NULL)", name=op.f("ck_bed_claims_one_cause")),
        sa.CheckConstraint("bed >= 1", name=op.f("ck_bed_claims_bed_counts_from_one")),
        sa.CheckConstraint("from_on <= until_on", name=op.f("ck_bed_claims_days_in_order")),
        sa.ForeignKeyConstraint(["house_id"], ["houses.id"], name=op.f("fk_bed_claims_house_id_houses")),
        sa.ForeignKeyConstraint(["stay_id"], ["stays.id"], name=op.f("fk_bed_claims_stay_id_stays")),
        sa.ForeignKeyConstraint(
            ["void_id"], ["house_voids.id"], name=op.f("fk_bed_claims_void_id_house_voids")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bed_claims")),
    )
    op.create_index(
        op.f("ix_bed_claims_house_id_bed_from_on"), "bed_claims", ["house_id", "bed", "from_on"], unique=False
    )
    op.create_index(op.f("ix_bed_claims_stay_id"), "bed_claims", ["stay_id"], unique=False)
    op.create_index(op.f("ix_bed_claims_until_on"), "bed_claims", ["until_on"], unique=False)
    op.create_index(op.f("ix_bed_claims_void_id"), "bed_claims", ["void_id"], unique=False)
    op.create_table(
        "ledger_details",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "ledger_entries",
        sa.Column(
            "index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=True),
        sa.Column("session", sa.Text(), nullable=True),
        sa.Column("compartment", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.CheckConstraint('"index" >= 0', name="ledger_entries_index_from_zero"),
        sa.PrimaryKeyConstraint("index"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("ledger_entries_at", "ledger_entries", ["at"], unique=False)
    op.create_index("ledger_entries_event", "ledger_entries", ["event", "index"], unique=False)
    op.create_index("ledger_entries_officer", "ledger_entries", ["officer", "index"], unique=False)
    op.create_table(
        "ledger_heads",
        sa.Column(
            "size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("previous", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("size > previous AND previous >= 0", name="ledger_heads_grow"),
        sa.PrimaryKeyConstraint("size"),
        sa.UniqueConstraint("previous"),
    )
    op.create_table(
        "ledger_pending",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "ledger_subjects",
        sa.Column(
            "index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("index", "subject"),
    )
    op.create_index("ledger_subjects_subject", "ledger_subjects", ["subject", "index"], unique=False)
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        # Sessions are worth nothing after a crash, and a standby or a backup must never hold them.
        op.execute("ALTER TABLE sessions SET UNLOGGED")
    for statement in guards(connection.dialect.name):
        connection.exec_driver_sql(statement)
