"""Changing a password, and coming back with the recovery code: the same keys under a new lock."""

from datetime import datetime
from urllib.parse import urlsplit

from audit.entries import Fact
from crypto.errors import Refused, WrongPassword
from crypto.identity import Identity, unwrap_by_recovery_code, wrap_for_recovery_code, wrap_seed
from crypto.passwords import PasswordCost
from crypto.root import RootKey
from crypto.wraps import OfficerWrap
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.database import RecordedSession
from vault.officers import duress, proofs, second_factors, sessions, unused
from vault.officers.breached import check_not_breached
from vault.officers.models import Officer, Purpose, named
from vault.officers.strength import check_strength, words_of
from vault.running import RunningVault
from vault.settings import Settings


def surroundings(settings: Settings, officer: Officer) -> frozenset[str]:
    """Words that a guesser tries for this officer: their names and role, the programme's, the site's."""
    host = urlsplit(settings.public_origin).hostname or ""
    return words_of(officer.name, officer.full_name, officer.role.label, settings.programme, host)


def check_new(settings: Settings, officer: Officer, password: str, also: frozenset[str]) -> None:
    """Raise RuleForbids for a password that is short, foretold, of the officer's own words, or breached.

    `also` are words that must not make it up besides, such as the enrolment code.
    """
    check_strength(password, surroundings(settings, officer) | also)
    check_not_breached(settings, password)


def lock_seed(
    db: RecordedSession,
    officer: Officer,
    identity: Identity,
    password: str,
    root: RootKey,
    cost: PasswordCost,
) -> str:
    """Put an officer's seed behind a password and a new recovery code; return the code, shown once.

    A password for duress rests on the salt of the one before, and ends with it.
    """
    wrap = wrap_seed(identity, password, officer.id, officer.key_version, root, cost)
    officer.wrap_salt, officer.wrap_cost, officer.wrap_blob = wrap.salt, wrap.cost_text, wrap.blob
    code, paper = wrap_for_recovery_code(identity, officer.id, officer.key_version, root)
    officer.recovery_salt, officer.recovery_cost = paper.salt, paper.cost_text
    officer.recovery_blob = paper.blob
    duress.clear(db, root, officer)
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

    The caller has checked the old password. Raises RuleForbids for a password that guessers would find.
    """
    officer = db.get_one(Officer, who.officer)
    check_new(settings, officer, new, frozenset())
    code = lock_seed(db, officer, who.identity, new, root, PasswordCost.from_text(settings.password_cost))
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

    Return the next recovery code: each is good once. Raises ProofRefused, the same for every mistake, and
    RuleForbids for a password that guessers would find, once everything else was right.
    """
    officer = db.scalars(named(name)).first()
    if officer is None or officer.recovery_blob is None or officer.recovery_salt is None:
        raise proofs.ProofRefused.under(name, proofs.NOT_RIGHT, officer)
    wrap = OfficerWrap(officer.recovery_salt, officer.recovery_cost or "", officer.recovery_blob)
    try:
        identity = unwrap_by_recovery_code(wrap, recovery_code, officer.id, officer.key_version, vault.root)
    except (WrongPassword, Refused) as error:
        raise proofs.ProofRefused(proofs.NOT_RIGHT, officer.id) from error
    unused.check_may_sign_in(db, vault, officer, now)
    # Nobody is signed in yet, so that no passkey was asked for anything: a code from the app, or from paper.
    given = second_factors.receive(vault, officer.id, None, second, Purpose.SIGN_IN, now)
    proven = second_factors.check(db, vault, officer, identity, given, now)
    second_factors.record_use(db, None, officer.id, proven, now)
    check_new(vault.settings, officer, new, frozenset())
    cost = PasswordCost.from_text(vault.settings.password_cost)
    code = lock_seed(db, officer, identity, new, vault.root, cost)
    officer.auth_epoch += 1
    facts: dict[str, Fact] = {"sessions-ended": sessions.end_all(db, officer.id, None), **proven.facts}
    subjects = [f"officer:{officer.id}"]
    record(db, Event.PASSWORD_RECOVERED, who=None, now=now, subjects=subjects, facts=facts)
    return code
