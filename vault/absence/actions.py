"""Asking for a stand-in, arranging one, letting it begin, and ending it before its day.

The officer who is away keeps their own namings and seals: an absence is no suspicion, and on the day they
come back there may be no coordinator to seal everything to them again. Whoever should lose keys loses access.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from audit.entries import Fact
from vault.access import delegating, seals
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.models import Assignment, Delegation, DelegationEnd, DelegationState
from vault.access.policy import Permission, Role
from vault.cases.models import Case, Person, hold_still
from vault.database import RecordedSession
from vault.errors import NotKnown, RuleForbids
from vault.officers.models import Officer, OfficerState
from vault.running import Trust

DELEGABLE = (Role.INSPECTOR, Role.CLERK, Role.LIAISON)
"""The roles that are named on cases and people; the others share what they hold with their colleagues."""

MOST_WAITING = 5
"""So many requests of one officer wait for the coordinators at most: desks must not be flooded."""


@dataclass(frozen=True)
class Terms:
    """Who stands in for whom, from when until when, both included; `subjects` None stands for everything."""

    officer: UUID
    delegate: UUID
    from_on: date
    until_on: date
    subjects: tuple[str, ...] | None


def own_namings(db: Session, officer: UUID) -> list[Assignment]:
    """The cases and people that an officer is named on in their own right, not in another's stead."""
    query = select(Assignment).where(
        Assignment.officer == officer,
        Assignment.ended_at.is_(None),
        Assignment.kind.in_(("case", "person")),
        Assignment.delegation.is_(None),
    )
    return list(db.scalars(query.order_by(Assignment.since, Assignment.id)))


def known_to(who: Actor) -> Select[Delegation]:
    """The delegations that this officer may know of: a coordinator all, others those of their own."""
    query = select(Delegation).order_by(Delegation.from_on.desc(), Delegation.id)
    if who.may(Permission.ARRANGE_ABSENCE):
        return query
    return query.where(or_(Delegation.officer == who.officer, Delegation.delegate == who.officer))


def get(db: Session, who: Actor, delegation: UUID) -> Delegation:
    """One of them. Raises NotKnown for another's and for none alike."""
    found = db.scalars(known_to(who).where(Delegation.id == delegation)).first()
    if found is None:
        raise NotKnown
    return found


def held(db: Session, who: Actor, delegation: UUID) -> Delegation:
    """The same, standing still until this act is kept, so that of two acts on it the second waits.

    Its officers are held first, as whoever ends an officer's access does. Raises NotKnown.
    """
    found = get(db, who, delegation)
    _hold_officers(db, {found.officer, found.delegate})
    query = known_to(who).where(Delegation.id == delegation).with_for_update()
    return db.scalars(query.execution_options(populate_existing=True)).one()


def _hold_officers(db: Session, officers: set[UUID]) -> dict[UUID, Officer]:
    both = select(Officer).where(Officer.id.in_(officers)).order_by(Officer.id)
    rows = db.scalars(both.with_for_update(key_share=True).execution_options(populate_existing=True))
    return {officer.id: officer for officer in rows}


def _held(db: Session, terms: Terms) -> tuple[Officer, Officer]:
    """The two officers, held still so that nobody arranges anything else for them meanwhile."""
    found = _hold_officers(db, {terms.officer, terms.delegate})
    if terms.officer == terms.delegate:
        raise RuleForbids("Nobody stands in for themselves. Choose a colleague.")
    if len(found) != len({terms.officer, terms.delegate}):
        raise NotKnown
    return found[terms.officer], found[terms.delegate]


