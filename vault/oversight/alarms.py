"""What somebody must look at within the hour: one list for the desk, the terminal and whoever is paged.

An alarm is about the vault itself and names no person and no case.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from audit import tables
from audit.entries import Entry, new_entry_id
from audit.errors import LedgerError, LedgerUnavailable, NotVerified
from audit.notes import Checkpoint, parse
from audit.refusals import read_refusal
from audit.rehearsal import rehearse
from audit.volumes import volume_named
from vault.access_review import actions as access_review
from vault.keys import renewing
from vault.notarising import check_published
from vault.oversight.forced import unanswered as forced_to_sign_in
from vault.oversight.registering import taken_away
from vault.oversight.witnessing import last_witnessed
from vault.running import RunningVault
from vault.settings import Settings
from vault.vocabulary import Labelled

SIGNED_WITHIN = timedelta(minutes=10)
WOVEN_WITHIN = timedelta(minutes=1)
CLOCKS_AGREE_WITHIN = timedelta(minutes=5)


class AlarmKind(Labelled):
    """What is wrong."""

    NOTARY_REFUSES = "notary-refuses", "The notary refuses to sign the ledger"
    NOT_SIGNED = "not-signed", "The notary has not signed"
    CHECKPOINT = "checkpoint-forged", "The published checkpoint cannot be believed"
    NOT_RECORDING = "not-recording", "Nothing can be recorded"
    ENTRIES_WAIT = "entries-wait", "Entries wait to be put into the ledger"
    WITNESS_LATE = "witness-late", "An outside witness is behind"
    WITNESS_DIFFERS = "witness-differs", "The ledger is not what an outside witness saw"
    WITNESS_REFUSES = "witness-refuses", "An outside witness refuses to cosign the ledger"
    WITNESS_GONE = "witness-gone", "A registered witness was changed or taken away in the database"
    CLOCKS = "clocks-differ", "Two clocks differ"
    DISK = "disk-full", "The disk is nearly full"
    KEYS = "keys-overdue", "Keys wait to be renewed"
    ACCESS_REVIEW = "access-review-overdue", "Everybody's access was not reviewed in time"
    DURESS = "duress", "A colleague may be under duress"
    UNREADABLE = "unreadable", "Something in the database cannot be read"


@dataclass(frozen=True)
class Alarm:
    """One alarm: what is wrong, since when if that is known, and what to do now."""

    kind: AlarmKind
    words: str
    since: datetime | None

    @property
    def heading(self) -> str:
        """What is wrong, in words."""
        return self.kind.label


def at_a_glance(vault: RunningVault, db: Session, now: datetime) -> list[Alarm]:
    """The alarms that cost a page little: a few small files, and five questions to the database."""
    settings = vault.settings
    of_database = (_unsigned(vault, db, now), _waiting(db, now), _unreviewed(db, settings, now))
    return _each(_refusal(settings), *of_database, _disk(settings))


def alarms(vault: RunningVault, now: datetime) -> list[Alarm]:
    """Every alarm; `now` is this machine's time. A database that is away is one too, and ends nothing."""
    return _sounding(vault, None, now)


def alarms_read_by(vault: RunningVault, reader: UUID, now: datetime) -> list[Alarm]:
    """Every alarm but that the reader themself may be forced, lest somebody reads over them."""
    return _sounding(vault, reader, now)


def _sounding(vault: RunningVault, reader: UUID | None, now: datetime) -> list[Alarm]:
    found = []
    try:
        _rehearse(vault, now)
    except (LedgerUnavailable, DBAPIError, PoolTimeout):
        words = "Officers are answered that nothing can be recorded. See to the database and to the disk now."
        found.append(Alarm(AlarmKind.NOT_RECORDING, words, None))
    try:
        with vault.reading() as db:
            found += at_a_glance(vault, db, now)
            witnesses = (_witnesses(vault, db, now), _gone(vault, db))
            found += _each(_disbelieved(vault.settings), *witnesses, _clocks(db, now), _keys(db, now))
            found += _each(_forced(vault, db, reader))
    except (DBAPIError, PoolTimeout):
        found += [*_refusal(vault.settings), *_disk(vault.settings)]
    return found


def _each(*checks: Iterator[Alarm]) -> list[Alarm]:
    """What each check finds; one that cannot read what it asked for is an alarm, and silences no other."""
    found: list[Alarm] = []
    unreadable = False
    for check in checks:
        try:
            found.extend(check)
        except (ValueError, TypeError, LookupError):
            unreadable = True
    if unreadable:
        words = "Somebody may have written past the vault. Run python -m vault verify, and call the auditor."
        found.append(Alarm(AlarmKind.UNREADABLE, words, None))
    return found


def _rehearse(vault: RunningVault, now: datetime) -> None:
    entry = Entry(
        id=new_entry_id(now),
        at=now,
        event="rehearsed",
        officer=None,
        session=None,
        subjects=(),
        compartment=None,
        fields=(),
        reason=None,
        outcome="done",
        rows={},
        facts={},
        details=None,
    )
    rehearse(vault.database.engine, entry, vault.settings.record_timeout_seconds)


def _refusal(settings: Settings) -> Iterator[Alarm]:
    refusing = read_refusal(settings.checkpoint)
    if refusing is not None:
        words = f"{refusing.words} Call the auditor, and change nothing until then."
        yield Alarm(AlarmKind.NOTARY_REFUSES, words, refusing.since)


def _published(settings: Settings) -> Checkpoint | None:
    try:
        return parse(settings.checkpoint.read_text("utf-8"))
    except (OSError, ValueError, NotVerified):
        return None


