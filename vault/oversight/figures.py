"""Looks and refusals in figures: by hour and weekday, by officer, by week and by day.

Read from what was counted while the ledger was watched: a page costs the same however long the ledger is.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from vault.oversight.models import WatchedHour
from vault.oversight.weeks import Week, weeks_from

HOURS, WEEKDAYS = 24, 7


@dataclass(frozen=True)
class Point:
    """One column of a chart: what it is called, in short and in full, and its number."""

    short: str
    full: str
    number: int


@dataclass(frozen=True)
class Figures:
    """What a range of days comes to; `by_hour` holds, for each hour of the day, the looks of each weekday."""

    looks: int
    refusals: int
    by_hour: Sequence[Sequence[int]]
    by_officer: Sequence[tuple[UUID, int, int]]
    looks_by_day: Sequence[Point]
    refusals_by_week: Sequence[Point]


def figures(db: Session, first: date, last: date, officer: UUID | None) -> Figures:
    """The figures from the first day to the last, of one officer or of everybody; two questions at most."""
    where = [WatchedHour.day >= first, WatchedHour.day <= last]
    where += [WatchedHour.officer == officer] if officer else []
    sums = func.sum(WatchedHour.looks), func.sum(WatchedHour.refusals)
    hours = db.execute(
        select(WatchedHour.day, WatchedHour.hour, *sums)
        .where(*where)
        .group_by(WatchedHour.day, WatchedHour.hour)
    ).all()
    grid = [[0] * WEEKDAYS for _ in range(HOURS)]
    looks_of_day: Counter[date] = Counter()
    refusals_of_week: Counter[Week] = Counter()
    for day, hour, looks, refusals in hours:
        grid[hour][day.weekday()] += int(looks)
        looks_of_day[day] += int(looks)
        refusals_of_week[Week.of(day)] += int(refusals)
    officers = db.execute(
        select(WatchedHour.officer, *sums).where(*where).group_by(WatchedHour.officer)
    ).all()
    ordered = sorted(
        ((who, int(looks), int(refusals)) for who, looks, refusals in officers),
        key=lambda row: (-row[1], -row[2], row[0]),
    )
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return Figures(
        looks=looks_of_day.total(),
        refusals=refusals_of_week.total(),
        by_hour=grid,
        by_officer=ordered,
        looks_by_day=[_of_day(day, looks_of_day[day]) for day in days],
        refusals_by_week=[
            Point(f"{week.monday:%b} {week.monday.day}", f"Week {week.name}", refusals_of_week[week])
            for week in reversed(weeks_from(Week.of(first), Week.of(last)))
        ],
    )


def _of_day(day: date, number: int) -> Point:
    return Point(f"{day:%b} {day.day}", f"{day:%A}, {day:%B} {day.day}", number)
