"""Finding in the ledger what an auditor asks: a page of it, a session, and who has ever seen a subject."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from audit.ledger import Woven
from vault.access.policy import Compartment
from vault.oversight.naming import STORIED, Names, look_up
from vault.oversight.wording import Line, references, tell
from vault.running import RunningVault

ON_A_PAGE = 50
AT_MOST = 1000
"""How many entries a story or an answer reads; what lies further back is said to be there."""

WATCHED = {"house": Compartment.HOUSE_ADDRESS, "person": Compartment.IDENTITY, "case": None}
"""What of each kind of subject "seen" means: the address, the identity, or any sealed place of the case."""


@dataclass(frozen=True)
class Wanted:
    """Which entries; None admits every one. Days are whole days of the unit, both included."""

    officer: UUID | None = None
    event: str | None = None
    subject: str | tuple[str, ...] | None = None
    compartment: str | None = None
    reason: str | None = None
    outcome: str | None = None
    session: str | None = None
    since: date | None = None
    until: date | None = None

    def filters(self, zone: ZoneInfo) -> dict[str, Any]:
        """As the ledger asks for them."""
        words = ("officer", "event", "subject", "compartment", "reason", "outcome", "session")
        return {name: getattr(self, name) for name in words} | {
            "since": None if self.since is None else _midnight(self.since, zone),
            "until": None if self.until is None else _midnight(self.until + timedelta(days=1), zone),
        }


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)


def _zone(vault: RunningVault) -> ZoneInfo:
    return ZoneInfo(vault.settings.time_zone)


@dataclass(frozen=True)
class Page:
    """Entries as sentences, newest first; `older` is where the next page begins, None at the end."""

    lines: Sequence[Line]
    older: int | None


def lines_of(db: Session, found: Sequence[Woven]) -> list[Line]:
    """Entries as sentences, with one question for each kind of subject among them."""
    names = look_up(db, references(woven.entry for woven in found))
    return [tell(woven, names) for woven in found]


def page(vault: RunningVault, db: Session, wanted: Wanted, before: int | None) -> Page:
    """One page of the ledger."""
    filters = wanted.filters(_zone(vault))
    found = vault.ledger.find(db, **filters, before_index=before, limit=ON_A_PAGE + 1)
    shown = found[:ON_A_PAGE]
    return Page(lines_of(db, shown), shown[-1].index if len(found) > ON_A_PAGE else None)


@dataclass(frozen=True)
class Viewer:
    """One officer who saw or wrote what is sealed of a subject."""

    name: str
    officer: UUID | None
    times: int
    first: datetime
    last: datetime
    how: Sequence[str]
    what: Sequence[str]


@dataclass(frozen=True)
class Story:
    """What happened around one subject or in one session, and who had a part in it."""

    lines: Sequence[Line]
    viewers: Sequence[Viewer]
    earlier: int
    """How many entries lie further back than this story reads."""


def who_has_seen(vault: RunningVault, db: Session, kind: str, subject: UUID) -> tuple[Names, Story]:
    """Everybody who ever opened or wrote what is sealed of this subject, the latest first."""
    reference = f"{kind}:{subject}"
    watched = WATCHED[kind]
    wanted = Wanted(subject=reference, compartment=watched and str(watched), outcome="done")
    found, earlier = _all(vault, db, wanted)
    looks = [woven for woven in found if woven.entry.compartment is not None and woven.entry.fields]
    names = look_up(db, {reference} | references(woven.entry for woven in looks))
    lines = [tell(woven, names) for woven in looks]
    return names, Story(lines, _viewers(lines, names), earlier)


def _all(vault: RunningVault, db: Session, wanted: Wanted) -> tuple[list[Woven], int]:
    filters = wanted.filters(_zone(vault))
    found = vault.ledger.find(db, **filters, before_index=None, limit=AT_MOST)
    count = vault.ledger.count(db, **filters) if len(found) == AT_MOST else len(found)
    return found, count - len(found)


def _viewers(lines: Sequence[Line], names: Names) -> list[Viewer]:
    of: dict[UUID | None, list[Line]] = {}
    for line in lines:
        of.setdefault(line.entry.officer, []).append(line)
    return [
        Viewer(
            name=names.officer(officer) if officer else "The command line",
            officer=officer,
            times=len(theirs),
            first=theirs[-1].at,
            last=theirs[0].at,
            how=sorted({line.event for line in theirs}),
            what=sorted({line.place for line in theirs}),
        )
        for officer, theirs in of.items()
    ]


def is_session(vault: RunningVault, db: Session, session: str) -> bool:
    """Whether the ledger tells anything of this session."""
    filters = Wanted(session=session).filters(_zone(vault))
    return bool(vault.ledger.find(db, **filters, before_index=None, limit=1))


def session_story(vault: RunningVault, db: Session, session: str) -> Story:
    """What an officer did from signing in to signing out, in order."""
    found, earlier = _all(vault, db, Wanted(session=session))
    return Story(lines_of(db, list(reversed(found))), [], earlier)


def links(line: Line, names: Names) -> list[tuple[str, str, str | None]]:
    """The entry's subjects: how each is called, its kind, and the id when it has a page of its own."""
    pairs = []
    for reference in line.entry.subjects:
        kind, _, ident = reference.partition(":")
        pairs.append((names.of(reference), kind, ident if kind in STORIED else None))
    return pairs
