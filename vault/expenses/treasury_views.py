"""The pages on which money moves: deciding, paying, receipts, reconciling, and a case's authority."""

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from vault.access.events import Event
from vault.access.guard import actor, now, requires, running
from vault.access.policy import Compartment, Permission, Reason, Role
from vault.access.reading import open_rows
from vault.cases.models import Case
from vault.errors import RuleForbids
from vault.expenses import actions, allowances, deciding, treasury
from vault.expenses.forms import (
    DecisionForm,
    PaidForm,
    ReceiptForm,
    ReconcileForm,
    RenewForm,
    decision_form,
)
from vault.expenses.models import PaymentRequest, budget_of, known_to, live_lines
from vault.expenses.pages import at, carry_out, refused, request_page, sheet_of, today, zone
from vault.expenses.sheets import Sheet, sheets
from vault.forms import VaultForm
from vault.officers.asking import needs_code

bp = Blueprint("treasury", __name__)


def _decision_form(sheet: Sheet) -> DecisionForm:
    """The amounts are asked of the first officer only; the second confirms them."""
    form = decision_form([] if sheet.signed else sheet.lines, needs_code(None))
    if not form.is_submitted():
        form.version.data = sheet.payment.version
    return form


def _decision_page(sheet: Sheet) -> Callable[[VaultForm, int], ResponseReturnValue]:
    def page(form: VaultForm, status: int) -> ResponseReturnValue:
        return render_template("expenses/decision.html", sheet=sheet, form=form, today=today()), status

    return page


@bp.get("/payments/<uuid:payment_id>/decision")
@requires(Permission.DECIDE_PAYMENT)
def ask_decision(payment_id: UUID) -> ResponseReturnValue:
    """Ask for the decision, when it is this officer's to make."""
    sheet = sheet_of(payment_id)
    deciding.check_may_decide(actor(), sheet.payment, sheet.weight, sheet.signed)
    return _decision_page(sheet)(_decision_form(sheet), 200)


@bp.post("/payments/<uuid:payment_id>/decision")
@requires(Permission.DECIDE_PAYMENT)
def decide(payment_id: UUID) -> ResponseReturnValue:
    """Keep the decision."""
    sheet = sheet_of(payment_id)
    form = _decision_form(sheet)
    try:
        deciding.check_may_decide(actor(), sheet.payment, sheet.weight, sheet.signed)
    except RuleForbids as error:  # Said before a code is asked for or used.
        return refused(error, form, _decision_page(sheet))
    return carry_out(
        form,
        _decision_page(sheet),
        sheet.payment.version,
        lambda db, who: deciding.decide(
            db,
            who,
            running().trust,
            actions.get(db, who, payment_id),
            form.version.data,
            form.answer.data,
            form.granted([] if sheet.signed else sheet.lines),
            form.reasons.data,
            now(),
        ),
        "The decision is kept.",
        lambda _: at("show_request", payment_id),
    )


def _payment_page(sheet: Sheet, form: VaultForm, status: int) -> ResponseReturnValue:
    return render_template("expenses/pay.html", sheet=sheet, form=form), status


@bp.get("/payments/<uuid:payment_id>/payment")
@requires(Permission.PAY)
def ask_payment(payment_id: UUID) -> ResponseReturnValue:
    """Ask when and under which number the approved sum was paid."""
    sheet = sheet_of(payment_id)
    treasury.check_may_pay(actor(), sheet.payment, sheet.deciders())
    form = PaidForm(data={"version": sheet.payment.version, "paid_on": today()})
    return _payment_page(sheet, form, 200)


@bp.post("/payments/<uuid:payment_id>/payment")
@requires(Permission.PAY)
def pay(payment_id: UUID) -> ResponseReturnValue:
    """Record that the money went out."""
    sheet, form = sheet_of(payment_id), PaidForm()
    return carry_out(
        form,
        lambda form, status: _payment_page(sheet, form, status),
        sheet.payment.version,
        lambda db, who: treasury.pay(
            db,
            who,
            actions.get(db, who, payment_id),
            form.version.data,
            form.number.data.upper(),
            form.paid_on.data,
            zone(),
            now(),
        ),
        "The payment is recorded. Attach the receipt when it comes.",
        lambda _: at("show_request", payment_id),
    )


