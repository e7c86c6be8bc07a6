"""A right password looked at again: before a session begins, and before another password is set."""

from datetime import datetime

from crypto.identity import Decoy, Identity
from vault.access.actor import Actor
from vault.access.events import Event
from vault.database import RecordedSession
from vault.officers import admission, duress, failing, passwords, proofs, unused
from vault.officers.failing import Caller
from vault.officers.models import Officer
from vault.officers.sessions import Found
from vault.running import RunningVault


def confirm_password(
    vault: RunningVault, found: Found, who: Actor, password: str, step: str, caller: Caller, now: datetime
) -> None:
    """Check the password of a signed-in officer once more. Raises ProofRefused.

    In a session of their own the one for duress raises the alarm, and is answered, counted and told as a
    wrong one. Under duress it is as right as any: what follows finds an empty house.
    """
    try:
        _check(vault, found, who, password)
    except proofs.ProofRefused as error:
        failing.note(vault, Event.STEP_UP_FAILED, error, caller, step, who, now)
        raise


def still_open(
    db: RecordedSession, vault: RunningVault, known: Officer, identity: Identity, now: datetime
) -> Officer:
    """The officer whose password was right, as they are now that it is stretched; they stand still.

    Raises ProofRefused where a lock fell meanwhile, the password was changed, or the account is unused.
    """
    officer = admission.held(db, known.id)
    is_changed = (officer.wrap, officer.key_version) != (known.wrap, known.key_version)
    refused = proofs.ProofRefused(proofs.NOT_RIGHT, officer.id) if is_changed else None
    try:
        unused.check_may_sign_in(db, vault, officer, now)
    except proofs.ProofRefused as error:
        refused = error
    if refused is not None:
        refused.is_forced = isinstance(identity, Decoy)
        raise refused
    return officer


def _check(vault: RunningVault, found: Found, who: Actor, password: str) -> None:
    with vault.reading() as db:
        name = found.officer.name
        officer, identity = proofs.check_password(db, vault.root, vault.settings, name, password)
    if isinstance(identity, Decoy) and not who.is_under_duress:
        refused = proofs.ProofRefused(proofs.NOT_RIGHT, officer.id)
        refused.is_forced = True
        raise refused


def save_duress(
    vault: RunningVault,
    found: Found,
    who: Actor,
    own: str,
    password: str | None,
    caller: Caller,
    now: datetime,
) -> None:
    """Set or, with None, take away the officer's password for duress, after checking their own.

    Raises ProofRefused, and RuleForbids for a password that guessers would find.
    """
    confirm_password(vault, found, who, own, "duress-page", caller, now)
    with vault.writing() as db:
        if password is not None:
            passwords.check_new(vault.settings, admission.get(db, who.officer), password, frozenset())
        duress.save(db, vault.root, who, own, password, now)
