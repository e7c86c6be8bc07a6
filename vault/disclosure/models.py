"""What is kept of a disclosure, in three lockboxes, so that a key opens for each party exactly its own part.

| lockbox | holds | sealed to |
|---|---|---|
| `request:<request>` | what was asked and why, and the answer | coordinators, deputies, the one who asked |
| `disclosure:<request>` | worksheet, frozen fields, reasons, accounting | coordinators and deputies |
| `packet:<packet>` | the released PDF, nothing else | the same, and who asked, from release to download |

The requester's own session makes the first lockbox when they ask, and never meets the key of the second,
which is made when a coordinator takes the request up. The third is made at the release and holds only what
was granted: a requester who kept every byte of the database since the day they asked could open no worksheet,
no field that the deputy struck out, and no packet before it was theirs.
"""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import JSON, Date, ForeignKey, Integer, Select, String, Uuid, false, select
from sqlalchemy.orm import Mapped, mapped_column

from crypto.columns import InLockbox, Moment, SealedBlob, sealed
from vault.access.actor import Actor
from vault.access.policy import Role
from vault.cases.models import Case
from vault.database import Base, Word, added_later
from vault.referrals.models import Referral
from vault.vocabulary import DisclosureAuthority, DisclosureOutcome, DisclosureState


class DisclosureRequest(InLockbox, Base):
    """A prosecutor's request to be told something, named by their own referral; they learn of no case."""

    __tablename__ = "disclosure_requests"
    kept_by: ClassVar = ("request", "id")

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    requester: Mapped[UUID] = mapped_column("requester_id", Uuid, index=True)
    referral: Mapped[UUID] = mapped_column("referral_id", Uuid, ForeignKey(Referral.id))
    case: Mapped[UUID | None] = mapped_column("case_id", Uuid, ForeignKey(Case.id), index=True)
    authority: Mapped[DisclosureAuthority] = mapped_column(Word(DisclosureAuthority))
    state: Mapped[DisclosureState] = mapped_column(Word(DisclosureState))
    asked_at: Mapped[datetime] = mapped_column(Moment)
    due_on: Mapped[date | None] = mapped_column(Date)
    destroyed_on: Mapped[date | None] = added_later(Date)  # with the records of its case
    version: Mapped[int] = mapped_column(Integer)
    asked: Mapped[SealedBlob] = sealed("disclosure", "text")
    purpose: Mapped[SealedBlob] = sealed("disclosure", "text")
    agency: Mapped[SealedBlob] = sealed("disclosure", "text")
    address: Mapped[SealedBlob] = sealed("disclosure", "text")
    order_reference: Mapped[SealedBlob] = sealed("disclosure", "text")
    answer: Mapped[SealedBlob] = sealed("disclosure", "text")

    # Every act counts the version up itself, also one that only adds a worksheet or chooses fields.
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012

    def move(self, to: DisclosureState) -> None:
        """Stand at this state, as a new version, so that an older tab is told."""
        self.state = to
        self.version += 1

    @property
    def subject(self) -> str:
        """How entries name the disclosure, and the lockbox that the requester cannot open."""
        return f"disclosure:{self.id}"


class Worksheet(InLockbox, Base):
    """The five factors weighed before a disclosure (Canada, WPPA s. 12); never changed, only followed."""

    __tablename__ = "disclosure_worksheets"
    kept_by: ClassVar = ("disclosure", "request")

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    request: Mapped[UUID] = mapped_column("request_id", Uuid, ForeignKey(DisclosureRequest.id), index=True)
    author: Mapped[UUID] = mapped_column(Uuid)
    at: Mapped[datetime] = mapped_column(Moment)
    verified: Mapped[SealedBlob] = sealed("disclosure", "text")
    reasons: Mapped[SealedBlob] = sealed("disclosure", "text")
    danger: Mapped[SealedBlob] = sealed("disclosure", "text")
    sole_purpose: Mapped[SealedBlob] = sealed("disclosure", "text")
    other_means: Mapped[SealedBlob] = sealed("disclosure", "text")
    prevention: Mapped[SealedBlob] = sealed("disclosure", "text")
    witness_heard: Mapped[SealedBlob] = sealed("disclosure", "text")
    witness_words: Mapped[SealedBlob] = sealed("disclosure", "text")


