"""Requests to open, in an emergency, what the matrix does not give; the words of each are sealed."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Date, Integer, Select, Uuid, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from crypto.columns import InLockbox, Moment, SealedBlob, sealed
from vault.access.actor import Actor
from vault.access.models import Assignment
from vault.access.policy import Compartment, Role
from vault.database import Base, Word
from vault.vocabulary import Labelled


class Ground(Labelled):
    """Why it cannot wait: what whoever is on call sees at once, without opening anything."""

    LIFE = "danger-to-life", "Someone’s life is in danger now"
    WELFARE = "welfare-check", "Somebody must be found and seen to"
    HOSPITAL = "hospital", "A hospital or ambulance asks"
    COURT = "court-order", "A court has ordered it for today"
    AWAY = "officer-away", "No officer on the case can be reached"


class RequestState(Labelled):
    """How far a request has come."""

    ASKED = "asked", "Waiting for an officer on call"
    GRANTED = "granted", "Given"
    REFUSED = "refused", "Refused"


class Verdict(Labelled):
    """What the officer who looks at it afterwards finds."""

    JUSTIFIED = "justified", "Justified"
    NOT_JUSTIFIED = "not-justified", "Not justified"


class EmergencyRequest(InLockbox, Base):
    """One officer's request. Without a case, the number that was typed is no case's, and nobody is asked."""

    __tablename__ = "emergency_requests"
    kept_by: ClassVar = ("emergency", "id")

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    asked_by: Mapped[UUID] = mapped_column(Uuid, index=True)
    asked_at: Mapped[datetime] = mapped_column(Moment)
    case: Mapped[UUID | None] = mapped_column("case_id", Uuid)
    compartment: Mapped[Compartment] = mapped_column(Word(Compartment))
    ground: Mapped[Ground] = mapped_column(Word(Ground))
    state: Mapped[RequestState] = mapped_column(Word(RequestState), index=True)
    decided_by: Mapped[UUID | None] = mapped_column(Uuid)
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    review_due_on: Mapped[date | None] = mapped_column(Date)
    verdict: Mapped[Verdict | None] = mapped_column(Word(Verdict))
    reviewed_by: Mapped[UUID | None] = mapped_column(Uuid)
    reviewed_at: Mapped[datetime | None] = mapped_column(Moment)
    overdue_told_at: Mapped[datetime | None] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(Integer)
    words: Mapped[SealedBlob] = sealed("emergency", "text")
    answer: Mapped[SealedBlob] = sealed("emergency", "text")
    review: Mapped[SealedBlob] = sealed("emergency", "text")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def subject(self) -> str:
        """How its lockbox is called."""
        return f"emergency:{self.id}"


def known_to(who: Actor) -> Select[EmergencyRequest]:
    """The requests this officer may know of: their own, those on cases they answer for, an auditor all."""
    query = select(EmergencyRequest).order_by(EmergencyRequest.asked_at.desc(), EmergencyRequest.id)
    if who.role is Role.AUDITOR:
        return query
    own = EmergencyRequest.asked_by == who.officer
    if who.role in {Role.COORDINATOR, Role.DEPUTY}:
        return query.where(or_(own, EmergencyRequest.case.is_not(None)))
    if who.role is Role.INSPECTOR:
        named = select(Assignment.subject_id).where(
            Assignment.officer == who.officer, Assignment.kind == "case", Assignment.ended_at.is_(None)
        )
        return query.where(or_(own, EmergencyRequest.case.in_(named)))
    return query.where(own)
