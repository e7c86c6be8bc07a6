"""Receiving a referral and making the three decisions on it."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crypto.columns import put
from vault.access import custody, seals
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.models import Assignment
from vault.access.policy import Compartment
from vault.access.rekeying import rekey
from vault.database import RecordedSession
from vault.errors import NotKnown, RecordsDestroyed, RuleForbids
from vault.referrals.models import Decision, Referral, ever_known_to
from vault.running import Trust
from vault.vocabulary import (
    DecisionKind,
    DecisionOutcome,
    Flag,
    Harm,
    HarmBasis,
    ReferralState,
)

OUTCOMES = {
    DecisionKind.AT_RISK: (DecisionOutcome.YES, DecisionOutcome.NO),
    DecisionKind.CRITICAL: (DecisionOutcome.YES, DecisionOutcome.NO),
    DecisionKind.CERTIFIED: (DecisionOutcome.SERVICES, DecisionOutcome.RELOCATION, DecisionOutcome.NO),
}
"""What each of the three decisions may be."""

_STATES = {
    DecisionKind.AT_RISK: ReferralState.AT_RISK,
    DecisionKind.CRITICAL: ReferralState.CRITICAL,
    DecisionKind.CERTIFIED: ReferralState.CERTIFIED,
}


@dataclass(frozen=True)
class ReferralFacts:
    """What the prosecutor tells; the second half is sealed."""

    harm: tuple[Harm, ...]
    basis: HarmBasis
    flags: tuple[Flag, ...]
    household: int
    urgent: bool
    witness: str
    docket: str
    felony: str
    defendants: str
    narrative: str
    trial_starts: date | None
    contact: str


SEALED = ("witness", "docket", "felony", "defendants", "narrative", "trial_starts", "contact")


def next_code(db: Session, model: type, prefix: str, now: datetime) -> str:
    """The next running code of the year, like R-2026-0031. The unique column settles a race."""
    start = f"{prefix}-{now.year}-"
    newest = db.scalar(select(func.max(model.code)).where(model.code.startswith(start)))  # type: ignore[attr-defined]
    number = int(newest.removeprefix(start)) + 1 if newest else 1
    return f"{start}{number:04}"


def receive(db: RecordedSession, who: Actor, trust: Trust, facts: ReferralFacts, now: datetime) -> Referral:
    """Take a prosecutor's referral: sealed to the unit, and to its author until the last decision."""
    referral = Referral(
        id=uuid4(),
        code=next_code(db, Referral, "R", now),
        prosecutor=who.officer,
        received_at=now,
        state=ReferralState.RECEIVED,
        harm=list(facts.harm),
        basis=facts.basis,
        flags=list(facts.flags),
        household=facts.household,
        urgent=facts.urgent,
    )
    subject = f"referral:{referral.id}"
    db.add(
        Assignment(
            id=uuid4(), kind="referral", subject_id=referral.id, officer=who.officer, role=who.role, since=now
        )
    )
    db.flush()
    sealer = seals.new_lockbox(db, who, trust, subject, None, Compartment.INTAKE, now)
    for name in SEALED:
        put(referral, name, getattr(facts, name), sealer)
    db.add(referral)
    record(
        db,
        Event.REFERRAL_RECEIVED,
        who=who,
        now=now,
        subjects=[subject],
        compartment=Compartment.INTAKE,
        fields=[f"referral.{name}" for name in SEALED],
        facts={"code": referral.code, "urgent": facts.urgent, "household": facts.household},
    )
    return referral


def get(db: Session, who: Actor, referral: UUID) -> Referral:
    """The referral, if this officer may know of it. Raises NotKnown, and RecordsDestroyed."""
    found = db.scalars(ever_known_to(who).where(Referral.id == referral)).first()
    if found is None:
        raise NotKnown
    if found.destroyed_on is not None:
        raise RecordsDestroyed(found.destroyed_on)
    return found


def decisions_on(db: Session, referral: UUID) -> list[Decision]:
    """The decisions made so far, in order."""
    return list(db.scalars(select(Decision).where(Decision.referral == referral).order_by(Decision.at)))


def decide(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    referral: Referral,
    outcome: DecisionOutcome,
    reasons: str,
    now: datetime,
) -> Decision:
    """Make the decision that comes next. After the last one its author can open the referral no longer.

    Raises RuleForbids when nothing is left to decide or the outcome is not one of this decision's.
    """
    kind = referral.next_decision
    if kind is None:
        raise RuleForbids("This referral is decided already.")
    if outcome not in OUTCOMES[kind]:
        raise RuleForbids("Choose one of the answers of this decision.")
    sealer = custody.sealer(db, who, trust, f"referral:{referral.id}", Compartment.INTAKE)
    decision = Decision(
        id=uuid4(), referral=referral.id, kind=kind, outcome=outcome, decided_by=who.officer, at=now
    )
    put(decision, "reasons", reasons, sealer)
    db.add(decision)
    referral.state = ReferralState.DECLINED if outcome is DecisionOutcome.NO else _STATES[kind]
    if not referral.is_open:
        referral.decided_at = now
        seals.unname_officer(db, f"referral:{referral.id}", referral.prosecutor, now)
    record(
        db,
        Event.REFERRAL_DECIDED,
        who=who,
        now=now,
        subjects=[f"referral:{referral.id}"],
        compartment=Compartment.INTAKE,
        fields=["decision.reasons"],
        facts={"decision": kind, "outcome": outcome},
    )
    _shut(db, who, trust, referral, now)
    return decision


def _shut(db: RecordedSession, who: Actor, trust: Trust, referral: Referral, now: datetime) -> None:
    """Give a decided referral a new key at once: its author, who could open it, is no longer to."""
    if referral.is_open:
        return
    box = custody.find_lockbox(db, f"referral:{referral.id}", Compartment.INTAKE)
    rekey(db, who, trust, box, custody.KeyCase(db, who, trust), now)
