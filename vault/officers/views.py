"""The pages of signing in, enrolling, sessions and keeping officers."""

from uuid import UUID

import pyotp
import segno
from flask import Blueprint, Response, abort, flash, g, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from vault.access.guard import actor, now, public, requires, running
from vault.access.policy import Permission
from vault.officers import admission, proofs, sessions, signing_in
from vault.officers.asking import caller, found
from vault.officers.forms import AddOfficerForm, CertifyForm, CodeForm, EnrolForm, SignInForm
from vault.officers.models import OfficerState, SignedInSession, in_order

bp = Blueprint("officers", __name__)


def with_cookie(response: Response, value: str) -> Response:
    """Give the browser the session's cookie, for this site and nothing else, gone when the browser closes."""
    settings = running().settings
    response.set_cookie(
        sessions.cookie_name(settings), value, secure=settings.tls, httponly=True, samesite="Strict", path="/"
    )
    return response


def go(endpoint: str, **values: object) -> Response:
    """Send the browser on to a page."""
    return redirect(url_for(endpoint, **values), 303)  # type: ignore[return-value, arg-type]


@bp.get("/")
@public
def first_page() -> ResponseReturnValue:
    """The desk for who is signed in, else the door."""
    live = g.get("found") is not None and g.found.row.stage == "live"
    return go("desk.desk" if live else "officers.sign_in")


@bp.get("/sign-in")
@public
def sign_in() -> ResponseReturnValue:
    """The banner, the name and the password."""
    return render_template("officers/sign_in.html", form=SignInForm())


@bp.post("/sign-in")
@public
def give_password() -> ResponseReturnValue:
    """Check the name and the password."""
    form = SignInForm()
    if not form.validate():
        return render_template("officers/sign_in.html", form=form), 422
    try:
        cookie = signing_in.give_password(running(), form.name.data, form.password.data, caller(), now())
    except proofs.ProofRefused as error:
        form.refuse(error.message)
        return render_template("officers/sign_in.html", form=form), 422
    session.clear()
    return with_cookie(go("officers.second_factor"), cookie)


@bp.get("/sign-in/second-factor")
@public
def second_factor() -> ResponseReturnValue:
    """Ask for the code."""
    if found().row.stage == "enrolment":
        return go("officers.show_second_factor")
    return render_template("officers/second_factor.html", form=CodeForm())


@bp.post("/sign-in/second-factor")
@public
def give_code() -> ResponseReturnValue:
    """Check the code and begin the session."""
    form = CodeForm()
    if not form.validate():
        return render_template("officers/second_factor.html", form=form), 422
    try:
        cookie = signing_in.give_code(running(), found(), form.code.data, caller(), now())
    except proofs.ProofRefused as error:
        form.refuse(error.message)
        return render_template("officers/second_factor.html", form=form), 422
    session.clear()
    return with_cookie(go("desk.desk"), cookie)


@bp.post("/sign-out")
@requires(Permission.USE_VAULT)
def sign_out() -> ResponseReturnValue:
    """End the session here and on the server."""
    signing_in.sign_out(running(), actor(), found().row.id, now())
    session.clear()
    response = go("officers.sign_in")
    response.delete_cookie(sessions.cookie_name(running().settings), path="/")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@bp.get("/enrol")
@public
def enrol() -> ResponseReturnValue:
    """A new officer's first page."""
    return render_template("officers/enrol.html", form=EnrolForm())


@bp.post("/enrol")
@public
def begin_enrolment() -> ResponseReturnValue:
    """Make the officer's keys and show what must be kept."""
    form = EnrolForm()
    if not form.validate():
        return render_template("officers/enrol.html", form=form), 422
    try:
        cookie, recovery = signing_in.begin_enrolment(
            running(), form.name.data, form.enrolment_code.data, form.password.data, caller(), now()
        )
    except proofs.ProofRefused as error:
        form.refuse(error.message)
        return render_template("officers/enrol.html", form=form), 422
    session.clear()
    return with_cookie(Response(render_template("officers/recovery_code.html", recovery=recovery)), cookie)


@bp.get("/enrol/second-factor")
@public
def show_second_factor() -> ResponseReturnValue:
    """Show the secret as a picture and as letters, and ask for its first code."""
    return _second_factor_page(CodeForm())


def _second_factor_page(form: CodeForm) -> str:
    here, vault = found(), running()
    if here.row.stage != "enrolment":
        abort(404)
    with vault.reading() as db:
        secret = proofs.shown_second_factor(db, vault.root, here.officer.id, here.identity)
    uri = pyotp.TOTP(secret).provisioning_uri(name=here.officer.name, issuer_name="Vault")
    return render_template(
        "officers/enrol_second_factor.html", form=form, secret=secret, squares=_squares(uri)
    )


