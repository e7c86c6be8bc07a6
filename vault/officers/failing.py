"""A proof that failed: counted for the locks and recorded, so that no rolled-back act forgets it."""

from dataclasses import dataclass
from datetime import datetime

from audit.entries import Fact
from vault.access.actor import Actor
from vault.access.events import Event, record, record_apart
from vault.officers import proofs, sessions
from vault.officers.models import Officer
from vault.running import RunningVault


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
    """Count and record a failure in transactions of their own, so that nothing rolls them back."""
    digest = proofs.address_digest(vault.root, caller.address)
    subjects = [f"officer:{error.officer}"] if error.officer else []
    passkey = [f"passkey:{error.passkey}"] if error.passkey else []
    facts: dict[str, Fact] = {"step": step, "from": digest[:8]}
    facts |= {"why": error.why} if error.why else {}
    events = [event, Event.PASSKEY_SUSPECTED] if error.why == "counter" else [event]
    for each in events:
        record_apart(
            vault, each, who=who, now=now, subjects=subjects + passkey, outcome="failed", facts=facts
        )
    with vault.writing() as db:
        officer = db.get(Officer, error.officer) if error.officer else None
        if proofs.note_failure(db, vault.settings, officer, digest, now):
            if event is Event.STEP_UP_FAILED and error.officer:
                sessions.end_all(db, error.officer, None)  # Somebody guesses inside a session that they hold.
            record(db, Event.ACCOUNT_LOCKED, who=None, now=now, subjects=subjects)
