"""A request for support money as a page shows it: case, lines, decisions, budget, and what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from vault.access.actor import Actor
from vault.access.policy import Permission
from vault.cases.models import Case
from vault.errors import RuleForbids
from vault.expenses import allowances
from vault.expenses.allowances import Budget
from vault.expenses.deciding import check_may_decide
from vault.expenses.models import (
    LiveLine,
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
from vault.expenses.treasury import approved_total, check_may_pay
from vault.officers.models import Officer
from vault.vocabulary import Labelled, PaymentAnswer, PaymentState


class NextAct(Labelled):
    """What a request waits for from one officer."""

    SUBMIT = "submit", "Finish and submit"
    DECIDE = "decide", "Decide"
    PAY = "pay", "Pay"
    RECEIPT = "receipt", "Attach the receipt"
    RECONCILE = "reconcile", "Reconcile"


Step = tuple[str, str, str]


@dataclass(frozen=True)
class Sheet:
    """Everything plain about one request. `names` gives the officers' names by id."""

    payment: PaymentRequest
    case: Case
    lines: Sequence[PaymentLine]
    decisions: Sequence[PaymentDecision]
    live: Sequence[LiveLine]
    names: dict[UUID, str]

    @property
    def asked(self) -> int:
        """The sum that is asked for."""
        return sum(line.amount_cents for line in self.lines)

    @property
    def approved(self) -> int:
        """The sum that was approved so far."""
        return approved_total(list(self.lines))

    @property
    def is_decided(self) -> bool:
        """Whether an approval stands, so that the approved sum means something."""
        return self.payment.state in allowances.COMMITTED | allowances.SPENT

    @property
    def weight(self) -> int:
        """The sum that decides who approves."""
        return weight_of(self.payment, self.lines, self.live)

    @property
    def signatures(self) -> int:
        """How many officers must approve, or did."""
        if self.payment.state is not PaymentState.SUBMITTED and self.signed:
            return len(self.signed)
        return 2 if self.signed else allowances.signatures(self.weight)

    @property
    def signed(self) -> list[PaymentDecision]:
        """The approvals since the request was last submitted."""
        return [d for d in this_round(self.payment, self.decisions) if d.answer is PaymentAnswer.APPROVE]

    @property
    def budget(self) -> Budget:
        """The money of the request's case."""
        return budget_of(self.case, self.live)

    @property
    def reconcile_by(self) -> date | None:
        """When the statement should have been compared, once it is paid."""
        return self.payment.paid_on and self.payment.paid_on + allowances.RECONCILE_WITHIN

    def overlaps(self) -> list[tuple[PaymentLine, PaymentRequest, PaymentLine]]:
        """Lines that claim what another live request of the case claims, for a day in common."""
        return [
            (line, other, theirs)
            for line in self.lines
            for other, theirs in self.live
            if other.id != self.payment.id and line.asked.overlaps(theirs.asked)
        ]

    def deciders(self) -> set[UUID]:
        """Everybody who ever decided on this request."""
        return {decision.decided_by for decision in self.decisions}

    def next_act(self, who: Actor) -> NextAct | None:
        """What this officer can do next to move the request on, if anything."""
        payment, state = self.payment, self.payment.state
        if payment.may_change:
            return NextAct.SUBMIT if payment.requested_by == who.officer else None
        try:
            if state is PaymentState.SUBMITTED and who.may(Permission.DECIDE_PAYMENT):
                check_may_decide(who, payment, self.weight, self.signed)
                return NextAct.DECIDE
            if state in allowances.COMMITTED and who.may(Permission.PAY):
                check_may_pay(who, payment, self.deciders())
                return NextAct.PAY
        except RuleForbids:
            return None
        if not who.may(Permission.PAY):
            return None
        return {PaymentState.PAID: NextAct.RECEIPT, PaymentState.RECEIPTED: NextAct.RECONCILE}.get(state)

    def steps(self) -> list[Step]:
        """The way of the request as steps, for a page."""
        state = self.payment.state
        order = [
            ("Asked", {PaymentState.DRAFT, PaymentState.RETURNED}),
            ("Approved", {PaymentState.SUBMITTED, PaymentState.DENIED}),
            ("Paid", allowances.COMMITTED),
            ("Receipt", {PaymentState.PAID}),
            ("Reconciled", {PaymentState.RECEIPTED}),
        ]
        now = next((place for place, (_, states) in enumerate(order) if state in states), len(order))
        found = []
        for place, (title, _) in enumerate(order):
            words = "Denied" if place == now and state is PaymentState.DENIED else ""
            found.append((title, words, "done" if place < now else "now" if place == now else "next"))
        return found


def sheets(db: Session, payments: Sequence[PaymentRequest]) -> list[Sheet]:
    """The sheets of these requests, in the same order, in a constant number of queries."""
    cases = {
        case.id: case for case in db.scalars(select(Case).where(Case.id.in_({p.case for p in payments})))
    }
    lines, decisions = lines_of(db, payments), decisions_on(db, payments)
    live = live_lines(db, list(cases))
    officers = {p.requested_by for p in payments} | {p.paid_by for p in payments if p.paid_by}
    officers |= {decision.decided_by for several in decisions.values() for decision in several}
    names = {
        row.id: row.full_name
        for row in db.execute(select(Officer.id, Officer.full_name).where(Officer.id.in_(officers)))
    }
    return [Sheet(p, cases[p.case], lines[p.id], decisions[p.id], live[p.case], names) for p in payments]