def _check(db: Session, terms: Terms, most_days: int, today: date, but: UUID | None) -> None:
    """Raise RuleForbids, in words, for terms that cannot be. `but` is the delegation that they are of."""
    officer, delegate = _held(db, terms)
    if officer.role not in DELEGABLE:
        raise RuleForbids("Inspectors, clerks and liaisons are named on cases; others need no stand-in.")
    if {officer.state, delegate.state} != {OfficerState.ACTIVE}:
        raise RuleForbids("Choose two officers whose access is active.")
    if officer.role is not delegate.role:
        raise RuleForbids("Choose a colleague of the same role: each role holds other keys.")
    _check_days(terms, most_days, today)
    _check_others(db, terms, officer, delegate, but)
    own = {naming.subject for naming in own_namings(db, terms.officer)}
    if not own:
        raise RuleForbids(f"{officer.full_name} is named on nothing, so there is nothing to pass on.")
    if terms.subjects is not None and not terms.subjects:
        raise RuleForbids("Choose what is passed on, or pass on everything.")
    if not own.issuperset(terms.subjects or ()):
        raise RuleForbids(f"{officer.full_name} is not named on all of that any more. Choose again.")


def _check_days(terms: Terms, most_days: int, today: date) -> None:
    if terms.from_on < today:
        raise RuleForbids("The first day is over. Let it begin today or later.")
    if terms.until_on < terms.from_on:
        raise RuleForbids("The last day comes before the first. Correct one of them.")
    if terms.until_on - terms.from_on >= timedelta(days=most_days):
        raise RuleForbids(
            f"A stand-in lasts {most_days} days at most. Choose an earlier last day; it can be arranged anew."
        )


def _check_others(db: Session, terms: Terms, officer: Officer, delegate: Officer, but: UUID | None) -> None:
    """Nobody is away twice on one day, or stands in while away; what was passed on is not passed on again."""
    parties = {terms.officer, terms.delegate}
    query = select(Delegation).where(
        Delegation.ended_at.is_(None),
        Delegation.from_on <= terms.until_on,
        Delegation.until_on >= terms.from_on,
        or_(Delegation.officer.in_(parties), Delegation.delegate == terms.officer),
    )
    for other in db.scalars(query):
        if other.id == but:
            continue
        days = f"from {told(other.from_on)} to {told(other.until_on)}"
        if other.delegate == terms.officer:
            raise RuleForbids(
                f"{officer.full_name} stands in for a colleague {days}, and what was passed on is not passed "
                "on again. End that first, or choose other days."
            )
        away = officer if other.officer == terms.officer else delegate
        raise RuleForbids(f"{away.full_name} is away {days}. End that first, or choose other days.")


def told(day: date) -> str:
    """A day as a sentence says it."""
    return f"{day:%b} {day.day}, {day.year}"


def _made(terms: Terms, who: Actor, now: datetime) -> Delegation:
    return Delegation(
        id=uuid4(),
        officer=terms.officer,
        delegate=terms.delegate,
        from_on=terms.from_on,
        until_on=terms.until_on,
        is_whole=terms.subjects is None,
        subjects=sorted(terms.subjects or ()),
        asked_by=who.officer,
        asked_at=now,
    )


def _record(db: RecordedSession, event: Event, who: Actor, delegation: Delegation, now: datetime) -> None:
    about = delegating.parties(delegation)
    facts: dict[str, Fact] = {
        "from": delegation.from_on,
        "until": delegation.until_on,
        "whole": delegation.is_whole,
    }
    record(db, event, who=who, now=now, subjects=about, facts=facts)


def ask(
    db: RecordedSession, who: Actor, terms: Terms, most_days: int, today: date, now: datetime
) -> Delegation:
    """Ask for a stand-in for oneself; nothing is passed on before a coordinator arranges it.

    Raises RuleForbids for terms that cannot be, for anybody but oneself, and while too many others wait.
    """
    if terms.officer != who.officer:
        raise RuleForbids("You can ask for a stand-in for yourself.")
    _check(db, terms, most_days, today, None)
    waiting = select(func.count()).where(
        Delegation.officer == who.officer, Delegation.arranged_at.is_(None), Delegation.ended_at.is_(None)
    )
    if (db.scalar(waiting) or 0) >= MOST_WAITING:
        raise RuleForbids(f"{MOST_WAITING} of your requests wait for an answer. Withdraw one of them first.")
    delegation = _made(terms, who, now)
    db.add(delegation)
    _record(db, Event.DELEGATION_ASKED, who, delegation, now)
    return delegation


