"""How fast one officer may look: so many openings and searches in some minutes, by whichever worker.

Nobody reads a hundred records in ten minutes. Whoever copies with a stolen session is slowed down, and seen.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy.exc import IntegrityError

from vault.access.actor import Actor
from vault.access.events import Event
from vault.access.models import Pace
from vault.database import RecordedSession
from vault.errors import VaultError
from vault.running import RunningVault
from vault.settings import Settings


class Look(StrEnum):
    """What is counted; each kind has a limit of its own."""

    OPENING = "opening"
    SEARCH = "search"


SEARCHES = frozenset({Event.DIRECTORY_SEARCHED, Event.HOUSING_SEARCHED, Event.ACCOUNTS_COMPARED})
"""Looks over many records at once; every other look is an opening."""


class SlowDown(VaultError):
    """This officer has looked as often as the limit allows; `wait` is how long until they may go on."""

    status = 429

    def __init__(self, look: Look, limit: int, minutes: int, wait: timedelta) -> None:
        self.wait = wait
        rounded = -(-wait // timedelta(minutes=1))
        count = _counted(limit, "search", "es") if look is Look.SEARCH else _counted(limit, "opening", "s")
        super().__init__(
            f"The vault allows {count} within {_counted(minutes, 'minute', 's')}, and you have reached that. "
            f"Nothing more was opened. Go on in {_counted(rounded, 'minute', 's')}."
        )


def _counted(number: int, noun: str, ending: str) -> str:
    return f"{number:,} {noun}{ending if number != 1 else ''}"


def limit_of(settings: Settings, look: Look) -> int:
    """How many looks of this kind an officer has within the window."""
    return settings.searches_allowed if look is Look.SEARCH else settings.openings_allowed


def take_turn(vault: RunningVault, who: Actor, event: Event, now: datetime) -> None:
    """Count one look, kept before it is recorded. Raises SlowDown at the limit; then it was not counted.

    Exact whatever number of workers ask at once: the officer's row is locked while it is counted. Never call
    it inside `writing()`.
    """
    look = Look.SEARCH if event in SEARCHES else Look.OPENING
    try:
        with vault.writing_always() as db:
            _count(db, vault.settings, who, look, now)
    except IntegrityError:  # Another worker made the officer's first row at the same moment; it is there now.
        with vault.writing_always() as db:
            _count(db, vault.settings, who, look, now)


def _count(db: RecordedSession, settings: Settings, who: Actor, look: Look, now: datetime) -> None:
    pace = db.get(Pace, who.officer, with_for_update=True)
    if pace is None:
        pace = Pace(id=who.officer, openings=[], searches=[])
        db.add(pace)
        db.flush()
    window, at = timedelta(minutes=settings.looks_window_minutes), _milliseconds(now)
    # Another worker's clock may be ahead a little; times beyond a window ahead are from a clock set back.
    span = window // timedelta(milliseconds=1)
    kept = sorted(t for t in (pace.searches if look is Look.SEARCH else pace.openings) if abs(at - t) < span)
    limit = limit_of(settings, look)
    if len(kept) >= limit:
        wait = timedelta(milliseconds=kept[len(kept) - limit] + span - at)
        raise SlowDown(look, limit, settings.looks_window_minutes, wait)
    if look is Look.SEARCH:
        pace.searches = [*kept, at]
    else:
        pace.openings = [*kept, at]


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
