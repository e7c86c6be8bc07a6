"""How a page words a day, a moment, a sum and a deadline.

Every word is in the unit's own time zone; what is kept stays in UTC.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Flask
from markupsafe import Markup, escape

NOTHING = "Not recorded"
SOON = timedelta(days=3)
_NUMBERED = re.compile(r"\b[A-Z]{1,3}(?:-\d+)+\b")
_WHOLE = Markup('<span class="vault-whole">{}</span>')


def day(moment: date | datetime | None, zone: ZoneInfo) -> str:
    """Word a day as "Nov 22, 2026"."""
    if moment is None:
        return NOTHING
    found = local(moment, zone)
    return f"{found:%b} {found.day}, {found.year}"


def when(moment: datetime | None, zone: ZoneInfo) -> str:
    """Word a moment as "Nov 22, 2026, 2:05 pm"."""
    if moment is None:
        return NOTHING
    found = local(moment, zone)
    half = "am" if found.hour < 12 else "pm"
    return f"{day(moment, zone)}, {found.hour % 12 or 12}:{found.minute:02d} {half}"


def local(moment: date | datetime, zone: ZoneInfo) -> datetime:
    """Return the moment on the unit's clock, or the first moment of a day.

    :raises ValueError: when a moment has no time zone, because nobody could say when it was.
    """
    if not isinstance(moment, datetime):
        return datetime(moment.year, moment.month, moment.day, tzinfo=zone)
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be worded")
    return moment.astimezone(zone)


def span(moment: date | datetime, now: datetime, zone: ZoneInfo) -> tuple[str, bool]:
    """Return the distance between a moment and now in words, "" when it is today, and whether it is past.

    Days are counted on the calendar; hours and minutes only inside one day of a moment.
    """
    is_day = not isinstance(moment, datetime)
    then, today = local(moment, zone), local(now, zone)
    days = (then.date() - today.date()).days
    past = days < 0 if is_day else then < today
    if is_day or abs(then - today) >= timedelta(days=1):
        return (counted(abs(days), "day") if days else "", past)
    minutes = int(abs(then - today).total_seconds() // 60)
    if minutes < 60:
        return (counted(minutes, "minute") if minutes else "", past)
    return counted(minutes // 60, "hour"), past


def ago(moment: date | datetime | None, now: datetime, zone: ZoneInfo) -> str:
    """Word a distance as "3 days ago", "in 2 days", "today" or "now"."""
    if moment is None:
        return NOTHING
    words, past = span(moment, now, zone)
    if not words:
        return "now" if isinstance(moment, datetime) else "today"
    return f"{words} ago" if past else f"in {words}"


def due(moment: date | datetime, now: datetime, zone: ZoneInfo) -> str:
    """Word a deadline as "due in 2 days", "due today" or "overdue by 3 days"."""
    words, past = span(moment, now, zone)
    if not words:
        return "due now" if isinstance(moment, datetime) else "due today"
    return f"overdue by {words}" if past else f"due in {words}"


def urgency(moment: date | datetime, now: datetime, zone: ZoneInfo) -> str:
    """Return "overdue", "soon" (within three days) or "later"."""
    _, past = span(moment, now, zone)
    if past:
        return "overdue"
    return "soon" if local(moment, zone) - local(now, zone) <= SOON else "later"


def money(cents: int | None) -> str:
    """Word integer cents as "$1,250.00"."""
    if cents is None:
        return NOTHING
    sign = "−" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def count(number: int) -> str:
    """Word a number with its thousands apart, as "18,204"."""
    return f"{number:,}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Word a number of things, as "1 night" or "3 nights"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def whole(words: str) -> Markup:
    """Keep each number of a case, a place or a request, such as WP-2026-0004, on one line within words.

    What is made of markup already, as the heading of a page, is left as it is between them.
    """
    shown, parts, end = escape(words), [], 0
    for found in _NUMBERED.finditer(shown):
        parts += [shown[end : found.start()], _WHOLE.format(shown[found.start() : found.end()])]
        end = found.end()
    return Markup("").join([*parts, shown[end:]])


def machine(moment: date | datetime) -> str:
    """Return a day or a moment as a `<time datetime>` reads it."""
    return moment.isoformat(timespec="seconds") if isinstance(moment, datetime) else moment.isoformat()


def install(app: Flask, zone: ZoneInfo, clock: Callable[[], datetime]) -> None:
    """Give every page the filters that word days, sums and counts; `templates/README.md` lists them.

    `zone` is the unit's own; `clock` returns the present moment with a time zone.
    """
    app.extensions["vault.zone"] = zone
    filters: dict[str, Callable[..., object]] = {
        "day": lambda moment: day(moment, zone),
        "when": lambda moment: when(moment, zone),
        "ago": lambda moment: ago(moment, clock(), zone),
        "due": lambda moment: due(moment, clock(), zone),
        "urgency": lambda moment: urgency(moment, clock(), zone),
        "money": money,
        "count": count,
        "counted": counted,
        "machine": machine,
        "whole": whole,
        "as_told": lambda index: index,  # The vault says otherwise where another ledger is seen.
    }
    app.jinja_env.filters.update(filters)
    app.jinja_env.globals["zone_name"] = zone.key.rpartition("/")[2].replace("_", " ")
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
