"""Calendar weeks as the auditor reviews them: ISO weeks, from Monday to Sunday on the unit's clock. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from vault.vocabulary import Labelled


class WeekState(Labelled):
    """Where the review of a week stands."""

    RUNNING = "running", "Still running"
    DUE = "due", "To be reviewed"
    REVIEWED = "reviewed", "Reviewed"
    MISSED = "missed", "Missed"
    LATE = "late", "Missed, reviewed late"


@dataclass(frozen=True, order=True)
class Week:
    """One ISO week, named by its Monday."""

    monday: date

    @classmethod
    def of(cls, day: date) -> "Week":
        """The week of a day."""
        return cls(day - timedelta(days=day.weekday()))

    @classmethod
    def from_code(cls, code: int) -> "Week":
        """The week that is kept as 202647; raises ValueError when the year has no such week."""
        return cls(date.fromisocalendar(code // 100, code % 100, 1))

    @property
    def code(self) -> int:
        """Year and number, as it is kept and stands in addresses: 202647."""
        year, number, _ = self.monday.isocalendar()
        return year * 100 + number

    @property
    def name(self) -> str:
        """As it is written: 2026-W47."""
        return f"{self.code // 100}-W{self.code % 100:02d}"

    @property
    def sunday(self) -> date:
        """Its last day."""
        return self.monday + timedelta(days=6)

    def next(self) -> "Week":
        """The week after."""
        return Week(self.monday + timedelta(days=7))

    def previous(self) -> "Week":
        """The week before."""
        return Week(self.monday - timedelta(days=7))

    def begins(self, zone: ZoneInfo) -> datetime:
        """Its first moment."""
        return datetime.combine(self.monday, time.min, zone)

    def ends(self, zone: ZoneInfo) -> datetime:
        """The first moment after it."""
        return self.next().begins(zone)

    def state(self, reviewed_at: datetime | None, now: datetime, zone: ZoneInfo) -> WeekState:
        """A week is reviewed in the week after it; later it is missed, and stays so."""
        latest = self.next().ends(zone)
        if reviewed_at is not None:
            return WeekState.REVIEWED if reviewed_at < latest else WeekState.LATE
        if now < self.ends(zone):
            return WeekState.RUNNING
        return WeekState.DUE if now < latest else WeekState.MISSED


def weeks_from(first: Week, last: Week) -> list[Week]:
    """Every week from the first to the last, the newest first."""
    found = [first]
    while found[-1] < last:
        found.append(found[-1].next())
    return found[::-1]
