"""How an officer proves who they are: a password, then a code that is good once, with a count of failures."""

import hashlib
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, IPv6Network
from typing import Self
from uuid import UUID, uuid4

import pyotp
from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from crypto.errors import Refused, WrongPassword
from crypto.identity import (
    Decoy,
    Identity,
    keep_secret,
    recall_secret,
    unwrap_by_either_password,
    unwrap_nothing,
)
from crypto.passwords import PasswordCost
from crypto.root import RootKey
from vault.database import RecordedSession
from vault.errors import VaultError
from vault.officers import duress, history
from vault.officers.models import Attempt, DuressWrap, Officer, OfficerState, SecondFactor, named
from vault.settings import Settings

STEP_SECONDS = 30
DRIFT_STEPS = 1  # A clock may be one step off either way (RFC 6238, 5.2).
CLOCKS_APART = timedelta(minutes=5)
"""How far the clocks of two workers are apart at most."""
NO_PASSWORD = 14
"""A name of at most so many characters is nobody's password, which has at least 15."""

_COUNTING = int.from_bytes(b"failures", "big")
"""The key of PostgreSQL's lock under which failures are counted one after the other."""


class ProofRefused(VaultError):
    """The name, password or code is not right, or the account is locked: the answer is the same."""

    status = 422

    def __init__(self, message: str, officer: UUID | None) -> None:
        super().__init__(message)
        self.officer = officer
        self.name = ""  # What was typed, where no session told who it was.
        self.why = ""  # What the ledger is told beyond that it failed.
        self.passkey: UUID | None = None
        self.is_forced = False  # Whether the password was right, and the one for duress.

    @classmethod
    def under(cls, name: str, message: str, officer: Officer | None) -> Self:
        """A refusal of whoever typed this name, which may be nobody's."""
        error = cls(message, officer.id if officer else None)
        error.name = name
        return error


class TooManyTries(ProofRefused):
    """Too many proofs failed from one place; of the tries refused for that, is this the first?"""

    def __init__(self, is_first: bool) -> None:
        super().__init__("Too many tries from this place. Wait 15 minutes and try again.", None)
        self.why, self.is_first = "address", is_first


NOT_RIGHT = (
    "The name, password or code was not right. Check them and try again. After five failures in 15 minutes "
    "the account locks until an administrator releases it."
)
CODE_USED = "That code was used already. Wait for the next one, up to 30 seconds, and enter it."
SECOND_FACTOR_WRONG = (
    "That code was not right. Enter the code your authenticator app shows now, or use your passkey or a "
    "backup code."
)


def address_digest(root: RootKey, address: str) -> str:
    """A network address as the counters keep it: keyed, so that the table tells nobody where officers are."""
    return hashlib.sha256(root.mac(b"vault/address/v1" + line_of(address).encode())).hexdigest()[:32]


def line_of(address: str) -> str:
    """What counts as one place: an address, and of IPv6 its /64, since whoever has one has all of them."""
    try:
        found = IPv6Address(address)
    except ValueError:
        return address
    return str(found.ipv4_mapped or IPv6Network((int(found) >> 64 << 64, 64)))


def id_of_nobody(root: RootKey, name: str) -> UUID:
    """What stands in the counters for an officer's id where nobody has the name that was typed.

    Keyed, so that the table tells nobody what was typed. Of a name that could be a password in the wrong box
    only one byte counts, because a digest of it would be a quick way to guess it.
    """
    typed = name.strip().lower()
    digest = hashlib.sha256(root.mac(b"vault/name/v1" + typed.encode(errors="replace"))).digest()
    return UUID(bytes=digest[:16] if len(typed) <= NO_PASSWORD else digest[:1] + bytes(15))


def recent_failures(db: Session, settings: Settings, now: datetime, *, officer: UUID) -> int:
    """How often proofs of this officer, or of a name that nobody has, failed within the window."""
    since = now - timedelta(minutes=settings.lock_window_minutes)
    return (
        db.scalar(
            select(func.count()).select_from(Attempt).where(Attempt.officer == officer, Attempt.at > since)
        )
        or 0
    )


def check_address(db: Session, settings: Settings, now: datetime, address: str) -> None:
    """Raise TooManyTries when too many proofs failed from one address within the window."""
    since = now - timedelta(minutes=settings.lock_window_minutes)
    count = (
        db.scalar(
            select(func.count()).select_from(Attempt).where(Attempt.address == address, Attempt.at > since)
        )
        or 0
    )
    if count >= settings.attempts_per_address:
        raise TooManyTries(is_first=count == settings.attempts_per_address)


def note_try(db: Session, settings: Settings, officer: UUID | None, address: str, now: datetime) -> None:
    """Count a failure for its address, and for an officer or a name if it was about one."""
    # A count is over with its window; keeping it longer would let a stranger grow the table without end.
    over = now - timedelta(minutes=settings.lock_window_minutes)
    db.execute(delete(Attempt).where(Attempt.at < over).execution_options(synchronize_session=False))
    db.add(Attempt(id=uuid4(), officer=officer, address=address, at=now))
    db.flush()