@bp.post("/payments/<uuid:payment_id>/receipt")
@requires(Permission.PAY)
def attach_receipt(payment_id: UUID) -> ResponseReturnValue:
    """Keep the number of the receipt."""
    sheet, form = sheet_of(payment_id), ReceiptForm()
    return carry_out(
        form,
        lambda form, status: request_page(sheet, form, status),
        sheet.payment.version,
        lambda db, who: treasury.attach_receipt(
            db,
            who,
            running().trust,
            actions.get(db, who, payment_id),
            form.version.data,
            form.receipt_number.data,
            now(),
        ),
        "The receipt is attached. Reconcile the payment with the next statement.",
        lambda _: at("show_request", payment_id),
    )


@bp.post("/payments/<uuid:payment_id>/reconciliation")
@requires(Permission.PAY)
def reconcile(payment_id: UUID) -> ResponseReturnValue:
    """Confirm the payment against the statement."""
    sheet, form = sheet_of(payment_id), ReconcileForm()
    return carry_out(
        form,
        lambda form, status: request_page(sheet, form, status),
        sheet.payment.version,
        lambda db, who: treasury.reconcile(
            db, who, actions.get(db, who, payment_id), form.version.data, form.statement.data, now()
        ),
        "Reconciled. Nothing more is needed for this payment.",
        lambda _: at("show_request", payment_id),
    )


@bp.get("/payments/<uuid:payment_id>/voucher")
@requires(Permission.PAY)
def show_voucher(payment_id: UUID) -> ResponseReturnValue:
    """What the treasury is given: the case's code and the amount, nothing else."""
    sheet = sheet_of(payment_id)
    if not sheet.is_decided:
        raise RuleForbids("A voucher is made once the request is approved.")
    return render_template("expenses/voucher.html", sheet=sheet)


@bp.post("/payments/<uuid:payment_id>/accounts")
@requires(Permission.PAY)
def compare_accounts(payment_id: UUID) -> ResponseReturnValue:
    """Say which other cases' requests name the same bank account; no account is shown."""
    mine = sheet_of(payment_id)
    with running().reading() as db:
        query = known_to(actor()).where(PaymentRequest.state.in_(allowances.LIVE))
        others = sheets(db, db.scalars(query.where(PaymentRequest.case != mine.case.id)).all())
        opening = open_rows(
            running(),
            db,
            actor(),
            Compartment.FINANCE,
            [mine.payment, *(other.payment for other in others)],
            about=[mine.payment.subject],
            reason=Reason.PAYMENT,
            now=now(),
            event=Event.ACCOUNTS_COMPARED,
            facts={},
            details=None,
        )
    account = str(opening.of(mine.payment)["bank_details"])
    same = [
        other
        for other in others
        if allowances.same_account(account, str(opening.of(other.payment)["bank_details"]))
    ]
    return render_template(
        "expenses/accounts.html",
        sheet=mine,
        same=same,
        compared=len(others),
        has_account=allowances.same_account(account, account),
        entry=opening.receipt.index,
    )


def _support_page(case_id: UUID, form: VaultForm | None, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        case = actions.get_case(db, actor(), case_id)
        budget = budget_of(case, live_lines(db, [case_id])[case_id])
        found = sheets(db, db.scalars(known_to(actor()).where(PaymentRequest.case == case_id)).all())
    if form is None and actor().role is Role.DEPUTY:
        form = _renew_form(case)
    return render_template(
        "expenses/support.html", case=case, budget=budget, sheets=found, form=form, today=today()
    ), status


def _renew_form(case: Case) -> RenewForm:
    form = RenewForm.ask(needs_code(None))
    if not form.is_submitted():
        form.process(
            data={
                "version": case.version,
                "ceiling": case.ceiling_cents,
                "period_ends_on": case.period_ends_on,
            }
        )
    return form


@bp.get("/cases/<uuid:case_id>/support")
@requires(Permission.SEE_EXPENSES)
def show_support(case_id: UUID) -> ResponseReturnValue:
    """A case's money: its ceiling, what is promised and paid, and its requests."""
    return _support_page(case_id, None, 200)


@bp.post("/cases/<uuid:case_id>/support")
@requires(Permission.DECIDE_PAYMENT)
def renew_support(case_id: UUID) -> ResponseReturnValue:
    """Set the ceiling and the period anew."""
    with running().reading() as db:
        case = actions.get_case(db, actor(), case_id)
    form = _renew_form(case)
    return carry_out(
        form,
        lambda form, status: _support_page(case_id, form, status),
        case.version,
        lambda db, who: treasury.renew(
            db,
            who,
            case_id,
            form.version.data,
            form.ceiling.data,
            form.period_ends_on.data,
            zone(),
            now(),
        ),
        "The ceiling and the period are set.",
        lambda _: url_for("expenses.treasury.show_support", case_id=case_id),
    )
