"""The pages on which the one who asked fetches the packet, once, and acknowledges it."""

from uuid import UUID

from flask import Blueprint, Response, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect

from vault.access.events import Event
from vault.access.guard import actor, now, requires, running
from vault.access.policy import Compartment, Permission, Reason
from vault.access.reading import open_rows
from vault.disclosure import actions, releases
from vault.disclosure.forms import AcknowledgeForm
from vault.errors import RuleForbids
from vault.officers.asking import StepUpForm, needs_code
from vault.officers.proofs import ProofRefused

bp = Blueprint("receiving", __name__)


def _fetching(disclosure_id: UUID, form: StepUpForm, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        request = actions.get(db, actor(), disclosure_id)
        releases.waiting_packet(db, actor(), request)
    return render_template("disclosure/fetch.html", form=form, disclosure=request), status


@bp.get("/disclosure/<uuid:disclosure_id>/fetch")
@requires(Permission.ASK_DISCLOSURE)
def ask_to_fetch(disclosure_id: UUID) -> ResponseReturnValue:
    """Say that the packet is given out once, and ask for the code."""
    return _fetching(disclosure_id, StepUpForm.ask(needs_code(None)), 200)


@bp.post("/disclosure/<uuid:disclosure_id>/fetch")
@requires(Permission.ASK_DISCLOSURE)
def fetch(disclosure_id: UUID) -> ResponseReturnValue:
    """Give the packet out, once: the pages leave only after the ledger says that they were fetched."""
    form = StepUpForm.ask(needs_code(None))
    if not form.validate():
        return _fetching(disclosure_id, form, 422)
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _fetching(disclosure_id, form, 422)
    with running().reading() as db:
        request = actions.get(db, who, disclosure_id)
        packet = releases.waiting_packet(db, who, request)
        opening = open_rows(
            running(),
            db,
            who,
            Compartment.DISCLOSURE,
            [packet],
            about=[request.subject],
            reason=Reason.COURT,
            now=now(),
            event=Event.OPENED,
            facts={"part": "packet"},
            details=None,
        )
    with running().writing() as db:
        releases.fetch(db, who, actions.get(db, who, disclosure_id), now())
    answer = Response(opening.of(packet)["document"], mimetype="application/pdf")  # type: ignore[arg-type]
    answer.headers["Content-Disposition"] = f'attachment; filename="{request.code}.pdf"'
    return answer


def _acknowledging(disclosure_id: UUID, form: AcknowledgeForm, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        request = actions.get(db, actor(), disclosure_id)
    return render_template("disclosure/acknowledge.html", form=form, disclosure=request), status


@bp.get("/disclosure/<uuid:disclosure_id>/acknowledge")
@requires(Permission.ASK_DISCLOSURE)
def ask_to_acknowledge(disclosure_id: UUID) -> ResponseReturnValue:
    """Ask for the recipient's word."""
    return _acknowledging(disclosure_id, AcknowledgeForm(), 200)


@bp.post("/disclosure/<uuid:disclosure_id>/acknowledge")
@requires(Permission.ASK_DISCLOSURE)
def acknowledge(disclosure_id: UUID) -> ResponseReturnValue:
    """Take the recipient's word that the packet arrived."""
    form = AcknowledgeForm()
    if not form.validate():
        return _acknowledging(disclosure_id, form, 422)
    try:
        with running().writing() as db:
            releases.acknowledge(db, actor(), actions.get(db, actor(), disclosure_id), now())
    except RuleForbids as error:
        form.refuse(error.message)
        return _acknowledging(disclosure_id, form, 409)
    flash("Thank you. The unit knows that the packet arrived.", "success")
    return redirect(url_for("disclosure.show", disclosure_id=disclosure_id), 303)
