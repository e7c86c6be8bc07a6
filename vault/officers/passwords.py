"""Changing a password, and coming back with the recovery code: the same keys under a new lock."""

from datetime import datetime
from importlib.resources import files

from crypto.errors import Refused, WrongPassword
from crypto.identity import Identity, unwrap_by_recovery_code, wrap_for_recovery_code, wrap_seed
from crypto.passwords import PasswordCost
from crypto.root import RootKey
from crypto.wraps import OfficerWrap
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.database import RecordedSession
from vault.errors import RuleForbids
from vault.officers import proofs, second_factors, sessions
from vault.officers.models import Officer, Purpose, named
from vault.running import RunningVault
from vault.settings import Settings

LEAST, MOST = 15, 128


def _blocked() -> frozenset[str]:
    text = files("vault.officers").joinpath("blocked-passwords.txt").read_text()
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def check_strength(password: str) -> None:
    """Length and a block list, and no rule about kinds of letters (NIST SP 800-63B-4, 3.1.1.2).

    Raises RuleForbids with a sentence that says what to do.
    """
    if len(password) < LEAST:
        raise RuleForbids(f"Use at least {LEAST} characters. A few unrelated words work well.")
    plain = password.lower()
    rest = plain
    for word in sorted(_blocked(), key=lambda word: (-len(word), word)):
        rest = rest.replace(word, "")
    # A word said twice, or two such words after each other, are guessed as soon as one.
    if len(set(plain)) < 5 or len(rest) * 2 < len(plain):
        raise RuleForbids("Guessers try that password first. Choose a few unrelated words.")


def lock_seed(officer: Officer, identity: Identity, password: str, root: RootKey, cost: PasswordCost) -> str:
    """Put an officer's seed behind a password and a new recovery code; return the code, shown once."""
    wrap = wrap_seed(identity, password, officer.id, officer.key_version, root, cost)
    officer.wrap_salt, officer.wrap_cost, officer.wrap_blob = wrap.salt, wrap.cost_text, wrap.blob
    code, paper = wrap_for_recovery_code(identity, officer.id, officer.key_version, root)
    officer.recovery_salt, officer.recovery_cost = paper.salt, paper.cost_text
    officer.recovery_blob = paper.blob
    return code


def change(
    db: RecordedSession,
    root: RootKey,
    settings: Settings,
    who: Actor,
    new: str,
    keep: sessions.Found,
    now: datetime,
) -> str:
    """Give the same keys a new password; every other session ends. Return the new recovery code.

    The caller has checked the old password.
    """
    officer = db.get_one(Officer, who.officer)
    code = lock_seed(officer, who.identity, new, root, PasswordCost.from_text(settings.password_cost))
    ended = sessions.end_all(db, officer.id, keep.row.id)
    record(
        db,
        Event.PASSWORD_CHANGED,
        who=who,
        now=now,
        subjects=[f"officer:{officer.id}"],
        facts={"other-sessions-ended": ended},
    )
    return code


def recover(
    db: RecordedSession,
    vault: RunningVault,
    name: str,
    recovery_code: str,
    second: str,
    new: str,
    now: datetime,
) -> str:
    """Open an officer's keys with the recovery code and the second factor, and lock them with a new password.

    Return the next recovery code: each is good once. Raises ProofRefused, the same for every mistake.
    """
    officer = db.scalars(named(name)).first()
    if officer is None or officer.recovery_blob is None or officer.recovery_salt is None:
        raise proofs.ProofRefused(proofs.NOT_RIGHT, officer.id if officer else None)
    wrap = OfficerWrap(officer.recovery_salt, officer.recovery_cost or "", officer.recovery_blob)
    try:
        identity = unwrap_by_recovery_code(wrap, recovery_code, officer.id, officer.key_version, vault.root)
    except (WrongPassword, Refused) as error:
        raise proofs.ProofRefused(proofs.NOT_RIGHT, officer.id) from error
    proofs.check_may_sign_in(officer)
    # Nobody is signed in yet, so that no passkey was asked for anything: a code from the app, or from paper.
    given = second_factors.receive(vault, officer.id, None, second, Purpose.SIGN_IN, now)
    proven = second_factors.check(db, vault, officer, identity, given, now)
    second_factors.record_use(db, None, officer.id, proven, now)
    code = lock_seed(officer, identity, new, vault.root, PasswordCost.from_text(vault.settings.password_cost))
    officer.auth_epoch += 1
    ended = sessions.end_all(db, officer.id, None)
    record(
        db,
        Event.PASSWORD_RECOVERED,
        who=None,
        now=now,
        subjects=[f"officer:{officer.id}"],
        facts={"sessions-ended": ended, **proven.facts},
    )
    return code
