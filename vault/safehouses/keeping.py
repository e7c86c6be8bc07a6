"""What the coordinator does with places: adding, confirming, vetting, closing, and when one becomes known."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from audit.finding import Filters
from audit.ledger import Woven
from housing import actions as housing
from housing.actions import AddressFacts, AreaFacts, PlainFacts
from housing.models import House, Stay, Void
from housing.separation import ConflictKind
from housing.words import StayReason, StayState, VoidReason
from vault.access import custody, seals
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.policy import Compartment
from vault.access.reading import fields_of
from vault.cases.models import Case
from vault.database import RecordedSession
from vault.errors import NotKnown, RuleForbids
from vault.officers.models import Officer
from vault.running import RunningVault, Trust
from vault.safehouses.actions import case_of
from vault.safehouses.models import Separation

CASES_PER_ENTRY = 20
"""An entry is at most 8 KiB, so a place with many households is told in several."""

_PAGE = 500


def add_house(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    code: str,
    plain: PlainFacts,
    area: AreaFacts,
    address: AddressFacts,
    now: datetime,
) -> House:
    """Add a prospective place; its area and its address each get a lockbox of their own."""
    house_id = uuid4()
    own = (Compartment.HOUSE_AREA, Compartment.HOUSE_ADDRESS)
    sealers = seals.new_lockboxes(db, who, trust, f"house:{house_id}", None, own, now)
    house = housing.add_house(
        db,
        house_id,
        code,
        plain,
        sealers[Compartment.HOUSE_AREA],
        area,
        sealers[Compartment.HOUSE_ADDRESS],
        address,
        now,
    )
    record(
        db,
        Event.HOUSE_ADDED,
        who=who,
        now=now,
        subjects=[f"house:{house.id}"],
        compartment=Compartment.HOUSE_ADDRESS,
        fields=[f"house.{name}" for c in sealers for name in fields_of(house, c)],
        facts={"kind": plain.kind.value, "beds": plain.beds, "nightly-cents": plain.nightly_cost_cents},
    )
    return house


def confirm_details(
    db: RecordedSession, who: Actor, house: House, version: int, plain: PlainFacts, now: datetime
) -> None:
    """Write down what was found to be true of a place today; its address stays as it is."""
    housing.confirm_details(db, house, version, plain, None, None, now)
    facts = {"kind": plain.kind.value, "beds": plain.beds, "nightly-cents": plain.nightly_cost_cents}
    _house_changed(db, who, house, facts, now)


def change_address(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    house: House,
    version: int,
    area: AreaFacts,
    address: AddressFacts,
    now: datetime,
) -> None:
    """Seal a new area and address over the old ones; what is plain stays as it is."""
    plain = PlainFacts(house.kind, house.beds, house.rooms, house.needs, house.nightly_cost_cents)
    subject = f"house:{house.id}"
    area_sealer = custody.sealer(db, who, trust, subject, Compartment.HOUSE_AREA)
    address_sealer = custody.sealer(db, who, trust, subject, Compartment.HOUSE_ADDRESS)
    housing.confirm_details(db, house, version, plain, (area_sealer, area), (address_sealer, address), now)
    compartments = (Compartment.HOUSE_AREA, Compartment.HOUSE_ADDRESS)
    record(
        db,
        Event.HOUSE_CHANGED,
        who=who,
        now=now,
        subjects=[subject],
        compartment=Compartment.HOUSE_ADDRESS,
        fields=[f"house.{name}" for c in compartments for name in fields_of(house, c)],
    )


STANDINGS: dict[str, Callable[[Session, House, datetime], None]] = {
    "vet": housing.vet,
    "retire": housing.retire,
    "reconsider": housing.reconsider,
}
"""What the coordinator may decide about a place, by the word of its button."""


def decide_standing(db: RecordedSession, who: Actor, house: House, decision: str, now: datetime) -> None:
    """Take a place into use, give it up, or take it up again as prospective."""
    before = house.standing
    STANDINGS[decision](db, house, now)
    _house_changed(db, who, house, {"before": before.value, "after": house.standing.value}, now)


def _house_changed(
    db: RecordedSession, who: Actor, house: House, facts: dict[str, str | int], now: datetime
) -> None:
    record(db, Event.HOUSE_CHANGED, who=who, now=now, subjects=[f"house:{house.id}"], facts=facts)


def set_void(
    db: RecordedSession,
    who: Actor,
    house: House,
    from_on: date,
    until_on: date,
    reason: VoidReason,
    now: datetime,
) -> Void:
    """Close a place for some days."""
    closure = housing.void(db, house, from_on, until_on, reason, now)
    facts = {"from": from_on, "until": until_on, "reason": reason.value}
    record(db, Event.VOID_SET, who=who, now=now, subjects=[f"house:{house.id}"], facts=facts)
    return closure


def end_void(db: RecordedSession, who: Actor, void_id: UUID, now: datetime) -> House:
    """Open a closed place again from today. Raises NotKnown."""
    closure = db.get(Void, void_id)
    if closure is None:
        raise NotKnown
    housing.end_void(db, closure, now)
    facts = {"from": closure.from_on, "until": closure.until_on, "ended": closure.ended_on}
    record(db, Event.VOID_SET, who=who, now=now, subjects=[f"house:{closure.house_id}"], facts=facts)
    return closure.house


def voids_of(db: Session, house: House, from_on: date) -> list[Void]:
    """The house's closures that are not over on this day, in order."""
    return list(
        db.scalars(
            select(Void)
            .where(Void.house_id == house.id, Void.until_on >= from_on, Void.ended_on.is_(None))
            .order_by(Void.from_on)
        )
    )


