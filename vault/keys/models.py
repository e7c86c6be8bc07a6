"""Recovery and destruction: acts on keys that one officer asks for and two others approve."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Integer, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from crypto.columns import Moment
from vault.access.policy import Compartment
from vault.database import Base, Word
from vault.vocabulary import Labelled


class KeyActKind(Labelled):
    """What is asked for."""

    RECOVERY = "recovery", "Recovery of records nobody can open"
    DESTRUCTION = "destruction", "Destruction of a case's records"


class KeyActState(Labelled):
    """How far a request has come."""

    ASKED = "asked", "Waiting for two approvals"
    APPROVED = "approved", "Approved by two"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn"
    DONE = "done", "Done"


class Ground(Labelled):
    """Why it is asked for; what else there is to say goes to the auditors, sealed."""

    HOLDERS_GONE = "holders-gone", "Nobody is left who holds the key"
    CREDENTIALS_LOST = "credentials-lost", "The officer lost password and recovery code"
    DRILL = "drill", "Yearly drill"
    RETENTION_OVER = "retention-over", "The time for keeping the records is over"
    COURT_ORDER = "court-order", "A court ordered it"
    PERSON_ASKED = "person-asked", "The protected person asked for it"


class KeyAct(Base):
    """One request. A recovery is for one compartment of the case, or for all when none is named."""

    __tablename__ = "key_acts"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[KeyActKind] = mapped_column(Word(KeyActKind))
    subject: Mapped[str] = mapped_column(String(80))  # "case:<uuid>", or "house:…", "directory:…"
    compartment: Mapped[Compartment | None] = mapped_column(Word(Compartment))
    for_officer: Mapped[UUID | None] = mapped_column(Uuid)  # to whom recovered keys are sealed
    ground: Mapped[Ground] = mapped_column(Word(Ground))
    state: Mapped[KeyActState] = mapped_column(Word(KeyActState))
    asked_by: Mapped[UUID] = mapped_column(Uuid)
    asked_at: Mapped[datetime] = mapped_column(Moment)
    done_at: Mapped[datetime | None] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(Integer)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class KeyActDecision(Base):
    """One officer's yes or no to a request."""

    __tablename__ = "key_act_decisions"
    __table_args__ = (UniqueConstraint("act_id", "officer"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    act: Mapped[UUID] = mapped_column("act_id", Uuid, ForeignKey(KeyAct.id))
    officer: Mapped[UUID] = mapped_column(Uuid)
    approved: Mapped[bool] = mapped_column(Boolean)
    at: Mapped[datetime] = mapped_column(Moment)
