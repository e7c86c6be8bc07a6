"""What the bench keeps: alerts, weekly reviews, and how far the ledger has been watched.

Alerts and reviews are acts and recorded. The rest is drawn from the ledger and can be drawn again.
"""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from crypto.columns import Moment
from vault.announcing.models import KeptCheckpoint as KeptCheckpoint  # noqa: PLC0414 - oversight reads it
from vault.database import Base, Word
from vault.vocabulary import Labelled

ONLY = UUID(int=1)
"""The one row that says how far the ledger has been watched."""


class Rule(Labelled):
    """What an alert was raised for."""

    HABIT = "far-above-habit", "Far more looks than usual"
    ODD_HOURS = "odd-hours", "Looks at an unusual hour"
    OUTSIDE_ASSIGNMENT = "outside-assignment", "Opened without being named"
    REFUSALS = "burst-of-refusals", "Many refusals at once"
    NOTHING_FOUND = "nothing-found", "Searches that found nobody"
    SIGN_IN_FAILURES = "sign-in-failures", "Repeated failed sign-ins"
    LOCKED = "account-locked", "Account locked"
    PASSKEY = "passkey-suspected", "Passkey may have been copied"
    HIGH_RISK = "high-risk", "Access ended because of danger"
    STEP_UP_FAILURES = "step-up-failures", "Repeated wrong codes"
    KEY_ACT = "key-act", "Recovery, destruction or change of keys"
    FLAGGED_CASE = "flagged-case", "Flagged case: a new officer"
    PLANTED = "planted-entry", "Entry that the vault did not make"
    NOTARY = "notary-refused", "Notary refused to sign"
    RECORDING = "recording-interrupted", "Recording interrupted"
    WITNESS = "witness-refused", "Outside witness refused"
    BREAK_GLASS = "break-glass", "Opened in an emergency"
    UNREVIEWED = "break-glass-unreviewed", "Emergency access not reviewed"
    DURESS = "duress", "Signed in under duress"


class Alert(Base):
    """Something in the ledger that an auditor must look at; named by its rule and its first entry."""

    __tablename__ = "alerts"
    __table_args__ = (
        UniqueConstraint("rule", "first_index"),
        Index("ix_alerts_open", "dismissed_at", "at"),
        Index("ix_alerts_officer", "officer", "at"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    rule: Mapped[Rule] = mapped_column(Word(Rule))
    first_index: Mapped[int] = mapped_column(BigInteger)
    last_index: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(Moment, index=True)  # when its last entry was made
    officer: Mapped[UUID | None] = mapped_column(Uuid)  # whom it is about
    subject: Mapped[str | None] = mapped_column(String(80))
    number: Mapped[int] = mapped_column(Integer)  # how many looks, refusals or failures
    usual: Mapped[int] = mapped_column(Integer)  # above how many it is raised
    dismissed_by: Mapped[UUID | None] = mapped_column(Uuid)
    dismissed_at: Mapped[datetime | None] = mapped_column(Moment)
    carried_week: Mapped[int | None] = mapped_column(Integer)  # up to which week it may stay open
    version: Mapped[int] = mapped_column(Integer)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def subject_name(self) -> str:
        """How entries name the alert."""
        return f"alert:{self.id}"


class WeeklyReview(Base):
    """One week that an auditor reviewed. It is never changed: no act of the vault writes it twice."""

    __tablename__ = "weekly_reviews"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    week: Mapped[int] = mapped_column(Integer, unique=True)  # ISO year and week, as 202647
    reviewed_by: Mapped[UUID] = mapped_column(Uuid)
    reviewed_at: Mapped[datetime] = mapped_column(Moment)
    alerts: Mapped[int] = mapped_column(Integer)
    carried: Mapped[int] = mapped_column(Integer)
    signed_size: Mapped[int | None] = mapped_column(BigInteger)  # of the notary's checkpoint at that time
    signed_root: Mapped[bytes | None] = mapped_column(LargeBinary)


class RegisteredWitness(Base):
    """An outside witness that asks over the network: the key it cosigns with, and a digest of its token."""

    __tablename__ = "witnesses"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))  # where it runs, in an auditor's words; names nobody
    key: Mapped[str] = mapped_column(Text, unique=True)  # its verifier key, c2sp.org/tlog-cosignature
    token_digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    registered_by: Mapped[UUID] = mapped_column(Uuid)
    registered_at: Mapped[datetime] = mapped_column(Moment)
    ended_by: Mapped[UUID | None] = mapped_column(Uuid)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(Integer)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def subject_name(self) -> str:
        """How entries name the witness."""
        return f"witness:{self.id}"


class Watch(Base):
    """How far the ledger has been watched, and what the rules remember of everybody together."""

    __tablename__ = "ledger_watch"
    unrecorded: ClassVar[bool] = True  # Drawn from the ledger, and drawn again when it is gone.

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    next_index: Mapped[int] = mapped_column(BigInteger)
    memory: Mapped[dict[str, Any]] = mapped_column(JSON)


class WatchedOfficer(Base):
    """What the rules remember of one officer: habits, namings, and the last refusals and failures."""

    __tablename__ = "watched_officers"
    unrecorded: ClassVar[bool] = True  # Drawn from the ledger.

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    memory: Mapped[dict[str, Any]] = mapped_column(JSON)


class WatchedHour(Base):
    """How often an officer looked and was refused in one hour of the unit's clock."""

    __tablename__ = "watched_hours"
    unrecorded: ClassVar[bool] = True  # Drawn from the ledger.
    __table_args__ = (Index("ix_watched_hours_day", "day"),)

    officer: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    hour: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    looks: Mapped[int] = mapped_column(Integer)
    refusals: Mapped[int] = mapped_column(Integer)
