"""What is done with a request for support money until it is decided: drafted, changed, submitted."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from crypto.columns import put
from vault.access import custody
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.policy import Compartment
from vault.cases.models import Case
from vault.database import RecordedSession
from vault.errors import NotKnown, RuleForbids
from vault.expenses import allowances
from vault.expenses.allowances import Authority, Claim
from vault.expenses.models import (
    PaymentLine,
    PaymentRequest,
    cases_supported,
    known_to,
    lines_of,
    live_lines,
)
from vault.referrals.actions import next_code
from vault.running import Trust
from vault.vocabulary import PaymentState

MOST_LINES = 20


@dataclass(frozen=True)
class Payee:
    """Who is paid and why: everything about it is sealed."""

    payee: str
    payee_alias: str
    bank_details: str
    justification: str


PAYEE_FIELDS = tuple(f"paymentrequest.{name}" for name in Payee.__dataclass_fields__)


def get(db: Session, who: Actor, payment: UUID) -> PaymentRequest:
    """The request, if this officer may know of it. Raises NotKnown."""
    found = db.scalars(known_to(who).where(PaymentRequest.id == payment)).first()
    if found is None:
        raise NotKnown
    return found


def get_case(db: Session, who: Actor, case: UUID) -> Case:
    """The case whose money this officer may know of. Raises NotKnown."""
    found = db.scalars(cases_supported(who).where(Case.id == case)).first()
    if found is None:
        raise NotKnown
    return found


def authority_of(case: Case, zone: ZoneInfo) -> Authority:
    """What the case may be supported with; the day it was opened is read on the unit's clock."""
    return Authority(
        ceiling_cents=case.ceiling_cents,
        opened_on=case.opened_at.astimezone(zone).date(),
        period_ends_on=case.period_ends_on,
        closed_on=case.closed_on,
        emergency=case.emergency,
    )


def check_seen(payment: PaymentRequest, seen: int) -> None:
    """Raise RuleForbids when the request is no longer as the officer saw it."""
    if payment.version != seen:
        raise RuleForbids(
            "Someone else acted on this request in the meantime. Open it again and look before you go on."
        )


def _check_own_draft(who: Actor, payment: PaymentRequest) -> None:
    if payment.requested_by != who.officer:
        raise RuleForbids("Only the officer who drafted this request changes and submits it.")
    if not payment.may_change:
        raise RuleForbids(
            "This request is submitted and can no longer be changed. Ask for it to be returned."
        )


def lock_case(db: Session, case: UUID) -> Case:
    """The case, held until this act commits, so that two approvals cannot both use its last money."""
    return db.scalars(select(Case).where(Case.id == case).with_for_update()).one()


def _new_line(payment: UUID, number: int, claim: Claim) -> PaymentLine:
    allowances.check_claim(claim)
    return PaymentLine(
        id=uuid4(),
        request=payment,
        number=number,
        category=claim.category,
        amount_cents=claim.cents,
        first_day=claim.first,
        last_day=claim.last,
    )


def _seal_payee(db: Session, who: Actor, trust: Trust, payment: PaymentRequest, payee: Payee) -> None:
    sealer = custody.sealer(db, who, trust, f"case:{payment.case}", Compartment.FINANCE)
    for name, value in asdict(payee).items():
        put(payment, name, value, sealer)


def draft(
    db: RecordedSession, who: Actor, trust: Trust, case: Case, payee: Payee, claim: Claim, now: datetime
) -> PaymentRequest:
    """Begin a request with its first line; nobody decides on it until it is submitted."""
    payment = PaymentRequest(
        id=uuid4(),
        code=next_code(db, PaymentRequest, "P", now),
        case=case.id,
        requested_by=who.officer,
        state=PaymentState.DRAFT,
        round=0,
        drafted_at=now,
        version=1,
    )
    line = _new_line(payment.id, 1, claim)
    _seal_payee(db, who, trust, payment, payee)
    sealer = custody.sealer(db, who, trust, case.subject, Compartment.FINANCE)
    put(payment, "receipt_number", None, sealer)
    db.add(payment)
    db.flush()
    db.add(line)
    record(
        db,
        Event.PAYMENT_DRAFTED,
        who=who,
        now=now,
        subjects=[payment.subject, case.subject],
        compartment=Compartment.FINANCE,
        fields=PAYEE_FIELDS,
        facts={"code": payment.code, "category": claim.category, "cents": claim.cents},
    )
    return payment


def change_payee(
    db: RecordedSession, who: Actor, trust: Trust, payment: PaymentRequest, payee: Payee, now: datetime
) -> None:
    """Replace who is paid and why, as long as the request is not submitted."""
    _check_own_draft(who, payment)
    _seal_payee(db, who, trust, payment, payee)
    payment.version += 1
    record(
        db,
        Event.PAYMENT_CHANGED,
        who=who,
        now=now,
        subjects=[payment.subject, f"case:{payment.case}"],
        compartment=Compartment.FINANCE,
        fields=PAYEE_FIELDS,
        facts={"change": "payee"},
    )


def add_line(
    db: RecordedSession, who: Actor, payment: PaymentRequest, claim: Claim, now: datetime
) -> PaymentLine:
    """Ask for one thing more in the same request."""
    _check_own_draft(who, payment)
    lines = lines_of(db, [payment])[payment.id]
    if len(lines) >= MOST_LINES:
        raise RuleForbids("A request has at most 20 lines. Put what is left into another request.")
    line = _new_line(payment.id, 1 + max((line.number for line in lines), default=0), claim)
    db.add(line)
    payment.version += 1
    record(
        db,
        Event.PAYMENT_CHANGED,
        who=who,
        now=now,
        subjects=[payment.subject, f"case:{payment.case}"],
        facts={"change": "line-added", "category": claim.category, "cents": claim.cents},
    )
    return line


def remove_line(db: RecordedSession, who: Actor, payment: PaymentRequest, line: UUID, now: datetime) -> None:
    """Take one line out of a request that is not submitted. Raises NotKnown for a line of another request."""
    _check_own_draft(who, payment)
    found = db.get(PaymentLine, line)
    if found is None or found.request != payment.id:
        raise NotKnown
    db.delete(found)
    payment.version += 1
    record(
        db,
        Event.PAYMENT_CHANGED,
        who=who,
        now=now,
        subjects=[payment.subject, f"case:{payment.case}"],
        facts={"change": "line-removed", "category": found.category, "cents": found.amount_cents},
    )


def submit(
    db: RecordedSession, who: Actor, payment: PaymentRequest, seen: int, zone: ZoneInfo, now: datetime
) -> None:
    """Send the request to be decided. Raises RuleForbids for claims that the support does not cover."""
    _check_own_draft(who, payment)
    check_seen(payment, seen)
    case = lock_case(db, payment.case)
    lines = lines_of(db, [payment])[payment.id]
    if not lines:
        raise RuleForbids("Add what money is asked for before you submit.")
    claims = [line.asked for line in lines]
    for claim in claims:
        allowances.check_covered(claim, authority_of(case, zone), now.astimezone(zone).date())
    live = live_lines(db, [case.id])[case.id]
    allowances.check_not_repeated(claims, [line.asked for _, line in live if line.approved_cents != 0])
    payment.state, payment.submitted_at, payment.decided_at = PaymentState.SUBMITTED, now, None
    payment.round += 1
    payment.version += 1
    for line in lines:
        line.approved_cents = None
    record(
        db,
        Event.PAYMENT_REQUESTED,
        who=who,
        now=now,
        subjects=[payment.subject, case.subject],
        facts={"cents": sum(claim.cents for claim in claims), "lines": len(lines), "round": payment.round},
    )
