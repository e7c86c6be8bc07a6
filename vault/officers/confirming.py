"""The password of an officer who is signed in, asked for once more before another one is set."""

from datetime import datetime

from crypto.identity import Decoy
from vault.access.actor import Actor
from vault.access.events import Event, record_apart
from vault.officers import admission, duress, failing, passwords, proofs
from vault.officers.failing import Caller
from vault.officers.sessions import Found
from vault.running import RunningVault


def confirm_password(
    vault: RunningVault, found: Found, who: Actor, password: str, step: str, caller: Caller, now: datetime
) -> None:
    """Check the password of a signed-in officer once more. Raises ProofRefused.

    In a session of their own the one for duress raises the alarm, and is answered as a wrong one. Under
    duress it is as right as any: what follows finds an empty house.
    """
    try:
        _check(vault, found, who, password, now)
    except proofs.ProofRefused as error:
        failing.note(vault, Event.STEP_UP_FAILED, error, caller, step, who, now)
        raise


def _check(vault: RunningVault, found: Found, who: Actor, password: str, now: datetime) -> None:
    with vault.reading() as db:
        name = found.officer.name
        officer, identity = proofs.check_password(db, vault.root, vault.settings, name, password)
    if isinstance(identity, Decoy) and not who.is_under_duress:
        subjects = [f"officer:{officer.id}"]
        record_apart(vault, Event.DURESS_PASSWORD_GIVEN, who=who, now=now, subjects=subjects)
        raise proofs.ProofRefused(proofs.NOT_RIGHT, officer.id)


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
