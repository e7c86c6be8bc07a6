"""Adding partner agencies and the officials to call there; drafting and signing memoranda with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.policy import Compartment
from vault.agencies.models import Agency, Contact, Memorandum, Party
from vault.database import RecordedSession
from vault.errors import NotKnown, RuleForbids
from vault.vocabulary import AgencyKind, MemorandumState

LONGEST_TERM_DAYS = 5 * 366
"""A memorandum is looked at again at the latest after five years."""


@dataclass(frozen=True)
class AgencyFacts:
    """What is known of an agency; an empty address or telephone is unknown."""

    name: str
    kind: AgencyKind
    address: str
    telephone: str


@dataclass(frozen=True)
class ContactFacts:
    """An official of an agency; all but name and telephone may be empty."""

    name: str
    position: str
    telephone: str
    after_hours: str
    email: str


@dataclass(frozen=True)
class MemorandumFacts:
    """What a memorandum says: its parties beside the programme, and what may be shared under it."""

    title: str
    parties: tuple[UUID, ...]
    shared: tuple[Compartment, ...]
    terms: str


def get(db: Session, agency: UUID) -> Agency:
    """The agency. Raises NotKnown."""
    found = db.get(Agency, agency)
    if found is None:
        raise NotKnown
    return found


def get_memorandum(db: Session, memorandum: UUID) -> Memorandum:
    """The memorandum. Raises NotKnown."""
    found = db.get(Memorandum, memorandum)
    if found is None:
        raise NotKnown
    return found


def _check_name(db: Session, name: str, agency: UUID | None) -> None:
    query = select(Agency.id).where(func.lower(Agency.name) == name.lower())
    if any(found != agency for found in db.scalars(query)):
        raise RuleForbids("An agency of this name is here already. Open it instead, or tell the two apart.")


def add(db: RecordedSession, who: Actor, facts: AgencyFacts, today: date, now: datetime) -> Agency:
    """Add a partner agency. Raises RuleForbids when its name is taken."""
    _check_name(db, facts.name, None)
    agency = Agency(
        id=uuid4(),
        name=facts.name,
        kind=facts.kind,
        address=facts.address,
        telephone=facts.telephone,
        added_on=today,
    )
    db.add(agency)
    record(db, Event.AGENCY_ADDED, who=who, now=now, subjects=[agency.subject], facts={"kind": agency.kind})
    return agency


def change(db: RecordedSession, who: Actor, agency: Agency, facts: AgencyFacts, now: datetime) -> None:
    """Correct what is known of an agency. Raises RuleForbids when the new name is taken."""
    _check_name(db, facts.name, agency.id)
    agency.name, agency.kind = facts.name, facts.kind
    agency.address, agency.telephone = facts.address, facts.telephone
    told = {"change": "facts", "kind": agency.kind}
    record(db, Event.AGENCY_CHANGED, who=who, now=now, subjects=[agency.subject], facts=told)


def add_contact(
    db: RecordedSession, who: Actor, agency: Agency, facts: ContactFacts, now: datetime
) -> Contact:
    """Add an official who can be called."""
    contact = Contact(
        id=uuid4(),
        agency=agency.id,
        name=facts.name,
        position=facts.position,
        telephone=facts.telephone,
        after_hours=facts.after_hours,
        email=facts.email,
        ended_on=None,
    )
    db.add(contact)
    told = {"change": "contact-added"}
    record(db, Event.AGENCY_CHANGED, who=who, now=now, subjects=[agency.subject], facts=told)
    return contact


def end_contact(
    db: RecordedSession, who: Actor, agency: Agency, contact: UUID, today: date, now: datetime
) -> None:
    """Take an official off the list; the row stays, so that the past can be read. Raises NotKnown."""
    found = db.get(Contact, contact)
    if found is None or found.agency != agency.id or found.ended_on is not None:
        raise NotKnown
    found.ended_on = today
    told = {"change": "contact-ended"}
    record(db, Event.AGENCY_CHANGED, who=who, now=now, subjects=[agency.subject], facts=told)


def _set_parties(db: RecordedSession, memorandum: Memorandum, parties: Sequence[UUID]) -> None:
    kept = {row.agency: row for row in db.scalars(select(Party).where(Party.memorandum == memorandum.id))}
    for agency in parties:
        if agency not in kept:
            db.add(Party(id=uuid4(), memorandum=memorandum.id, agency=get(db, agency).id))
    for agency, row in kept.items():
        if agency not in parties:
            db.delete(row)


def _tell(
    db: RecordedSession,
    event: Event,
    who: Actor,
    memorandum: Memorandum,
    facts: Mapping[str, int | date],
    now: datetime,
) -> None:
    db.flush()
    parties = db.scalars(select(Party.agency).where(Party.memorandum == memorandum.id)).all()
    subjects = [memorandum.subject, *(f"agency:{agency}" for agency in parties)]
    record(db, event, who=who, now=now, subjects=subjects, facts=facts)


def draft(db: RecordedSession, who: Actor, facts: MemorandumFacts, today: date, now: datetime) -> Memorandum:
    """Draft a memorandum. Raises NotKnown for a party that is no agency here."""
    memorandum = Memorandum(
        id=uuid4(),
        title=facts.title,
        shared=list(facts.shared),
        terms=facts.terms,
        drafted_on=today,
        signed_on=None,
        renew_by=None,
        version=1,
    )
    db.add(memorandum)
    db.flush()
    _set_parties(db, memorandum, facts.parties)
    _tell(db, Event.MEMORANDUM_DRAFTED, who, memorandum, {"shared": len(facts.shared)}, now)
    return memorandum


def redraft(
    db: RecordedSession,
    who: Actor,
    memorandum: Memorandum,
    facts: MemorandumFacts,
    today: date,
    now: datetime,
) -> None:
    """Change a draft. Raises RuleForbids once it was signed: what was signed stays as it was."""
    if memorandum.state_on(today) is not MemorandumState.DRAFT:
        raise RuleForbids("This memorandum was signed, so its words stay. Draft a new one and sign that.")
    memorandum.title, memorandum.terms = facts.title, facts.terms
    memorandum.shared, memorandum.version = list(facts.shared), memorandum.version + 1
    _set_parties(db, memorandum, facts.parties)
    _tell(db, Event.MEMORANDUM_CHANGED, who, memorandum, {"shared": len(facts.shared)}, now)


def sign(
    db: RecordedSession,
    who: Actor,
    memorandum: Memorandum,
    signed_on: date,
    renew_by: date,
    today: date,
    now: datetime,
) -> None:
    """Record that all parties signed, or signed again to renew; RuleForbids for days that cannot be."""
    if signed_on > today:
        raise RuleForbids("The day of signing is still to come. Record it once everybody has signed.")
    if memorandum.signed_on is not None and signed_on <= memorandum.signed_on:
        raise RuleForbids("This is not after the last signing. Give the day on which it was signed again.")
    if not signed_on < renew_by or (renew_by - signed_on).days > LONGEST_TERM_DAYS:
        raise RuleForbids("Set the renewal after the day of signing, and within five years of it.")
    memorandum.signed_on, memorandum.renew_by = signed_on, renew_by
    memorandum.version += 1
    told = {"signed-on": signed_on, "renew-by": renew_by}
    _tell(db, Event.MEMORANDUM_SIGNED, who, memorandum, told, now)