def arrange(
    db: RecordedSession, who: Actor, trust: Trust, terms: Terms, most_days: int, today: date, now: datetime
) -> Delegation:
    """Arrange a stand-in that nobody asked for, as for an officer who fell ill; it begins on its first day.

    One whose first day is today begins in the same act. Raises RuleForbids for terms that cannot be.
    """
    _check(db, terms, most_days, today, None)
    delegation = _made(terms, who, now)
    db.add(delegation)
    _arranged(db, who, trust, delegation, today, now)
    return delegation


def agree(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    delegation: Delegation,
    most_days: int,
    today: date,
    now: datetime,
) -> None:
    """Arrange what an officer asked for. Raises RuleForbids when it cannot be any more."""
    if delegation.state is not DelegationState.ASKED:
        raise RuleForbids("This is arranged already, or has ended.")
    subjects = None if delegation.is_whole else tuple(delegation.subjects)
    # What was asked for in time and not seen to in time begins today.
    first = max(delegation.from_on, today)
    terms = Terms(delegation.officer, delegation.delegate, first, delegation.until_on, subjects)
    _check(db, terms, most_days, today, delegation.id)
    delegation.from_on = first
    _arranged(db, who, trust, delegation, today, now)


def _arranged(
    db: RecordedSession, who: Actor, trust: Trust, delegation: Delegation, today: date, now: datetime
) -> None:
    delegation.arranged_by, delegation.arranged_at = who.officer, now
    _record(db, Event.DELEGATION_ARRANGED, who, delegation, now)
    if delegation.from_on <= today:
        begin(db, who, trust, delegation, today, now)


def _covered(db: Session, delegation: Delegation) -> list[Assignment]:
    namings = own_namings(db, delegation.officer)
    return [naming for naming in namings if delegation.is_whole or naming.subject in delegation.subjects]


def _hold_cases(db: Session, namings: Sequence[Assignment]) -> None:
    """Let nobody add people to these cases meanwhile: the delegate would lack their keys."""
    people = {naming.subject_id for naming in namings if naming.kind == "person"}
    cases = {naming.subject_id for naming in namings if naming.kind == "case"}
    cases |= set(db.scalars(select(Person.case).where(Person.id.in_(people))))
    for case in sorted(db.scalars(select(Case.id).where(Case.id.in_(cases)))):
        hold_still(db, case)


def begin(
    db: RecordedSession, who: Actor, trust: Trust, delegation: Delegation, today: date, now: datetime
) -> None:
    """Name the delegate on everything that is passed on, with the seals of it.

    A coordinator does it, who holds the keys: on the first day or, if none was here then, on a later one.
    Raises RuleForbids before the first day, after the last one, and when it began already.
    """
    if delegation.state is not DelegationState.ARRANGED:
        raise RuleForbids("This has begun already, has ended, or was not arranged.")
    if not delegation.from_on <= today <= delegation.until_on:
        raise RuleForbids("It begins on its first day, and not after its last.")
    namings = _covered(db, delegation)
    _hold_cases(db, namings)
    seals.lock_boxes(db, seals.reached_by(namings))
    delegation.begun_at = now
    _record(db, Event.DELEGATION_BEGUN, who, delegation, now)
    for naming in namings:
        delegating.stand_in(db, who, trust, delegation, naming, now)


def end_early(db: RecordedSession, who: Actor, delegation: Delegation, now: datetime) -> None:
    """End a delegation before its last day, or decline one that was asked for. Raises RuleForbids."""
    if delegation.state is DelegationState.ENDED:
        raise RuleForbids("This has ended already.")
    asked = delegation.state is DelegationState.ASKED
    delegating.end(db, who, delegation, DelegationEnd.DECLINED if asked else DelegationEnd.CALLED_OFF, now)


def withdraw(db: RecordedSession, who: Actor, delegation: Delegation, now: datetime) -> None:
    """Take back what one asked for, before it is arranged. Raises RuleForbids afterwards."""
    if delegation.state is not DelegationState.ASKED or delegation.asked_by != who.officer:
        raise RuleForbids("This is arranged already. Ask the coordinator to end it.")
    delegating.end(db, who, delegation, DelegationEnd.WITHDRAWN, now)
