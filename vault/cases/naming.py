"""Who works on a case: naming officers, taking them off, and the keys that go with it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.entries import Fact
from vault.access import delegating, seals
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.models import Assignment, Delegation
from vault.access.policy import Role
from vault.cases.models import Case, Person, hold_still, people_known_to
from vault.database import RecordedSession
from vault.errors import NotKnown, RuleForbids
from vault.officers.models import Officer, OfficerState
from vault.running import Trust


def name_with_stand_in(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    case: Case,
    officer: UUID,
    person: UUID | None,
    now: datetime,
) -> None:
    """Name an officer who is away, and who stands in for them until they are back.

    Raises RuleForbids as `name_officer` does, and when nobody stands in for them any more.
    """
    naming = name_officer(db, who, trust, case, officer, person, now)
    delegation = delegating.running_of(db, [officer]).get(officer)
    if delegation is None:
        raise RuleForbids("Nobody stands in for this officer any more. Name the officer alone.")
    delegating.stand_in(db, who, trust, delegation, naming, now)


def name_officer(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    case: Case,
    officer: UUID,
    person: UUID | None,
    now: datetime,
) -> Assignment:
    """Name an inspector or clerk on a case, or a liaison on one supervised person.

    The seals that the matrix gives them are made in the same act. Raises RuleForbids for any other officer.
    """
    hold_still(db, case.id)
    target = db.get(Officer, officer)
    if target is None or target.state is not OfficerState.ACTIVE:
        raise RuleForbids("Choose an officer whose access is active.")
    if target.role is Role.LIAISON:
        if person is None or db.get_one(Person, person).case != case.id:
            raise RuleForbids("A liaison is named on one supervised person. Choose the person.")
        subject = f"person:{person}"
    elif target.role in {Role.INSPECTOR, Role.CLERK}:
        subject = case.subject
    else:
        raise RuleForbids("Inspectors, clerks and liaisons are named on cases. Choose one of them.")
    if any(naming.delegation is None for naming in seals.live_assignments(db, subject, officer)):
        raise RuleForbids("This officer is named already.")
    assignment = seals.name_officer(db, who, trust, subject, officer, target.role, now)
    record(
        db,
        Event.OFFICER_NAMED,
        who=who,
        now=now,
        subjects=list(dict.fromkeys([case.subject, subject, f"officer:{officer}"])),
        facts={"role": target.role},
    )
    return assignment


def unname_officer(db: RecordedSession, who: Actor, case: Case, assignment: UUID, now: datetime) -> None:
    """Take an officer off the case: their seals go at once, and those of who stands in for them there."""
    found = db.get(Assignment, assignment)
    people = set(db.scalars(select(Person.id).where(Person.case == case.id)))
    if found is None or found.ended_at is not None or found.subject_id not in {case.id, *people}:
        raise NotKnown
    seals.end_namings(db, [found], now)
    about = list(dict.fromkeys([case.subject, found.subject, f"officer:{found.officer}"]))
    record(db, Event.OFFICER_UNNAMED, who=who, now=now, subjects=about, facts={"role": found.role})
    for left in seals.live_assignments(db, found.subject, found.officer):
        # They stay in a colleague's stead, and whoever follows namings by the ledger must hear of it.
        stays: dict[str, Fact] = {"role": left.role, "until": left.ends_on}
        record(db, Event.OFFICER_NAMED, who=who, now=now, subjects=about, facts=stays)
    delegating.follow(db, who, found, now)


def named_officers(db: Session, who: Actor, case: Case) -> list[tuple[Assignment, Officer]]:
    """Who is named now on the case, or on one of its people whom this officer may know of."""
    people = people_known_to(who, case.id).order_by(None).with_only_columns(Person.id)
    rows = db.execute(
        select(Assignment, Officer)
        .join(Officer, Officer.id == Assignment.officer)
        .where(Assignment.ended_at.is_(None))
        .where((Assignment.subject_id == case.id) | Assignment.subject_id.in_(people))
        .order_by(Assignment.since)
    ).all()
    return [(assignment, officer) for assignment, officer in rows]


def in_whose_stead(db: Session, namings: Iterable[Assignment]) -> dict[UUID, str]:
    """For whom the officers of these namings stand in, by the naming; one question."""
    wanted = {naming.id for naming in namings if naming.delegation is not None}
    query = (
        select(Assignment.id, Officer.full_name)
        .join(Delegation, Delegation.id == Assignment.delegation)
        .join(Officer, Officer.id == Delegation.officer)
        .where(Assignment.id.in_(wanted))
    )
    return dict(db.execute(query).all())


@dataclass(frozen=True)
class Away:
    """An officer who is away until the end of a day, and who stands in."""

    officer: str
    delegate: str
    until_on: date


def away(db: Session, officers: Iterable[UUID]) -> dict[UUID, Away]:
    """Those of these officers who are away now, by the officer; two questions."""
    found = delegating.running_of(db, officers)
    ids = {ident for one in found.values() for ident in (one.officer, one.delegate)}
    names = dict(db.execute(select(Officer.id, Officer.full_name).where(Officer.id.in_(ids))).all())
    return {
        one.officer: Away(names[one.officer], names[one.delegate], one.until_on) for one in found.values()
    }
