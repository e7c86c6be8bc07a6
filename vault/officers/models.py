"""Officers, their second factors and their sessions. No password and no unlocked key is kept anywhere."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Integer, LargeBinary, Select, String, Uuid, func, select
from sqlalchemy.orm import Mapped, mapped_column

from crypto.columns import Moment
from crypto.wraps import OfficerWrap
from vault.access.policy import Role
from vault.database import Base, Word, added_later
from vault.vocabulary import Labelled


class OfficerState(Labelled):
    """How far an officer has come."""

    INVITED = "invited", "Invited, not yet enrolled"
    ENROLLED = "enrolled", "Enrolled, waiting to be certified"
    ACTIVE = "active", "Active"
    REVOKED = "revoked", "Access ended"


class Officer(Base):
    """A person who may sign in. The wrap holds the seed of their keys and opens only by their password."""

    __tablename__ = "officers"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)  # what is typed at sign-in, in lower case
    full_name: Mapped[str] = mapped_column(String(80))
    role: Mapped[Role] = mapped_column(Word(Role))
    state: Mapped[OfficerState] = mapped_column(Word(OfficerState))
    key_version: Mapped[int] = mapped_column(Integer)
    auth_epoch: Mapped[int] = mapped_column(Integer)
    wrap_salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    wrap_cost: Mapped[str | None] = mapped_column(String(60))
    wrap_blob: Mapped[bytes | None] = mapped_column(LargeBinary)
    recovery_salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    recovery_cost: Mapped[str | None] = mapped_column(String(60))
    recovery_blob: Mapped[bytes | None] = mapped_column(LargeBinary)
    enrolment_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    enrolment_ends_at: Mapped[datetime | None] = mapped_column(Moment)
    added_at: Mapped[datetime] = mapped_column(Moment)
    locked_at: Mapped[datetime | None] = mapped_column(Moment)
    unused_at: Mapped[datetime | None] = added_later(Moment)  # since then off, because nobody used it

    @property
    def wrap(self) -> OfficerWrap | None:
        """The locked seed, or None before enrolment."""
        if self.wrap_salt is None or self.wrap_cost is None or self.wrap_blob is None:
            return None
        return OfficerWrap(self.wrap_salt, self.wrap_cost, self.wrap_blob)


class SecondFactor(Base):
    """An officer's TOTP secret under a key of their own, and the last time step that was used."""

    __tablename__ = "second_factors"
    unrecorded: ClassVar[bool] = True  # Each use is an entry of its own: signed in, stepped up, or failed.

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)  # the officer's
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(Integer)


class DuressWrap(Base):
    """A second lock beside the officer's own. Behind it lies a decoy's seed or nothing; no row tells which.

    Every officer has one from enrolment on, as long as everybody else's: where no password for duress is set,
    both blobs are random bytes under the root key.
    """

    __tablename__ = "duress_wraps"
    unrecorded: ClassVar[bool] = True  # A digest in the ledger would tell a thief who has set one.

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)  # the officer's
    key_version: Mapped[int] = mapped_column(Integer)  # of the officer's keys: it ends with them
    blob: Mapped[bytes] = mapped_column(LargeBinary)
    totp: Mapped[bytes] = mapped_column(LargeBinary)  # the app's secret once more, for the decoy


class Passkey(Base):
    """One authenticator of an officer (W3C WebAuthn): its public key, and how often it says it was used."""

    __tablename__ = "passkeys"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    officer: Mapped[UUID] = mapped_column("officer_id", Uuid, index=True)
    key_version: Mapped[int] = mapped_column(Integer)  # of the officer's keys: it ends with them
    name: Mapped[str] = mapped_column(String(40))  # the officer's own word for it
    credential: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)  # COSE_Key
    added_at: Mapped[datetime] = mapped_column(Moment)
    code: Mapped[bytes] = mapped_column(LargeBinary)  # the vault's own word for all of the above
    sign_count: Mapped[int] = mapped_column(BigInteger)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class Purpose(StrEnum):
    """What an answer of a passkey is for; one for another purpose proves nothing."""

    SIGN_IN = "sign-in"
    STEP_UP = "step-up"
    ADDING = "adding"


