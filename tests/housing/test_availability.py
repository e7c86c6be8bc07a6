"""The rules of free beds, free days and working days, with no database."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from housing.availability import (
    Claimed,
    beds_for,
    check_days,
    free_beds,
    status_on,
    today,
    working_days_after,
)
from housing.errors import BadDates, BadDetails
from housing.words import Standing, Status, StayState
from tests.housing.builders import NOW, day


@dataclass(frozen=True)
class Place:
    id: UUID
    beds: int
    standing: Standing


HOUSE = Place(uuid4(), 3, Standing.VETTED)


def claimed(
    bed: int, first: int, last: int, state: StayState | None = None, last_day: int | None = None
) -> Claimed:
    return Claimed(
        HOUSE.id, bed, day(first), day(last), None if state is None else uuid4(),
        uuid4() if state is None else None, state, None if last_day is None else day(last_day),
    )  # fmt: skip


spans = st.tuples(st.integers(0, 20), st.integers(0, 6)).map(lambda span: (span[0], span[0] + span[1]))


@given(st.lists(st.tuples(st.integers(1, 3), spans), max_size=8), spans)
def test_a_bed_is_free_exactly_when_no_day_of_it_is_claimed(
    taken: list[tuple[int, tuple[int, int]]], asked: tuple[int, int]
) -> None:
    claims = [claimed(bed, first, last) for bed, (first, last) in taken]
    days = {(bed, one) for bed, (first, last) in taken for one in range(first, last + 1)}
    expected = [b for b in (1, 2, 3) if all((b, one) not in days for one in range(asked[0], asked[1] + 1))]
    assert free_beds(claims, HOUSE, day(asked[0]), day(asked[1])) == expected


def test_both_end_days_are_included() -> None:
    claims = [claimed(1, 5, 8)]
    assert 1 not in free_beds(claims, HOUSE, day(8), day(9))
    assert 1 not in free_beds(claims, HOUSE, day(3), day(5))
    assert 1 in free_beds(claims, HOUSE, day(9), day(9))
    assert 1 in free_beds(claims, HOUSE, day(3), day(4))


def test_claims_of_another_house_take_nothing_here() -> None:
    elsewhere = Claimed(uuid4(), 1, day(0), day(9), uuid4(), None, StayState.HELD, day(9))
    assert free_beds([elsewhere], HOUSE, day(0), day(9)) == [1, 2, 3]


def test_turnaround_must_be_over_before_the_next_stay_begins() -> None:
    # The stay begins on Monday the 7th; turnaround after Thursday the 3rd is Friday and that Monday.
    claims = [claimed(bed, 14, 20) for bed in (1, 2, 3)]
    assert beds_for(claims, HOUSE, day(8), day(10), 1, False, 2) == []
    assert beds_for(claims, HOUSE, day(8), day(9), 1, False, 2) == [1]
    assert beds_for(claims, HOUSE, day(8), day(13), 1, False, 0) == [1]


def test_a_single_occupancy_takes_every_bed_or_none() -> None:
    assert beds_for([], HOUSE, day(0), day(1), 1, True, 2) == [1, 2, 3]
    assert beds_for([claimed(2, 1, 1)], HOUSE, day(0), day(1), 1, True, 2) == []


def test_a_party_larger_than_the_place_is_never_placed() -> None:
    assert beds_for([], HOUSE, day(0), day(1), 4, False, 2) == []
    assert beds_for([], HOUSE, day(0), day(1), 4, True, 2) == []


def test_a_party_of_nobody_is_refused() -> None:
    with pytest.raises(BadDetails):
        beds_for([], HOUSE, day(0), day(1), 0, False, 2)


@pytest.mark.parametrize(
    ("start", "n", "end"),
    [
        (date(2026, 11, 23), 0, date(2026, 11, 23)),
        (date(2026, 11, 23), 2, date(2026, 11, 25)),
        (date(2026, 11, 26), 2, date(2026, 11, 30)),
        (date(2026, 11, 27), 1, date(2026, 11, 30)),
        (date(2026, 11, 28), 2, date(2026, 12, 1)),
        (date(2026, 11, 28), 0, date(2026, 11, 28)),
        (date(2026, 11, 23), 5, date(2026, 11, 30)),
    ],
)
def test_working_days_skip_saturday_and_sunday(start: date, n: int, end: date) -> None:
    assert working_days_after(start, n) == end


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 30))
def test_working_days_counts_that_many_working_days(start: date, n: int) -> None:
    end = working_days_after(start, n)
    between = [start + timedelta(days=d) for d in range(1, (end - start).days + 1)]
    assert sum(one.weekday() < 5 for one in between) == n
    assert end.weekday() < 5


@pytest.mark.parametrize("n", [-1, 31, 10**9])
def test_a_senseless_turnaround_is_refused(n: int) -> None:
    with pytest.raises(BadDates):
        working_days_after(day(0), n)


@pytest.mark.parametrize(
    ("from_on", "until_on"),
    [
        (day(1), day(0)),
        (day(-2), day(1)),
        (day(732), day(733)),
        (day(0), day(732)),
        (date.min, date.max),
        (date.max, date.max),
    ],
)
def test_days_out_of_order_or_range_are_refused(from_on: date, until_on: date) -> None:
    with pytest.raises(BadDates):
        check_days(from_on, until_on, NOW)


def test_last_night_can_still_be_booked_where_the_day_has_not_turned() -> None:
    check_days(day(-1), day(0), NOW)


def test_today_is_counted_in_utc_and_needs_a_time_zone() -> None:
    late = datetime(2026, 11, 22, 22, 0, tzinfo=timezone(timedelta(hours=-5)))
    assert today(late) == date(2026, 11, 23)
    with pytest.raises(ValueError, match="time zone"):
        today(NOW.replace(tzinfo=None))
    assert today(NOW.astimezone(UTC)) == day(0)


ALL_BEDS = (1, 2, 3)


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ([], Status.AVAILABLE),
        ([claimed(b, 0, 9, StayState.ARRIVED, 5) for b in (1, 2)], Status.AVAILABLE),
        ([claimed(b, 0, 9, StayState.ARRIVED, 5) for b in ALL_BEDS], Status.OCCUPIED),
        ([claimed(b, 0, 9, StayState.HELD, 5) for b in ALL_BEDS], Status.HELD),
        ([claimed(b, 0, 9, StayState.CONFIRMED, 5) for b in ALL_BEDS], Status.HELD),
        ([claimed(b, 0, 9, StayState.ARRIVED, 1) for b in ALL_BEDS], Status.RESTING),
        ([claimed(b, 0, 9, StayState.DEPARTED, 5) for b in ALL_BEDS], Status.RESTING),
        ([claimed(b, 0, 9) for b in ALL_BEDS], Status.RESTING),
        (
            [claimed(1, 0, 9, StayState.ARRIVED, 5), claimed(2, 0, 9, StayState.HELD, 5), claimed(3, 0, 9)],
            Status.OCCUPIED,
        ),
    ],
)
def test_status_follows_from_the_claims_of_the_day(claims: list[Claimed], status: Status) -> None:
    assert status_on(HOUSE, day(3), claims) is status


@pytest.mark.parametrize("standing", [Standing.PROSPECTIVE, Standing.COMPROMISED, Standing.RETIRED])
def test_a_place_not_in_use_shows_its_standing(standing: Standing) -> None:
    assert status_on(Place(HOUSE.id, 3, standing), day(3), []).value == standing.value
