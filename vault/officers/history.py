"""What the ledger remembers of a second factor: a row put back as it was cannot deny it."""

import hashlib
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


def _told(db: Session, trust: Trust, subject: str, *events: Event) -> list[Entry]:
    """The vault's own entries of these kinds about a subject, oldest first."""
    entry = tables.entries.c
    query = (
        select(entry.index, entry.leaf)
        .join_from(tables.subjects, tables.entries, tables.subjects.c.index == entry.index)
        .where(tables.subjects.c.subject == subject, entry.event.in_([str(event) for event in events]))
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


APP, KEY_VERSION = "app-digest", "key-version"
"""The facts in which an entry tells which app's secret is the newest, and for which of the officer's keys."""


def digest_of_app(officer: UUID, secret: str) -> str:
    """How the ledger remembers an app's secret: of 160 random bits a digest tells nothing."""
    return hashlib.sha256(b"vault/app/v1" + officer.bytes + secret.encode()).hexdigest()[:32]


def is_replaced(db: Session, trust: Trust, officer: UUID, key_version: int, app: str) -> bool:
    """Whether the app of this digest was removed or gave way to another under the same keys."""
    told = _told(db, trust, f"officer:{officer}", Event.APP_SET, Event.APP_REMOVED)
    told = [entry for entry in told if entry.facts.get(KEY_VERSION) == key_version]
    return bool(told) and told[-1].facts.get(APP) != app


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
