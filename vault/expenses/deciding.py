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
    sums = [0] * len(lines)
    match answer:
        case PaymentAnswer.APPROVE:
            sums = [line.approved_cents or 0 for line in lines] if signed else list(granted or sums)
            state = allowances.granted_state([line.amount_cents for line in lines], sums)
            allowances.check_within_ceiling(budget_of(case, live), sum(sums))
            if signed or allowances.signatures(weight) == 1:
                payment.state = state
        case PaymentAnswer.RETURN:
            payment.state = PaymentState.RETURNED
        case PaymentAnswer.DENY:
            payment.state = PaymentState.DENIED
        case _:
            assert_never(answer)
    for line, cents in zip(lines, sums, strict=True):
        line.approved_cents = cents
    return _keep(db, who, trust, payment, 1 + len(signed), answer, sum(sums), reasons, now)


def _keep(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    payment: PaymentRequest,
    step: int,
    answer: PaymentAnswer,
    cents: int,
    reasons: str,
    now: datetime,
) -> PaymentDecision:
    """Keep the decision with its reasons under seal, and its entry."""
    if payment.state in allowances.COMMITTED | {PaymentState.DENIED}:
        payment.decided_at = now
    payment.version += 1
    decision = PaymentDecision(
        id=uuid4(), request=payment.id, case=payment.case, round=payment.round, step=step
    )
    decision.decided_by, decision.role, decision.at = who.officer, who.role, now
    decision.answer, decision.approved_cents = answer, cents
    sealer = custody.sealer(db, who, trust, f"case:{payment.case}", Compartment.FINANCE)
    put(decision, "reasons", reasons, sealer)
    db.add(decision)
    record(
        db,
        Event.PAYMENT_DECIDED,
        who=who,
        now=now,
        subjects=[payment.subject, f"case:{payment.case}"],
        compartment=Compartment.FINANCE,
        fields=["paymentdecision.reasons"],
        facts={"answer": answer, "step": step, "approved-cents": cents, "state": payment.state},
    )
    return decision
