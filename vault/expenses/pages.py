"""What the pages of requests share: the sheet, the page of a request, and carrying an act out in words."""

from collections.abc import Callable
from datetime import date
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import flash, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect

from vault.access.actor import Actor
from vault.access.guard import actor, now, record_refusal, running
from vault.database import RecordedSession
from vault.errors import RuleForbids
from vault.expenses import actions
from vault.expenses.forms import LineForm, ReceiptForm, ReconcileForm
from vault.expenses.sheets import NextAct, Sheet, sheets
from vault.forms import VaultForm
from vault.officers.asking import StepUpForm
from vault.officers.proofs import ProofRefused

T = TypeVar("T")
Page = Callable[[VaultForm, int], ResponseReturnValue]
"""A page that shows a form again, with a status."""


def zone() -> ZoneInfo:
    """The unit's time zone, on whose days claims and payments are counted."""
    return ZoneInfo(running().settings.time_zone)


def today() -> date:
    """The day it is for the unit."""
    return now().astimezone(zone()).date()


def sheet_of(payment_id: UUID) -> Sheet:
    """The sheet of a request that this officer may know of. Raises NotKnown."""
    with running().reading() as db:
        return sheets(db, [actions.get(db, actor(), payment_id)])[0]


def at(endpoint: str, payment_id: UUID) -> str:
    """The address of one of a request's pages."""
    return url_for(f"expenses.{endpoint}", payment_id=payment_id)


def request_page(sheet: Sheet, form: VaultForm | None, status: int) -> ResponseReturnValue:
    """The request, with the one form that was sent wrongly, or fresh ones."""
    version = {"version": sheet.payment.version}
    return render_template(
        "expenses/request.html",
        sheet=sheet,
        form=form,
        line_form=form if isinstance(form, LineForm) else LineForm(formdata=None, data=version),
        receipt_form=form if isinstance(form, ReceiptForm) else ReceiptForm(formdata=None, data=version),
        reconcile_form=form
        if isinstance(form, ReconcileForm)
        else ReconcileForm(formdata=None, data=version),
        act=sheet.next_act(actor()),
        acts=NextAct,
        today=today(),
    ), status


def refused(error: RuleForbids, form: VaultForm, page: Page) -> ResponseReturnValue:
    """Record that a rule forbade the act and say so above the form; what was typed stays in its boxes."""
    record_refusal(error)
    form.refuse(error.message)
    return page(form, 409)


def carry_out(
    form: VaultForm,
    page: Page,
    seen: int | None,
    act: Callable[[RecordedSession, Actor], T],
    done: str,
    go_to: Callable[[T], str],
) -> ResponseReturnValue:
    """Check the form, act, and go on; a refused act is recorded and what was typed stays in its boxes.

    `seen` is the version of the record now, when the form carries the one that the officer saw; `go_to` is
    given what the act returned.
    """
    if not form.validate():
        return page(form, 422)
    if seen is not None and form.is_stale(seen):
        return page(form, 409)
    try:
        who = form.prove() if isinstance(form, StepUpForm) else actor()
        with running().writing() as db:
            result = act(db, who)
    except ProofRefused as error:
        form.refuse(error.message)
        return page(form, 422)
    except RuleForbids as error:
        if "code" in form:
            del form.code  # It was right and is used up; the next five minutes need no other.
        return refused(error, form, page)
    flash(done, "success")
    return redirect(go_to(result), 303)