def _disbelieved(settings: Settings) -> Iterator[Alarm]:
    """A checkpoint that the notary's keys did not sign; one that is missing shows as not signed."""
    if not settings.checkpoint.exists():
        return
    checkpoint = _published(settings)
    try:
        if checkpoint is not None and check_published(settings, checkpoint):
            return
    except (NotVerified, OSError):
        pass
    words = "Somebody changed it, or the notary's keys. Call the auditor, and change nothing until then."
    yield Alarm(AlarmKind.CHECKPOINT, words, None)


def unsigned_since(settings: Settings, db: Session) -> datetime | None:
    """When the oldest entry that no checkpoint counts was made; None when there is no such entry."""
    checkpoint = _published(settings)
    first = 0
    if checkpoint is not None:
        try:
            first = volume_named(db, checkpoint.origin).first_index + checkpoint.size
        except NotVerified:
            return None  # It is of another log, which the comparison of its signatures says.
    at = db.scalar(select(tables.entries.c.at).where(tables.entries.c.index == first))
    return None if at is None else datetime.fromisoformat(at)


def _unsigned(vault: RunningVault, db: Session, now: datetime) -> Iterator[Alarm]:
    """The oldest entry that no checkpoint counts is older than ten minutes; a refusal says more than this."""
    since = unsigned_since(vault.settings, db)
    if since is None or now - since <= SIGNED_WITHIN or read_refusal(vault.settings.checkpoint) is not None:
        return
    words = (
        "Until it signs, the newest entries could be cut off unseen. The administrator sees to its service."
    )
    yield Alarm(AlarmKind.NOT_SIGNED, words, since)


def _waiting(db: Session, now: datetime) -> Iterator[Alarm]:
    """The oldest entry that waits, by the moment in front of its id, is older than a minute."""
    oldest = db.scalar(select(tables.pending.c.id).order_by(tables.pending.c.id).limit(1))
    if oldest is None:
        return
    milliseconds = min(oldest.int >> 80, int(now.timestamp() * 1000))
    since = datetime.fromtimestamp(milliseconds / 1000, UTC)
    if now - since > WOVEN_WITHIN:
        words = "Changes are kept, and the ledger does not tell of them yet. The administrator sees to it."
        yield Alarm(AlarmKind.ENTRIES_WAIT, words, since)


def _witnesses(vault: RunningVault, db: Session, now: datetime) -> Iterator[Alarm]:
    try:
        known = last_witnessed(vault, db)
    except LedgerError:
        return  # A ledger that cannot be read is told by what reads it.
    for witnessed in known:
        if not witnessed.still_holds:
            words = "Call the auditor, keep the witness's note, and change nothing until then."
            yield Alarm(AlarmKind.WITNESS_DIFFERS, words, witnessed.at)
        elif witnessed.refused is not None:
            words = "Call the auditor, and change nothing until then. The ledger keeps both notes."
            yield Alarm(AlarmKind.WITNESS_REFUSES, words, witnessed.refused.entry.at)
        elif witnessed.is_late(now):
            words = "It has not vouched for the ledger for more than a day. Ask the auditor whether it runs."
            yield Alarm(AlarmKind.WITNESS_LATE, words, witnessed.at)


def _gone(vault: RunningVault, db: Session) -> Iterator[Alarm]:
    """Whoever takes a witness's row away would otherwise silence every alarm about that witness."""
    try:
        gone = taken_away(vault, db)
    except LedgerError:
        return
    if gone:
        words = "Nobody ended its registration. Call the auditor, and find out who writes to the database."
        yield Alarm(AlarmKind.WITNESS_GONE, words, None)


def _clocks(db: Session, now: datetime) -> Iterator[Alarm]:
    """PostgreSQL has a clock of its own; SQLite has this machine's."""
    if db.get_bind().dialect.name != "postgresql":
        return
    theirs: datetime = db.scalars(select(func.clock_timestamp())).one()
    if abs(theirs - now) > CLOCKS_AGREE_WITHIN:
        words = (
            "The database and this machine disagree by more than five minutes. Set both by the same source."
        )
        yield Alarm(AlarmKind.CLOCKS, words, None)


def _disk(settings: Settings) -> Iterator[Alarm]:
    for folder in dict.fromkeys((settings.data, settings.checkpoint.parent)):
        try:
            usage = shutil.disk_usage(folder)
        except OSError:
            continue  # The notary's folder may be closed to us; the notary itself says what it lacks.
        if usage.free * 100 < usage.total * settings.alarm_below_free_percent:
            words = (
                f"Less than {settings.alarm_below_free_percent} percent is free. Make room before it is full."
            )
            yield Alarm(AlarmKind.DISK, words, None)
            return


def _unreviewed(db: Session, settings: Settings, now: datetime) -> Iterator[Alarm]:
    due = access_review.due_at(db, settings)
    if now > due:
        words = "Nobody has confirmed lately who may open what. Ask a coordinator to finish the review."
        yield Alarm(AlarmKind.ACCESS_REVIEW, words, due)


def _forced(vault: RunningVault, db: Session, reader: UUID | None) -> Iterator[Alarm]:
    """That somebody is, for the terminal and whoever is paged; only desks say who."""
    for forced in forced_to_sign_in(vault, db):
        if forced.officer == reader:
            continue
        words = "A password for duress was given. Follow the plan for duress; the desk says whose it was."
        yield Alarm(AlarmKind.DURESS, words, forced.at)
        return


def _keys(db: Session, now: datetime) -> Iterator[Alarm]:
    extent = renewing.extent(db)
    if extent.is_overdue(now):
        words = "They have waited for more than 24 hours. Ask a coordinator to renew them today."
        yield Alarm(AlarmKind.KEYS, words, extent.oldest)
