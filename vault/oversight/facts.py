"""The facts of an entry in words: their names, and their values as people write days, moments and sums."""

import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from vault.oversight.models import Rule
from vault.templating import counted, day, money, when

LABELS = {
    "after": "now",
    "answered": "question could be answered",
    "before": "until then",
    "called-off": "stays called off",
    "change": "what was changed",
    "cents": "amount",
    "details": "details opened",
    "first": "first entry",
    "found": "people found",
    "free": "places free",
    "in-place": "people placed there",
    "last": "last entry",
    "mark": "mark on the pages",
    "party": "people to be placed",
    "rule": "kind",
    "search": "search in entry",
    "shown": "people shown",
    "signed-root": "root that was signed",
    "signed-size": "entries that were signed",
    "single": "single occupancy only",
    "step": "which step",
    "vouched": "the vault's own code",
    "way": "looked for by",
}
"""Names that would not be understood as they are kept; every other name is understood."""

UNTOLD = frozenset(
    {
        *("act", "batch", "break-glass", "code", "continues", "first", "index", "last", "page", "request"),
        *("route", "rows", "session", "time-step", "app-digest", "vouched", "week", "why"),
    }
)
"""What a line does not repeat: the sentence says it already, or it means something to machines only."""
WORTH_NOTHING = frozenset(
    {"forgotten", "other-sessions-ended", "sealed-again", "sessions-ended", "struck-out"}
)
"""Counts of which none is as good as nothing to say."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_ADDRESS_MARK = re.compile(r"[0-9a-f]{8}")


def fact_label(name: str, value: Any) -> str:
    """A fact's name in words; `from` is a day, a state or the mark of a network address."""
    if name == "from" and _ADDRESS_MARK.fullmatch(str(value)):
        return "network address, as a mark"
    return LABELS.get(name, name.removesuffix("-cents").replace("-", " "))


def fact_words(name: str, value: Any, zone: ZoneInfo) -> str:
    """A fact's value in words; a moment on the unit's clock."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, int):
        return money(value) if name.endswith("cents") else f"{value:,}"
    text = str(value)
    try:
        if _DAY.fullmatch(text):
            return day(date.fromisoformat(text), zone)
        if _MOMENT.fullmatch(text):
            return when(datetime.fromisoformat(text), zone)
    except ValueError:
        return text
    if name == "rule" and text in set(Rule):
        return Rule(text).label.lower()
    return text if any(c.isdigit() for c in text) else text.replace("-", " ")


def lasting(span: timedelta) -> str:
    """How long something took: "under a minute", "42 minutes", "2 hours 5 minutes"."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return "under a minute"
    hours, left = divmod(minutes, 60)
    parts = [counted(hours, "hour")] if hours else []
    return " ".join([*parts, *([counted(left, "minute")] if left else [])])


def is_told(name: str, value: Any) -> bool:
    """Whether a line says this fact beside its sentence."""
    return name not in UNTOLD and not (name in WORTH_NOTHING and not value)
