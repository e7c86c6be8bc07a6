"""Referrals and the decisions on them. What the prosecutor wrote is sealed in the referral's own lockbox."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Boolean, Date, ForeignKey, Integer, Select, String, Uuid, select
from sqlalchemy.orm import Mapped, mapped_column

from crypto.columns import InLockbox, Moment, SealedBlob, sealed
from vault.access.actor import Actor
from vault.access.policy import Role
from vault.database import Base, Word, WordList, added_later
from vault.vocabulary import DecisionKind, DecisionOutcome, Flag, Harm, HarmBasis, ReferralState


class Referral(InLockbox, Base):
    """A prosecutor's request that a witness be protected."""

    __tablename__ = "referrals"
    kept_by: ClassVar = ("referral", "id")

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    prosecutor: Mapped[UUID] = mapped_column("prosecutor_id", Uuid, index=True)
    received_at: Mapped[datetime] = mapped_column(Moment)
    state: Mapped[ReferralState] = mapped_column(Word(ReferralState))
    harm: Mapped[list[Harm]] = mapped_column(WordList(Harm))
    basis: Mapped[HarmBasis] = mapped_column(Word(HarmBasis))
    flags: Mapped[list[Flag]] = mapped_column(WordList(Flag))
    household: Mapped[int] = mapped_column(Integer)
    urgent: Mapped[bool] = mapped_column(Boolean)
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    destroyed_on: Mapped[date | None] = added_later(Date)  # with the records of its case
    version: Mapped[int] = mapped_column(Integer)
    witness: Mapped[SealedBlob] = sealed("intake", "text")
    docket: Mapped[SealedBlob] = sealed("intake", "text")
    felony: Mapped[SealedBlob] = sealed("intake", "text")
    defendants: Mapped[SealedBlob] = sealed("intake", "text")
    narrative: Mapped[SealedBlob] = sealed("intake", "text")
    trial_starts: Mapped[SealedBlob] = sealed("intake", "date")
    contact: Mapped[SealedBlob] = sealed("intake", "text")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def is_open(self) -> bool:
        """Whether a decision is still to come."""
        return self.state in {ReferralState.RECEIVED, ReferralState.AT_RISK, ReferralState.CRITICAL}

    @property
    def next_decision(self) -> DecisionKind | None:
        """The decision that comes next, in the order of the statute."""
        return {
            ReferralState.RECEIVED: DecisionKind.AT_RISK,
            ReferralState.AT_RISK: DecisionKind.CRITICAL,
            ReferralState.CRITICAL: DecisionKind.CERTIFIED,
        }.get(self.state)


class Decision(InLockbox, Base):
    """One of the three decisions, with its reasons sealed beside the narrative."""

    __tablename__ = "referral_decisions"
    kept_by: ClassVar = ("referral", "referral")

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    referral: Mapped[UUID] = mapped_column("referral_id", Uuid, ForeignKey(Referral.id), index=True)
    kind: Mapped[DecisionKind] = mapped_column(Word(DecisionKind))
    outcome: Mapped[DecisionOutcome] = mapped_column(Word(DecisionOutcome))
    decided_by: Mapped[UUID] = mapped_column(Uuid)
    at: Mapped[datetime] = mapped_column(Moment)
    reasons: Mapped[SealedBlob] = sealed("intake", "text")


def known_to(who: Actor) -> Select[Referral]:
    """The referrals this officer may know of and whose records were not destroyed."""
    return ever_known_to(who).where(Referral.destroyed_on.is_(None))


def ever_known_to(who: Actor) -> Select[Referral]:
    """The referrals this officer may know of: a prosecutor's own, the unit's all."""
    query = select(Referral).order_by(Referral.received_at.desc())
    if who.role in {Role.COORDINATOR, Role.CLERK, Role.DEPUTY}:
        return query
    return query.where(Referral.prosecutor == who.officer)
