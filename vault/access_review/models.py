"""A review of everybody's access, and the answer about each officer. The reasons are for auditors alone."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from crypto.columns import Moment
from vault.access.policy import Role
from vault.database import Base, Word
from vault.vocabulary import Labelled


class ReviewAnswer(Labelled):
    """What a review says of an officer's access."""

    KEEP = "keep", "Keep the access as it is"
    END = "end", "End the access"


class AccessReview(Base):
    """One round through all officers (NIST SP 800-53, AC-2(j)); it may be put down and taken up again."""

    __tablename__ = "access_reviews"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    begun_by: Mapped[UUID] = mapped_column(Uuid)
    begun_at: Mapped[datetime] = mapped_column(Moment)
    finished_by: Mapped[UUID | None] = mapped_column(Uuid)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)


class AccessReviewAnswer(Base):
    """The answer about one officer in one review, in the role that they had then."""

    __tablename__ = "access_review_answers"
    __table_args__ = (UniqueConstraint("review_id", "officer_id"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    review: Mapped[UUID] = mapped_column("review_id", Uuid, ForeignKey(AccessReview.id))
    officer: Mapped[UUID] = mapped_column("officer_id", Uuid)
    role: Mapped[Role] = mapped_column(Word(Role))
    answer: Mapped[ReviewAnswer] = mapped_column(Word(ReviewAnswer))
    answered_by: Mapped[UUID] = mapped_column(Uuid)
    answered_at: Mapped[datetime] = mapped_column(Moment)
