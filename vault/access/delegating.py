"""Namings in another officer's stead: made for a time, and ended with what they were made for.

Ending one takes seals away and opens nothing, so anybody's next step can do it; beginning one seals, and only
an officer who holds the keys can.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from vault.access import seals
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.models import Assignment, Delegation, DelegationEnd, Lockbox, SealRow
from vault.database import RecordedSession
from vault.running import Trust
from vault.settings import Settings


def unit_day(settings: Settings, now: datetime) -> date:
    """The day on the unit's own calendar: a last day ends at its midnight."""
    return now.astimezone(ZoneInfo(settings.time_zone)).date()


def running_of(db: Session, officers: Iterable[UUID]) -> dict[UUID, Delegation]:
    """The delegation that runs for each of these officers who is away, by the officer; one question."""
    query = select(Delegation).where(
        Delegation.officer.in_(set(officers)),
        Delegation.begun_at.is_not(None),
        Delegation.ended_at.is_(None),
    )
    return {delegation.officer: delegation for delegation in db.scalars(query)}


def stand_in(
    db: RecordedSession, who: Actor, trust: Trust, delegation: Delegation, naming: Assignment, now: datetime
) -> None:
    """Name the delegate where the officer who is away is named, until the last day, with the seals of it.

    Raises NotKnown when the one who does it does not hold the keys.
    """
    own = Assignment(
        id=uuid4(),
        kind=naming.kind,
        subject_id=naming.subject_id,
        officer=delegation.delegate,
        role=naming.role,
        since=now,
        delegation=delegation.id,
        ends_on=delegation.until_on,
    )
    seals.keep_naming(db, who, trust, own, now)
    record(
        db,
        Event.OFFICER_NAMED,
        who=who,
        now=now,
        subjects=_about(db, own),
        facts={"role": own.role, "until": delegation.until_on},
    )


def _about(db: Session, naming: Assignment) -> list[str]:
    """What an entry of a naming is about: the case of a person too, and the officer."""
    case = db.scalars(select(Lockbox.case).where(Lockbox.subject == naming.subject).limit(1)).first()
    cases = [f"case:{case}"] if case else []
    return list(dict.fromkeys([*cases, naming.subject, f"officer:{naming.officer}"]))


def parties(delegation: Delegation) -> list[str]:
    """The two officers as entries name them, the one who is away first."""
    return [f"officer:{delegation.officer}", f"officer:{delegation.delegate}"]


def end(
    db: RecordedSession, who: Actor | None, delegation: Delegation, how: DelegationEnd, now: datetime
) -> None:
    """End a delegation: what was named by it is named no more, and the seals go with it.

    A naming that the delegate has in their own right, or by another delegation, stays with its seals.
    """
    made = list(
        db.scalars(
            select(Assignment)
            .where(Assignment.delegation == delegation.id, Assignment.ended_at.is_(None))
            .order_by(Assignment.id)
        )
    )
    seals.end_namings(db, made, now)
    delegation.ended_at, delegation.end = now, how
    record(
        db,
        Event.DELEGATION_ENDED,
        who=who,
        now=now,
        subjects=parties(delegation),
        facts={"how": how, "namings": len(made), "until": delegation.until_on},
    )
    _tell_unnamed(db, who, made, now)


def _tell_unnamed(db: RecordedSession, who: Actor | None, ended: Sequence[Assignment], now: datetime) -> None:
    """Say of each naming that ended that its officer is off, unless they are named there otherwise."""
    officers = {naming.officer for naming in ended}
    still = select(Assignment.officer, Assignment.kind, Assignment.subject_id).where(
        Assignment.officer.in_(officers), Assignment.ended_at.is_(None)
    )
    left = {tuple(row) for row in db.execute(still)}
    for naming in ended:
        if (naming.officer, naming.kind, naming.subject_id) not in left:
            about, facts = _about(db, naming), {"role": naming.role}
            record(db, Event.OFFICER_UNNAMED, who=who, now=now, subjects=about, facts=facts)


def end_of(db: RecordedSession, who: Actor | None, officer: UUID, now: datetime) -> None:
    """End every delegation in which this officer is away or stands in, because their access changes.

    What they hold and what is unmade is held still at once, in the order of every other act.
    """
    query = select(Delegation).where(
        Delegation.ended_at.is_(None), or_(Delegation.officer == officer, Delegation.delegate == officer)
    )
    found = db.scalars(query.order_by(Delegation.id).with_for_update()).all()
    if not found:
        return
    made = db.scalars(
        select(Assignment).where(Assignment.delegation.in_({delegation.id for delegation in found}))
    ).all()
    held = select(SealRow.key).where(SealRow.holder == officer, SealRow.key_kind == "lockbox")
    seals.lock_boxes(db, or_(seals.reached_by(made), Lockbox.id.in_(held)))
    for delegation in found:
        end(db, who, delegation, DelegationEnd.ACCESS_ENDED, now)


def end_lapsed(db: RecordedSession, today: date, now: datetime) -> int:
    """End every delegation whose last day is over; return how many. One that somebody else ends is passed by.

    Nobody is said to have done it: the day did.
    """
    query = select(Delegation).where(Delegation.ended_at.is_(None), Delegation.until_on < today)
    query = query.order_by(Delegation.id).with_for_update(skip_locked=True)
    lapsed = db.scalars(query.execution_options(populate_existing=True)).all()
    for delegation in lapsed:
        end(db, None, delegation, DelegationEnd.OVER, now)
    return len(lapsed)


def follow(db: RecordedSession, who: Actor, naming: Assignment, now: datetime) -> None:
    """End what stands in for a naming that just ended: nobody stands in for who is off the case."""
    away = select(Delegation.id).where(Delegation.officer == naming.officer)
    query = select(Assignment).where(
        Assignment.kind == naming.kind,
        Assignment.subject_id == naming.subject_id,
        Assignment.ended_at.is_(None),
        Assignment.delegation.in_(away),
    )
    made = db.scalars(query.order_by(Assignment.id)).all()
    if made:
        seals.end_namings(db, made, now)
        _tell_unnamed(db, who, made, now)
