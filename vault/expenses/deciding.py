"""The decision on a request for support money: by whom, how much of each line, and why."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never
from uuid import uuid4

from crypto.columns import put
from vault.access import custody
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.policy import Compartment
from vault.database import RecordedSession
from vault.errors import RuleForbids
from vault.expenses import allowances
from vault.expenses.actions import check_seen, lock_case
from vault.expenses.models import (
    PaymentDecision,
    PaymentLine,
    PaymentRequest,
    budget_of,
    decisions_on,
    lines_of,
    live_lines,
    this_round,
    weight_of,
)
from vault.running import Trust
from vault.vocabulary import PaymentAnswer, PaymentState


def check_may_decide(
    who: Actor, payment: PaymentRequest, weight: int, signed: Sequence[PaymentDecision]
) -> None:
    """Raise RuleForbids unless this officer's decision is the one that comes next."""
    if payment.state is not PaymentState.SUBMITTED:
        raise RuleForbids(f"This request is “{payment.state.label.lower()}”; there is nothing to decide.")
    if payment.requested_by == who.officer:
        raise RuleForbids("You asked for this payment, so somebody else decides on it.")
    if who.officer in {decision.decided_by for decision in signed}:
        raise RuleForbids("You approved this already. Above $1,000 a second officer approves too.")
    # Once one approval stands, a second is awaited, also when other claims no longer weigh with this one.
    if who.role not in (allowances.SECOND_SIGNERS if signed else allowances.first_signers(weight)):
        raise RuleForbids("At this amount the deputy decides. It waits on the deputy's list.")


def decide(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    payment: PaymentRequest,
    seen: int,
    answer: PaymentAnswer,
    granted: Sequence[int] | None,
    reasons: str,
    now: datetime,
) -> PaymentDecision:
    """Decide on a request, line by line; above $1,000 the second officer confirms the first one's amounts.

    `granted` holds one sum for each line and is None for a second approval. Raises RuleForbids.
    """
    check_seen(payment, seen)
    case = lock_case(db, payment.case)
    lines = lines_of(db, [payment])[payment.id]
    live = live_lines(db, [case.id])[case.id]
    signed = this_round(payment, decisions_on(db, [payment])[payment.id])
    weight = weight_of(payment, lines, live)
    check_may_decide(who, payment, weight, signed)
    match answer:
        case PaymentAnswer.APPROVE:
            if granted is None or signed:
                granted = [line.approved_cents or 0 for line in lines]
            state = allowances.granted_state([line.amount_cents for line in lines], granted)
            allowances.check_within_ceiling(budget_of(case, live), sum(granted))
            if signed or allowances.signatures(weight) == 1:
                payment.state, payment.decided_at = state, now
        case PaymentAnswer.RETURN:
            payment.state, granted = PaymentState.RETURNED, [0] * len(lines)
        case PaymentAnswer.DENY:
            payment.state, payment.decided_at, granted = PaymentState.DENIED, now, [0] * len(lines)
        case _:
            assert_never(answer)
    payment.version += 1
    return _keep_decision(
        db, who, trust, payment, answer, list(zip(lines, granted, strict=True)), reasons, now
    )


def _keep_decision(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    payment: PaymentRequest,
    answer: PaymentAnswer,
    granted: Sequence[tuple[PaymentLine, int]],
    reasons: str,
    now: datetime,
) -> PaymentDecision:
    """Keep what was decided on each line, and the reasons under seal."""
    for line, cents in granted:
        line.approved_cents = cents
    decision = PaymentDecision(
        id=uuid4(),
        request=payment.id,
        case=payment.case,
        round=payment.round,
        step=1 + len(this_round(payment, decisions_on(db, [payment])[payment.id])),
        decided_by=who.officer,
        role=who.role,
        answer=answer,
        approved_cents=sum(cents for _, cents in granted),
        at=now,
    )
    put(
        decision,
        "reasons",
        reasons,
        custody.sealer(db, who, trust, f"case:{payment.case}", Compartment.FINANCE),
    )
    db.add(decision)
    record(
        db,
        Event.PAYMENT_DECIDED,
        who=who,
        now=now,
        subjects=[payment.subject, f"case:{payment.case}"],
        compartment=Compartment.FINANCE,
        fields=["paymentdecision.reasons"],
        facts={
            "answer": answer,
            "step": decision.step,
            "approved-cents": decision.approved_cents,
            "state": payment.state,
        },
    )
    return decision
