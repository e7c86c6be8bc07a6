"""Closing a place for some days never touches a stay, and ending it early opens the place."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from housing import actions
from housing.errors import BadDates, NoBedFree, StayInTheWay, WrongState
from housing.models import House, VoidReason
from tests.housing.builders import NOW, Adds, Holds, day


@pytest.fixture
def house(add: Adds) -> House:
    return add("H-001", 2)


@pytest.mark.parametrize(("first", "last"), [(0, 10), (12, 13), (10, 10), (8, 20), (15, 16)])
def test_a_closure_over_a_stay_or_its_turnaround_is_refused(
    db: Session, house: House, hold: Holds, first: int, last: int
) -> None:
    # One bed from Thursday the 3rd to Sunday; its turnaround ends on Tuesday the 8th.
    hold(house, day(10), day(13))
    with pytest.raises(StayInTheWay):
        actions.void(db, house, day(first), day(last), VoidReason.REPAIRS, NOW)


def test_a_closure_beside_a_stay_is_accepted(db: Session, house: House, hold: Holds) -> None:
    hold(house, day(10), day(13))
    actions.void(db, house, day(0), day(9), VoidReason.REPAIRS, NOW)
    actions.void(db, house, day(16), day(20), VoidReason.DEEP_CLEAN, NOW)


def test_closures_never_overlap(db: Session, house: House) -> None:
    actions.void(db, house, day(2), day(4), VoidReason.REPAIRS, NOW)
    with pytest.raises(StayInTheWay):
        actions.void(db, house, day(4), day(5), VoidReason.HELD_BY_ORDER, NOW)


def test_a_closure_over_people_who_have_not_left_when_due_is_refused(
    db: Session, house: House, arrived: Holds
) -> None:
    arrived(house, day(0), day(0), turnaround=0)
    later = NOW + timedelta(days=3)
    with pytest.raises(StayInTheWay):
        actions.void(db, house, day(3), day(4), VoidReason.REPAIRS, later)


def test_ending_a_closure_opens_the_place_from_today(db: Session, house: House, hold: Holds) -> None:
    closure = actions.void(db, house, day(0), day(9), VoidReason.REPAIRS, NOW)
    later = NOW + timedelta(days=3)
    actions.end_void(db, closure, later)
    assert closure.ended_on == day(3)
    with pytest.raises(NoBedFree):
        hold(house, day(2), day(2), turnaround=0, now=later)
    hold(house, day(3), day(4), party=2, now=later)


def test_withdrawing_a_closure_that_has_not_begun_leaves_no_claim(
    db: Session, house: House, hold: Holds
) -> None:
    closure = actions.void(db, house, day(5), day(9), VoidReason.REPAIRS, NOW)
    actions.end_void(db, closure, NOW)
    hold(house, day(5), day(9), party=2)


def test_a_closure_ends_once(db: Session, house: House) -> None:
    closure = actions.void(db, house, day(0), day(2), VoidReason.REPAIRS, NOW)
    with pytest.raises(WrongState):
        actions.end_void(db, closure, NOW + timedelta(days=3))
    actions.end_void(db, closure, NOW)
    with pytest.raises(WrongState):
        actions.end_void(db, closure, NOW)


def test_a_closure_in_the_past_or_backwards_is_refused(db: Session, house: House) -> None:
    for first, last in [(-5, 3), (3, 2)]:
        with pytest.raises(BadDates):
            actions.void(db, house, day(first), day(last), VoidReason.REPAIRS, NOW)


def test_a_forgotten_hold_is_not_in_the_way(db: Session, house: House, hold: Holds) -> None:
    hold(house, day(0), day(3))
    actions.void(db, house, day(0), day(3), VoidReason.REPAIRS, NOW + timedelta(hours=2))
