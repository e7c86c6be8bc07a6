"""Money that moves: paying what was approved, its receipt, its reconciliation, and renewed authority."""

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from crypto.columns import put
from vault.access import custody
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.policy import Compartment, Role
from vault.cases.models import Case
from vault.database import RecordedSession
from vault.errors import RuleForbids
from vault.expenses import allowances
from vault.expenses.actions import check_seen
from vault.expenses.models import (
    PaymentLine,
    PaymentRequest,
    budget_of,
    decisions_on,
    lines_of,
    live_lines,
)
from vault.running import Trust
from vault.vocabulary import PaymentState


def approved_total(lines: list[PaymentLine]) -> int:
    """What is paid for these lines: the sum of what was approved."""
    return sum(line.approved_cents or 0 for line in lines)


def check_may_pay(who: Actor, payment: PaymentRequest, deciders: set[UUID]) -> None:
    """Raise RuleForbids unless the request is approved and this officer neither asked for it nor decided."""
    if payment.state not in allowances.COMMITTED:
        raise RuleForbids(
            "This was paid already; it is never paid twice."
            if payment.state in allowances.SPENT
            else "Approval comes before payment, and this request is not approved."
        )
    if who.officer == payment.requested_by or who.officer in deciders:
        raise RuleForbids("You asked for this payment or decided on it, so somebody else pays it.")


def pay(
    db: RecordedSession,
    who: Actor,
    payment: PaymentRequest,
    seen: int,
    number: str,
    paid_on: date,
    zone: ZoneInfo,
    now: datetime,
) -> None:
    """Record that the approved sum went out, under the treasury's number for it."""
    check_seen(payment, seen)
    check_may_pay(who, payment, {d.decided_by for d in decisions_on(db, [payment])[payment.id]})
    if payment.decided_at is None or paid_on < payment.decided_at.astimezone(zone).date():
        raise RuleForbids("That day is before the approval. Approval comes before payment.")
    if paid_on > now.astimezone(zone).date():
        raise RuleForbids("That day is still to come. Record a payment on the day it is made.")
    if db.scalars(select(PaymentRequest.id).where(PaymentRequest.payment_number == number)).first():
        raise RuleForbids("Another payment was recorded under this number. Check the number.")
    payment.state = PaymentState.PAID
    payment.paid_by, payment.paid_on, payment.payment_number = who.officer, paid_on, number
    payment.version += 1
    record(
        db,
        Event.PAYMENT_MADE,
        who=who,
        now=now,
        subjects=[payment.subject, f"case:{payment.case}"],
        facts={"cents": approved_total(lines_of(db, [payment])[payment.id]), "paid-on": paid_on},
    )


def attach_receipt(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    payment: PaymentRequest,
    seen: int,
    receipt_number: str,
    now: datetime,
) -> None:
    """Keep the number of the payee's receipt, sealed: receipts are numbered by the payee."""
    check_seen(payment, seen)
    if payment.state is not PaymentState.PAID:
        raise RuleForbids("A receipt belongs to a payment that was made and has none yet.")
    sealer = custody.sealer(db, who, trust, f"case:{payment.case}", Compartment.FINANCE)
    put(payment, "receipt_number", receipt_number, sealer)
    payment.state, payment.receipted_at = PaymentState.RECEIPTED, now
    payment.version += 1
    record(
        db,
        Event.PAYMENT_RECEIPTED,
        who=who,
        now=now,
        subjects=[payment.subject, f"case:{payment.case}"],
        compartment=Compartment.FINANCE,
        fields=["paymentrequest.receipt_number"],
    )


def reconcile(
    db: RecordedSession, who: Actor, payment: PaymentRequest, seen: int, statement_cents: int, now: datetime
) -> None:
    """Confirm that the account's statement shows exactly what was approved."""
    check_seen(payment, seen)
    if payment.state is not PaymentState.RECEIPTED:
        raise RuleForbids("A payment is reconciled once its receipt is attached.")
    if statement_cents != approved_total(lines_of(db, [payment])[payment.id]):
        raise RuleForbids(
            "The statement and the approved sum differ. Find out why with the treasury before you reconcile."
        )
    payment.state, payment.reconciled_at, payment.reconciled_by = PaymentState.RECONCILED, now, who.officer
    payment.version += 1
    record(
        db,
        Event.PAYMENT_RECONCILED,
        who=who,
        now=now,
        subjects=[payment.subject, f"case:{payment.case}"],
        facts={"cents": statement_cents},
    )


def renew(
    db: RecordedSession,
    who: Actor,
    case: UUID,
    seen: int,
    ceiling_cents: int,
    period_ends_on: date,
    zone: ZoneInfo,
    now: datetime,
) -> Case:
    """Set a case's support ceiling and the end of its period anew; the deputy decides on both."""
    if who.role is not Role.DEPUTY:
        raise RuleForbids("The deputy sets the ceiling and the period. Ask the deputy to renew them.")
    found = db.scalars(select(Case).where(Case.id == case).with_for_update()).one()
    if found.version != seen:
        raise RuleForbids("The case was changed in the meantime. Look at its money again before you go on.")
    budget = budget_of(found, live_lines(db, [case])[case])
    allowances.check_renewal(ceiling_cents, period_ends_on, budget, now.astimezone(zone).date())
    before = found.ceiling_cents
    found.ceiling_cents, found.period_ends_on = ceiling_cents, period_ends_on
    record(
        db,
        Event.CEILING_SET,
        who=who,
        now=now,
        subjects=[found.subject],
        facts={"before-cents": before, "ceiling-cents": ceiling_cents, "period-ends-on": period_ends_on},
    )
    return found
