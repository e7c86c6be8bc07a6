"""What is done with stays on behalf of cases: each act of housing together with its entry in the ledger."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from audit.entries import Fact
from housing import actions as housing
from housing.matching import Wanted
from housing.models import House, Stay
from housing.separation import ConflictKind, conflicts
from housing.words import LIVE, HouseKind, Need, OverstayReason, StayReason, StayState
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.policy import Role
from vault.cases import actions as cases
from vault.cases.models import Case, known_to
from vault.database import RecordedSession
from vault.errors import NotKnown, RuleForbids
from vault.running import RunningVault
from vault.safehouses.models import kept_apart_from
from vault.settings import Settings
from vault.vocabulary import CaseState


@dataclass(frozen=True)
class Asked:
    """The days and people a place is asked for; `nights` after the first day they leave again.

    `miles` is the distance to keep from every danger area, None for merely outside.
    """

    from_on: date
    nights: int
    party: int
    single: bool
    miles: int | None

    @property
    def until_on(self) -> date:
        """The day on which they leave, which is still theirs."""
        return self.from_on + timedelta(days=self.nights)

    def wanted(
        self,
        kind: frozenset[HouseKind] | None,
        needs: frozenset[Need],
        excluded: frozenset[Need],
        settings: Settings,
    ) -> Wanted:
        """The same in the words of housing, with the turnaround that booking will ask for."""
        return Wanted(
            kind=kind,
            from_on=self.from_on,
            until_on=self.until_on,
            party=self.party,
            single=self.single,
            turnaround=settings.turnaround_days,
            needs=needs,
            excluded=excluded,
            farther_than_miles=None if self.miles is None else float(self.miles),
        )


def get_house(db: Session, house: UUID) -> House:
    """The house. Raises NotKnown."""
    found = db.get(House, house)
    if found is None:
        raise NotKnown
    return found


def get_stay(db: Session, who: Actor, stay: UUID) -> tuple[Stay, Case]:
    """The stay, its house and its case, if this officer may know of the case. Raises NotKnown."""
    found = db.scalars(select(Stay).where(Stay.id == stay)).first()
    # The case is asked for in any event, so that another's stay costs the same work as one that is not there.
    case = cases.get(db, who, case_of(found) if found else stay)
    if found is None:
        raise NotKnown
    # The house is read apart: PostgreSQL locks no row that was read through an outer join.
    db.refresh(found, ["house"])
    return found, case


def case_of(stay: Stay) -> UUID:
    """The case whose household stays."""
    return UUID(stay.occupant.removeprefix("case:"))


def placeable(db: Session, who: Actor) -> list[Case]:
    """The cases this officer may find a place for: those they may know of that are not closed."""
    return [case for case in db.scalars(known_to(who)) if case.state is not CaseState.CLOSED]


def live_stays(db: Session, known: Sequence[Case]) -> list[tuple[Stay, Case]]:
    """The stays held, booked or in progress of these cases, the earliest first."""
    by_subject = {case.subject: case for case in known}
    rows = db.scalars(
        select(Stay)
        .options(selectinload(Stay.house))
        .where(Stay.occupant.in_(by_subject), Stay.state.in_(LIVE))
        .order_by(Stay.from_on, Stay.id)
    )
    return [(stay, by_subject[stay.occupant]) for stay in rows]


def stays_in(db: Session, who: Actor, house: House) -> list[tuple[Stay, Case]]:
    """The house's stays of the cases this officer may know of, newest first; of others not even a count."""
    stays = list(db.scalars(select(Stay).where(Stay.house_id == house.id).order_by(Stay.from_on.desc())))
    ids = {case_of(stay) for stay in stays}
    known = {case.id: case for case in db.scalars(known_to(who).where(Case.id.in_(ids)))}
    return [(stay, known[case_of(stay)]) for stay in stays if case_of(stay) in known]


def release_holds(vault: RunningVault, now: datetime) -> int:
    """Let go of every hold whose time has run out, each in a transaction and an entry of its own.

    Search and booking do this first. Never call it inside `reading()` or `writing()`.
    """
    ran_out = (Stay.state == StayState.HELD, Stay.hold_expires_at <= now)
    with vault.reading() as db:
        ids = list(db.scalars(select(Stay.id).where(*ran_out).order_by(Stay.id)))
    released = 0
    for stay_id in ids:
        with vault.writing() as db:
            stay = db.scalars(select(Stay).where(Stay.id == stay_id, *ran_out)).first()
            if stay is not None:
                change_stay(
                    db, None, stay, lambda s: housing.cancel(db, s, StayReason.HOLD_EXPIRED, now), {}, now
                )
                released += 1
    return released


