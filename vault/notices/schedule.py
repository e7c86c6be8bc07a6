"""When notices go out by the clock. Pure: moments and days in, moments out."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from vault.notices.models import Frequency
from vault.settings import WEEKDAYS


def last_due(frequency: Frequency, now: datetime, zone: ZoneInfo, weekday: str, hour: int) -> datetime:
    """The newest scheduled moment not after `now`: every day, or weekly for who is told at once."""
    local = now.astimezone(zone)
    on = local.date()
    if datetime.combine(on, time(hour), zone) > local:
        on -= timedelta(days=1)
    if frequency is not Frequency.DAILY:
        on -= timedelta(days=(on.weekday() - WEEKDAYS.index(weekday)) % 7)
    return datetime.combine(on, time(hour), zone).astimezone(now.tzinfo)
