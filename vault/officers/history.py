"""What the ledger remembers of a second factor: a row put back as it was cannot deny it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit import tables
from audit.entries import Entry, timestamp
from audit.errors import InvalidEntry
from vault.access.events import Event, is_vouched
from vault.running import Trust

TIME_STEP = "time-step"
"""The fact in which an entry tells of a used code of an app, as its time step (RFC 6238, 4.2)."""


def _told(db: Session, trust: Trust, subject: str, event: Event) -> list[Entry]:
    """The vault's own entries of this kind about a subject, oldest first."""
    entry = tables.entries.c
    query = (
        select(entry.index, entry.leaf)
        .join_from(tables.subjects, tables.entries, tables.subjects.c.index == entry.index)
        .where(tables.subjects.c.subject == subject, entry.event == str(event))
        .order_by(entry.index)
    )
    found = []
    for index, leaf in db.execute(query):
        try:
            told = Entry.from_canonical(leaf)
        except InvalidEntry:
            continue
        if subject in told.subjects and is_vouched(told, index, trust.confirms):
            found.append(told)
    return found


def was_removed(db: Session, trust: Trust, passkey: UUID) -> bool:
    """Whether this passkey was removed by an act of its officer."""
    return bool(_told(db, trust, f"passkey:{passkey}", Event.PASSKEY_REMOVED))


def is_spent(db: Session, trust: Trust, officer: UUID, batch: UUID, code: UUID) -> bool:
    """Whether this backup code was used, or newer ones were made since."""
    made = _told(db, trust, f"officer:{officer}", Event.RECOVERY_CODES_MADE)
    is_newest = bool(made) and made[-1].facts.get("batch") == str(batch)
    return not is_newest or bool(_told(db, trust, f"recovery-code:{code}", Event.RECOVERY_CODE_USED))


def newest_step(db: Session, trust: Trust, officer: UUID, since: datetime) -> int:
    """The latest time step of a code that the officer used, of those told since then; 0 for none."""
    entry, subject = tables.entries.c, f"officer:{officer}"
    # By time alone: neither engine would know that few entries are so young and many are about this officer.
    young = select(entry.index, entry.leaf).where(entry.at >= timestamp(since))
    steps = [0]
    for index, leaf in db.execute(young):
        if TIME_STEP.encode() not in leaf or subject.encode() not in leaf:
            continue  # Reading and checking every entry is what would take the time.
        try:
            told = Entry.from_canonical(leaf)
        except InvalidEntry:
            continue
        step = told.facts.get(TIME_STEP)
        if isinstance(step, int) and subject in told.subjects and is_vouched(told, index, trust.confirms):
            steps.append(step)
    return max(steps)
