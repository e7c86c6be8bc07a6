"""The pages on which officers set up, replace and remove their authenticator app."""

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from vault.access.actor import Actor
from vault.access.guard import actor, now, requires, running
from vault.access.policy import Permission
from vault.errors import RuleForbids
from vault.officers import authenticator, second_factors
from vault.officers.asking import StepUpForm, caller, found, needs_code
from vault.officers.forms import FirstCodeForm
from vault.officers.proofs import ProofRefused

bp = Blueprint("authenticator", __name__)


def _to(endpoint: str) -> Response:
    return redirect(url_for(endpoint), 303)  # type: ignore[return-value]


def _proved(form: StepUpForm) -> Actor | None:
    """The officer as stepped up, or None where the form says what is missing or wrong."""
    if not form.validate():
        return None
    try:
        return form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return None


def _asking(template: str, form: StepUpForm, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        has_app = second_factors.has_app(db, actor().officer)
    return render_template(f"officers/{template}.html", form=form, has_app=has_app), status


@bp.get("/authenticator-app")
@requires(Permission.USE_VAULT)
def ask_app() -> ResponseReturnValue:
    """Say how a new app is set up, and ask for the second factor there is."""
    return _asking("app_ask", StepUpForm.ask(needs_code(None)), 200)


@bp.post("/authenticator-app")
@requires(Permission.USE_VAULT)
def begin_app() -> ResponseReturnValue:
    """Make the secret of the new app."""
    form = StepUpForm.ask(needs_code(None))
    who = _proved(form)
    if who is None:
        return _asking("app_ask", form, 422)
    authenticator.begin(running(), who, found().row.id, now())
    return _to("officers.authenticator.show_app")


@bp.get("/authenticator-app/new")
@requires(Permission.USE_VAULT)
def show_app() -> ResponseReturnValue:
    """Show the secret as a picture and as letters, and ask for its first code."""
    return _showing(FirstCodeForm(), 200)


def _showing(form: FirstCodeForm, status: int) -> ResponseReturnValue:
    here = found()
    secret = authenticator.begun(running(), actor(), here.row.id)
    if secret is None or needs_code(None):
        return _to("officers.authenticator.ask_app")
    picture = authenticator.squares(here.officer.name, secret)
    return render_template("officers/app_new.html", form=form, secret=secret, squares=picture), status


@bp.post("/authenticator-app/new")
@requires(Permission.USE_VAULT)
def confirm_app() -> ResponseReturnValue:
    """Take the first code of the new app; from then on the old one is worth nothing."""
    form = FirstCodeForm()
    if not form.validate() or needs_code(None):
        return _showing(form, 422)
    try:
        authenticator.confirm(running(), actor(), found().row.id, form.code.data, caller(), now())
    except ProofRefused as error:
        form.refuse(error.message)
        return _showing(form, 422)
    flash("Your new app is set up. Delete the old entry in the app you had.", "success")
    flash("A password for duress ends with the old app. If you had one, set it again.", "warning")
    return _to("officers.passkeys.show_account")


@bp.get("/authenticator-app/remove")
@requires(Permission.USE_VAULT)
def ask_removal() -> ResponseReturnValue:
    """Ask whether the app is to be taken away."""
    return _asking("app_remove", StepUpForm.ask(needs_code(None)), 200)


@bp.post("/authenticator-app/remove")
@requires(Permission.USE_VAULT)
def remove_app() -> ResponseReturnValue:
    """Take the app away, where a passkey is left."""
    form = StepUpForm.ask(needs_code(None))
    who = _proved(form)
    if who is None:
        return _asking("app_remove", form, 422)
    try:
        authenticator.remove(running(), who, found().row.id, now())
    except RuleForbids as error:
        refused = StepUpForm.ask(False)
        refused.refuse(error.message)
        return _asking("app_remove", refused, 409)
    flash("The app is gone. Its codes are worth nothing any more.", "success")
    return _to("officers.passkeys.show_account")