class PasskeyChallenge(Base):
    """What a passkey is asked to sign: 32 random bytes, good once, in one session, for one purpose."""

    __tablename__ = "passkey_challenges"
    unrecorded: ClassVar[bool] = True  # What it was answered with is an entry; the question itself is none.

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    session: Mapped[UUID] = mapped_column("session_id", Uuid, index=True)
    purpose: Mapped[Purpose] = mapped_column(Word(Purpose))
    challenge: Mapped[bytes] = mapped_column(LargeBinary)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    code: Mapped[bytes] = mapped_column(LargeBinary)  # the root key's word for all of the above


class RecoveryCode(Base):
    """One of ten codes on an officer's paper, each of which stands in once for the second factor.

    On the screen they are called backup codes; the one code that opens the keys without the password is the
    recovery code.
    """

    __tablename__ = "recovery_codes"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    officer: Mapped[UUID] = mapped_column("officer_id", Uuid, index=True)
    key_version: Mapped[int] = mapped_column(Integer)
    batch: Mapped[UUID] = mapped_column(Uuid)  # the ten that were made together
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime] = mapped_column(Moment)
    code: Mapped[bytes] = mapped_column(LargeBinary)  # the vault's own word for all of the above
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class SignedInSession(Base):
    """A signed-in browser: only the cookie's secret together with the root key unlocks the seed in it."""

    __tablename__ = "sessions"
    unrecorded: ClassVar[bool] = True  # Signing in and out are entries; the row itself is forgotten.

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    sid_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    officer: Mapped[UUID] = mapped_column("officer_id", Uuid, index=True)
    stage: Mapped[str] = mapped_column(String(12))  # password | enrolment | live
    auth_epoch: Mapped[int] = mapped_column(Integer)
    seed: Mapped[bytes] = mapped_column(LargeBinary)
    device: Mapped[str] = mapped_column(String(60))
    started_at: Mapped[datetime] = mapped_column(Moment)
    seen_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    stepped_up_at: Mapped[datetime | None] = mapped_column(Moment)
    step_up_code: Mapped[bytes | None] = mapped_column(LargeBinary)  # the root key's word for that time
    new_app: Mapped[bytes | None] = mapped_column(LargeBinary)  # the secret of an app that is being set up


class Attempt(Base):
    """A failed proof, counted for the locks and limits; it says nothing about what was typed.

    `officer` is also what stands in for the id where nobody has the name (`proofs.id_of_nobody`).
    """

    __tablename__ = "attempts"
    unrecorded: ClassVar[bool] = True  # The ledger tells of each failure; this row only counts it.

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    officer: Mapped[UUID | None] = mapped_column("officer_id", Uuid, index=True)
    address: Mapped[str] = mapped_column(String(64), index=True)  # a keyed digest of the address
    at: Mapped[datetime] = mapped_column(Moment)


class NobodysLock(Base):
    """When sign-ins under a name that nobody has last failed too often. There is one row.

    It is written where an officer's row would be, so that locking costs the same whoever has the name.
    """

    __tablename__ = "nobodys_lock"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    locked_at: Mapped[datetime] = mapped_column(Moment)


def named(name: str) -> Select[Officer]:
    """The officer who signs in with this name, whatever its case."""
    return select(Officer).where(func.lower(Officer.name) == name.strip().lower())


def in_order() -> Select[Officer]:
    """All officers by name."""
    return select(Officer).order_by(Officer.full_name)


def active_in(*roles: Role) -> Select[Officer]:
    """Officers of these roles who can be named on something."""
    return in_order().where(Officer.role.in_(roles), Officer.state == OfficerState.ACTIVE)
