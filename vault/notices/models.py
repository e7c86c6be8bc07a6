"""Which notices an officer chose, where they go (under the root key), and those that wait to be sent."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Integer, LargeBinary, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from crypto.columns import Moment
from vault.database import Base, Word
from vault.vocabulary import Labelled


class Frequency(Labelled):
    """When an officer is written to."""

    NONE = "none", "Never"
    DAILY = "daily", "Every day at the same hour, whether or not something waits"
    AT_ONCE = "at-once", "When something new waits, and once a week whether or not it does"


class NoticeChoice(Base):
    """What an officer chose; the address opens with the root key alone, and none shows its length."""

    __tablename__ = "notice_choices"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)  # the officer's
    frequency: Mapped[Frequency] = mapped_column(Word(Frequency))
    address: Mapped[bytes | None] = mapped_column(LargeBinary)


class NoticeMark(Base):
    """How far an officer was told: the last hour of the schedule, and marks of what waited when last looked.

    `told` is a row of marks of 8 bytes by the root key, which say nothing to anybody else.
    """

    __tablename__ = "notice_marks"
    unrecorded: ClassVar[bool] = True  # The machine's own memory, in which nobody decided anything.

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)  # the officer's
    scheduled_at: Mapped[datetime] = mapped_column(Moment)
    told: Mapped[bytes] = mapped_column(LargeBinary)


class Notice(Base):
    """One notice that waits to be sent, or that was given up after a day; a sent one is forgotten."""

    __tablename__ = "notices"
    unrecorded: ClassVar[bool] = True  # It carries nothing, and no act rests on it.

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    officer: Mapped[UUID] = mapped_column("officer_id", Uuid, index=True)
    made_at: Mapped[datetime] = mapped_column(Moment)
    next_at: Mapped[datetime] = mapped_column(Moment)
    tries: Mapped[int] = mapped_column(Integer)
    given_up_at: Mapped[datetime | None] = mapped_column(Moment)
