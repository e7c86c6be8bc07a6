"""Papers of a case, in pieces that are each sealed: a large one never lies whole in memory or on a disk."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from crypto.columns import InLockbox, Moment, SealedBlob, sealed
from vault.cases.models import Case
from vault.database import Base


class Paper(InLockbox, Base):
    """One document. Its own key is a sealed field, so that a new key of the lockbox re-seals only that."""

    __tablename__ = "papers"
    __table_args__ = (UniqueConstraint("case_id", "number"),)
    kept_by: ClassVar = ("case", "case")

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    case: Mapped[UUID] = mapped_column("case_id", Uuid, ForeignKey(Case.id))
    number: Mapped[int] = mapped_column(Integer)  # from 1, in the case
    added_by: Mapped[UUID] = mapped_column(Uuid)
    added_at: Mapped[datetime] = mapped_column(Moment)
    removed_at: Mapped[datetime | None] = mapped_column(Moment)
    pieces: Mapped[int] = mapped_column(Integer)
    digest: Mapped[bytes] = mapped_column(LargeBinary)  # SHA-256 of the sealed pieces, in order
    title: Mapped[SealedBlob] = sealed("casework", "text")
    media_type: Mapped[SealedBlob] = sealed("casework", "text")
    length: Mapped[SealedBlob] = sealed("casework", "int")
    # The key, and the digest once more: whoever changes the pieces and the plain digest changes not this one.
    content_key: Mapped[SealedBlob] = sealed("casework", "bytes")

    @property
    def subject(self) -> str:
        """How entries name the paper."""
        return f"paper:{self.id}"


class PaperPiece(Base):
    """Up to a mebibyte of a paper, sealed.

    Pieces are kept while a paper still arrives, before it has a row of its own, so nothing refers to that
    row: pieces without one belong to an upload that goes on, or to one that broke off.
    """

    __tablename__ = "paper_pieces"
    __table_args__ = (
        UniqueConstraint("paper_id", "number"),
        Index("ix_paper_pieces_kept", "paper_id", "kept_at"),
    )
    unrecorded: ClassVar[bool] = True  # The paper's own row keeps the digest of all its pieces.

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    paper: Mapped[UUID] = mapped_column("paper_id", Uuid)
    number: Mapped[int] = mapped_column(Integer)  # from 0
    kept_at: Mapped[datetime] = mapped_column(Moment)
    content: Mapped[bytes] = mapped_column(LargeBinary)
