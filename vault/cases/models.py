"""Cases, the people in them, and what is kept of each: sealed, but for what the work is run by."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Boolean, Date, ForeignKey, Integer, Select, String, Uuid, false, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from crypto.columns import InLockbox, Moment, SealedBlob, sealed
from vault.access.actor import Actor
from vault.access.models import Assignment
from vault.access.policy import Role
from vault.database import Base, Word, added_later
from vault.vocabulary import CaseState, NoteKind, Position, ThreatLevel


class Case(Base):
    """One prosecution's protected household, known by its code alone."""

    __tablename__ = "cases"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    referral: Mapped[UUID | None] = mapped_column("referral_id", Uuid, unique=True)
    state: Mapped[CaseState] = mapped_column(Word(CaseState))
    emergency: Mapped[bool] = mapped_column(Boolean)
    opened_at: Mapped[datetime] = mapped_column(Moment)
    agreed_on: Mapped[date | None] = mapped_column(Date)
    closed_on: Mapped[date | None] = mapped_column(Date)
    destroyed_on: Mapped[date | None] = added_later(Date)  # nothing sealed of it opens from then on
    ceiling_cents: Mapped[int] = mapped_column(Integer)
    period_ends_on: Mapped[date] = mapped_column(Date)
    version: Mapped[int] = mapped_column(Integer)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def subject(self) -> str:
        """How entries, lockboxes and assignments name the case."""
        return f"case:{self.id}"


class Person(InLockbox, Base):
    """A protected person: a number and a position in plain, everything about who they are sealed."""

    __tablename__ = "people"
    kept_by: ClassVar = ("person", "id")

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    case: Mapped[UUID] = mapped_column("case_id", Uuid, ForeignKey(Case.id), index=True)
    number: Mapped[int] = mapped_column(Integer)
    position: Mapped[Position] = mapped_column(Word(Position))
    minor: Mapped[bool] = mapped_column(Boolean)
    added_at: Mapped[datetime] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(Integer)

    legal_name: Mapped[SealedBlob] = sealed("identity", "text")
    aliases: Mapped[SealedBlob] = sealed("identity", "text")
    birth_date: Mapped[SealedBlob] = sealed("identity", "date")
    social_security: Mapped[SealedBlob] = sealed("identity", "text")
    documents: Mapped[SealedBlob] = sealed("identity", "text")
    description: Mapped[SealedBlob] = sealed("identity", "text")

    cover_name: Mapped[SealedBlob] = sealed("cover", "text")
    cover_papers: Mapped[SealedBlob] = sealed("cover", "text")

    medical: Mapped[SealedBlob] = sealed("health", "text")
    treatment: Mapped[SealedBlob] = sealed("health", "text")

    supervision_terms: Mapped[SealedBlob] = sealed("supervision", "text")
    supervision_contacts: Mapped[SealedBlob] = sealed("supervision", "text")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def subject(self) -> str:
        """How entries, lockboxes and assignments name the person."""
        return f"person:{self.id}"


class Whereabouts(InLockbox, Base):
    """Where the household is now, one row for each case."""

    __tablename__ = "whereabouts"
    kept_by: ClassVar = ("case", "case")

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    case: Mapped[UUID] = mapped_column("case_id", Uuid, ForeignKey(Case.id), unique=True)
    version: Mapped[int] = mapped_column(Integer)
    address: Mapped[SealedBlob] = sealed("location", "text")
    since: Mapped[SealedBlob] = sealed("location", "date")
    telephone: Mapped[SealedBlob] = sealed("location", "text")
    movement: Mapped[SealedBlob] = sealed("location", "text")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class ThreatAssessment(InLockbox, Base):
    """One dated judgement of the danger, by one author; never changed, only followed by the next."""

    __tablename__ = "threat_assessments"
    kept_by: ClassVar = ("case", "case")

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    case: Mapped[UUID] = mapped_column("case_id", Uuid, ForeignKey(Case.id), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    author: Mapped[UUID] = mapped_column(Uuid)
    level: Mapped[ThreatLevel] = mapped_column(Word(ThreatLevel))
    review_on: Mapped[date] = mapped_column(Date)
    who_threatens: Mapped[SealedBlob] = sealed("threat", "text")
    capability: Mapped[SealedBlob] = sealed("threat", "text")
    rationale: Mapped[SealedBlob] = sealed("threat", "text")


class DangerArea(InLockbox, Base):
    """A place the household must stay away from: a point and a distance, all sealed."""

    __tablename__ = "danger_areas"
    kept_by: ClassVar = ("case", "case")

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    case: Mapped[UUID] = mapped_column("case_id", Uuid, ForeignKey(Case.id), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    label: Mapped[SealedBlob] = sealed("threat", "text")
    latitude: Mapped[SealedBlob] = sealed("threat", "real")
    longitude: Mapped[SealedBlob] = sealed("threat", "real")
    radius_miles: Mapped[SealedBlob] = sealed("threat", "int")


class Note(InLockbox, Base):
    """A case note or a contact, kept as it was written."""

    __tablename__ = "case_notes"
    kept_by: ClassVar = ("case", "case")

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    case: Mapped[UUID] = mapped_column("case_id", Uuid, ForeignKey(Case.id), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    author: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[NoteKind] = mapped_column(Word(NoteKind))
    text: Mapped[SealedBlob] = sealed("casework", "text")


def known_people(who: Actor) -> Select[Case, Person]:
    """The people this officer may know of, each with their case; a liaison only those they are named on.

    One query whatever the answer, so that what is not yours costs the same work as what is not there.
    """
    return _people(who, known_to(who))


def ever_known_people(who: Actor) -> Select[Case, Person]:
    """The same, with the people of whom nothing but the plain facts is left."""
    return _people(who, ever_known_to(who))


def _people(who: Actor, cases: Select[Case]) -> Select[Case, Person]:
    known = cases.order_by(None).with_only_columns(Case.id)
    query = select(Case, Person).join(Person, Person.case == Case.id).where(Case.id.in_(known))
    if who.role is Role.LIAISON:
        query = query.where(Person.id.in_(_named(who, "person")))
    return query.order_by(Person.number)


def people_known_to(who: Actor, case: UUID) -> Select[Person]:
    """The people of one case that this officer may know of."""
    return known_people(who).where(Case.id == case).with_only_columns(Person)


def known_to(who: Actor) -> Select[Case]:
    """The cases this officer may know of and whose records were not destroyed."""
    return ever_known_to(who).where(Case.destroyed_on.is_(None))


def ever_known_to(who: Actor) -> Select[Case]:
    """The cases this officer may know of: all for who runs the programme, else those they are named on."""
    query = select(Case).order_by(Case.opened_at.desc(), Case.code)
    if who.role in {Role.COORDINATOR, Role.DEPUTY}:
        return query
    if who.role is Role.LIAISON:
        return query.where(Case.id.in_(select(Person.case).where(Person.id.in_(_named(who, "person")))))
    if who.role in {Role.INSPECTOR, Role.CLERK}:
        return query.where(Case.id.in_(_named(who, "case")))
    return query.where(false())


def _named(who: Actor, kind: str) -> Select[UUID]:
    """The ids of the subjects of one kind on which this officer is named."""
    return select(Assignment.subject_id).where(
        Assignment.officer == who.officer, Assignment.ended_at.is_(None), Assignment.kind == kind
    )


def hold_still(db: Session, case: UUID) -> None:
    """Let nobody else name officers on a case, or add people to it, until this act is kept.

    Otherwise an officer who is named while a person is added would lack that person's keys.
    """
    db.execute(select(Case.id).where(Case.id == case).with_for_update()).one()
