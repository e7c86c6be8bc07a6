"""The second factor, whichever the officer gives: a passkey, the authenticator app, or a backup code."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from audit.entries import Fact
from crypto.identity import Identity
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.policy import Role
from vault.database import RecordedSession
from vault.officers import challenges, duress, history, passkeys, proofs, recovery_codes
from vault.officers.models import Officer, Passkey, Purpose, SecondFactor
from vault.running import RunningVault
from vault.settings import BadSettings, Settings
from vault.vocabulary import Labelled

PASSKEY_WANTED = "Your role signs in with a passkey. Use your passkey, or one of your backup codes."


class Factor(Labelled):
    """By which second factor an officer proved who they are."""

    PASSKEY = "passkey", "Passkey"
    APP = "authenticator-app", "Authenticator app"
    BACKUP_CODE = "backup-code", "Backup code"


@dataclass(frozen=True)
class Given:
    """What was given as the second factor; a passkey's answer with the challenge that it used up."""

    text: str
    challenge: bytes | None


@dataclass(frozen=True)
class Proven:
    """The factor that was right, the row that it used, and of an app's code the time step."""

    factor: Factor
    row: UUID | None
    step: int | None

    @property
    def subjects(self) -> list[str]:
        """The passkey, as the entry names it."""
        return [f"passkey:{self.row}"] if self.factor is Factor.PASSKEY else []

    @property
    def facts(self) -> dict[str, Fact]:
        """Which factor it was, for the entry; an app's code by its step, so that it is not taken again."""
        return {"factor": self.factor} | ({history.TIME_STEP: self.step} if self.step else {})


def check_roles(settings: Settings) -> None:
    """Raise BadSettings for a word among `passkey_roles` that is no role."""
    unknown = sorted(set(settings.passkey_roles) - {str(role.value) for role in Role})
    if unknown:
        raise BadSettings(f"passkey_roles names no role: {', '.join(unknown)}. Correct it or take it out.")


def wants_passkey(settings: Settings, role: Role) -> bool:
    """Whether officers of this role sign in with a passkey and not with an app."""
    return str(role.value) in settings.passkey_roles


def has_app(db: Session, officer: UUID) -> bool:
    """Whether the officer set up an authenticator app."""
    return db.get(SecondFactor, officer) is not None


def takes_app(settings: Settings, officer: Officer, own: Sequence[Passkey]) -> bool:
    """Whether the app's code counts: not in a role that wants a passkey, once there is one."""
    return not (own and wants_passkey(settings, officer.role))


def receive(
    vault: RunningVault, officer: UUID, session: UUID | None, text: str, purpose: Purpose, now: datetime
) -> Given:
    """Use up the challenge that a passkey's answer names; a typed code is only handed on.

    Raises PasskeyRefused for an answer to what was not asked in this session, for this purpose, just now.
    """
    if not passkeys.is_answer(text):
        return Given(text, None)
    answered = passkeys.challenge_in(officer, text)
    if session is None or not challenges.take(vault, session, purpose, answered, now):
        raise passkeys.PasskeyRefused(officer, "challenge", None)
    return Given(text, answered)


def check(
    db: RecordedSession,
    vault: RunningVault,
    officer: Officer,
    identity: Identity,
    given: Given,
    now: datetime,
) -> Proven:
    """Check a second factor and use it up. Raises ProofRefused, with the same words for every mistake."""
    if given.challenge is not None:
        row = passkeys.check(db, vault, officer, given.text, given.challenge, now)
        return Proven(Factor.PASSKEY, row.id, None)
    letters = recovery_codes.letters_of(given.text)
    if letters is not None:
        used = recovery_codes.use(db, vault.trust, officer, letters, now)
        if used is None:
            raise proofs.ProofRefused(proofs.SECOND_FACTOR_WRONG, officer.id)
        return Proven(Factor.BACKUP_CODE, used, None)
    if not takes_app(vault.settings, officer, passkeys.own(db, vault.trust, officer)):
        raise proofs.ProofRefused(PASSKEY_WANTED, officer.id)
    _check_newest_app(db, vault, officer, identity)
    step = proofs.check_code(db, vault.root, officer.id, identity, given.text, now)
    return Proven(Factor.APP, None, step)


def _check_newest_app(db: RecordedSession, vault: RunningVault, officer: Officer, identity: Identity) -> None:
    """Raise ProofRefused for an app that was replaced or removed, and whose row somebody put back.

    The ledger is asked under duress too, which nothing may tell from another sign-in.
    """
    factor = db.get(SecondFactor, officer.id)
    if factor is None:
        return
    secret = duress.secret_of_app(db, vault.root, officer.id, identity, factor)
    app = history.digest_of_app(officer.id, secret)
    if history.is_replaced(db, vault.trust, officer.id, officer.key_version, app):
        raise proofs.ProofRefused(proofs.SECOND_FACTOR_WRONG, officer.id)


def record_use(
    db: RecordedSession, who: Actor | None, officer: UUID, proven: Proven, now: datetime
) -> int | None:
    """Record that a backup code was used up; return how many are left, or None after another factor."""
    if proven.factor is not Factor.BACKUP_CODE:
        return None
    left = recovery_codes.left(db, officer)
    subjects = [f"officer:{officer}", f"recovery-code:{proven.row}"]
    record(db, Event.RECOVERY_CODE_USED, who=who, now=now, subjects=subjects, facts={"left": left})
    return left


def drop(db: RecordedSession, officer: UUID) -> None:
    """End the app, the passkeys and the backup codes of an officer. The caller records it."""
    factor = db.get(SecondFactor, officer)
    if factor is not None:
        db.delete(factor)
    passkeys.drop(db, officer)
    recovery_codes.drop(db, officer)
