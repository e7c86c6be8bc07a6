"""Watching the ledger: what was added since the last time is read once, and what the rules find is kept.

Whoever opens the bench reads on from where the last one stopped. Each alert is an entry too, so that one that
is taken out of the database is missed.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select

from audit.ledger import Woven
from crypto.encoding import enc
from vault.access.events import Event, is_vouched, record
from vault.cases.models import Person
from vault.database import RecordedSession
from vault.oversight.memory import Finding, Memory, Seen
from vault.oversight.models import ONLY, Alert, Watch, WatchedHour, WatchedOfficer
from vault.oversight.naming import split
from vault.oversight.rules import watch
from vault.running import RunningVault

BATCH = 1000
BATCHES_AT_ONCE = 5
"""A page waits for no more than this; after a long time unwatched the next page reads on."""


@dataclass(frozen=True)
class Watched:
    """How far the ledger has been watched, of how many entries."""

    upto: int
    size: int

    @property
    def is_whole(self) -> bool:
        """Whether every entry was looked at."""
        return self.upto >= self.size


def alert_id(finding: Finding) -> UUID:
    """An alert's name, the same for everybody who finds it: from its rule and its first entry."""
    told = enc("vault/alert/v1", str(finding.rule), finding.first_index)
    return UUID(bytes=hashlib.sha256(told).digest()[:16], version=5)


def catch_up(vault: RunningVault, now: datetime) -> Watched:
    """Read what was added to the ledger since the last time, and raise what the rules find in it.

    Raises audit.errors.Damaged, and audit.errors.LedgerDelayed when an alert waits for its entry.
    """
    watched = Watched(0, 1)
    for _ in range(BATCHES_AT_ONCE):
        watched = _read_on(vault, now)
        if watched.is_whole:
            break
    return watched


def _read_on(vault: RunningVault, now: datetime) -> Watched:
    with vault.writing() as db:
        size = vault.ledger.head(db).size
        # Of two who watch at once, one waits here and then finds nothing left to do.
        state = db.scalars(select(Watch).with_for_update()).one_or_none()
        if state is None:
            state = Watch(id=ONLY, next_index=0, memory={})
            db.add(state)
        if not _goes_on(db, vault, state):
            # Entries were cut off: what was recorded in their place has never been looked at.
            state.next_index, state.memory = 0, {}
        found = vault.ledger.following(db, state.next_index, BATCH)
        if found:
            _take_in(db, vault, state, found, now)
        return Watched(state.next_index, size)


def _goes_on(db: RecordedSession, vault: RunningVault, state: Watch) -> bool:
    """Whether the entry that was looked at last still stands where it stood."""
    last = state.memory.get("last")
    if last is None:
        return True
    return [str(woven.entry.id) for woven in vault.ledger.following(db, state.next_index - 1, 1)] == [last]


def _take_in(
    db: RecordedSession, vault: RunningVault, state: Watch, found: Sequence[Woven], now: datetime
) -> None:
    if state.next_index == 0:
        # Begun anew: what was drawn from the ledger before is drawn again from its first entry.
        db.execute(delete(WatchedHour))
        db.execute(delete(WatchedOfficer))
    zone = ZoneInfo(vault.settings.time_zone)
    kept = {str(row.id): row for row in db.scalars(select(WatchedOfficer))}
    before = {officer: row.memory for officer, row in kept.items()}
    memory = Memory.kept(state.memory, before)
    case_of = _cases_of_people(db, found)
    seen = [
        Seen.of(
            woven.index,
            woven.entry,
            woven.entry.at.astimezone(zone),
            is_vouched(woven.entry, woven.index, vault.confirms),
            case_of,
        )
        for woven in found
    ]
    findings = [finding for one in seen for finding in watch(one, memory)]
    for officer, part in memory.each().items():
        if officer not in kept:
            db.add(WatchedOfficer(id=UUID(officer), memory=part))
        elif part != before[officer]:
            kept[officer].memory = part
    state.memory = memory.shared() | {"last": str(found[-1].entry.id)}
    state.next_index = found[-1].index + 1
    _count_hours(db, seen)
    _raise(db, findings, now)


def _cases_of_people(db: RecordedSession, found: Sequence[Woven]) -> dict[str, str]:
    """The case of every person whom these entries name; a person never changes the case."""
    named = {subject for woven in found for subject in woven.entry.subjects if subject.startswith("person:")}
    ids = {ident for subject in named if (ident := split(subject)[1]) is not None}
    if not ids:
        return {}
    rows = db.execute(select(Person.id, Person.case).where(Person.id.in_(ids)))
    return {f"person:{ident}": f"case:{case}" for ident, case in rows}


def _count_hours(db: RecordedSession, seen: Iterable[Seen]) -> None:
    looks: Counter[tuple[UUID, date, int]] = Counter()
    refusals: Counter[tuple[UUID, date, int]] = Counter()
    for one in seen:
        if one.officer and one.is_vouched:
            place = (UUID(one.officer), one.local.date(), one.local.hour)
            looks[place] += one.is_look
            refusals[place] += one.outcome == "refused"
    places = {place for place in looks if looks[place] or refusals[place]}
    if not places:
        return
    query = select(WatchedHour).where(
        WatchedHour.day.in_({day for _, day, _ in places}),
        WatchedHour.officer.in_({officer for officer, _, _ in places}),
    )
    there = {(row.officer, row.day, row.hour): row for row in db.scalars(query)}
    for place in sorted(places):
        row = there.get(place)
        if row is None:
            officer, day, hour = place
            row = WatchedHour(officer=officer, day=day, hour=hour, looks=0, refusals=0)
            db.add(row)
        row.looks += looks[place]
        row.refusals += refusals[place]


def _raise(db: RecordedSession, findings: Sequence[Finding], now: datetime) -> None:
    """Keep each alert with an entry of its own; one that is there already is not raised again."""
    if not findings:
        return
    named = {alert_id(finding): finding for finding in findings}
    there = set(db.scalars(select(Alert.id).where(Alert.id.in_(named))))
    for ident, finding in named.items():
        if ident in there:
            continue
        alert = Alert(
            id=ident,
            rule=finding.rule,
            first_index=finding.first_index,
            last_index=finding.last_index,
            at=finding.at,
            officer=finding.officer,
            subject=finding.subject,
            number=finding.number,
            usual=finding.usual,
            dismissed_by=None,
            dismissed_at=None,
            carried_week=None,
        )
        db.add(alert)
        about = [f"officer:{finding.officer}"] if finding.officer else []
        record(
            db,
            Event.ALERT_RAISED,
            who=None,
            now=now,
            subjects=[alert.subject_name, *about, *([finding.subject] if finding.subject else [])],
            facts={"rule": finding.rule, "first": finding.first_index, "last": finding.last_index},
        )
