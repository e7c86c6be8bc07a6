"""What is done in a case: opening it, naming officers, adding people, changing records, moving on."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crypto.columns import put
from vault.access import custody, seals
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.policy import MATRIX, Compartment, Hold, Role
from vault.access.reading import Value, fields_of
from vault.cases import listing
from vault.cases.models import (
    Case,
    DangerArea,
    Note,
    Person,
    ThreatAssessment,
    Whereabouts,
    ever_known_people,
    ever_known_to,
    hold_still,
)
from vault.database import RecordedSession
from vault.errors import NotKnown, RecordsDestroyed, RuleForbids
from vault.referrals.actions import next_code
from vault.referrals.models import Referral
from vault.running import Trust
from vault.vocabulary import NEXT_CASE_STATES, CaseState, Flag, NoteKind, Position, ReferralState, ThreatLevel

OF_CASE = (Compartment.LOCATION, Compartment.THREAT, Compartment.CASEWORK, Compartment.FINANCE)
"""The compartments that a case has once; each person has the others."""
OF_PERSON = (Compartment.IDENTITY, Compartment.COVER, Compartment.HEALTH, Compartment.SUPERVISION)
REVIEW_DAYS = 90


def get(db: Session, who: Actor, case: UUID) -> Case:
    """The case, if this officer may know of it. Raises NotKnown, and RecordsDestroyed."""
    found = find(db, who, case)
    if found.destroyed_on is not None:
        raise RecordsDestroyed(found.destroyed_on)
    return found


def find(db: Session, who: Actor, case: UUID) -> Case:
    """The case, also when nothing but its plain facts is left of it. Raises NotKnown."""
    found = db.scalars(ever_known_to(who).where(Case.id == case)).first()
    if found is None:
        raise NotKnown
    return found


def get_person(db: Session, who: Actor, person: UUID) -> tuple[Case, Person]:
    """The person and their case, if this officer may know of them. Raises NotKnown, and RecordsDestroyed."""
    found = db.execute(ever_known_people(who).where(Person.id == person)).first()
    if found is None:
        raise NotKnown
    if found[0].destroyed_on is not None:
        raise RecordsDestroyed(found[0].destroyed_on)
    return found[0], found[1]


def open_case(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    referral: Referral,
    ceiling_cents: int,
    period_ends_on: date,
    now: datetime,
) -> Case:
    """Open the case of a certified referral, with its lockboxes and the witness as its first person."""
    if referral.state is not ReferralState.CERTIFIED:
        raise RuleForbids("A case is opened when its referral is certified. Record the decisions first.")
    if db.scalars(select(Case).where(Case.referral == referral.id)).first() is not None:
        raise RuleForbids("A case is open for this referral already.")
    case = Case(
        id=uuid4(),
        code=next_code(db, Case, "WP", now),
        referral=referral.id,
        state=CaseState.CERTIFIED,
        emergency=referral.urgent,
        opened_at=now,
        ceiling_cents=ceiling_cents,
        period_ends_on=period_ends_on,
    )
    db.add(case)
    db.flush()
    _lay_out(db, who, trust, case, now)
    record(
        db,
        Event.CASE_OPENED,
        who=who,
        now=now,
        subjects=[case.subject, f"referral:{referral.id}"],
        facts={"code": case.code, "ceiling-cents": ceiling_cents, "period-ends-on": period_ends_on},
    )
    add_person(db, who, trust, case, Position.WITNESS, Flag.CHILD in referral.flags, now)
    return case


def _lay_out(db: RecordedSession, who: Actor, trust: Trust, case: Case, now: datetime) -> None:
    """Make the case's own lockboxes, and its one row of where the household is."""
    sealers = seals.new_lockboxes(db, who, trust, case.subject, case.id, OF_CASE, now)
    whereabouts = Whereabouts(id=uuid4(), case=case.id)
    for name in fields_of(whereabouts, Compartment.LOCATION):
        put(whereabouts, name, None, sealers[Compartment.LOCATION])
    db.add(whereabouts)


def add_person(
    db: RecordedSession, who: Actor, trust: Trust, case: Case, position: Position, minor: bool, now: datetime
) -> Person:
    """Add a member of the household, with lockboxes sealed to exactly those who hold the case's."""
    hold_still(db, case.id)
    number = (db.scalar(select(func.max(Person.number)).where(Person.case == case.id)) or 0) + 1
    person = Person(id=uuid4(), case=case.id, number=number, position=position, minor=minor, added_at=now)
    sealers = seals.new_lockboxes(db, who, trust, person.subject, case.id, OF_PERSON, now)
    for compartment, sealer in sealers.items():
        for name in fields_of(person, compartment):
            put(person, name, None, sealer)
    db.add(person)
    record(
        db,
        Event.PERSON_ADDED,
        who=who,
        now=now,
        subjects=[case.subject, person.subject],
        facts={"position": position, "minor": minor},
    )
    return person


