"""A proof that failed: counted for the locks and recorded, so that no rolled-back act forgets it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from audit.entries import Fact
from vault.access.actor import Actor
from vault.access.events import Event, record, record_apart
from vault.database import RecordedSession
from vault.officers import proofs, sessions
from vault.officers.models import NobodysLock, Officer
from vault.running import RunningVault

NOBODY = "name:unknown"
"""The subject of a failure under a name that nobody has; what was typed is told nobody."""
NOBODYS_LOCK = UUID(int=1)


@dataclass(frozen=True)
class Caller:
    """Where a request comes from: the network address, and the browser in two words."""

    address: str
    device: str


def note(
    vault: RunningVault,
    event: Event,
    error: proofs.ProofRefused,
    caller: Caller,
    step: str,
    who: Actor | None,
    now: datetime,
) -> None:
    """Count and record a failure in transactions of their own, so that nothing rolls them back.

    The entries, the questions and the rows are as many for a name that nobody has as for an officer's. From
    a place that has tried too often only the first refusal is noted, so that nobody can fill the ledger. For
    a password for duress that was given in vain the entry is the alarm.
    """
    if isinstance(error, proofs.TooManyTries) and not error.is_first:
        return
    digest = proofs.address_digest(vault.root, caller.address)
    subjects = [f"officer:{error.officer}" if error.officer else NOBODY]
    passkey = [f"passkey:{error.passkey}"] if error.passkey else []
    facts: dict[str, Fact] = {"step": step, "from": digest[:8]}
    facts |= {"why": error.why} if error.why else {}
    told = Event.DURESS_PASSWORD_GIVEN if error.is_forced else event
    events = [told, Event.PASSKEY_SUSPECTED] if error.why == "counter" else [told]
    for each in events:
        record_apart(
            vault, each, who=who, now=now, subjects=subjects + passkey, outcome="failed", facts=facts
        )
    with vault.writing_always() as db:
        if isinstance(error, proofs.TooManyTries):
            proofs.note_try(db, vault.settings, None, digest, now)
            return
        counted = error.officer or proofs.id_of_nobody(vault.root, error.name)
        officer, is_locked = proofs.note_failure(db, vault.settings, counted, digest, now)
        if is_locked:
            if event is Event.STEP_UP_FAILED and officer is not None:
                sessions.end_all(db, officer.id, None)  # Somebody guesses inside a session that they hold.
            _lock(db, officer, subjects, now)


def _lock(db: RecordedSession, officer: Officer | None, subjects: list[str], now: datetime) -> None:
    """Lock an account; where nobody has the name, one row stands in for it."""
    nobody = db.get(NobodysLock, NOBODYS_LOCK, with_for_update=True)
    if officer is not None:
        officer.locked_at = now
    elif nobody is not None:
        nobody.locked_at = now
    else:
        db.add(NobodysLock(id=NOBODYS_LOCK, locked_at=now))
    event = Event.NAME_LOCKED if officer is None else Event.ACCOUNT_LOCKED
    record(db, event, who=None, now=now, subjects=subjects)
