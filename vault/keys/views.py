"""The keys page: what is to be renewed, how far a renewal is, and what waits for two approvals."""

from collections.abc import Sequence

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect

from audit.entries import Fact
from vault.access import renewal
from vault.access.comparing import audit_seals
from vault.access.emergencies import end_grants
from vault.access.events import Event, record_apart
from vault.access.guard import actor, now, requires, running
from vault.access.models import Lockbox
from vault.access.policy import Permission
from vault.keys import renewing
from vault.keys.act_views import bp as act_pages
from vault.keys.carrying_views import bp as carrying_pages
from vault.keys.wording import name_holders, name_subjects
from vault.officers.asking import StepUpForm, needs_code
from vault.officers.proofs import ProofRefused

bp = Blueprint("keys", __name__)
bp.register_blueprint(act_pages)
bp.register_blueprint(carrying_pages)

SLICE_SECONDS = 2.0
"""How long one press renews before the page shows how far it is."""

ALMOST = 9_999_999
SHOWN = 50


@bp.get("/keys")
@requires(Permission.SEE_KEY_ACTS)
def show_keys() -> ResponseReturnValue:
    """What there is to do about keys."""
    return _keys_page(StepUpForm.ask(needs_code(None)))


def _keys_page(form: StepUpForm) -> str:
    who = actor()
    extent: renewing.Extent | None = None
    causes: Sequence[renewing.Cause] = ()
    beyond: list[Lockbox] = []
    names: dict[str, str] = {}
    if who.may(Permission.SEE_KEYS):
        with running().reading() as db:
            extent = renewing.extent(db)
            causes = renewing.causes(db, extent.oldest) if extent.oldest else ()
            beyond = renewal.beyond(db, who) if who.may(Permission.RENEW_KEYS) else []
            names = name_subjects(db, {box.subject for box in beyond[:SHOWN]})
    return render_template(
        "keys/keys.html",
        form=form,
        extent=extent,
        mine=extent.without(len(beyond)) if extent else None,
        overdue=extent is not None and extent.is_overdue(now()),
        causes=causes,
        beyond=beyond,
        shown=SHOWN,
        names=names,
    )


@bp.get("/keys/seals")
@requires(Permission.SEE_KEYS)
def compare_seals() -> ResponseReturnValue:
    """Every key that is missing or too many against the matrix and the namings; opens nothing."""
    end_grants(running(), now())
    with running().reading() as db:
        missing, surplus = audit_seals(db)
        subjects = name_subjects(db, {fault.subject for fault in (*missing, *surplus)})
        holders = name_holders(db, {(fault.holder_kind, fault.holder) for fault in (*missing, *surplus)})
    facts: dict[str, Fact] = {"missing": len(missing), "surplus": len(surplus)}
    receipt = record_apart(running(), Event.SEALS_AUDITED, who=actor(), now=now(), subjects=[], facts=facts)
    return render_template(
        "keys/seals.html",
        missing=missing,
        surplus=surplus,
        name_of=subjects.__getitem__,
        holder=lambda fault: holders[fault.holder_kind, fault.holder],
        receipt=receipt,
    )


def _done_so_far() -> int:
    """How much this renewal did before this press, as the page carries it: a number and nothing else."""
    return min(max(request.args.get("done", 0, type=int), 0), ALMOST)


@bp.post("/keys/renew")
@requires(Permission.RENEW_KEYS)
def renew() -> ResponseReturnValue:
    """Renew for about two seconds, then show how far it is."""
    form = StepUpForm.ask(needs_code(None))
    if not form.validate():
        return _keys_page(form), 422
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _keys_page(form), 422
    done, is_over = renewing.renew_slice(running(), who, SLICE_SECONDS)
    done += _done_so_far()
    if not is_over:
        return redirect(url_for("keys.show_progress", done=done), 303)
    with running().reading() as db:
        extent, beyond = renewing.extent(db), renewal.beyond(db, who)
    if extent.total > len(beyond):
        flash("Some sealed places were in use or did not open. Try again in a minute.", "warning")
    elif done and not extent.total:
        flash("Every key is renewed. A copy of an old one opens nothing that is written now.", "success")
    elif done:
        flash("Everything that you can open has new keys. What is left is below.", "success")
    return redirect(url_for("keys.show_keys"), 303)


@bp.get("/keys/renewal")
@requires(Permission.RENEW_KEYS)
def show_progress() -> ResponseReturnValue:
    """How far the renewal is, and the button that goes on."""
    with running().reading() as db:
        extent, beyond = renewing.extent(db), renewal.beyond(db, actor())
    return render_template(
        "keys/renewal.html",
        form=StepUpForm.ask(needs_code(None)),
        done=_done_so_far(),
        left=max(extent.total - len(beyond), 0),
    )
