"""The vault's own word: codes that only the running vault can make, under keys that the root key keeps.

A code stands on every ledger entry, lockbox and certificate, so that whoever only writes to the database
can make none of them. A new root key brings a new vouching key; the older ones still tell what they vouched
for until then.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Integer, LargeBinary, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from crypto.columns import Moment
from vault.database import Base


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
