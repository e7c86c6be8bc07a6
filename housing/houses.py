"""What is done with a place itself: adding, confirming, vetting, retiring and closing it when it is known."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crypto.columns import Seals, put
from housing.availability import today
from housing.claims import claim_beds, claims_of_stay, free_claims, lock_house, release_expired
from housing.errors import BadDetails, BedsInUse, ChangedMeanwhile, CodeTaken
from housing.models import CODE_LENGTH, Claim, House, Stay
from housing.words import LIVE, HouseKind, Need, Standing, StayReason, StayState

MOST_BEDS = 200


@dataclass(frozen=True)
class PlainFacts:
    """What is known of a place without opening anything; money in cents of one currency."""

    kind: HouseKind
    beds: int
    rooms: int
    needs: frozenset[Need]
    nightly_cost_cents: int


@dataclass(frozen=True, repr=False)
class AreaFacts:
    """Roughly where a place is, in degrees of a coarse centre; sealed as "house-area"."""

    area: str
    near: str
    latitude: float
    longitude: float


@dataclass(frozen=True, repr=False)
class AddressFacts:
    """Exactly where a place is and how to get in; sealed as "house-address"."""

    street: str
    town: str
    postcode: str
    latitude: float
    longitude: float
    access: str
    landlord: str


@dataclass(frozen=True)
class CompromiseReport:
    """Who is touched when a place becomes known: every occupant in place or on the way, once each.

    `in_place` are the stays of people who are there now; `called_off` are the stays that were cancelled.
    """

    occupants: tuple[str, ...]
    in_place: tuple[UUID, ...]
    called_off: tuple[UUID, ...]


def add_house(
    db: Session, house_id: UUID, code: str, plain: PlainFacts, sealer_area: Seals, area: AreaFacts,
    sealer_address: Seals, address: AddressFacts, now: datetime,
) -> House:  # fmt: skip
    """Add a prospective place under an id for which its two lockboxes were made; CodeTaken if not new."""
    _check_plain(plain)
    if not code.strip() or len(code) > CODE_LENGTH or not code.isprintable():
        raise BadDetails("A place needs a short code, such as H-014.")
    house = House(id=house_id, code=code, standing=Standing.PROSPECTIVE, last_confirmed_on=today(now))
    _put_plain(house, plain)
    put_area(house, area, sealer_area)
    put_address(house, address, sealer_address)
    taken = CodeTaken("Another place already has this code.")
    if db.scalars(select(House.id).where(House.code == code)).first() is not None:
        raise taken
    try:
        with db.begin_nested():
            db.add(house)
    except IntegrityError:
        raise taken from None
    return house


def confirm_details(
    db: Session, house: House, version: int, plain: PlainFacts, area: tuple[Seals, AreaFacts] | None,
    address: tuple[Seals, AddressFacts] | None, now: datetime,
) -> None:  # fmt: skip
    """Write down what was found to be true of a place today; None leaves that compartment as it is.

    `version` is the one the officer was looking at: ChangedMeanwhile if it is not the latest. BedsInUse
    if beds would be taken away that are booked.
    """
    _check_plain(plain)
    lock_house(db, house)
    if house.version != version:
        raise ChangedMeanwhile("Somebody else changed this place while you were looking at it.")
    if plain.beds != house.beds:
        _fit_claims_to_beds(db, house, plain.beds, now)
    _put_plain(house, plain)
    if area is not None:
        put_area(house, area[1], area[0])
    if address is not None:
        put_address(house, address[1], address[0])
    house.last_confirmed_on = today(now)
    db.flush()


def put_area(house: House, area: AreaFacts, sealer: Seals) -> None:
    """Seal roughly where the place is."""
    for column, value in {
        "area": area.area, "near": area.near,
        "area_latitude": area.latitude, "area_longitude": area.longitude,
    }.items():  # fmt: skip
        put(house, column, value, sealer)


def put_address(house: House, address: AddressFacts, sealer: Seals) -> None:
    """Seal exactly where the place is and how to get in."""
    for column, value in {
        "street": address.street, "town": address.town, "postcode": address.postcode,
        "latitude": address.latitude, "longitude": address.longitude,
        "access": address.access, "landlord": address.landlord,
    }.items():  # fmt: skip
        put(house, column, value, sealer)


def vet(db: Session, house: House, now: datetime) -> None:
    """Take a prospective place into use."""
    lock_house(db, house)
    house.move_to(Standing.VETTED)
    house.last_confirmed_on = today(now)
    db.flush()


def reconsider(db: Session, house: House, now: datetime) -> None:
    """Take a compromised or retired place up again as prospective; it must be vetted anew."""
    lock_house(db, house)
    house.move_to(Standing.PROSPECTIVE)
    db.flush()


def retire(db: Session, house: House, now: datetime) -> None:
    """Give a place up for good; BedsInUse while anybody is there or on the way."""
    lock_house(db, house)
    release_expired(db, now)
    if _live_stays(db, house):
        raise BedsInUse("Somebody is placed here. Move them before the place is retired.")
    house.move_to(Standing.RETIRED)
    db.flush()


def compromise(db: Session, house: House, now: datetime) -> CompromiseReport:
    """Close a place whose address may be known: nobody else is sent there, and all in it are listed.

    Holds and bookings are cancelled at once. People who are there keep their beds until they are
    recorded as departed, because they are still there.
    """
    lock_house(db, house)
    release_expired(db, now)
    house.move_to(Standing.COMPROMISED)
    stays = _live_stays(db, house)
    in_place = [stay for stay in stays if stay.state is StayState.ARRIVED]
    called_off = [stay for stay in stays if stay.state is not StayState.ARRIVED]
    for stay in called_off:
        stay.move_to(StayState.CANCELLED)
        stay.reason = StayReason.HOUSE_COMPROMISED
        free_claims(db, claims_of_stay(db, stay))
    db.flush()
    return CompromiseReport(
        tuple(sorted({stay.occupant for stay in stays})),
        tuple(stay.id for stay in in_place),
        tuple(stay.id for stay in called_off),
    )


def _live_stays(db: Session, house: House) -> list[Stay]:
    query = select(Stay).where(Stay.house_id == house.id, Stay.state.in_(LIVE))
    query = query.order_by(Stay.from_on, Stay.id).with_for_update()
    return list(db.scalars(query.execution_options(populate_existing=True)))


def _check_plain(plain: PlainFacts) -> None:
    if not 1 <= plain.beds <= MOST_BEDS:
        raise BadDetails(f"A place has from 1 to {MOST_BEDS} beds.")
    if not 1 <= plain.rooms <= MOST_BEDS:
        raise BadDetails(f"A place has from 1 to {MOST_BEDS} rooms.")
    if not 0 <= plain.nightly_cost_cents < 2**31:
        raise BadDetails("The cost of a night is an amount of money, or nothing.")


def _put_plain(house: House, plain: PlainFacts) -> None:
    house.kind, house.beds, house.rooms = plain.kind, plain.beds, plain.rooms
    house.needs, house.nightly_cost_cents = plain.needs, plain.nightly_cost_cents


def _fit_claims_to_beds(db: Session, house: House, beds: int, now: datetime) -> None:
    """Make what takes the whole place take exactly the beds it is about to have."""
    release_expired(db, now)
    running = list(
        db.execute(
            select(Claim, Stay)
            .outerjoin(Stay, Claim.stay_id == Stay.id)
            .where(Claim.house_id == house.id)
            .where((Claim.until_on >= today(now)) | (Stay.state == StayState.ARRIVED))
            .order_by(Claim.bed)
        )
    )
    gone = [(claim, stay) for claim, stay in running if claim.bed > beds]
    if any(claim.void_id is None and (not stay.single or stay.party > beds) for claim, stay in gone):
        raise BedsInUse("Beds that would be taken away are booked. Move those stays first.")
    free_claims(db, [claim for claim, _ in gone])
    for claim, stay in running:
        if claim.bed == 1 and (claim.void_id is not None or stay.single):
            added = range(house.beds + 1, beds + 1)
            claim_beds(db, added, claim.from_on, claim.until_on, house, claim.stay_id, claim.void_id)
    db.flush()