def change_record(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    case: Case,
    row: Any,
    compartment: Compartment,
    values: Mapping[str, Value],
    now: datetime,
) -> None:
    """Seal new values into one compartment of a person or of the case's whereabouts."""
    if MATRIX[compartment][who.role] is Hold.NEVER:
        raise NotKnown
    sealer = custody.sealer(db, who, trust, row.lockbox_subject(compartment), compartment)
    for name in fields_of(row, compartment):
        put(row, name, values[name], sealer)
    db.flush()
    listing.leave(db, trust, row, compartment, values, now)
    record(
        db,
        Event.RECORD_CHANGED,
        who=who,
        now=now,
        subjects=[case.subject, row.lockbox_subject(compartment)],
        compartment=compartment,
        fields=[f"{type(row).__name__.lower()}.{name}" for name in sorted(values)],
    )


def whereabouts_of(db: Session, case: Case) -> Whereabouts:
    """The case's one row of where the household is."""
    return db.scalars(select(Whereabouts).where(Whereabouts.case == case.id)).one()


def _append(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    case: Case,
    row: Any,
    compartment: Compartment,
    values: Mapping[str, Value],
) -> None:
    sealer = custody.sealer(db, who, trust, case.subject, compartment)
    for name in fields_of(row, compartment):
        put(row, name, values[name], sealer)
    db.add(row)


def add_note(
    db: RecordedSession, who: Actor, trust: Trust, case: Case, kind: NoteKind, text: str, now: datetime
) -> Note:
    """Add a case note. Notes are never changed."""
    note = Note(id=uuid4(), case=case.id, at=now, author=who.officer, kind=kind)
    _append(db, who, trust, case, note, Compartment.CASEWORK, {"text": text})
    record(
        db,
        Event.NOTE_ADDED,
        who=who,
        now=now,
        subjects=[case.subject],
        compartment=Compartment.CASEWORK,
        fields=["note.text"],
        facts={"kind": kind},
    )
    return note


def assess_threat(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    case: Case,
    level: ThreatLevel,
    values: Mapping[str, Value],
    now: datetime,
) -> ThreatAssessment:
    """Record an officer's judgement of the danger, to be looked at again within 90 days."""
    assessment = ThreatAssessment(
        id=uuid4(),
        case=case.id,
        at=now,
        author=who.officer,
        level=level,
        review_on=(now + timedelta(days=REVIEW_DAYS)).date(),
    )
    _append(db, who, trust, case, assessment, Compartment.THREAT, values)
    record(
        db,
        Event.THREAT_ASSESSED,
        who=who,
        now=now,
        subjects=[case.subject],
        compartment=Compartment.THREAT,
        fields=[f"threatassessment.{name}" for name in sorted(values)],
        facts={"level": level},
    )
    return assessment


def add_danger_area(
    db: RecordedSession, who: Actor, trust: Trust, case: Case, values: Mapping[str, Value], now: datetime
) -> DangerArea:
    """Mark a place that the household must stay away from; searches for housing keep their distance."""
    area = DangerArea(id=uuid4(), case=case.id, at=now)
    _append(db, who, trust, case, area, Compartment.THREAT, values)
    record(
        db,
        Event.RECORD_CHANGED,
        who=who,
        now=now,
        subjects=[case.subject],
        compartment=Compartment.THREAT,
        fields=[f"dangerarea.{name}" for name in sorted(values)],
    )
    return area


def move(db: RecordedSession, who: Actor, case: Case, to: CaseState, now: datetime) -> None:
    """Move a case to a state that may follow. Ending protection is the deputy's decision."""
    if to not in NEXT_CASE_STATES[case.state]:
        raise RuleForbids(
            f"A case that is “{case.state.label.lower()}” cannot become “{to.label.lower()}” next."
        )
    if to in {CaseState.ENDING, CaseState.CLOSED} and who.role is not Role.DEPUTY:
        raise RuleForbids("The deputy decides when protection ends. Ask the deputy to record it.")
    before, case.state = case.state, to
    if to is CaseState.AGREED:
        case.agreed_on = now.date()
    if to is CaseState.CLOSED:
        case.closed_on = now.date()
    record(db, Event.CASE_MOVED, who=who, now=now, subjects=[case.subject], facts={"from": before, "to": to})
