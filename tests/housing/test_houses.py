"""What is done with a place: adding, confirming, vetting, closing it when it is known."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crypto.columns import place_of, sealed_columns
from crypto.lockbox import LockboxKey
from housing import actions
from housing.claims import claims_between, claims_of_stay
from housing.errors import (
    BadDetails,
    BedsInUse,
    ChangedMeanwhile,
    CodeTaken,
    HouseClosed,
    HousingError,
    NoBedFree,
    WrongState,
)
from housing.matching import candidates
from housing.models import House, Need, Standing, StayReason, StayState, VoidReason
from housing.words import NEXT_STANDINGS
from tests.housing.builders import (
    ADDRESS,
    AREA,
    NOW,
    Adds,
    Holds,
    add_prospective,
    day,
    new_lockbox,
    plain,
    wanted,
)


def opened(house: House, lockbox: LockboxKey) -> dict[str, object]:
    return {
        name: lockbox.open(getattr(house, name).blob, place_of(house, name)) for name in sealed_columns(house)
    }


def test_every_sealed_fact_opens_to_what_was_put_in(db: Session, lockbox: LockboxKey) -> None:
    house = add_prospective(db, lockbox, "H-001", plain(2), NOW)
    db.commit()
    assert opened(house, lockbox) == {
        "area": AREA.area, "near": AREA.near,
        "area_latitude": AREA.latitude, "area_longitude": AREA.longitude,
        "street": ADDRESS.street, "town": ADDRESS.town, "postcode": ADDRESS.postcode,
        "latitude": ADDRESS.latitude, "longitude": ADDRESS.longitude, "access": ADDRESS.access,
        "landlord": ADDRESS.landlord,
    }  # fmt: skip


def test_area_and_address_are_two_compartments() -> None:
    kept = {column.name: column.compartment for column in sealed_columns(House).values()}
    area = {"area", "near", "area_latitude", "area_longitude"}
    assert {name for name, compartment in kept.items() if compartment == "house-area"} == area
    assert {
        name for name, compartment in kept.items() if compartment == "house-address"
    } == kept.keys() - area


def test_no_sealed_fact_stands_in_the_table(db: Session, lockbox: LockboxKey) -> None:
    add_prospective(db, lockbox, "H-001", plain(2), NOW)
    row = str(
        [bytes(v) if isinstance(v, memoryview) else v for v in db.execute(text("SELECT * FROM houses")).one()]
    )
    for fact in (*vars(AREA).values(), *vars(ADDRESS).values()):
        assert str(fact) not in row
    assert "H-001" in row


def test_facts_to_be_sealed_do_not_show_themselves() -> None:
    assert "Invented" not in repr(ADDRESS)
    assert "Shoreline" not in repr(AREA)


def test_a_code_is_given_once(db: Session, lockbox: LockboxKey) -> None:
    add_prospective(db, lockbox, "H-001", plain(2), NOW)
    with pytest.raises(CodeTaken):
        add_prospective(db, lockbox, "H-001", plain(2), NOW)
    assert db.query(House).count() == 1


@pytest.mark.parametrize("code", ["", "  ", "H" * 21, "H-\0", "H\n1"])
def test_a_senseless_code_is_refused(db: Session, lockbox: LockboxKey, code: str) -> None:
    with pytest.raises(BadDetails):
        add_prospective(db, lockbox, code, plain(2), NOW)


@pytest.mark.parametrize("beds", [0, -1, 201])
def test_a_senseless_number_of_beds_is_refused(db: Session, lockbox: LockboxKey, beds: int) -> None:
    with pytest.raises(BadDetails):
        add_prospective(db, lockbox, "H-001", plain(beds), NOW)


def test_the_database_refuses_a_place_without_beds(db: Session, add: Adds) -> None:
    add("H-001", 1)
    with pytest.raises(IntegrityError):
        db.execute(text("UPDATE houses SET beds = 0"))


def test_only_a_vetted_place_takes_anybody(db: Session, lockbox: LockboxKey, hold: Holds) -> None:
    house = add_prospective(db, lockbox, "H-001", plain(2), NOW)
    with pytest.raises(HouseClosed):
        hold(house, day(0), day(1))
    actions.vet(db, house, NOW)
    hold(house, day(0), day(1))


@pytest.mark.parametrize("standing", list(Standing))
def test_standing_changes_only_as_the_programme_allows(standing: Standing) -> None:
    for following in Standing:
        house = House(standing=standing)
        if following in NEXT_STANDINGS[standing]:
            house.move_to(following)
            assert house.standing is following
        else:
            with pytest.raises(WrongState):
                house.move_to(following)
            assert house.standing is standing


def test_a_compromised_place_comes_back_only_through_a_new_vetting(db: Session, add: Adds) -> None:
    house = add("H-001", 1)
    actions.compromise(db, house, NOW)
    with pytest.raises(WrongState):
        actions.vet(db, house, NOW)
    actions.reconsider(db, house, NOW)
    actions.vet(db, house, NOW)
    assert house.standing is Standing.VETTED


def test_confirming_details_reseals_what_is_given_and_dates_it(
    db: Session, lockbox: LockboxKey, add: Adds
) -> None:
    house = add("H-001", 2)
    before = house.street.blob
    fresh, later = new_lockbox(), NOW + timedelta(days=5)
    facts = plain(3, needs=frozenset({Need.PETS, Need.CHILDREN}))
    moved = actions.AreaFacts(area="Shoreline west", near="Nothing", latitude=41.1, longitude=-73.4)
    actions.confirm_details(db, house, house.version, facts, (fresh.sealer(), moved), None, later)
    db.commit()
    assert (house.beds, house.needs, house.last_confirmed_on) == (3, facts.needs, day(5))
    assert fresh.open(house.area.blob, place_of(house, "area")) == "Shoreline west"
    assert house.street.blob == before


def test_the_second_of_two_officers_editing_a_place_is_told(db: Session, add: Adds) -> None:
    house = add("H-001", 2)
    seen = house.version
    actions.confirm_details(db, house, seen, plain(3), None, None, NOW)
    with pytest.raises(ChangedMeanwhile):
        actions.confirm_details(db, house, seen, plain(4), None, None, NOW)
    assert house.beds == 3


def test_needs_are_kept_as_a_sorted_list_of_words(db: Session, add: Adds) -> None:
    house = add("H-001", 2, needs=frozenset({Need.STEP_FREE, Need.CHILDREN}))
    kept = db.execute(text("SELECT needs FROM houses")).scalar_one()
    assert kept in ('["children", "step-free"]', ["children", "step-free"])
    db.expire(house)
    assert house.needs == {Need.STEP_FREE, Need.CHILDREN}


def test_booked_beds_cannot_be_taken_away(db: Session, add: Adds, hold: Holds) -> None:
    house = add("H-001", 3)
    hold(house, day(0), day(1), party=2)
    with pytest.raises(BedsInUse):
        actions.confirm_details(db, house, house.version, plain(1), None, None, NOW)
    actions.confirm_details(db, house, house.version, plain(2), None, None, NOW)


def test_a_new_bed_is_taken_by_what_has_the_whole_place(db: Session, add: Adds, hold: Holds) -> None:
    house = add("H-001", 2)
    alone = hold(house, day(0), day(1), single=True)
    actions.void(db, house, day(10), day(12), VoidReason.REPAIRS, NOW)
    actions.confirm_details(db, house, house.version, plain(3), None, None, NOW)
    assert [claim.bed for claim in claims_of_stay(db, alone)] == [1, 2, 3]
    with pytest.raises(NoBedFree):
        hold(house, day(11), day(11), turnaround=0)
    actions.confirm_details(db, house, house.version, plain(1), None, None, NOW)
    assert {claim.bed for claim in claims_between(db, day(0), day(30), NOW, house.id)} == {1}


def test_compromise_closes_the_place_and_lists_everyone_in_it_or_on_the_way(
    db: Session, add: Adds, hold: Holds, arrived: Holds
) -> None:
    house = add("H-001", 5)
    there = arrived(house, day(0), day(3), occupant="case:there")
    coming = hold(house, day(1), day(3), occupant="case:coming")
    actions.confirm(db, coming, NOW)
    held = hold(house, day(1), day(3), occupant="case:held")
    gone = arrived(house, day(0), day(3), occupant="case:gone")
    actions.depart(db, gone, day(0), NOW)
    elsewhere = hold(add("H-002", 1), day(0), day(3), occupant="case:elsewhere")

    report = actions.compromise(db, house, NOW)

    assert report.occupants == ("case:coming", "case:held", "case:there")
    assert report.in_place == (there.id,)
    assert set(report.called_off) == {coming.id, held.id}
    assert (coming.state, coming.reason) == (StayState.CANCELLED, StayReason.HOUSE_COMPROMISED)
    assert claims_of_stay(db, held) == []
    assert (there.state, elsewhere.state) == (StayState.ARRIVED, StayState.HELD)
    with pytest.raises(HouseClosed):
        hold(house, day(20), day(21))
    with pytest.raises(HouseClosed):
        actions.extend(db, there, day(9), NOW)
    assert [c.code for c in candidates(db, wanted(day(20), day(21)), NOW)] == ["H-002"]
    actions.depart(db, there, day(0), NOW)


def test_the_same_occupant_in_two_stays_is_reported_once(db: Session, add: Adds, hold: Holds) -> None:
    house = add("H-001", 2)
    hold(house, day(0), day(1))
    hold(house, day(0), day(1))
    assert actions.compromise(db, house, NOW).occupants == ("case:1",)


def test_a_hold_that_has_run_out_is_not_reported(db: Session, add: Adds, hold: Holds) -> None:
    house = add("H-001", 2)
    hold(house, day(0), day(1))
    assert actions.compromise(db, house, NOW + timedelta(hours=2)).occupants == ()


def test_a_place_is_not_retired_over_anybodys_head(db: Session, add: Adds, hold: Holds) -> None:
    house = add("H-001", 2)
    stay = hold(house, day(0), day(1))
    with pytest.raises(BedsInUse):
        actions.retire(db, house, NOW)
    actions.cancel(db, stay, StayReason.ENTERED_IN_ERROR, NOW)
    actions.retire(db, house, NOW)
    assert house.standing is Standing.RETIRED


def test_a_place_needs_its_own_id(db: Session, lockbox: LockboxKey) -> None:
    house_id, sealer = uuid4(), lockbox.sealer()
    actions.add_house(db, house_id, "H-001", plain(1), sealer, AREA, sealer, ADDRESS, NOW)
    assert db.get(House, house_id) is not None


def test_every_refusal_is_a_housing_error() -> None:
    for refusal in (BadDetails, BedsInUse, ChangedMeanwhile, CodeTaken, HouseClosed, NoBedFree, WrongState):
        assert issubclass(refusal, HousingError)
