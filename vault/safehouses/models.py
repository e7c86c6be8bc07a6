"""Cases whose households must never be placed in one house.

Kept in plain, by the ids of cases alone, because every search for a place must ask it without a key.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Uuid, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from crypto.columns import Moment
from housing.separation import ConflictKind
from vault.cases.models import Case
from vault.database import Base, Word


class Separation(Base):
    """Two cases that are kept apart, and why; it holds in both directions until it is ended."""

    __tablename__ = "separations"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    case: Mapped[UUID] = mapped_column("case_id", Uuid, ForeignKey(Case.id), index=True)
    other: Mapped[UUID] = mapped_column("other_id", Uuid, ForeignKey(Case.id), index=True)
    kind: Mapped[ConflictKind] = mapped_column(Word(ConflictKind))
    since: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


def kept_apart_from(db: Session, case: UUID) -> dict[ConflictKind, frozenset[str]]:
    """The references of the cases beside which this one must not be placed, by the reason."""
    rows = db.scalars(
        select(Separation).where(
            Separation.ended_at.is_(None), or_(Separation.case == case, Separation.other == case)
        )
    ).all()
    return {
        kind: frozenset(
            f"case:{row.other if row.case == case else row.case}" for row in rows if row.kind is kind
        )
        for kind in ConflictKind
    }
