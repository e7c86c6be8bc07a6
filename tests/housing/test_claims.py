"""Claims read as plain facts: what the calendar of a page and the rules of booking are given."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from housing.availability import status_on
from housing.claims import claims_between
from housing.models import House
from housing.words import Status
from tests.housing.builders import NOW, Adds, Holds, day


@pytest.fixture
def house(add: Adds) -> House:
    return add("H-001", 1)


def test_a_hold_that_has_run_out_claims_nothing_before_it_is_released(
    db: Session, house: House, hold: Holds
) -> None:
    stay = hold(house, day(0), day(3))
    before = claims_between(db, day(0), day(0), stay.hold_expires_at - timedelta(milliseconds=1), house.id)
    assert status_on(house, day(0), before) is Status.HELD
    assert claims_between(db, day(0), day(0), stay.hold_expires_at, house.id) == []


def test_people_overdue_are_there_today_and_their_turnaround_follows(
    db: Session, house: House, arrived: Holds
) -> None:
    arrived(house, day(0), day(1), turnaround=2)
    # On the Friday of the next week, two working days later is Tuesday.
    friday = NOW + timedelta(days=11)
    (claim,) = claims_between(db, day(11), day(11), friday, house.id)
    assert (claim.last_day, claim.until_on) == (day(11), day(15))
    assert status_on(house, day(11), [claim]) is Status.OCCUPIED
    assert status_on(house, day(12), [claim]) is Status.RESTING
    assert claims_between(db, day(16), day(20), friday, house.id) == []


def test_the_claims_of_one_house_are_not_those_of_another(
    db: Session, house: House, add: Adds, hold: Holds
) -> None:
    other = add("H-002", 1)
    hold(house, day(0), day(3))
    assert claims_between(db, day(0), day(3), NOW, other.id) == []
    assert len(claims_between(db, day(0), day(3), NOW, None)) == 1