def note_failure(
    db: Session, settings: Settings, counted: UUID, address: str, now: datetime
) -> tuple[Officer | None, bool]:
    """Count a failed proof; return whose it was, and whether the account is to be locked for it.

    `counted` is the officer's id, or that of a name that nobody has. It is the same work for both, and for an
    account that is locked already: the failure that reaches the limit locks it again. Exact whatever number
    of workers count at once, because they do it one after the other.
    """
    if db.get_bind().dialect.name == "postgresql":  # On SQLite whoever writes is alone anyway.
        db.execute(select(func.pg_advisory_xact_lock(_COUNTING)))
    note_try(db, settings, counted, address, now)
    officer = db.get(Officer, counted, with_for_update=True)
    failures, limit = recent_failures(db, settings, now, officer=counted), settings.lock_after_failures
    # A released account may have more failures behind it than the limit.
    is_open = officer is not None and officer.locked_at is None
    return officer, failures == limit or (failures > limit and is_open)


def check_password(
    db: Session, root: RootKey, settings: Settings, name: str, password: str
) -> tuple[Officer, Identity]:
    """Unlock an officer's identity with their password, with the same work whether or not they exist.

    Their password for duress unlocks a crypto.identity.Decoy, with the same work again. Raises ProofRefused,
    always with the same sentence.
    """
    both = named(name).add_columns(DuressWrap).outerjoin(DuressWrap, DuressWrap.id == Officer.id)
    pair = db.execute(both).first()
    officer, lock = (None, None) if pair is None else pair
    try:
        if officer is None or officer.wrap is None:
            unwrap_nothing(password, root, PasswordCost.from_text(settings.password_cost))
        # An officer of an earlier version has no lock for duress until they sign in.
        blob = b"" if lock is None else lock.blob
        identity = unwrap_by_either_password(
            officer.wrap, blob, password, officer.id, officer.key_version, root
        )
    except (WrongPassword, Refused) as error:
        raise ProofRefused.under(name, NOT_RIGHT, officer) from error
    try:
        check_may_sign_in(officer)
    except ProofRefused as refused:
        # Somebody who is forced needs help also where their account is locked.
        refused.is_forced = isinstance(identity, Decoy)
        raise
    return officer, identity


def check_may_sign_in(officer: Officer) -> None:
    """Raise ProofRefused for an account locked, off, ended or not enrolled yet, as for any other mistake."""
    is_off = officer.locked_at is not None or officer.unused_at is not None
    if is_off or officer.state in {OfficerState.REVOKED, OfficerState.INVITED}:
        raise ProofRefused(NOT_RIGHT, officer.id)


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step whose code this is, nearest first, or None."""
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    current = int(now.timestamp()) // STEP_SECONDS
    for drift in sorted(range(-DRIFT_STEPS, DRIFT_STEPS + 1), key=abs):
        if pyotp.utils.strings_equal(code, totp.generate_otp(current + drift)):
            return current + drift
    return None


def check_code(
    db: RecordedSession, root: RootKey, officer: UUID, identity: Identity, code: str, now: datetime
) -> int:
    """Use up a TOTP code: its time step must be later than the last one used, decided in one statement.

    Returns the time step, which the caller's entry must tell: the ledger is asked for it too, because whoever
    writes to the database can set the last step back. Raises ProofRefused for a code that is wrong or used.
    """
    factor = db.get(SecondFactor, officer)
    if factor is None:
        raise ProofRefused(SECOND_FACTOR_WRONG, officer)
    secret = duress.secret_of_app(db, root, officer, identity, factor)
    step = matching_step(secret, code, now)
    if step is None:
        raise ProofRefused(SECOND_FACTOR_WRONG, officer)
    used: CursorResult[tuple[()]] = db.execute(  # type: ignore[assignment]
        update(SecondFactor)
        .where(SecondFactor.id == officer, SecondFactor.last_step < step)
        .values(last_step=step)
        .execution_options(synchronize_session=False)
    )
    # Whoever used this step or a later one did so, by any worker's clock, about then or after it.
    since = datetime.fromtimestamp(step * STEP_SECONDS, UTC) - CLOCKS_APART
    if used.rowcount != 1 or history.newest_step(db, db.trust, officer, since) >= step:
        raise ProofRefused(CODE_USED, officer)
    return step


def new_second_factor(db: Session, root: RootKey, officer: UUID, identity: Identity) -> str:
    """Give an officer a TOTP secret (base32), replacing an unconfirmed one."""
    secret = pyotp.random_base32()
    kept = keep_secret(identity, "totp", secret.encode(), officer, root)
    factor = db.get(SecondFactor, officer)
    if factor is None:
        db.add(SecondFactor(id=officer, secret=kept, last_step=0))
    else:
        factor.secret, factor.last_step = kept, 0
    db.flush()
    return secret


def shown_second_factor(db: Session, root: RootKey, officer: UUID, identity: Identity) -> str:
    """The TOTP secret, for the page that shows it during enrolment."""
    factor = db.get_one(SecondFactor, officer)
    return recall_secret(identity, "totp", factor.secret, officer, root).decode()
