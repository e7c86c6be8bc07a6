"""Each act on a stay: what it changes, and from where it may not be done."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from housing import actions
from housing.claims import claims_of_stay
from housing.errors import (
    BadDates,
    BadDetails,
    HousingError,
    NoBedFree,
    StillOccupied,
    WrongState,
)
from housing.matching import candidates
from housing.models import House, Stay, StayReason, StayState
from housing.words import OverstayReason
from tests.housing.builders import NOW, Adds, Holds, day, wanted

Act = Callable[[Session, Stay], None]

ACTS: dict[str, Act] = {
    "confirm": lambda db, stay: actions.confirm(db, stay, NOW),
    "arrive": lambda db, stay: actions.arrive(db, stay, day(0), NOW),
    "depart": lambda db, stay: actions.depart(db, stay, day(0), NOW),
    "close": lambda db, stay: actions.close(db, stay, NOW + timedelta(days=30)),
    "cancel": lambda db, stay: actions.cancel(db, stay, StayReason.NO_LONGER_NEEDED, NOW),
    "did not arrive": lambda db, stay: actions.did_not_arrive(db, stay, StayReason.NOT_REACHED, NOW),
    "extend": lambda db, stay: actions.extend(db, stay, day(9), NOW),
    "overstay": lambda db, stay: actions.overstay(
        db, stay, day(9), "officer:ada", OverstayReason.ILLNESS, NOW
    ),
}
WAY_TO = {
    "held": [],
    "confirmed": ["confirm"],
    "arrived": ["confirm", "arrive"],
    "departed": ["confirm", "arrive", "depart"],
    "closed": ["confirm", "arrive", "depart", "close"],
    "cancelled": ["cancel"],
    "did-not-arrive": ["confirm", "did not arrive"],
}
MAY_FOLLOW = {
    "held": {"confirm": "confirmed", "cancel": "cancelled"},
    "confirmed": {
        "arrive": "arrived",
        "cancel": "cancelled",
        "did not arrive": "did-not-arrive",
        "extend": "confirmed",
    },
    "arrived": {"depart": "departed", "extend": "arrived", "overstay": "arrived"},
    "departed": {"close": "closed"},
    "closed": {},
    "cancelled": {},
    "did-not-arrive": {},
}


@pytest.fixture
def house(add: Adds) -> House:
    return add("H-001", 2)


@pytest.mark.parametrize("state", WAY_TO)
def test_only_the_acts_that_may_follow_a_state_are_done(
    db: Session, house: House, hold: Holds, state: str
) -> None:
    for name, act in ACTS.items():
        with db.begin_nested() as attempt:
            stay = hold(house, day(0), day(3))
            for step in WAY_TO[state]:
                ACTS[step](db, stay)
            assert stay.state.value == state
            if name in MAY_FOLLOW[state]:
                act(db, stay)
                assert stay.state.value == MAY_FOLLOW[state][name]
            else:
                with pytest.raises(WrongState):
                    act(db, stay)
                assert stay.state.value == state
            attempt.rollback()


def test_a_hold_runs_out_at_its_minute_and_not_before(db: Session, house: House, hold: Holds) -> None:
    stay = hold(house, day(0), day(3), party=2)
    last_moment = NOW + timedelta(minutes=90) - timedelta(milliseconds=1)
    assert actions.release_expired(db, last_moment) == []
    assert candidates(db, wanted(day(0), day(3)), last_moment) == []
    assert actions.release_expired(db, NOW + timedelta(minutes=90)) == [stay.id]
    assert stay.state is StayState.CANCELLED
    assert stay.reason is StayReason.HOLD_EXPIRED
    assert claims_of_stay(db, stay) == []


def test_a_hold_that_has_run_out_cannot_be_confirmed(db: Session, house: House, hold: Holds) -> None:
    stay = hold(house, day(0), day(3))
    with pytest.raises(WrongState, match="run out"):
        actions.confirm(db, stay, stay.hold_expires_at)


def test_booking_takes_the_bed_of_a_forgotten_hold_without_any_search(
    db: Session, house: House, hold: Holds
) -> None:
    forgotten = hold(house, day(0), day(3), party=2)
    hold(house, day(0), day(3), party=2, occupant="case:2", now=NOW + timedelta(hours=2))
    assert forgotten.state is StayState.CANCELLED


def test_a_confirmed_stay_never_expires(db: Session, house: House, hold: Holds) -> None:
    stay = hold(house, day(0), day(3))
    actions.confirm(db, stay, NOW)
    assert actions.release_expired(db, NOW + timedelta(days=300)) == []


def test_cancelling_frees_the_beds_at_once(db: Session, house: House, hold: Holds) -> None:
    stay = hold(house, day(0), day(3), party=2)
    actions.cancel(db, stay, StayReason.OTHER_PLACE_FOUND, NOW)
    assert stay.reason is StayReason.OTHER_PLACE_FOUND
    hold(house, day(0), day(3), party=2, occupant="case:2")


def test_leaving_early_shortens_the_claim_to_the_departure_and_its_turnaround(
    db: Session, house: House, arrived: Holds, hold: Holds
) -> None:
    stay = arrived(house, day(0), day(11), party=2)
    actions.depart(db, stay, day(0), NOW)
    assert {claim.until_on for claim in claims_of_stay(db, stay)} == {day(2)}
    with pytest.raises(NoBedFree):
        hold(house, day(2), day(3), occupant="case:2")
    hold(house, day(3), day(4), occupant="case:2")


def test_arrival_is_on_a_booked_day_that_has_come(db: Session, house: House, hold: Holds) -> None:
    stay = hold(house, day(1), day(3))
    actions.confirm(db, stay, NOW)
    for on, now in [(day(0), NOW), (day(4), NOW + timedelta(days=9)), (day(1), NOW)]:
        with pytest.raises(BadDates):
            actions.arrive(db, stay, on, now)
    actions.arrive(db, stay, day(1), NOW + timedelta(days=1))
    assert stay.arrived_on == day(1)


def test_departure_lies_between_arrival_and_today(db: Session, house: House, arrived: Holds) -> None:
    stay = arrived(house, day(0), day(3))
    for on in (day(-1), day(1)):
        with pytest.raises(BadDates):
            actions.depart(db, stay, on, NOW)


def test_nobody_arrives_in_a_bed_that_others_have_not_left(
    db: Session, house: House, arrived: Holds, hold: Holds
) -> None:
    first = arrived(house, day(0), day(0), party=2, turnaround=0)
    second = hold(house, day(1), day(3), party=2, occupant="case:2")
    actions.confirm(db, second, NOW)
    tomorrow = NOW + timedelta(days=1)
    with pytest.raises(StillOccupied):
        actions.arrive(db, second, day(1), tomorrow)
    actions.depart(db, first, day(0), tomorrow)
    actions.arrive(db, second, day(1), tomorrow)


def test_nobody_can_fail_to_arrive_before_the_first_day(db: Session, house: House, hold: Holds) -> None:
    stay = hold(house, day(1), day(3))
    actions.confirm(db, stay, NOW)
    with pytest.raises(BadDates):
        actions.did_not_arrive(db, stay, StayReason.NOT_REACHED, NOW)
    assert len(claims_of_stay(db, stay)) == 1


def test_a_stay_is_closed_only_after_its_turnaround(db: Session, house: House, arrived: Holds) -> None:
    stay = arrived(house, day(0), day(3))
    actions.depart(db, stay, day(0), NOW)
    with pytest.raises(WrongState):
        actions.close(db, stay, NOW + timedelta(days=2))
    actions.close(db, stay, NOW + timedelta(days=3))


def test_extending_keeps_the_bed_through_the_new_turnaround(db: Session, house: House, hold: Holds) -> None:
    stay = hold(house, day(0), day(3), party=2)
    actions.confirm(db, stay, NOW)
    actions.extend(db, stay, day(7), NOW)
    assert {claim.until_on for claim in claims_of_stay(db, stay)} == {day(9)}
    with pytest.raises(NoBedFree):
        hold(house, day(9), day(9), occupant="case:2")
    hold(house, day(10), day(10), occupant="case:2")


def test_extending_into_the_next_stay_is_refused_and_changes_nothing(
    db: Session, house: House, hold: Holds
) -> None:
    stay = hold(house, day(0), day(1), party=2)
    actions.confirm(db, stay, NOW)
    hold(house, day(7), day(8), occupant="case:2")
    with pytest.raises(NoBedFree):
        actions.extend(db, stay, day(3), NOW)
    assert stay.until_on == day(1)
    actions.extend(db, stay, day(2), NOW)


def test_extending_over_a_hold_that_has_run_out_is_possible(db: Session, house: House, hold: Holds) -> None:
    stay = hold(house, day(0), day(1), party=2)
    actions.confirm(db, stay, NOW)
    hold(house, day(7), day(8), occupant="case:2")
    actions.extend(db, stay, day(8), NOW + timedelta(minutes=91))


@pytest.mark.parametrize("until_on", [day(3), day(2), day(2000), date.max])
def test_a_senseless_extension_is_refused(db: Session, house: House, hold: Holds, until_on: date) -> None:
    stay = hold(house, day(0), day(3))
    actions.confirm(db, stay, NOW)
    with pytest.raises(BadDates):
        actions.extend(db, stay, until_on, NOW)


def test_staying_past_the_last_day_needs_an_overstay_with_authority_and_reason(
    db: Session, house: House, arrived: Holds
) -> None:
    stay = arrived(house, day(0), day(1))
    later = NOW + timedelta(days=4)
    with pytest.raises(WrongState, match="overstay"):
        actions.extend(db, stay, day(6), later)
    with pytest.raises(WrongState, match="overstay"):
        actions.depart(db, stay, day(4), later)
    with pytest.raises(BadDetails):
        actions.overstay(db, stay, day(6), " ", OverstayReason.ILLNESS, later)
    actions.overstay(db, stay, day(6), "officer:ada", OverstayReason.ILLNESS, later)
    assert (stay.overstay_authority, stay.overstay_reason) == ("officer:ada", OverstayReason.ILLNESS)
    actions.depart(db, stay, day(4), later)


@pytest.mark.parametrize(
    ("occupant", "party", "minutes"),
    [("", 1, 90), ("x" * 101, 1, 90), ("a\0b", 1, 90), ("case:1", 0, 90), ("case:1", -1, 90),
     ("case:1", 1, 0), ("case:1", 1, -5), ("case:1", 1, 10**9)],
)  # fmt: skip
def test_a_senseless_hold_is_refused(
    db: Session, house: House, occupant: str, party: int, minutes: int
) -> None:
    with pytest.raises(BadDetails):
        actions.hold(db, house, occupant, party, False, day(0), day(1), minutes, 2, NOW)
    assert db.query(Stay).count() == 0


def test_no_refusal_names_the_occupant(db: Session, house: House, hold: Holds) -> None:
    stay = hold(house, day(0), day(3), occupant="case:very-secret")
    for act in ("arrive", "depart", "close", "did not arrive", "extend", "overstay"):
        with pytest.raises(HousingError) as refusal:
            ACTS[act](db, stay)
        assert "secret" not in str(refusal.value)
        assert str(stay.id) not in str(refusal.value)
