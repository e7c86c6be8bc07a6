"""The stories of stays: searched for, held, confirmed, arrived, left, overstayed, called off."""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import joinedload

from housing import actions as housing
from housing.models import House, Stay
from housing.words import HouseKind, Need, OverstayReason, StayReason
from vault.access.policy import Compartment, Reason
from vault.access.reading import Value
from vault.cases import actions as cases
from vault.demonstration.moves import Part, case_of
from vault.demonstration.plans import CasePlan
from vault.demonstration.script import Story, Turn, act, look
from vault.demonstration.world import World, open_places
from vault.safehouses import actions as safehouses
from vault.safehouses import fitting, keeping
from vault.safehouses.actions import Asked
from vault.vocabulary import CaseState, Position

FATES = (
    "overdue", "overstays", "ends-soon", "extends", "compromised", "stays", "never-came", "found-another",
    "lets-hold-run-out", "stays", "stays", "stays", "expected-today", "expected", "stays", "called-off",
    "held", "at-relatives", "expected", "stays",
)  # fmt: skip
"""What becomes of the stays of active cases, in the order in which they became active."""

FAR_AHEAD = 60
"""So many days ahead somebody is booked into the place that becomes known before they come."""


def fate_of(target: CaseState, rank: int) -> str:
    """What becomes of the stay of this case."""
    if target is CaseState.CLOSED:
        return "closes"
    if target is CaseState.ENDING:
        return "departs"
    return FATES[rank]


class Placement:
    """Finding one place for one household and following the stay in it."""

    def __init__(self, world: World, plan: CasePlan, case: UUID) -> None:
        self.world, self.plan, self.case = world, plan, case
        self.name = plan.inspectors[0] if plan.inspectors else "ada"
        self.stay: UUID = case

    def asked(self, from_on: date, nights: int) -> Asked:
        """The days and people."""
        return Asked(from_on, nights, self.plan.household, False, 5)

    def find(self, turn: Turn, asked: Asked) -> UUID:
        """Search as an inspector does, look the address of the best place up, and choose it."""
        world, vault, who = self.world, self.world.stage.vault, turn.who
        has_child = any(kin.position is Position.CHILD for kin in self.plan.kin)
        needs = frozenset({Need.CHILDREN}) if has_child else frozenset({Need.KITCHEN})
        kinds = frozenset({HouseKind.SAFE_HOUSE, HouseKind.TEMPORARY})
        if self.plan.urgent:
            kinds, needs = frozenset({HouseKind.EMERGENCY}), frozenset()
        safehouses.release_holds(vault, turn.now())
        with turn.reading() as db:
            case = cases.get(db, who, self.case)
        wanted = asked.wanted(kinds, needs, frozenset(), vault.settings)
        search = fitting.search(vault, who, case, wanted, turn.now())
        places = [p for p in search.fitting if p.candidate.id not in world.used_houses] or search.fitting
        house_id = places[0].candidate.id
        if asked.from_on >= world.days.today + timedelta(days=FAR_AHEAD) and world.compromised:
            house_id = world.compromised
        world.used_houses.add(house_id)
        with turn.reading() as db:
            house = safehouses.get_house(db, house_id)
            open_places(turn, db, Compartment.HOUSE_ADDRESS, [house], [case.subject], Reason.PLACEMENT, {})
        return house_id

    def hold(self, turn: Turn, house: UUID, asked: Asked) -> None:
        """Keep the beds."""
        settings = self.world.stage.vault.settings
        place = safehouses.get_house(turn.db, house)
        case = case_of(turn, self.case)
        self.stay = safehouses.hold_beds(turn.db, turn.who, case, place, asked, settings, turn.now()).id

    def row(self, turn: Turn) -> Stay:
        """The stay, with its house."""
        return turn.db.get_one(Stay, self.stay, options=[joinedload(Stay.house)])

    def arrive(self, turn: Turn) -> None:
        """They came; where they are is written into the record."""
        now = turn.now()
        stay = self.row(turn)
        safehouses.arrive(turn.db, turn.who, stay, self.world.days.day_of(now), now)
        record_whereabouts(self.world, turn, self.case, stay.house.code, now)


def record_whereabouts(world: World, turn: Turn, case: UUID, code: str, now: datetime) -> None:
    """Write down where the household is: the place by its code, a telephone, and what to avoid."""
    found = case_of(turn, case)
    row = cases.whereabouts_of(turn.db, found)
    values: dict[str, Value] = {
        "address": f"In place {code}",
        "since": world.days.day_of(now),
        "telephone": world.invented.phone(),
        "movement": "Shops in the next town only; never the station.",
    }
    cases.change_record(turn.db, turn.who, world.trust, found, row, Compartment.LOCATION, values, turn.now())


