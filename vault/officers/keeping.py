"""The pages on which officers are added, certified, released and ended."""

from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from vault.access.guard import actor, now, requires, running
from vault.access.policy import Permission
from vault.officers import admission, revoking, unused
from vault.officers.asking import StepUpForm, needs_code
from vault.officers.forms import AddOfficerForm, CertifyForm, EndAccessForm, EnrolAgainForm
from vault.officers.models import Officer, OfficerState, SignedInSession, in_order
from vault.officers.proofs import ProofRefused

bp = Blueprint("keeping", __name__)


def _to(endpoint: str, **values: object) -> Response:
    return redirect(url_for(endpoint, **values), 303)  # type: ignore[arg-type]


@bp.get("/officers")
@requires(Permission.SEE_OFFICERS)
def list_officers() -> ResponseReturnValue:
    """Everybody who may sign in, and who waits to be certified."""
    with running().reading() as db:
        return render_template(
            "officers/list.html",
            officers=db.scalars(in_order()).all(),
            states=OfficerState,
            spared=unused.spared(db, running().trust, running().settings, now()),
            days=running().settings.unused_days,
        )


@bp.get("/officers/add")
@requires(Permission.KEEP_OFFICERS)
def ask_officer() -> ResponseReturnValue:
    """Ask who the new officer is."""
    return render_template("officers/add.html", form=AddOfficerForm())


@bp.post("/officers/add")
@requires(Permission.KEEP_OFFICERS)
def add_officer() -> ResponseReturnValue:
    """Open the account and show its one-time code, once."""
    form = AddOfficerForm()
    if not form.validate():
        return render_template("officers/add.html", form=form), 422
    with running().writing() as db:
        officer, code = admission.add(db, actor(), form.name.data, form.full_name.data, form.role.data, now())
    return render_template("officers/added.html", officer=officer, code=code, again=False)


@bp.get("/officers/<uuid:officer_id>")
@requires(Permission.SEE_OFFICERS)
def show_officer(officer_id: UUID) -> ResponseReturnValue:
    """One officer: state, role, sessions, and what may be done."""
    return _officer_page(officer_id, CertifyForm.ask(needs_code(None)))


def _officer_page(officer_id: UUID, form: CertifyForm) -> str:
    with running().reading() as db:
        officer = admission.get(db, officer_id)
        words = admission.fingerprint(db, officer)
        live = db.query(SignedInSession).filter_by(officer=officer.id, stage="live").count()
        return render_template(
            "officers/officer.html",
            officer=officer,
            words=words,
            live=live,
            form=form,
            states=OfficerState,
            days=running().settings.unused_days,
        )


@bp.post("/officers/<uuid:officer_id>/certify")
@requires(Permission.CERTIFY_OFFICERS)
def certify_officer(officer_id: UUID) -> ResponseReturnValue:
    """Vouch for the officer's keys."""
    form = CertifyForm.ask(needs_code(None))
    if not form.validate():
        return _officer_page(officer_id, form), 422
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _officer_page(officer_id, form), 422
    with running().writing() as db:
        officer = admission.get(db, officer_id)
        handed = admission.certify_officer(db, who, running().trust, officer, now())
    flash(
        "Certified. The officer can work now."
        if handed
        else "Certified. A colleague of the same role hands on the role's key next.",
        "success",
    )
    return _to("officers.keeping.show_officer", officer_id=officer_id)


@bp.post("/officers/<uuid:officer_id>/hand-on")
@requires(Permission.USE_VAULT)
def hand_on(officer_id: UUID) -> ResponseReturnValue:
    """Hand the role's key to a certified colleague of the same role."""
    with running().writing() as db:
        admission.hand_on(db, actor(), running().trust, admission.get(db, officer_id), now())
    flash("Your colleague holds the role's key now.", "success")
    return _to("desk.desk")


@bp.get("/officers/<uuid:officer_id>/end-access")
@requires(Permission.END_ACCESS)
def ask_end(officer_id: UUID) -> ResponseReturnValue:
    """Say what ends with the officer's access and what comes next, and ask why."""
    return _ending(officer_id, EndAccessForm.ask(needs_code(None)), 200)


def _ending(officer_id: UUID, form: EndAccessForm, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        officer = admission.get(db, officer_id)
        revoking.check_may_end(db, actor(), officer)
        has = revoking.reach(db, officer)
    return render_template("officers/end_access.html", officer=officer, form=form, has=has), status


@bp.post("/officers/<uuid:officer_id>/end-access")
@requires(Permission.END_ACCESS)
def end_access(officer_id: UUID) -> ResponseReturnValue:
    """End the officer's access at once."""
    form = EndAccessForm.ask(needs_code(None))
    if not form.validate():
        return _ending(officer_id, form, 422)
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _ending(officer_id, form, 422)
    with running().writing() as db:
        officer = admission.get(db, officer_id)
        revoking.revoke(db, who, officer, form.ground.data, form.words.data, now())
    flash("Access has ended: signed out everywhere, every key taken back.", "success")
    return _to("officers.keeping.show_officer", officer_id=officer_id)


@bp.get("/officers/<uuid:officer_id>/enrol-again")
@requires(Permission.KEEP_OFFICERS)
def ask_enrol_again(officer_id: UUID) -> ResponseReturnValue:
    """Say what enrolling again takes away and leaves, and ask for the role."""
    with running().reading() as db:
        officer = admission.get(db, officer_id)
    form = EnrolAgainForm.ask(needs_code(None), role=officer.role)
    return _enrol_again_page(officer, form)


def _enrol_again_page(officer: Officer, form: EnrolAgainForm) -> str:
    return render_template("officers/enrol_again.html", officer=officer, form=form, states=OfficerState)


@bp.post("/officers/<uuid:officer_id>/enrol-again")
@requires(Permission.KEEP_OFFICERS)
def enrol_again(officer_id: UUID) -> ResponseReturnValue:
    """End the officer's keys and show the one-time code for new ones, once."""
    with running().reading() as db:
        officer = admission.get(db, officer_id)
    form = EnrolAgainForm.ask(needs_code(None))
    if not form.validate():
        return _enrol_again_page(officer, form), 422
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _enrol_again_page(officer, form), 422
    with running().writing() as db:
        officer = admission.get(db, officer_id)
        code = admission.invite_again(db, who, officer, form.role.data, now())
    return render_template("officers/added.html", officer=officer, code=code, again=True)


@bp.get("/officers/<uuid:officer_id>/release")
@requires(Permission.KEEP_OFFICERS)
def ask_release(officer_id: UUID) -> ResponseReturnValue:
    """Say why the account is off, and ask for the administrator's code before it is released."""
    return _releasing(officer_id, StepUpForm.ask(needs_code(None)), 200)


def _releasing(officer_id: UUID, form: StepUpForm, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        officer = admission.get(db, officer_id)
    return render_template("officers/release.html", officer=officer, form=form), status


@bp.post("/officers/<uuid:officer_id>/release")
@requires(Permission.KEEP_OFFICERS)
def release(officer_id: UUID) -> ResponseReturnValue:
    """Release an account that is locked, or off because nobody used it."""
    form = StepUpForm.ask(needs_code(None))
    if not form.validate():
        return _releasing(officer_id, form, 422)
    with running().reading() as db:
        admission.get(db, officer_id)
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _releasing(officer_id, form, 422)
    with running().writing() as db:
        admission.release(db, who, admission.get(db, officer_id), now())
    flash("The account is released. The officer can sign in again.", "success")
    return _to("officers.keeping.show_officer", officer_id=officer_id)
