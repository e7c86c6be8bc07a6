"""The pages on which an approved recovery or destruction is carried out."""

from uuid import UUID

from flask import Blueprint, Response, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect

from crypto.errors import NotRecovered
from vault.access.guard import actor, now, record_refusal, requires, running
from vault.access.policy import Permission
from vault.errors import NotConfirmed, NotKnown, RuleForbids
from vault.keys import acts, holdings, recoveries, shredding
from vault.keys.act_forms import DestroyForm, ImportForm
from vault.keys.act_views import page, proved, to
from vault.keys.models import KeyActKind
from vault.officers.asking import StepUpForm, needs_code

bp = Blueprint("carrying", __name__)


@bp.post("/keys/acts/<uuid:act_id>/export")
@requires(Permission.ASK_KEY_ACT)
def export(act_id: UUID) -> ResponseReturnValue:
    """Give out the file for the offline machine. It opens nothing without three shares."""
    form = StepUpForm.ask(needs_code(None))
    with running().reading() as db:
        acts.get(db, actor(), act_id)
    if not form.validate() or (who := proved(form)) is None:
        return page(act_id, form, 422)
    try:
        text, _ = recoveries.export(running(), who, act_id, now())
    except (RuleForbids, NotConfirmed) as error:
        return _not_done(act_id, form, error)
    name = f"recovery-request-{str(act_id)[:8]}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, mimetype="application/json", headers=headers)


@bp.post("/keys/acts/<uuid:act_id>/destroy")
@requires(Permission.MANAGE_CASE)
def destroy(act_id: UUID) -> ResponseReturnValue:
    """Destroy the records of the case."""
    form = DestroyForm.ask(needs_code(None))
    with running().reading() as db:
        acts.get(db, actor(), act_id)
    if not form.validate() or (who := proved(form)) is None:
        return page(act_id, form, 422)
    try:
        shredding.destroy(running(), who, act_id, now())
    except (RuleForbids, NotConfirmed) as error:
        return _not_done(act_id, form, error)
    flash("The records are destroyed. The ledger still tells that the case existed.", "success")
    return to(act_id)


def _not_done(act_id: UUID, form: StepUpForm, error: RuleForbids | NotConfirmed) -> ResponseReturnValue:
    """The page of the request again, with why; what waited in vain has told the ledger so itself."""
    if isinstance(error, RuleForbids):
        record_refusal(error)
    form.refuse(error.message)
    return page(act_id, form, error.status)


def _importing(act_id: UUID, form: ImportForm, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        act = acts.get(db, actor(), act_id)
        if act.for_officer != actor().officer or act.kind is not KeyActKind.RECOVERY:
            raise NotKnown
        label = holdings.label_of(db, act.subject)
    words = actor().identity.public.fingerprint()
    return render_template("keys/import.html", form=form, act=act, label=label, words=words), status


@bp.get("/keys/acts/<uuid:act_id>/import")
@requires(Permission.USE_VAULT)
def ask_import(act_id: UUID) -> ResponseReturnValue:
    """Ask the officer to whom it was sealed for the file that came back."""
    return _importing(act_id, ImportForm.ask(needs_code(None)), 200)


@bp.post("/keys/acts/<uuid:act_id>/import")
@requires(Permission.USE_VAULT)
def take_in(act_id: UUID) -> ResponseReturnValue:
    """Open the file with the officer's own keys and make the seals that are missing."""
    form = ImportForm.ask(needs_code(None))
    _importing(act_id, form, 200)  # Whoever it is not for learns nothing of it, whatever they send.
    if not form.validate() or (who := proved(form)) is None:
        return _importing(act_id, form, 422)
    try:
        text = form.answer.data.read().decode("utf-8", "replace")
        with running().writing() as db:
            act = acts.held(db, who, act_id)
            taken = recoveries.take_in(db, who, running().trust, act, text, now())
    except NotRecovered as error:
        record_refusal(RuleForbids(str(error)))
        form.refuse(str(error))
        return _importing(act_id, form, 422)
    except RuleForbids as error:
        record_refusal(error)
        form.refuse(error.message)
        return _importing(act_id, form, 409)
    flash(
        f"{taken:,} sealed places open again to those who must hold them. Renew their keys next.", "success"
    )
    return to(act_id) if who.may(Permission.SEE_KEY_ACTS) else redirect(url_for("desk.desk"), 303)
