"""When a bed is free: the one answer that search gives and booking keeps.

Days are calendar days, and both end days of a stay are included. A claim on a bed runs from the first
day of a stay to the end of its turnaround, so the turnaround is kept on both sides: a new stay begins
after the turnaround of the one before it, and its own turnaround ends before the next one begins.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from uuid import UUID

from housing.errors import BadDates, BadDetails
from housing.words import LIVE, Standing, Status, StayState

LONGEST_STAY = timedelta(days=731)
FARTHEST_AHEAD = timedelta(days=731)
LONGEST_TURNAROUND = 30
# The calendar day of a place in the Americas can still be yesterday when the day in UTC has turned.
LOCAL_LAG = timedelta(days=1)

_SATURDAY = 5


class Bedded(Protocol):
    """What the rules of availability need to know of a house."""

    @property
    def id(self) -> UUID: ...
    @property
    def beds(self) -> int: ...


class Standed(Bedded, Protocol):
    """A house whose standing is known too."""

    @property
    def standing(self) -> Standing: ...


@dataclass(frozen=True)
class Claimed:
    """One bed taken from one day to another, both included.

    `state` and `last_day` (the last day of the stay itself, before its turnaround) belong to a stay and
    are None for a void.
    """

    house_id: UUID
    bed: int
    from_on: date
    until_on: date
    stay_id: UUID | None
    void_id: UUID | None
    state: StayState | None
    last_day: date | None

    def overlaps(self, from_on: date, until_on: date) -> bool:
        """Say whether this claim and the days given have a day in common."""
        return self.from_on <= until_on and from_on <= self.until_on


def today(now: datetime) -> date:
    """The calendar day, in UTC, of a moment; ValueError for a moment without a time zone."""
    if now.tzinfo is None:
        raise ValueError("A moment must carry its time zone.")
    return now.astimezone(UTC).date()


def working_days_after(day: date, n: int) -> date:
    """The day that is `n` working days (Monday to Friday) after `day`; `day` itself for none."""
    if not 0 <= n <= LONGEST_TURNAROUND:
        raise BadDates(f"Turnaround must be from 0 to {LONGEST_TURNAROUND} working days.")
    while n:
        day += timedelta(days=1)
        n -= day.weekday() < _SATURDAY
    return day


def check_days(from_on: date, until_on: date, now: datetime) -> None:
    """Raise BadDates unless the days are in order, not past, and not too long or too far ahead."""
    if until_on < from_on:
        raise BadDates("The last day is before the first day.")
    if from_on < today(now) - LOCAL_LAG:
        raise BadDates("The first day is in the past.")
    if from_on > today(now) + FARTHEST_AHEAD:
        raise BadDates("The first day is more than two years ahead.")
    check_length(from_on, until_on)


def check_length(from_on: date, until_on: date) -> None:
    """Raise BadDates if a stay or a closure would last for more than two years."""
    if until_on - from_on > LONGEST_STAY:
        raise BadDates("The days asked for are longer than two years.")


def free_beds(claims: Iterable[Claimed], house: Bedded, from_on: date, until_on: date) -> list[int]:
    """The beds of the house that no claim touches on any day from the first to the last, in order.

    The days are those to be claimed, so for a stay they must include its turnaround (`beds_for` adds it).
    """
    taken = {c.bed for c in claims if c.house_id == house.id and c.overlaps(from_on, until_on)}
    return [bed for bed in range(1, house.beds + 1) if bed not in taken]


def beds_for(
    claims: Iterable[Claimed], house: Bedded, from_on: date, until_on: date,
    party: int, single: bool, turnaround: int,
) -> list[int]:  # fmt: skip
    """The beds that a party would take, or none at all if it cannot be placed on these days.

    This is the question that both search and booking ask. A single occupancy takes every bed.
    """
    if party < 1:
        raise BadDetails("A party has at least one person.")
    free = free_beds(claims, house, from_on, working_days_after(until_on, turnaround))
    if len(free) < (house.beds if single else party) or house.beds < party:
        return []
    return free if single else free[:party]


def status_on(house: Standed, day: date, claims: Sequence[Claimed]) -> Status:
    """What the house is on one day: available while any bed is free, else what its fullest use is."""
    if house.standing is not Standing.VETTED:
        return Status(house.standing.value)
    if free_beds(claims, house, day, day):
        return Status.AVAILABLE
    here = [c for c in claims if c.house_id == house.id and c.overlaps(day, day)]
    staying = [c for c in here if c.state in LIVE and c.last_day is not None and day <= c.last_day]
    if any(c.state is StayState.ARRIVED for c in staying):
        return Status.OCCUPIED
    return Status.HELD if staying else Status.RESTING