class Selection(InLockbox, Base):
    """The fields chosen for a disclosure, by name, and a frozen copy of what they said then."""

    __tablename__ = "disclosure_selections"
    kept_by: ClassVar = ("disclosure", "request")

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    request: Mapped[UUID] = mapped_column("request_id", Uuid, ForeignKey(DisclosureRequest.id), unique=True)
    prepared_by: Mapped[UUID] = mapped_column(Uuid)
    prepared_at: Mapped[datetime] = mapped_column(Moment)
    chosen: Mapped[list[str]] = mapped_column(JSON)
    return_by: Mapped[date | None] = mapped_column(Date)
    version: Mapped[int] = mapped_column(Integer)
    snapshot: Mapped[SealedBlob] = sealed("disclosure", "json")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class DisclosureDecision(InLockbox, Base):
    """What the deputy decided and struck out, and the reasons, which the requester never reads."""

    __tablename__ = "disclosure_decisions"
    kept_by: ClassVar = ("disclosure", "request")

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    request: Mapped[UUID] = mapped_column("request_id", Uuid, ForeignKey(DisclosureRequest.id), unique=True)
    decided_by: Mapped[UUID] = mapped_column(Uuid)
    at: Mapped[datetime] = mapped_column(Moment)
    outcome: Mapped[DisclosureOutcome] = mapped_column(Word(DisclosureOutcome))
    struck_out: Mapped[list[str]] = mapped_column(JSON)
    reasons: Mapped[SealedBlob] = sealed("disclosure", "text")


class Packet(InLockbox, Base):
    """One release: the PDF as it left, the mark on its pages, and when it was fetched and acknowledged."""

    __tablename__ = "disclosure_packets"
    kept_by: ClassVar = ("packet", "id")

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    request: Mapped[UUID] = mapped_column("request_id", Uuid, ForeignKey(DisclosureRequest.id), index=True)
    released_by: Mapped[UUID] = mapped_column(Uuid)
    released_at: Mapped[datetime] = mapped_column(Moment)
    released: Mapped[list[str]] = mapped_column(JSON)
    mark: Mapped[str] = mapped_column(String(16), unique=True)
    taken_back_at: Mapped[datetime | None] = mapped_column(Moment)
    fetched_at: Mapped[datetime | None] = mapped_column(Moment)
    acknowledged_at: Mapped[datetime | None] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(Integer)
    document: Mapped[SealedBlob] = sealed("disclosure", "bytes")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def subject(self) -> str:
        """The packet's own lockbox, and how its one recipient is named on it."""
        return f"packet:{self.id}"


class Accounting(InLockbox, Base):
    """To whom something was disclosed, when, what and why; kept for good (45 CFR 164.528; 20 CFR 401.80)."""

    __tablename__ = "disclosure_accounting"
    kept_by: ClassVar = ("disclosure", "request")

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    request: Mapped[UUID] = mapped_column("request_id", Uuid, ForeignKey(DisclosureRequest.id), index=True)
    packet: Mapped[UUID] = mapped_column("packet_id", Uuid, ForeignKey(Packet.id), unique=True)
    at: Mapped[datetime] = mapped_column(Moment)
    recipient: Mapped[SealedBlob] = sealed("disclosure", "text")
    address: Mapped[SealedBlob] = sealed("disclosure", "text")
    description: Mapped[SealedBlob] = sealed("disclosure", "text")
    purpose: Mapped[SealedBlob] = sealed("disclosure", "text")


def known_to(who: Actor) -> Select[DisclosureRequest]:
    """The requests this officer may know of and whose records were not destroyed."""
    return ever_known_to(who).where(DisclosureRequest.destroyed_on.is_(None))


def ever_known_to(who: Actor) -> Select[DisclosureRequest]:
    """The requests this officer may know of: a prosecutor's own; the unit and the auditor, all."""
    query = select(DisclosureRequest).order_by(
        DisclosureRequest.asked_at.desc(), DisclosureRequest.code.desc()
    )
    if who.role in {Role.COORDINATOR, Role.DEPUTY, Role.AUDITOR}:
        return query
    if who.role is Role.PROSECUTOR:
        return query.where(DisclosureRequest.requester == who.officer)
    return query.where(false())
