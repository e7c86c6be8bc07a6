"""The vault's own word: codes that only the running vault can make, under keys that the root key keeps.

A code stands on every ledger entry, lockbox and certificate, so that whoever only writes to the database
can make none of them. A new root key brings a new vouching key; the older ones still tell what they vouched
for until then.
"""

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest
from time import monotonic
from typing import ClassVar
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, Engine, Integer, LargeBinary, Uuid, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from crypto.columns import Moment
from crypto.encoding import enc
from crypto.errors import BadKeyFile, Refused
from crypto.hidden import Hidden
from crypto.root import RootKey
from crypto.root_ring import RootRing
from vault.database import Base
from vault.settings import BadSettings


class VouchingKey(Base):
    """One version of the key, wrapped by the root key."""

    __tablename__ = "vouching_keys"
    unrecorded: ClassVar[bool] = True  # The change of the root key is the entry; the root key binds the row.

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, unique=True)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime] = mapped_column(Moment)
    # Entries from this index on are vouched for by a later version.
    ended_at_index: Mapped[int | None] = mapped_column(BigInteger)


REFRESH_SECONDS = 10.0
"""How long a process relies on the versions it read: whoever changes the key waits longer than this."""


@dataclass(frozen=True)
class _Version:
    secret: bytes = field(repr=False)
    ended_at_index: int | None


def _context(version: int) -> bytes:
    return enc("vault/vouching-key/v1", version)


def add_vouching_key(engine: Engine, root: RootKey, secret: bytes, version: int, now: datetime) -> None:
    """Keep one version of the key, wrapped by the root key. Raises IntegrityError when it is there."""
    with engine.begin() as connection:
        row = {"id": uuid4(), "version": version, "made_at": now, "ended_at_index": None}
        connection.execute(insert(VouchingKey).values(**row, wrapped=root.wrap(secret, _context(version))))


def context_of(row: VouchingKey) -> bytes:
    """What the root key binds this version to."""
    return _context(row.version)


def adopt_vouching_key(engine: Engine, root: RootRing, now: datetime) -> None:
    """Give a vault of an earlier version its first vouching key: the one under its root key's codes."""
    with engine.connect() as connection:
        is_there = connection.scalar(select(VouchingKey.version).limit(1))
    if is_there is None:
        add_vouching_key(engine, root, root.first_file_key().mac_key, 1, now)


class Voucher(Hidden):
    """Makes and checks the vault's own codes. It reads its keys when first needed, once for each process."""

    def __init__(self, engine: Engine, root: RootKey) -> None:
        self._engine = engine
        self._root = root
        self._read_at = -REFRESH_SECONDS
        self._read: tuple[_Version, ...] = ()

    def reread(self) -> None:
        """Read the keys now. Raises BadSettings when there is none, BadKeyFile under another root key."""
        self._read_at = -REFRESH_SECONDS
        self._versions()

    def _versions(self) -> tuple[_Version, ...]:
        """Every version, the newest first. Raises as `reread` does."""
        if not self._read or monotonic() - self._read_at > REFRESH_SECONDS:
            query = select(VouchingKey.version, VouchingKey.wrapped, VouchingKey.ended_at_index)
            with self._engine.connect() as connection:
                rows = connection.execute(query.order_by(VouchingKey.version.desc())).all()
            if not rows:
                raise BadSettings("This vault was made by an earlier version. Run: python -m vault migrate")
            try:
                self._read = tuple(
                    _Version(self._root.unwrap(wrapped, _context(version)), ended)
                    for version, wrapped, ended in rows
                )
            except Refused:
                raise BadKeyFile("The root key is not the one that this database was locked with.") from None
            self._read_at = monotonic()
        return self._read

    def vouch(self, message: bytes) -> bytes:
        """The code of 16 bytes over an unambiguous message, under the newest key."""
        return _code(self._versions()[0], message)

    def confirms(self, message: bytes, code: bytes | None) -> bool:
        """Whether the vault made this code, under a key that still stands."""
        live = [version for version in self._versions() if version.ended_at_index is None]
        return code is not None and any(compare_digest(code, _code(version, message)) for version in live)

    def renewed(self, message: bytes, code: bytes | None) -> bytes | None:
        """The code under the newest key, for one under an older key that still stands; else None."""
        newest = self.vouch(message)
        if code is None or compare_digest(code, newest) or not self.confirms(message, code):
            return None
        return newest

    def confirms_at(self, message: bytes, code: bytes, index: int) -> bool:
        """Whether the vault made this code, under a key that stood when the ledger had `index` entries."""
        return any(
            compare_digest(code, _code(version, message))
            for version in self._versions()
            if version.ended_at_index is None or index < version.ended_at_index
        )

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose of the service itself, such as signing a page's token."""
        return hmac.digest(self._versions()[0].secret, enc("vault/vouching-purpose/v1", purpose), "sha256")


def _code(version: _Version, message: bytes) -> bytes:
    return hmac.digest(version.secret, message, "sha256")[:16]
