"""Signed notes that are kept: what the notary or a witness vouched for, and when it was kept here."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, Index, LargeBinary, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from audit.notes import Checkpoint
from crypto.columns import Moment
from vault.database import Base


class KeptCheckpoint(Base):
    """A signed note that was kept: with a review, for an act that waited for it, or cosigned by a witness."""

    __tablename__ = "kept_checkpoints"
    unrecorded: ClassVar[bool] = True  # The signatures in it say more than an entry could.
    __table_args__ = (
        UniqueConstraint("origin", "size", "witness"),
        Index("ix_kept_checkpoints_kept", "kept_at"),
        Index("ix_kept_checkpoints_witness", "witness", "size"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    origin: Mapped[str] = mapped_column(String(200))
    size: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str] = mapped_column(Text)
    kept_at: Mapped[datetime] = mapped_column(Moment)
    witness: Mapped[UUID | None] = mapped_column(Uuid)  # which registered witness cosigned it, if one did

    @classmethod
    def of(cls, note: Checkpoint, witness: UUID | None, now: datetime) -> "KeptCheckpoint":
        """A note as it is kept, cosigned by this registered witness or, without one, signed by the notary."""
        return cls(
            id=uuid4(),
            origin=note.origin,
            size=note.size,
            root=note.root,
            note=note.text,
            kept_at=now,
            witness=witness,
        )
