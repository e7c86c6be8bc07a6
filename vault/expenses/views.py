"""The pages on which support money is listed, asked for, looked into and submitted."""

from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from vault.access.events import Event
from vault.access.guard import actor, now, requires, running
from vault.access.policy import Compartment, Permission
from vault.access.reading import Part, SealedRow, open_rows
from vault.cases.models import Case
from vault.expenses import actions
from vault.expenses.actions import Payee
from vault.expenses.forms import (
    ChangePayeeForm,
    DraftForm,
    LineForm,
    PayeeForm,
    RequestFilter,
    SeenForm,
)
from vault.expenses.models import PaymentRequest, budget_of, cases_supported, known_to, live_lines
from vault.expenses.pages import at, carry_out, request_page, sheet_of, today, zone
from vault.expenses.sheets import Sheet, sheets
from vault.expenses.treasury_views import bp as treasury_pages
from vault.forms import VaultForm
from vault.officers.asking import OpeningForm, needs_code
from vault.officers.proofs import ProofRefused
from vault.vocabulary import CaseState, PaymentState

bp = Blueprint("expenses", __name__)
bp.register_blueprint(treasury_pages)

ON_A_PAGE = 30
ENDED = (PaymentState.DENIED, PaymentState.RECONCILED)
TO_PAY = ("payee", "payee_alias", "bank_details", "receipt_number")
"""What whoever pays is shown: why the money is needed tells of the witness, and is for those who decide."""