def _squares(uri: str) -> tuple[int, str]:
    """The QR picture as a size and one SVG path, so that no markup is passed around."""
    code = segno.make(uri, error="m", micro=False)
    path = "".join(
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(code.matrix) for x, dark in enumerate(row) if dark
    )
    return len(code.matrix), path


@bp.post("/enrol/second-factor")
@public
def finish_enrolment() -> ResponseReturnValue:
    """Take the first code and tell the officer what comes next."""
    form = CodeForm()
    if not form.validate():
        return _second_factor_page(form), 422
    here, vault = found(), running()
    try:
        signing_in.finish_enrolment(vault, here, form.code.data, caller(), now())
    except proofs.ProofRefused as error:
        form.refuse(error.message)
        return _second_factor_page(form), 422
    session.clear()
    with vault.reading() as db:
        words = admission.fingerprint(db, here.officer)
    return render_template("officers/enrolled.html", words=words)


@bp.get("/sessions")
@requires(Permission.USE_VAULT)
def list_sessions() -> ResponseReturnValue:
    """The officer's own sessions."""
    with running().reading() as db:
        rows = db.query(SignedInSession).filter_by(officer=actor().officer, stage="live").all()
        return render_template("officers/sessions.html", sessions=rows, current=found().row.id)


@bp.post("/sessions/<uuid:session_id>/end")
@requires(Permission.USE_VAULT)
def end_session(session_id: UUID) -> ResponseReturnValue:
    """End one of the officer's own sessions."""
    signing_in.end_session(running(), actor(), session_id, now())
    flash("The session has ended.", "success")
    return go("officers.list_sessions")


@bp.get("/officers")
@requires(Permission.SEE_OFFICERS)
def list_officers() -> ResponseReturnValue:
    """Everybody who may sign in, and who waits to be certified."""
    with running().reading() as db:
        return render_template(
            "officers/list.html", officers=db.scalars(in_order()).all(), states=OfficerState
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
    return render_template("officers/added.html", officer=officer, code=code)


@bp.get("/officers/<uuid:officer_id>")
@requires(Permission.SEE_OFFICERS)
def show_officer(officer_id: UUID) -> ResponseReturnValue:
    """One officer: state, role, sessions, and what may be done."""
    return _officer_page(officer_id, CertifyForm())


def _officer_page(officer_id: UUID, form: CertifyForm) -> str:
    with running().reading() as db:
        officer = admission.get(db, officer_id)
        words = admission.fingerprint(db, officer)
        live = db.query(SignedInSession).filter_by(officer=officer.id, stage="live").count()
        return render_template(
            "officers/officer.html", officer=officer, words=words, live=live, form=form, states=OfficerState
        )


@bp.post("/officers/<uuid:officer_id>/certify")
@requires(Permission.CERTIFY_OFFICERS)
def certify_officer(officer_id: UUID) -> ResponseReturnValue:
    """Vouch for the officer's keys."""
    form = CertifyForm()
    if not form.validate():
        return _officer_page(officer_id, form), 422
    with running().writing() as db:
        officer = admission.get(db, officer_id)
        handed = admission.certify_officer(db, actor(), running().trust, officer, now())
    flash(
        "Certified. The officer can work now."
        if handed
        else "Certified. A colleague of the same role must hand on the role's key before the officer can read.",
        "success",
    )
    return go("officers.show_officer", officer_id=officer_id)


@bp.post("/officers/<uuid:officer_id>/hand-on")
@requires(Permission.USE_VAULT)
def hand_on(officer_id: UUID) -> ResponseReturnValue:
    """Hand the role's key to a certified colleague of the same role."""
    with running().writing() as db:
        admission.hand_on(db, actor(), running().trust, admission.get(db, officer_id), now())
    flash("Your colleague holds the role's key now.", "success")
    return go("desk.desk")


@bp.post("/officers/<uuid:officer_id>/revoke")
@requires(Permission.KEEP_OFFICERS)
def revoke(officer_id: UUID) -> ResponseReturnValue:
    """End the officer's access at once."""
    with running().writing() as db:
        admission.revoke(db, actor(), admission.get(db, officer_id), now())
    flash("Access has ended: signed out everywhere, every key taken back.", "success")
    return go("officers.show_officer", officer_id=officer_id)


@bp.post("/officers/<uuid:officer_id>/release")
@requires(Permission.KEEP_OFFICERS)
def release(officer_id: UUID) -> ResponseReturnValue:
    """Release a locked account."""
    with running().writing() as db:
        admission.release(db, actor(), admission.get(db, officer_id), now())
    flash("The account is released. The officer can sign in again.", "success")
    return go("officers.show_officer", officer_id=officer_id)
