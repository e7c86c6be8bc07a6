"""Partner agencies, the officials to call there, and the memoranda of understanding with them.

Nothing here is sealed: an agency's name, its officials and their office telephones are plain operational
facts, found in any directory of the state, and no protected person is named or counted in them.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Date, ForeignKey, Integer, Select, String, UniqueConstraint, Uuid, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from vault.access.policy import Compartment
from vault.database import Base, Word, WordList
from vault.vocabulary import AgencyKind, MemorandumState


class Agency(Base):
    """A public body or organisation that the programme works with."""

    __tablename__ = "agencies"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[AgencyKind] = mapped_column(Word(AgencyKind))
    address: Mapped[str] = mapped_column(String(300))
    telephone: Mapped[str] = mapped_column(String(40))
    added_on: Mapped[date] = mapped_column(Date)
    version: Mapped[int] = mapped_column(Integer)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def subject(self) -> str:
        """How entries name the agency."""
        return f"agency:{self.id}"


class Contact(Base):
    """An official of an agency: whom to call about what, in and out of hours."""

    __tablename__ = "agency_contacts"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    agency: Mapped[UUID] = mapped_column("agency_id", Uuid, ForeignKey(Agency.id), index=True)
    name: Mapped[str] = mapped_column(String(80))
    position: Mapped[str] = mapped_column(String(80))
    telephone: Mapped[str] = mapped_column(String(40))
    after_hours: Mapped[str] = mapped_column(String(40))
    email: Mapped[str] = mapped_column(String(120))
    ended_on: Mapped[date | None] = mapped_column(Date)


class Memorandum(Base):
    """What the programme and its parties agreed on, what may be shared under it, and until when."""

    __tablename__ = "memoranda"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    title: Mapped[str] = mapped_column(String(120))
    shared: Mapped[list[Compartment]] = mapped_column(WordList(Compartment))
    terms: Mapped[str] = mapped_column(String(4000))
    drafted_on: Mapped[date] = mapped_column(Date)
    signed_on: Mapped[date | None] = mapped_column(Date)
    renew_by: Mapped[date | None] = mapped_column(Date)
    version: Mapped[int] = mapped_column(Integer)

    # Every act counts the version up itself, also one that changes only the parties.
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012

    @property
    def subject(self) -> str:
        """How entries name the memorandum."""
        return f"memorandum:{self.id}"

    def state_on(self, day: date) -> MemorandumState:
        """How it stands on a day: it holds up to and with the day by which it must be renewed."""
        if self.signed_on is None or self.renew_by is None:
            return MemorandumState.DRAFT
        return MemorandumState.EXPIRED if day > self.renew_by else MemorandumState.SIGNED


class Party(Base):
    """An agency that is a party to a memorandum; the programme itself always is."""

    __tablename__ = "memorandum_parties"
    __table_args__ = (UniqueConstraint("memorandum_id", "agency_id"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    memorandum: Mapped[UUID] = mapped_column("memorandum_id", Uuid, ForeignKey(Memorandum.id))
    agency: Mapped[UUID] = mapped_column("agency_id", Uuid, ForeignKey(Agency.id), index=True)


def in_order() -> Select[Agency]:
    """All agencies by name."""
    return select(Agency).order_by(Agency.name)


def contacts_of(db: Session, agency: UUID) -> list[Contact]:
    """The officials of an agency who can be called now."""
    query = select(Contact).where(Contact.agency == agency, Contact.ended_on.is_(None))
    return list(db.scalars(query.order_by(Contact.name)))


def memoranda_of(db: Session, agency: UUID) -> list[Memorandum]:
    """The memoranda to which an agency is a party, the one to renew first at the top, drafts last."""
    query = select(Memorandum).join(Party, Party.memorandum == Memorandum.id).where(Party.agency == agency)
    return list(db.scalars(query.order_by(Memorandum.renew_by.is_(None), Memorandum.renew_by)))


def all_memoranda(db: Session) -> list[Memorandum]:
    """Every memorandum, the one to renew first at the top, drafts last."""
    query = select(Memorandum).order_by(
        Memorandum.renew_by.is_(None), Memorandum.renew_by, Memorandum.drafted_on
    )
    return list(db.scalars(query))


def parties_of(db: Session, memoranda: Sequence[Memorandum]) -> dict[UUID, list[Agency]]:
    """The parties of each memorandum by name, in one query."""
    found: dict[UUID, list[Agency]] = {memorandum.id: [] for memorandum in memoranda}
    query = select(Party.memorandum, Agency).join(Agency, Agency.id == Party.agency)
    for memorandum, agency in db.execute(query.where(Party.memorandum.in_(found)).order_by(Agency.name)):
        found[memorandum].append(agency)
    return found