def tell_stay(world: World, plan: CasePlan, case: UUID, fate: str, day: int) -> Story:
    """One case's housing, as its fate has it."""
    if fate == "at-relatives" or not plan.inspectors:
        return
    placement = Placement(world, plan, case)
    days, chance = world.days, world.stage.chance
    match fate:
        case "held":
            yield from _place(placement, days.ago(14), days.ago(12), days.today, 14, False)
            return
        case "expected" | "called-off":
            ahead = chance.randint(3, 6) if fate == "expected" else FAR_AHEAD
            from_on = days.today + timedelta(days=ahead)
            yield from _place(placement, days.at(day, 14.8), days.at(day, 15.4), from_on, 20, True)
            return
        case "lets-hold-run-out" | "never-came" | "found-another":
            yield from _in_vain(placement, fate, day)
            day += 1
        case _:
            pass
    from_on = days.today if fate == "expected-today" else days.days[min(day, 9)]
    leave = _leaves_on(world, fate, day)
    start, booked = days.at(day, world.between(14.7, 15.2)), days.at(day, 15.5)
    yield from _place(placement, start, booked, from_on, (leave - from_on).days, True)
    if fate == "expected-today":
        return
    turn = yield act(days.at(day, world.between(16.0, 17.2)), placement.name)
    placement.arrive(turn)
    if fate == "compromised":
        world.compromised = placement.row(turn).house_id
    yield from _afterwards(placement, fate, day)


def _leaves_on(world: World, fate: str, day: int) -> date:
    """The last day that is agreed at first."""
    days = world.days
    match fate:
        case "closes":
            return days.days[day + 2]
        case "departs":
            return days.days[9]
        case "overdue":
            return days.today - timedelta(days=1)
        case "overstays":
            return days.days[max(day + 2, 6)]
        case "ends-soon" | "extends":
            return days.today + timedelta(days=2)
        case _:
            return days.today + timedelta(days=world.stage.chance.randint(8, 40))


def _place(
    placement: Placement, searched: datetime, booked: datetime, from_on: date, nights: int, is_sure: bool
) -> Part:
    """Search, look the address up, hold the beds, and confirm when it is sure."""
    asked = placement.asked(from_on, nights)
    turn = yield look(searched, placement.name)
    house = placement.find(turn, asked)
    turn = yield act(booked, placement.name)
    placement.hold(turn, house, asked)
    if is_sure:
        safehouses.confirm(turn.db, turn.who, placement.row(turn), turn.now())


def _in_vain(placement: Placement, fate: str, day: int) -> Part:
    """A first place that came to nothing."""
    days = placement.world.days
    from_on = days.days[min(day, 9)]
    yield from _place(
        placement, days.at(day, 9.1), days.at(day, 9.4), from_on, 9, fate != "lets-hold-run-out"
    )
    if fate == "lets-hold-run-out":
        return  # The next search lets go of it.
    turn = yield act(days.at(day, 12.6), placement.name)
    stay = placement.row(turn)
    if fate == "never-came":
        safehouses.did_not_arrive(turn.db, turn.who, stay, StayReason.TRANSPORT_FAILED, turn.now())
    else:
        safehouses.cancel(turn.db, turn.who, stay, StayReason.OTHER_PLACE_FOUND, turn.now())


def _afterwards(placement: Placement, fate: str, day: int) -> Part:
    """What happens to people who are there."""
    days, name = placement.world.days, placement.name
    match fate:
        case "closes" | "departs":
            leave = day + 2 if fate == "closes" else 9
            turn = yield act(days.at(leave, 10.1), name)
            on = days.day_of(turn.now())
            safehouses.depart(turn.db, turn.who, placement.row(turn), on, turn.now())
            if fate == "closes":
                turn = yield act(days.at(leave + 4, 11.3), "ada")
                stay, now = placement.row(turn), turn.now()
                safehouses.change_stay(
                    turn.db, turn.who, stay, lambda s: housing.close(turn.db, s, now), {}, now
                )
        case "overstays":
            turn = yield act(days.at(8, 9.6), "ada")
            stay, until = placement.row(turn), days.today + timedelta(days=6)
            reason = OverstayReason.NEXT_PLACE_NOT_READY
            safehouses.overstay(turn.db, turn.who, stay, until, reason, turn.now())
        case "extends":
            turn = yield act(days.at(9, 11.9), name)
            until = days.today + timedelta(days=16)
            safehouses.extend(turn.db, turn.who, placement.row(turn), until, turn.now())
        case "compromised":
            turn = yield act(days.at(9, 16.6), "ada")
            house = turn.db.get_one(House, placement.row(turn).house_id)
            keeping.mark_compromised(turn.db, turn.who, house, turn.now())
        case _:
            pass
