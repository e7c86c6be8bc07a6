"""The pages of signing in, enrolling, sessions and passwords."""

from uuid import UUID

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from vault.access.guard import actor, now, public, requires, running
from vault.access.policy import Permission
from vault.errors import RuleForbids
from vault.officers import (
    admission,
    authenticator,
    lately,
    passkey_acts,
    passkeys,
    proofs,
    sessions,
    signing_in,
)
from vault.officers.asking import caller, found, offer_factors, tell_codes_left
from vault.officers.authenticator_views import bp as authenticator_pages
from vault.officers.duress_views import bp as duress_pages
from vault.officers.forms import (
    ChangePasswordForm,
    CodeForm,
    EnrolForm,
    FirstCodeForm,
    MakePasskeyForm,
    RecoverForm,
    SignInForm,
)
from vault.officers.keeping import bp as keeping_pages
from vault.officers.models import SignedInSession
from vault.officers.passkey_views import bp as passkey_pages
from vault.officers.strength import strength_words, words_of

bp = Blueprint("officers", __name__)
bp.register_blueprint(keeping_pages)
bp.register_blueprint(authenticator_pages)
bp.register_blueprint(passkey_pages)
bp.register_blueprint(duress_pages)


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
    if found().row.stage != "password":
        return go("officers.show_second_factor" if found().row.stage == "enrolment" else "desk.desk")
    return _code_page(CodeForm(), 200)


def _code_page(form: CodeForm, status: int) -> ResponseReturnValue:
    offer_factors(form.code, found().officer.id, url_for("officers.passkeys.ask_sign_in"))
    return render_template("officers/second_factor.html", form=form), status


@bp.post("/sign-in/second-factor")
@public
def give_code() -> ResponseReturnValue:
    """Check the code and begin the session."""
    form, officer = CodeForm(), found().officer.id
    if not form.validate():
        return _code_page(form, 422)
    before = lately.since_last_sign_in(running(), officer)
    try:
        cookie = signing_in.give_code(running(), found(), form.code.data, caller(), now())
    except proofs.ProofRefused as error:
        form.refuse(error.message)
        return _code_page(form, 422)
    session.clear()
    if before is not None:
        words, is_odd = before
        flash(words, "warning" if is_odd else "info")
    tell_codes_left(form.code.data, officer)
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
    except (proofs.ProofRefused, RuleForbids) as error:
        form.refuse(error.message)
        return render_template("officers/enrol.html", form=form), 422
    session.clear()
    page = _recovery_page(recovery, form.password.data, url_for("officers.show_second_factor"))
    return with_cookie(Response(page), cookie)


@bp.get("/enrol/second-factor")
@public
def show_second_factor() -> ResponseReturnValue:
    """Show the secret as a picture and as letters, and ask for its first code, or for a passkey instead."""
    return _second_factor_page(FirstCodeForm(), MakePasskeyForm())


def _second_factor_page(form: FirstCodeForm, making: MakePasskeyForm) -> str:
    here, vault = found(), running()
    if here.row.stage != "enrolment":
        abort(404)
    with vault.reading() as db:
        secret = proofs.shown_second_factor(db, vault.root, here.officer.id, here.identity)
    return render_template(
        "officers/enrol_second_factor.html",
        form=form,
        making=making.offer(url_for("officers.passkeys.ask_first")),
        offers_passkeys=passkeys.site_of(vault.settings) is not None,
        secret=secret,
        squares=authenticator.squares(here.officer.name, secret),
    )


@bp.post("/enrol/second-factor")
@public
def finish_enrolment() -> ResponseReturnValue:
    """Take the first code and tell the officer what comes next."""
    form = FirstCodeForm()
    if not form.validate():
        return _second_factor_page(form, MakePasskeyForm(formdata=None)), 422
    try:
        return _enrolled(form.code.data)
    except proofs.ProofRefused as error:
        form.refuse(error.message)
        return _second_factor_page(form, MakePasskeyForm(formdata=None)), 422


@bp.post("/enrol/passkey")
@public
def enrol_with_passkey() -> ResponseReturnValue:
    """Take a passkey instead of the app and tell the officer what comes next."""
    making = MakePasskeyForm()
    if not making.validate():
        return _second_factor_page(FirstCodeForm(formdata=None), making), 422
    try:
        return _enrolled(making.code.data)
    except proofs.ProofRefused:
        making.refuse(passkey_acts.NOT_MADE)
        return _second_factor_page(FirstCodeForm(formdata=None), making), 422


def _enrolled(given: str) -> ResponseReturnValue:
    here, vault = found(), running()
    signing_in.finish_enrolment(vault, here, given, caller(), now())
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


@bp.get("/recover")
@public
def ask_recovery() -> ResponseReturnValue:
    """The way back with the recovery code."""
    return render_template("officers/recover.html", form=RecoverForm())


@bp.post("/recover")
@public
def recover() -> ResponseReturnValue:
    """Set a new password with the recovery code and the second factor."""
    form = RecoverForm()
    if not form.validate():
        return render_template("officers/recover.html", form=form), 422
    try:
        recovery = signing_in.recover_password(
            running(),
            form.name.data,
            form.recovery_code.data,
            form.code.data,
            form.password.data,
            caller(),
            now(),
        )
    except (proofs.ProofRefused, RuleForbids) as error:
        form.refuse(error.message)
        return render_template("officers/recover.html", form=form), 422
    session.clear()
    return _recovery_page(recovery, form.password.data, url_for("officers.sign_in"))


@bp.get("/password")
@requires(Permission.USE_VAULT)
def ask_password() -> ResponseReturnValue:
    """Ask for the next password."""
    return render_template("officers/password.html", form=ChangePasswordForm())


@bp.post("/password")
@requires(Permission.USE_VAULT)
def change_password() -> ResponseReturnValue:
    """Change the password and show the new recovery code."""
    form = ChangePasswordForm()
    if not form.validate():
        return render_template("officers/password.html", form=form), 422
    try:
        recovery = signing_in.change_password(
            running(), found(), actor(), form.old.data, form.password.data, caller(), now()
        )
    except (proofs.ProofRefused, RuleForbids) as error:
        form.refuse(error.message)
        return render_template("officers/password.html", form=form), 422
    return _recovery_page(recovery, form.password.data, url_for("desk.desk"))


def _recovery_page(recovery: str, password: str, onward: str) -> str:
    strength = strength_words(password, words_of(running().settings.programme))
    return render_template("officers/recovery_code.html", recovery=recovery, strength=strength, onward=onward)
