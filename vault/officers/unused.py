"""Accounts that nobody uses are off, by what the ledger tells of them (CJIS Security Policy AC-2).

The days count from the last sign-in, or from certification or release where it came later. Only entries that
the vault made itself count, so that whoever writes to the database keeps no account alive.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit import tables
from audit.entries import Entry, Fact
from audit.errors import InvalidEntry
from vault.access.events import Event, is_vouched, record
from vault.database import RecordedSession
from vault.officers import sessions
from vault.officers.models import Officer, OfficerState
from vault.officers.proofs import NOT_RIGHT, ProofRefused
from vault.officers.proofs import check_may_sign_in as check_is_open
from vault.officers.revoking import NEEDED
from vault.running import RunningVault, Trust
from vault.settings import Settings

USES = frozenset({Event.SIGNED_IN, Event.OFFICER_CERTIFIED, Event.OFFICER_RELEASED, Event.VAULT_FOUNDED})
AT_ONCE = 20
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def _entries(db: Session, subject: str) -> Iterator[tuple[int, bytes]]:
    """What the ledger tells of a subject that may be a use, newest first, a few at a time."""
    entry = tables.entries.c
    query = (
        select(entry.index, entry.leaf)
        .join_from(tables.subjects, tables.entries, tables.subjects.c.index == entry.index)
        .where(tables.subjects.c.subject == subject, entry.event.in_([str(event) for event in USES]))
        .order_by(entry.index.desc())
        .limit(AT_ONCE)
    )
    found = db.execute(query).all()
    while found:
        yield from ((index, leaf) for index, leaf in found)
        found = db.execute(query.where(entry.index < found[-1].index)).all()


def last_used(db: Session, trust: Trust, officer: UUID) -> datetime:
    """When the officer last signed in, or was certified or released if that was later; NEVER for nothing."""
    subject = f"officer:{officer}"
    for index, leaf in _entries(db, subject):
        try:
            told = Entry.from_canonical(leaf)
        except InvalidEntry:
            continue
        if told.event in USES and subject in told.subjects and is_vouched(told, index, trust.confirms):
            return told.at
    return NEVER


def _is_overdue(used: datetime, settings: Settings, now: datetime) -> bool:
    return now - used > timedelta(days=settings.unused_days)


def _is_spared(db: Session, trust: Trust, officer: Officer, used: datetime) -> bool:
    """Whether this is the one of a needed role who was there last: somebody must be left to let others in."""
    if officer.role not in NEEDED:
        return False
    others = db.scalars(
        select(Officer).where(
            Officer.role == officer.role,
            Officer.id != officer.id,
            Officer.state == OfficerState.ACTIVE,
            Officer.locked_at.is_(None),
            Officer.unused_at.is_(None),
        )
    )
    mine = (used, officer.id)
    return not any((last_used(db, trust, other.id), other.id) > mine for other in others)


def check_may_sign_in(db: Session, vault: RunningVault, officer: Officer, now: datetime) -> None:
    """Raise ProofRefused, as for any mistake, where `proofs` does, and for an account that is unused."""
    check_is_open(officer)
    used = last_used(db, vault.trust, officer.id)
    is_overdue = officer.state is OfficerState.ACTIVE and _is_overdue(used, vault.settings, now)
    if is_overdue and not _is_spared(db, vault.trust, officer, used):
        raise ProofRefused(NOT_RIGHT, officer.id)


@dataclass(frozen=True)
class Swept:
    """Whom the sweep put off, and who stays although unused, because their role has nobody else."""

    off: list[Officer]
    spared: list[Officer]


def _overdue(
    db: Session, trust: Trust, settings: Settings, now: datetime
) -> Iterator[tuple[Officer, datetime]]:
    active = select(Officer).where(Officer.state == OfficerState.ACTIVE, Officer.unused_at.is_(None))
    for officer in db.scalars(active.order_by(Officer.full_name, Officer.id)).all():
        used = last_used(db, trust, officer.id)
        if _is_overdue(used, settings, now):
            yield officer, used


def spared(db: Session, trust: Trust, settings: Settings, now: datetime) -> list[Officer]:
    """Who is not put off although unused."""
    found = _overdue(db, trust, settings, now)
    return [officer for officer, used in found if _is_spared(db, trust, officer, used)]


def sweep(vault: RunningVault, now: datetime) -> Swept:
    """Put off every account that nobody has used for too long, each with its entry."""
    with vault.writing() as db:
        swept = Swept([], [])
        for officer, used in _overdue(db, vault.trust, vault.settings, now):
            if _is_spared(db, vault.trust, officer, used):
                swept.spared.append(officer)
                continue
            _put_off(db, officer, vault.settings.unused_days, now)
            swept.off.append(officer)
    return swept


def _put_off(db: RecordedSession, officer: Officer, days: int, now: datetime) -> None:
    officer.unused_at = now
    facts: dict[str, Fact] = {"days": days, "sessions-ended": sessions.end_all(db, officer.id, None)}
    subjects = [f"officer:{officer.id}"]
    record(db, Event.ACCOUNT_UNUSED, who=None, now=now, subjects=subjects, facts=facts)
