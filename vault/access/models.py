"""Who holds which key: certified public keys, circles, lockboxes, seals, and the officers named on a case."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import (
    JSON,
    Boolean,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from crypto.columns import InLockbox, Moment, SealedBlob, sealed
from vault.access.policy import Compartment, Role
from vault.database import Base, Word, added_later
from vault.vocabulary import Labelled


class HolderKey(Base):
    """One version of a holder's public key and the certificate that makes it trusted.

    A holder is an officer, a circle, or the recovery key. The signature is the issuing coordinator's.
    """

    __tablename__ = "holder_keys"
    __table_args__ = (UniqueConstraint("holder", "version"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    holder: Mapped[UUID] = mapped_column(Uuid, index=True)
    kind: Mapped[str] = mapped_column(String(12))  # officer | circle | recovery
    role: Mapped[str] = mapped_column(String(20))  # empty for recovery
    version: Mapped[int] = mapped_column(Integer)
    public: Mapped[bytes] = mapped_column(LargeBinary)
    issued_by: Mapped[UUID | None] = mapped_column(Uuid)
    signature: Mapped[bytes | None] = mapped_column(LargeBinary)
    certified_at: Mapped[datetime | None] = mapped_column(Moment)  # signed by a coordinator, or pinned
    code: Mapped[bytes | None] = added_later(LargeBinary)  # the vault's own word for all of the above
    renew_due_at: Mapped[datetime | None] = added_later(Moment)  # a circle's: since a holder left it
    withdrawn_at: Mapped[datetime | None] = mapped_column(Moment)


class Lockbox(Base):
    """One subject's compartment at one epoch of its key."""

    __tablename__ = "lockboxes"
    __table_args__ = (
        UniqueConstraint("subject", "compartment"),
        Index("ix_lockboxes_rekey_due_at", "rekey_due_at"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    subject: Mapped[str] = mapped_column(String(80))  # "person:<uuid>"
    case: Mapped[UUID | None] = mapped_column("case_id", Uuid, index=True)
    compartment: Mapped[Compartment] = mapped_column(Word(Compartment))
    epoch: Mapped[int] = mapped_column(Integer)
    commitment: Mapped[bytes | None] = added_later(LargeBinary)  # to the content key of this epoch
    code: Mapped[bytes | None] = added_later(LargeBinary)  # the vault's own word for all of the above
    rekey_due_at: Mapped[datetime | None] = mapped_column(Moment)
    destroyed_at: Mapped[datetime | None] = added_later(Moment)  # since then nobody holds it any more


class ShredPart(Base):
    """Half of a lockbox's key, in a table of its own: without this row nothing opens the lockbox."""

    __tablename__ = "shred_parts"
    __table_args__ = (UniqueConstraint("lockbox_id", "epoch"),)
    unrecorded: ClassVar[bool] = True  # It is made and destroyed with its lockbox, whose entry tells of both.

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    lockbox: Mapped[UUID] = mapped_column("lockbox_id", Uuid, ForeignKey(Lockbox.id))
    epoch: Mapped[int] = mapped_column(Integer)
    part: Mapped[bytes] = mapped_column(LargeBinary)


class SealRow(Base):
    """A key sealed to a holder: the one mechanism by which anybody can open anything."""

    __tablename__ = "seals"
    __table_args__ = (
        UniqueConstraint("key_id", "epoch", "holder", "holder_version"),
        Index("ix_seals_holder", "holder", "holder_version"),
    )
    unrecorded: ClassVar[bool] = True  # Signed by its maker; the act that makes or unmakes it is the entry.

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    key_kind: Mapped[str] = mapped_column(String(8))  # circle | lockbox
    key: Mapped[UUID] = mapped_column("key_id", Uuid)
    epoch: Mapped[int] = mapped_column(Integer)
    holder_kind: Mapped[str] = mapped_column(String(12))
    holder: Mapped[UUID] = mapped_column(Uuid)
    holder_version: Mapped[int] = mapped_column(Integer)
    blob: Mapped[bytes] = mapped_column(LargeBinary)
    commitment: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    made_by: Mapped[UUID] = mapped_column(Uuid)
    made_by_version: Mapped[int] = mapped_column(Integer)
    made_at: Mapped[datetime] = mapped_column(Moment)


class Assignment(Base):
    """An officer named on a case, a person, a referral of their own or a packet made for them."""

    __tablename__ = "assignments"
    __table_args__ = (
        Index("ix_assignments_officer", "officer", "kind"),
        Index("ix_assignments_subject", "subject_id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))  # case | person | referral | packet
    subject_id: Mapped[UUID] = mapped_column(Uuid)
    officer: Mapped[UUID] = mapped_column(Uuid)
    role: Mapped[Role] = mapped_column(Word(Role))
    since: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    delegation: Mapped[UUID | None] = added_later(Uuid)  # of a naming in another's stead: it ends with that
    ends_on: Mapped[date | None] = added_later(Date)  # the last day; from the next on nothing opens by it

    @property
    def subject(self) -> str:
        """How entries and lockboxes name what the officer is named on."""
        return f"{self.kind}:{self.subject_id}"


class DelegationState(Labelled):
    """How far a delegation has come."""

    ASKED = "asked", "Asked for"
    ARRANGED = "arranged", "Arranged"
    RUNNING = "running", "Running"
    ENDED = "ended", "Ended"


class DelegationEnd(Labelled):
    """How a delegation ended."""

    OVER = "over", "Its last day was over"
    CALLED_OFF = "called-off", "Ended by the coordinator"
    DECLINED = "declined", "Declined by the coordinator"
    WITHDRAWN = "withdrawn", "Withdrawn by who asked"
    ACCESS_ENDED = "access-ended", "The access of one of the two ended or changed"


class Delegation(Base):
    """One officer's namings in another's hands for a time, because the first is away (both days included).

    The namings that it makes carry its id; those of the officer who is away stay as they are.
    """

    __tablename__ = "delegations"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    officer: Mapped[UUID] = mapped_column("officer_id", Uuid, index=True)  # who is away
    delegate: Mapped[UUID] = mapped_column("delegate_id", Uuid, index=True)  # who stands in
    from_on: Mapped[date] = mapped_column(Date)
    until_on: Mapped[date] = mapped_column(Date)
    is_whole: Mapped[bool] = mapped_column(Boolean)  # everything that the officer is named on when it begins
    subjects: Mapped[list[str]] = mapped_column(JSON)  # else these, like "case:<uuid>"
    asked_by: Mapped[UUID] = mapped_column(Uuid)
    asked_at: Mapped[datetime] = mapped_column(Moment)
    arranged_by: Mapped[UUID | None] = mapped_column(Uuid)
    arranged_at: Mapped[datetime | None] = mapped_column(Moment)
    begun_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    end: Mapped[DelegationEnd | None] = mapped_column(Word(DelegationEnd))

    @property
    def state(self) -> DelegationState:
        """How far it has come."""
        if self.ended_at is not None:
            return DelegationState.ENDED
        if self.begun_at is not None:
            return DelegationState.RUNNING
        return DelegationState.ASKED if self.arranged_at is None else DelegationState.ARRANGED


DIRECTORY = UUID(int=2)
"""The directory of names: one for the whole vault."""


class DirectoryPage(InLockbox, Base):
    """Up to sixty-four entries of the directory of names, sealed as one."""

    __tablename__ = "directory_pages"
    kept_by: ClassVar = ("directory", DIRECTORY)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, unique=True)
    entries: Mapped[SealedBlob] = sealed("directory", "bytes")


class DirectorySlip(Base):
    """A change to the directory by somebody who may not open it, sealed to those who may; they file it."""

    __tablename__ = "directory_slips"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    ref: Mapped[UUID] = mapped_column(Uuid)  # the row the change was made to
    row_version: Mapped[int] = mapped_column(Integer)
    made_at: Mapped[datetime] = mapped_column(Moment)
    holder_version: Mapped[int] = mapped_column(Integer)  # of the circle it is sealed to
    blob: Mapped[bytes] = mapped_column(LargeBinary)


class Pace(Base):
    """When an officer looked lately, for the limits: milliseconds since 1970 in UTC, of the window alone."""

    __tablename__ = "paces"
    unrecorded: ClassVar[bool] = True  # Each look is an entry, and so is each refusal; the row only counts.

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)  # the officer's
    openings: Mapped[list[int]] = mapped_column(JSON)
    searches: Mapped[list[int]] = mapped_column(JSON)


class EmergencyGrant(Base):
    """One compartment of one case, opened to one officer outside the matrix until a moment that is near.

    The row opens nothing: the seals that were made with it do, and they are unmade when it is over.
    """

    __tablename__ = "emergency_grants"
    __table_args__ = (Index("ix_emergency_grants_officer", "officer", "ended_at"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    request: Mapped[UUID] = mapped_column("request_id", Uuid, unique=True)
    officer: Mapped[UUID] = mapped_column(Uuid)
    case: Mapped[UUID] = mapped_column("case_id", Uuid)
    compartment: Mapped[Compartment] = mapped_column(Word(Compartment))
    lockboxes: Mapped[list[str]] = mapped_column(JSON)  # exactly these, as they were when it was given
    granted_by: Mapped[UUID] = mapped_column(Uuid)
    granted_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    code: Mapped[bytes] = mapped_column(LargeBinary)  # the vault's own word for all of the above
    ended_at: Mapped[datetime | None] = mapped_column(Moment)  # when its seals were unmade
