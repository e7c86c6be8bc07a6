"""The sixty places of the demonstration, and the days on which some of them are closed."""

from datetime import date, timedelta

from housing.actions import AddressFacts, AreaFacts, PlainFacts
from housing.models import House
from housing.places import towns
from housing.separation import ConflictKind
from housing.words import HouseKind, Need, VoidReason
from vault.cases import actions as cases
from vault.demonstration.script import Story, Turn, act
from vault.demonstration.world import World
from vault.safehouses import keeping

KINDS = (
    (HouseKind.SAFE_HOUSE, 28, (2, 6)),
    (HouseKind.TEMPORARY, 14, (2, 6)),
    (HouseKind.EMERGENCY, 10, (3, 6)),
    (HouseKind.SHELTER, 8, (8, 14)),
)
"""How many places of each kind, and from how many to how many beds."""

_MAYBE = (Need.STEP_FREE, Need.GROUND_FLOOR, Need.PETS, Need.SCHOOL_NEAR, Need.CHILDREN, Need.KITCHEN)
_NEAR = (
    "A clinic and a bus line",
    "A primary school",
    "A police station",
    "Shops, nothing else",
    "A library",
)
_LANDLORDS = ("Sample Homes LLC", "Placeholder Housing Trust", "Example Shelter Association")


def _plain(world: World, kind: HouseKind, beds: tuple[int, int]) -> PlainFacts:
    chance = world.stage.chance
    needs = set(chance.sample(_MAYBE, chance.randint(1, 3)))
    if kind is not HouseKind.EMERGENCY:
        needs |= {Need.CHILDREN, Need.KITCHEN} if chance.random() < 0.8 else {Need.WOMEN_ONLY, Need.KITCHEN}
    count = chance.randint(*beds)
    return PlainFacts(kind, count, max(1, count // 2), frozenset(needs), chance.randint(40, 160) * 100)


def _where(world: World, number: int) -> tuple[AreaFacts, AddressFacts]:
    """An invented address; only the rough centre of its area is a place on the map."""
    chance, invented = world.stage.chance, world.invented
    latitude, longitude = towns()[chance.choice(sorted(towns()))]
    area = AreaFacts(f"Area {chr(65 + number % 12)}", chance.choice(_NEAR), latitude, longitude)
    address = AddressFacts(
        street=f"{number} Example Street",
        town=invented.town(),
        postcode="00000",
        latitude=latitude,
        longitude=longitude,
        access=f"Key safe beside the door, code {chance.randint(1000, 9999)}. Call {invented.phone()} first.",
        landlord=chance.choice(_LANDLORDS),
    )
    return area, address


def tell_places(world: World) -> Story:
    """On the first morning the coordinator brings the unit's list of places into the vault and vets them."""
    kinds = [(kind, beds) for kind, count, beds in KINDS for _ in range(count)]
    world.stage.chance.shuffle(kinds)
    for number, (kind, beds) in enumerate(kinds, 1):
        turn = yield act(world.days.at(0, 8.1), "ada")
        area, address = _where(world, number)
        house = keeping.add_house(
            turn.db,
            turn.who,
            world.trust,
            f"H-{number:03}",
            _plain(world, kind, beds),
            area,
            address,
            turn.now(),
        )
        if number <= len(kinds) - 4:  # The last four are still to be visited.
            keeping.decide_standing(turn.db, turn.who, house, "vet", turn.now())
            world.houses.append(house.id)


def _close(world: World, turn: Turn, from_on: date, until_on: date, reason: VoidReason) -> House:
    """Close a place that nobody was ever sent to."""
    house = turn.db.get_one(House, next(h for h in reversed(world.houses) if h not in world.used_houses))
    world.used_houses.add(house.id)
    keeping.set_void(turn.db, turn.who, house, from_on, until_on, reason, turn.now())
    return house


def tell_closures(world: World) -> Story:
    """Places are cleaned, repaired, given back, and taken out of use."""
    days = world.days
    turn = yield act(days.at(2, 9.2), "ada")
    _close(world, turn, days.days[3], days.days[5], VoidReason.SAFETY_WORKS)
    turn = yield act(days.at(3, 9.9), "ada")
    early = _close(world, turn, days.days[3], days.today + timedelta(days=9), VoidReason.INCIDENT_COOLING_OFF)
    turn = yield act(days.at(5, 10.6), "ada")
    house = _close(world, turn, days.days[6], days.days[6], VoidReason.DEEP_CLEAN)
    turn = yield act(days.at(7, 9.4), "ada")
    closure = keeping.voids_of(turn.db, turn.db.get_one(House, early.id), days.days[0])[0]
    keeping.end_void(turn.db, turn.who, closure.id, turn.now())
    keeping.decide_standing(turn.db, turn.who, turn.db.get_one(House, house.id), "retire", turn.now())
    turn = yield act(days.at(9, 10.2), "ada")
    _close(world, turn, days.days[9], days.today + timedelta(days=6), VoidReason.DEEP_CLEAN)
    _close(world, turn, days.today + timedelta(days=5), days.today + timedelta(days=19), VoidReason.REPAIRS)
    _close(world, turn, days.days[9], days.today + timedelta(days=40), VoidReason.HELD_BY_ORDER)


def tell_separations(world: World) -> Story:
    """Witnesses who must not meet are kept apart in housing."""
    turn = yield act(world.days.at(4, 9.0), "ada")
    numbers = sorted(world.cases)
    for one, other, kind in (
        (numbers[0], numbers[3], ConflictKind.SEPARATED),
        (numbers[1], numbers[4], ConflictKind.SAME_PROSECUTION),
    ):
        first, second = (cases.get(turn.db, turn.who, world.cases[number]) for number in (one, other))
        keeping.keep_apart(turn.db, turn.who, first, second, kind, turn.now())