@bp.get("/payments")
@requires(Permission.SEE_EXPENSES)
def list_requests() -> ResponseReturnValue:
    """What waits for this officer first, then every request, the newest first."""
    form = RequestFilter(request.args)
    is_read = not form.is_submitted() and form.validate()
    state, page = (form.state.data, form.page.data or 1) if is_read else (None, 1)
    with running().reading() as db:
        moving = db.scalars(known_to(actor()).where(PaymentRequest.state.not_in(ENDED))).all()[::-1]
        waiting = [(sheet, act) for sheet in sheets(db, moving) if (act := sheet.next_act(actor()))]
        query = known_to(actor())
        found = db.scalars(query.where(PaymentRequest.state == state) if state else query).all()
        pages = max(1, -(-len(found) // ON_A_PAGE))
        page = min(page, pages)
        shown = sheets(db, found[(page - 1) * ON_A_PAGE : page * ON_A_PAGE])
    return render_template(
        "expenses/list.html",
        waiting=waiting,
        shown=shown,
        form=form,
        page=page,
        pages=pages,
        url_of=lambda number: url_for("expenses.list_requests", page=number, state=state),
    )


@bp.get("/payments/new")
@requires(Permission.REQUEST_PAYMENT)
def choose_case() -> ResponseReturnValue:
    """For which case money is needed."""
    with running().reading() as db:
        cases = [c for c in db.scalars(cases_supported(actor())) if c.state is not CaseState.CLOSED]
        live = live_lines(db, [case.id for case in cases])
    rows = [(case, budget_of(case, live[case.id])) for case in cases]
    return render_template("expenses/choose_case.html", rows=rows)


def _draft_page(case: Case, form: VaultForm, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        budget = budget_of(case, live_lines(db, [case.id])[case.id])
    return render_template("expenses/draft.html", case=case, budget=budget, form=form, today=today()), status


def _case(case_id: UUID) -> Case:
    with running().reading() as db:
        return actions.get_case(db, actor(), case_id)


@bp.get("/cases/<uuid:case_id>/payments/new")
@requires(Permission.REQUEST_PAYMENT)
def ask_request(case_id: UUID) -> ResponseReturnValue:
    """Ask who is to be paid, for what and why."""
    return _draft_page(_case(case_id), DraftForm(), 200)


@bp.post("/cases/<uuid:case_id>/payments/new")
@requires(Permission.REQUEST_PAYMENT)
def draft_request(case_id: UUID) -> ResponseReturnValue:
    """Begin a request with its first line."""
    case, form = _case(case_id), DraftForm()
    return carry_out(
        form,
        lambda form, status: _draft_page(case, form, status),
        None,
        lambda db, who: actions.draft(db, who, running().trust, case, _payee(form), form.claim(), now()),
        "The draft is kept. Add lines if the payee is owed for several things, then submit it.",
        lambda made: at("show_request", made.id),
    )


def _payee(form: PayeeForm) -> Payee:
    return Payee(form.payee.data, form.payee_alias.data, form.bank_details.data, form.justification.data)


@bp.get("/payments/<uuid:payment_id>")
@requires(Permission.SEE_EXPENSES)
def show_request(payment_id: UUID) -> ResponseReturnValue:
    """One request: plain facts, its lines, its way, and the sealed payee."""
    return request_page(sheet_of(payment_id), None, 200)


@bp.post("/payments/<uuid:payment_id>/lines")
@requires(Permission.REQUEST_PAYMENT)
def add_line(payment_id: UUID) -> ResponseReturnValue:
    """Ask for one thing more."""
    sheet, form = sheet_of(payment_id), LineForm()
    return carry_out(
        form,
        lambda form, status: request_page(sheet, form, status),
        sheet.payment.version,
        lambda db, who: actions.add_line(db, who, actions.get(db, who, payment_id), form.claim(), now()),
        "The line is added.",
        lambda _: at("show_request", payment_id),
    )


@bp.post("/payments/<uuid:payment_id>/lines/<uuid:line_id>/remove")
@requires(Permission.REQUEST_PAYMENT)
def remove_line(payment_id: UUID, line_id: UUID) -> ResponseReturnValue:
    """Take a line out."""
    sheet = sheet_of(payment_id)
    return carry_out(
        SeenForm(),
        lambda form, status: request_page(sheet, form, status),
        sheet.payment.version,
        lambda db, who: actions.remove_line(db, who, actions.get(db, who, payment_id), line_id, now()),
        "The line is removed.",
        lambda _: at("show_request", payment_id),
    )


@bp.post("/payments/<uuid:payment_id>/submit")
@requires(Permission.REQUEST_PAYMENT)
def submit(payment_id: UUID) -> ResponseReturnValue:
    """Send the request to be decided."""
    sheet, form = sheet_of(payment_id), SeenForm()
    return carry_out(
        form,
        lambda form, status: request_page(sheet, form, status),
        sheet.payment.version,
        lambda db, who: actions.submit(
            db, who, actions.get(db, who, payment_id), form.version.data, zone(), now()
        ),
        "Submitted. It waits on the list of the officer who decides.",
        lambda _: at("show_request", payment_id),
    )


def _payee_page(sheet: Sheet, form: VaultForm, status: int) -> ResponseReturnValue:
    return render_template("expenses/payee.html", sheet=sheet, form=form), status


@bp.get("/payments/<uuid:payment_id>/payee")
@requires(Permission.REQUEST_PAYMENT)
def ask_payee(payment_id: UUID) -> ResponseReturnValue:
    """Ask anew who is paid and why; what is kept stays sealed."""
    sheet = sheet_of(payment_id)
    return _payee_page(sheet, ChangePayeeForm(data={"version": sheet.payment.version}), 200)


@bp.post("/payments/<uuid:payment_id>/payee")
@requires(Permission.REQUEST_PAYMENT)
def change_payee(payment_id: UUID) -> ResponseReturnValue:
    """Replace who is paid and why."""
    sheet, form = sheet_of(payment_id), ChangePayeeForm()
    return carry_out(
        form,
        lambda form, status: _payee_page(sheet, form, status),
        sheet.payment.version,
        lambda db, who: actions.change_payee(
            db, who, running().trust, actions.get(db, who, payment_id), _payee(form), now()
        ),
        "The payee is changed.",
        lambda _: at("show_request", payment_id),
    )


def _opening_page(sheet: Sheet, form: OpeningForm, status: int) -> ResponseReturnValue:
    return render_template(
        "opening.html",
        form=form,
        title=f"payee of {sheet.payment.code}",
        holds="The payee, the name shown on the payment, the bank account and the receipt."
        if actor().may(Permission.PAY)
        else "The payee, the name shown on the payment, the bank account, and why it is needed and decided.",
        action=at("open_payee", sheet.payment.id),
        back=at("show_request", sheet.payment.id),
    ), status


def _shown_of(sheet: Sheet) -> list[SealedRow]:
    """What of a request this officer opens; of the rest nothing is decrypted."""
    if actor().may(Permission.PAY):
        return [Part(sheet.payment, TO_PAY)]
    return [sheet.payment, *sheet.decisions]


@bp.get("/payments/<uuid:payment_id>/open")
@requires(Permission.SEE_EXPENSES)
def ask_to_open(payment_id: UUID) -> ResponseReturnValue:
    """Ask why the payee is looked at."""
    return _opening_page(sheet_of(payment_id), OpeningForm.ask(needs_code(Compartment.FINANCE)), 200)


@bp.post("/payments/<uuid:payment_id>/open")
@requires(Permission.SEE_EXPENSES)
def open_payee(payment_id: UUID) -> ResponseReturnValue:
    """Show the payee, and the reasons to those who decide or ask, once the look is recorded."""
    sheet = sheet_of(payment_id)
    form: OpeningForm = OpeningForm.ask(needs_code(Compartment.FINANCE))
    if not form.validate():
        return _opening_page(sheet, form, 422)
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _opening_page(sheet, form, 422)
    with running().reading() as db:
        opening = open_rows(
            running(),
            db,
            who,
            Compartment.FINANCE,
            _shown_of(sheet),
            about=[sheet.payment.subject],
            reason=form.reason.data,
            now=now(),
            event=Event.OPENED,
            facts={},
            details=None,
        )
    return render_template("expenses/opened.html", sheet=sheet, opening=opening)
