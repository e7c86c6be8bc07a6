"""Keeping and removing one's own passkeys and backup codes, each after the second factor was given again."""

from datetime import datetime
from uuid import UUID

from audit.entries import Fact
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.reading import is_stepped_up
from vault.database import RecordedSession
from vault.errors import NotKnown, RuleForbids, StepUpNeeded
from vault.officers import admission, failing, passkeys, proofs, recovery_codes, second_factors, sessions
from vault.officers.failing import Caller
from vault.officers.models import Officer, OfficerState, Passkey, Purpose
from vault.running import RunningVault

FIRST = "First passkey"
"""What the passkey is called with which an officer enrolled."""
NOT_MADE = "The passkey could not be checked, so it was not kept. Press the button and try again."


def _check_stepped_up(vault: RunningVault, who: Actor, now: datetime) -> None:
    if not is_stepped_up(vault, who, now):
        raise StepUpNeeded


def _keep(
    db: RecordedSession, vault: RunningVault, who: Actor | None, officer: Officer, row: Passkey, ended: int
) -> None:
    passkeys.keep(db, vault.trust, officer, row)
    subjects = [f"officer:{officer.id}", f"passkey:{row.id}"]
    facts: dict[str, Fact] = {"other-sessions-ended": ended} if ended else {}
    record(db, Event.PASSKEY_ADDED, who=who, now=row.added_at, subjects=subjects, facts=facts)


def enrol_with(
    db: RecordedSession, vault: RunningVault, officer: Officer, text: str, challenge: bytes, now: datetime
) -> None:
    """Let a new officer's first passkey stand for the app, which is not set up then. Raises ProofRefused."""
    if officer.state is not OfficerState.INVITED:
        raise NotKnown
    row = passkeys.read_new(vault, officer, FIRST, text, challenge, now)
    second_factors.drop(db, officer.id)
    _keep(db, vault, None, officer, row, 0)
    admission.mark_enrolled(db, officer, now)


def add(
    vault: RunningVault, who: Actor, session: UUID, name: str, text: str, caller: Caller, now: datetime
) -> None:
    """Keep what the officer's browser made as one more passkey of theirs; their other sessions end.

    Raises StepUpNeeded, ProofRefused for an answer that proves nothing, and RuleForbids for a name that is
    taken or one passkey too many.
    """
    _check_stepped_up(vault, who, now)
    try:
        given = second_factors.receive(vault, who.officer, session, text, Purpose.ADDING, now)
        with vault.writing() as db:
            officer = admission.get(db, who.officer)
            row = passkeys.read_new(vault, officer, name, given.text, given.challenge or b"", now)
            _keep(db, vault, who, officer, row, sessions.end_all(db, officer.id, session))
    except proofs.ProofRefused as error:
        failing.note(vault, Event.STEP_UP_FAILED, error, caller, "adding-a-passkey", who, now)
        raise


def own_passkey(db: RecordedSession, who: Actor, passkey: UUID) -> Passkey:
    """One of the officer's own passkeys. Raises NotKnown for anybody else's."""
    row = db.get(Passkey, passkey)
    if row is None or row.officer != who.officer:
        raise NotKnown
    return row


def check_may_go(db: RecordedSession, vault: RunningVault, officer: Officer, row: Passkey) -> None:
    """Raise RuleForbids where without this passkey the officer could not sign in as their role must."""
    others = [one for one in passkeys.own(db, vault.trust, officer) if one.id != row.id]
    if others:
        return
    if second_factors.wants_passkey(vault.settings, officer.role):
        raise RuleForbids("Your role signs in with a passkey. Add another one before you remove this one.")
    if not second_factors.has_app(db, officer.id):
        raise RuleForbids("This is your only way to sign in. Add another passkey before you remove it.")


def remove(vault: RunningVault, who: Actor, session: UUID, passkey: UUID, now: datetime) -> None:
    """Take a passkey away for good; the ledger remembers it, so that its row cannot be put back.

    Whoever signed in with it is out, for every session but this one ends. Raises StepUpNeeded, NotKnown, and
    RuleForbids for the last way to sign in.
    """
    _check_stepped_up(vault, who, now)
    with vault.writing() as db:
        officer = admission.held(db, who.officer)
        row = own_passkey(db, who, passkey)
        check_may_go(db, vault, officer, row)
        db.delete(row)
        subjects = [f"officer:{who.officer}", f"passkey:{row.id}"]
        ended = sessions.end_all(db, who.officer, session)
        facts: dict[str, Fact] = {"other-sessions-ended": ended} if ended else {}
        record(db, Event.PASSKEY_REMOVED, who=who, now=now, subjects=subjects, facts=facts)


def make_codes(vault: RunningVault, who: Actor, now: datetime) -> list[str]:
    """Give the officer ten new backup codes; those of before end. Raises StepUpNeeded."""
    _check_stepped_up(vault, who, now)
    with vault.writing() as db:
        return recovery_codes.make(db, who, vault.trust, now)
