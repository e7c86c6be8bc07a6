"""Finding in the ledger what an auditor asks: a page of it, a session, and who has ever seen a subject."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.entries import Entry
from audit.finding import Filters
from audit.ledger import Woven
from vault.access.events import Event
from vault.access.policy import Compartment
from vault.cases.models import Person
from vault.errors import NotKnown
from vault.oversight.facts import lasting
from vault.oversight.naming import STORIED, Names, look_up
from vault.oversight.wording import Line, label, references, tell
from vault.running import RunningVault

ON_A_PAGE = 50
PORTION = 1000
AT_MOST = 20_000
"""How many entries an answer reads, in portions; what lies further back is said to be there."""
STEPS_AT_MOST = 1000
"""How many entries the story of a session tells."""

LOOKS = (Event.OPENED, Event.PAPER_OPENED, Event.HOUSING_SEARCHED, Event.DIRECTORY_SEARCHED)
"""The events in which somebody looked at what is sealed."""

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

    def filters(self, zone: ZoneInfo) -> Filters:
        """As the ledger asks for them."""
        return Filters(
            officer=self.officer,
            subject=self.subject,
            event=self.event,
            compartment=self.compartment,
            reason=self.reason,
            outcome=self.outcome,
            session=self.session,
            since=None if self.since is None else _midnight(self.since, zone),
            until=None if self.until is None else _midnight(self.until + timedelta(days=1), zone),
        )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)


def _zone(vault: RunningVault) -> ZoneInfo:
    return ZoneInfo(vault.settings.time_zone)


@dataclass(frozen=True)
class Page:
    """Entries as sentences, newest first; `older` is where the next page begins, None at the end."""

    lines: Sequence[Line]
    older: int | None


def lines_of(vault: RunningVault, db: Session, found: Sequence[Woven]) -> list[Line]:
    """Entries as sentences, with one question for each kind of subject among them."""
    names = look_up(db, references(woven.entry for woven in found))
    return [tell(woven, names, _zone(vault)) for woven in found]


def page(vault: RunningVault, db: Session, wanted: Wanted, before: int | None) -> Page:
    """One page of the ledger."""
    filters = wanted.filters(_zone(vault))
    found = vault.ledger.find(db, filters, before_index=before, limit=ON_A_PAGE + 1)
    shown = found[:ON_A_PAGE]
    return Page(lines_of(vault, db, shown), shown[-1].index if len(found) > ON_A_PAGE else None)


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
    """How many entries lie further back than was read."""
    older: int | None
    """Where the next page of lines begins, None at the end."""


def is_told_of(vault: RunningVault, db: Session, reference: str) -> bool:
    """Whether the records know this subject, or something was done to it; being asked for is not enough."""
    filters = Wanted(subject=reference, outcome="done").filters(_zone(vault))
    return look_up(db, {reference}).knows(reference) or bool(
        vault.ledger.find(db, filters, before_index=None, limit=1)
    )


def people_of(db: Session, case: UUID) -> list[tuple[UUID, int]]:
    """The people of a case, by their number."""
    rows = db.execute(select(Person.id, Person.number).where(Person.case == case).order_by(Person.number))
    return [(ident, number) for ident, number in rows]


def who_has_seen(
    vault: RunningVault, db: Session, kind: str, subject: UUID, before: int | None
) -> tuple[Names, Story]:
    """Everybody who ever opened or wrote what is sealed of this subject, the latest first.

    The officers are those of all its entries; the lines are one page of these, from before an index.
    """
    reference = f"{kind}:{subject}"
    watched = WATCHED[kind]
    wanted = Wanted(subject=reference, compartment=watched and str(watched), outcome="done")
    found, earlier = _all(vault, db, wanted)
    looks = [woven for woven in found if woven.entry.compartment is not None and woven.entry.fields]
    after = [woven for woven in looks if before is None or woven.index < before]
    shown = after[:ON_A_PAGE]
    names = look_up(
        db,
        {reference}
        | references(woven.entry for woven in shown)
        | {f"officer:{woven.entry.officer}" for woven in looks if woven.entry.officer},
    )
    lines = [tell(woven, names, _zone(vault)) for woven in shown]
    older = shown[-1].index if len(after) > ON_A_PAGE else None
    return names, Story(lines, _viewers(looks, names), earlier, older)


def _all(vault: RunningVault, db: Session, wanted: Wanted) -> tuple[list[Woven], int]:
    """The newest entries, read in portions, and how many lie further back than is read."""
    filters = wanted.filters(_zone(vault))
    found: list[Woven] = []
    while len(found) < AT_MOST:
        before = found[-1].index if found else None
        portion = vault.ledger.find(db, filters, before_index=before, limit=PORTION)
        found += portion
        if len(portion) < PORTION:
            return found, 0
    return found, vault.ledger.count(db, filters) - len(found)


def _viewers(looks: Sequence[Woven], names: Names) -> list[Viewer]:
    of: dict[UUID | None, list[Entry]] = {}
    for woven in looks:
        of.setdefault(woven.entry.officer, []).append(woven.entry)
    return [
        Viewer(
            name=names.officer(officer) if officer else "The command line",
            officer=officer,
            times=len(theirs),
            first=theirs[-1].at,
            last=theirs[0].at,
            how=sorted({label(Event, entry.event) for entry in theirs}),
            what=sorted({label(Compartment, entry.compartment) for entry in theirs}),
        )
        for officer, theirs in of.items()
    ]


def is_session(vault: RunningVault, db: Session, session: str) -> bool:
    """Whether the ledger tells anything of this session."""
    filters = Wanted(session=session).filters(_zone(vault))
    return bool(vault.ledger.find(db, filters, before_index=None, limit=1))


@dataclass(frozen=True)
class Step:
    """One entry of a session, and how long after the one before it was made."""

    line: Line
    after: timedelta

    @property
    def pause(self) -> str:
        """How long nothing was done before it, when that was a minute or more."""
        return lasting(self.after) if self.after >= timedelta(minutes=1) else ""


@dataclass(frozen=True)
class SessionStory:
    """What an officer did from signing in to signing out, in order."""

    officers: Sequence[tuple[UUID, str]]
    steps: Sequence[Step]
    looks: int
    refusals: int
    is_over: bool
    later: int
    """How many entries follow that are not told."""

    @property
    def began(self) -> datetime:
        """When its first entry was made."""
        return self.steps[0].line.at

    @property
    def lasted(self) -> str:
        """How long it was from the first entry to the last that is told."""
        return lasting(self.steps[-1].line.at - self.began)


def session_story(vault: RunningVault, db: Session, session: str) -> SessionStory:
    """The story of one session; raises NotKnown when the ledger tells nothing of it."""
    found, earlier = _all(vault, db, Wanted(session=session))
    found = found[::-1]
    if not found:
        raise NotKnown
    told = found[:STEPS_AT_MOST]
    lines = lines_of(vault, db, told)
    starts = [lines[0].at, *(line.at for line in lines[:-1])]
    who = sorted({woven.entry.officer for woven in found if woven.entry.officer}, key=str)
    names = look_up(db, {f"officer:{officer}" for officer in who})
    return SessionStory(
        officers=[(officer, names.officer(officer)) for officer in who],
        steps=[Step(line, line.at - before) for line, before in zip(lines, starts, strict=True)],
        looks=sum(woven.entry.event in LOOKS and woven.entry.outcome == "done" for woven in found),
        refusals=sum(woven.entry.outcome == "refused" for woven in found),
        is_over=any(woven.entry.event == Event.SIGNED_OUT for woven in found),
        later=len(found) - len(told) + earlier,
    )


def links(line: Line, names: Names) -> list[tuple[str, str, str | None]]:
    """The entry's subjects: how each is called, its kind, and the id when it has a page of its own."""
    pairs = []
    for reference in line.entry.subjects:
        kind, _, ident = reference.partition(":")
        pairs.append((names.of(reference), kind, ident if kind in (*STORIED, "officer", "alert") else None))
    return pairs