def hold_beds(
    db: RecordedSession, who: Actor, case: Case, house: House, asked: Asked, settings: Settings, now: datetime
) -> Stay:
    """Keep beds for a case until somebody confirms. Raises RuleForbids, or an error of housing in words."""
    if case.state is CaseState.CLOSED:
        raise RuleForbids("This case is closed, so nobody is placed for it.")
    stay = housing.hold(
        db,
        house,
        case.subject,
        asked.party,
        asked.single,
        asked.from_on,
        asked.until_on,
        settings.hold_minutes,
        settings.turnaround_days,
        now,
    )
    check_apart(db, stay, now)
    record(
        db,
        Event.STAY_HELD,
        who=who,
        now=now,
        subjects=[f"house:{house.id}", case.subject],
        facts={
            "from": asked.from_on,
            "until": asked.until_on,
            "party": asked.party,
            "single": asked.single,
            "expires-at": stay.hold_expires_at,
        },
    )
    return stay


def check_apart(db: Session, stay: Stay, now: datetime) -> None:
    """Raise RuleForbids if the stay brings two cases together that are kept apart.

    Asked while the house is locked, so that two cases cannot slip in beside each other at the same moment.
    """
    apart = kept_apart_from(db, case_of(stay))
    met = conflicts(
        db,
        [stay.house_id],
        stay.occupant,
        apart[ConflictKind.SEPARATED],
        apart[ConflictKind.SAME_PROSECUTION],
        stay.from_on,
        stay.until_on,
        now,
    )[stay.house_id]
    if met:
        raise RuleForbids(f"{met[0].kind.sentence}. Choose another place.")


def change_stay(
    db: RecordedSession,
    who: Actor | None,
    stay: Stay,
    act: Callable[[Stay], None],
    facts: dict[str, Fact],
    now: datetime,
) -> None:
    """Do one act of housing on a stay and record from which state to which it went."""
    before = stay.state
    act(stay)
    told: dict[str, Fact] = {"before": before.value, "after": stay.state.value, "until": stay.until_on}
    if stay.reason is not None:
        told["reason"] = stay.reason.value
    record(
        db,
        Event.STAY_CHANGED,
        who=who,
        now=now,
        subjects=[f"house:{stay.house_id}", stay.occupant],
        facts=told | facts,
    )


def confirm(db: RecordedSession, who: Actor, stay: Stay, now: datetime) -> None:
    """Turn a hold into a booking."""
    change_stay(db, who, stay, lambda s: housing.confirm(db, s, now), {}, now)


def arrive(db: RecordedSession, who: Actor, stay: Stay, on: date, now: datetime) -> None:
    """Record that the household came."""
    change_stay(db, who, stay, lambda s: housing.arrive(db, s, on, now), {"on": on}, now)


def depart(db: RecordedSession, who: Actor, stay: Stay, on: date, now: datetime) -> None:
    """Record that the household left."""
    change_stay(db, who, stay, lambda s: housing.depart(db, s, on, now), {"on": on}, now)


def extend(db: RecordedSession, who: Actor, stay: Stay, until_on: date, now: datetime) -> None:
    """Agree a later day of leaving, in the same beds. Raises RuleForbids beside a case kept apart."""

    def act(stay: Stay) -> None:
        housing.extend(db, stay, until_on, now)
        check_apart(db, stay, now)

    change_stay(db, who, stay, act, {}, now)


def overstay(
    db: RecordedSession, who: Actor, stay: Stay, until_on: date, reason: OverstayReason, now: datetime
) -> None:
    """Record, on the coordinator's authority, that the household stays longer than was agreed."""
    if who.role is not Role.COORDINATOR:
        raise RuleForbids(
            "An overstay rests on the coordinator's authority. Ask the coordinator to record it."
        )
    authority = f"officer:{who.officer}"
    facts: dict[str, Fact] = {"overstay": reason.value}
    change_stay(
        db, who, stay, lambda s: housing.overstay(db, s, until_on, authority, reason, now), facts, now
    )


def cancel(db: RecordedSession, who: Actor, stay: Stay, reason: StayReason, now: datetime) -> None:
    """Call the stay off before anybody came."""
    change_stay(db, who, stay, lambda s: housing.cancel(db, s, reason, now), {}, now)


def did_not_arrive(db: RecordedSession, who: Actor, stay: Stay, reason: StayReason, now: datetime) -> None:
    """Record that nobody came."""
    change_stay(db, who, stay, lambda s: housing.did_not_arrive(db, s, reason, now), {}, now)