def mark_compromised(db: RecordedSession, who: Actor, house: House, now: datetime) -> None:
    """Close a place whose address may be known; `compromise_report` then says who is touched."""
    report = housing.compromise(db, house, now)
    for start in range(0, max(len(report.occupants), 1), CASES_PER_ENTRY):
        record(
            db,
            Event.HOUSE_COMPROMISED,
            who=who,
            now=now,
            subjects=[f"house:{house.id}", *report.occupants[start : start + CASES_PER_ENTRY]],
            facts={"in-place": len(report.in_place), "called-off": len(report.called_off)},
        )


@dataclass(frozen=True)
class Touched:
    """One household that the compromise of a place touches, and whether it is there now."""

    case: Case
    stay: Stay
    is_there: bool


@dataclass(frozen=True)
class Opener:
    """One officer who ever opened or wrote the address of a place."""

    name: str
    times: int
    last: datetime


def touched_households(db: Session, house: House) -> list[Touched]:
    """The households in a compromised place now, and those whose stays were called off for it."""
    stays = list(
        db.scalars(
            select(Stay)
            .where(Stay.house_id == house.id)
            .where(or_(Stay.state == StayState.ARRIVED, Stay.reason == StayReason.HOUSE_COMPROMISED))
            .order_by(Stay.from_on)
        )
    )
    cases = {c.id: c for c in db.scalars(select(Case).where(Case.id.in_({case_of(stay) for stay in stays})))}
    found = [Touched(cases[case_of(stay)], stay, stay.state is StayState.ARRIVED) for stay in stays]
    return sorted(found, key=lambda touched: (not touched.is_there, touched.case.code))


def openers(vault: RunningVault, db: Session, house: House) -> list[Opener]:
    """Every officer who ever opened or wrote the address, from the ledger, the latest first."""
    looks: dict[UUID, list[datetime]] = {}
    for woven in _address_entries(vault, db, house):
        if woven.entry.officer is not None:
            looks.setdefault(woven.entry.officer, []).append(woven.entry.at)
    names = {o.id: o.full_name for o in db.scalars(select(Officer).where(Officer.id.in_(looks)))}
    found = [
        Opener(names.get(officer, "Unknown"), len(times), max(times)) for officer, times in looks.items()
    ]
    return sorted(found, key=lambda opener: opener.last, reverse=True)


def _address_entries(vault: RunningVault, db: Session, house: House) -> Iterator[Woven]:
    before: int | None = None
    while True:
        page = vault.ledger.find(
            db,
            Filters(subject=f"house:{house.id}", compartment=str(Compartment.HOUSE_ADDRESS), outcome="done"),
            before_index=before,
            limit=_PAGE,
        )
        yield from page
        if len(page) < _PAGE:
            return
        before = page[-1].index


def keep_apart(
    db: RecordedSession, who: Actor, case: Case, other: Case, kind: ConflictKind, now: datetime
) -> Separation:
    """Never place these two cases in one house. Raises RuleForbids when that is so already."""
    if case.id == other.id:
        raise RuleForbids("Choose two different cases.")
    pair = {case.id, other.id}
    for row in separations(db):
        if {row.case, row.other} == pair and row.kind is kind:
            raise RuleForbids("These two cases are kept apart already.")
    row = Separation(id=uuid4(), case=case.id, other=other.id, kind=kind, since=now)
    db.add(row)
    subjects = [case.subject, other.subject]
    record(db, Event.CASES_SEPARATED, who=who, now=now, subjects=subjects, facts={"kind": kind.value})
    return row


def end_separation(db: RecordedSession, who: Actor, separation: UUID, now: datetime) -> None:
    """Let two cases be placed in one house again. Raises NotKnown."""
    row = db.get(Separation, separation)
    if row is None or row.ended_at is not None:
        raise NotKnown
    row.ended_at = now
    subjects = [f"case:{row.case}", f"case:{row.other}"]
    record(db, Event.SEPARATION_ENDED, who=who, now=now, subjects=subjects, facts={"kind": row.kind.value})


def separations(db: Session) -> list[Separation]:
    """The separations in force, the newest first."""
    query = select(Separation).where(Separation.ended_at.is_(None)).order_by(Separation.since.desc())
    return list(db.scalars(query))
