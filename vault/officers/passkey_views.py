"""The pages of an officer's own passkeys and backup codes, and what their browser asks for a passkey."""

from uuid import UUID

from flask import Blueprint, Response, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from vault.access.events import Event
from vault.access.guard import actor, now, public, requires, running
from vault.access.policy import Permission
from vault.access.reading import is_stepped_up
from vault.errors import NotSignedIn, RuleForbids, StepUpNeeded
from vault.officers import (
    admission,
    browser_options,
    challenges,
    lately,
    passkey_acts,
    passkeys,
    recovery_codes,
    second_factors,
)
from vault.officers.asking import StepUpForm, caller, found, needs_code
from vault.officers.forms import AddPasskeyForm
from vault.officers.models import Purpose
from vault.officers.proofs import ProofRefused

bp = Blueprint("passkeys", __name__)

LEFT_OPEN = frozenset(
    {
        "static",
        "officers.first_page",
        "officers.sign_out",
        "officers.passkeys.show_account",
        "officers.passkeys.ask_passkey",
        "officers.passkeys.ask_use",
        "officers.passkeys.ask_make",
        "officers.passkeys.prove",
        "officers.passkeys.add_passkey",
    }
)
"""Where an officer goes whose role wants a passkey and who has none yet."""


def _to(endpoint: str) -> Response:
    return redirect(url_for(endpoint), 303)  # type: ignore[return-value]


@bp.before_app_request
def lead_to_first_passkey() -> ResponseReturnValue | None:
    """Lead a certified officer whose role wants a passkey to adding one before anything else."""
    here, vault = g.get("found"), running()
    if here is None or here.row.stage != "live" or request.endpoint in LEFT_OPEN:
        return None
    if not second_factors.wants_passkey(vault.settings, here.officer.role) or not g.actor.certified:
        return None
    with vault.reading() as db:
        if passkeys.own(db, vault.trust, here.officer):
            return None
    if request.method == "GET":
        return _to("officers.passkeys.ask_passkey")
    raise RuleForbids("Your role works with a passkey. Add one first, then go on.")


def _options(purpose: Purpose) -> ResponseReturnValue:
    """What the browser of this session is asked, in an answer that no page shows."""
    here, vault = found(), running()
    site = passkeys.needed_site(vault.settings)
    with vault.reading() as db:
        officer = admission.get(db, here.officer.id)
        own = passkeys.own(db, vault.trust, officer)
    if not own and purpose is not Purpose.ADDING:
        raise RuleForbids("You have no passkey yet. Give a code from your authenticator app.")
    challenge = challenges.ask(vault, here.row.id, purpose, now())
    if purpose is Purpose.ADDING:
        return jsonify(browser_options.to_make(site, challenge, officer, own))
    return jsonify(browser_options.to_use(site, challenge, own))


@bp.post("/sign-in/passkey")
@public
def ask_sign_in() -> ResponseReturnValue:
    """Ask the browser for a passkey of the officer whose password was right."""
    if found().row.stage != "password":
        raise NotSignedIn("Start by entering your name and password.")
    return _options(Purpose.SIGN_IN)


@bp.post("/passkeys/use")
@requires(Permission.USE_VAULT)
def ask_use() -> ResponseReturnValue:
    """Ask the browser for a passkey again, for what the matrix guards."""
    return _options(Purpose.STEP_UP)


@bp.post("/passkeys/make")
@requires(Permission.USE_VAULT)
def ask_make() -> ResponseReturnValue:
    """Ask the browser to make a passkey, once the second factor was given again."""
    if not is_stepped_up(running(), actor(), now()):
        raise StepUpNeeded
    return _options(Purpose.ADDING)


@bp.post("/enrol/passkey/make")
@public
def ask_first() -> ResponseReturnValue:
    """Ask the browser of an officer who enrols to make their first passkey."""
    if found().row.stage != "enrolment":
        raise NotSignedIn("Start with your enrolment code.")
    return _options(Purpose.ADDING)


@bp.get("/account")
@requires(Permission.USE_VAULT)
def show_account() -> ResponseReturnValue:
    """How this officer signs in: passkeys, the app, backup codes."""
    vault, who = running(), actor()
    # What happened to one's own account is told from the ledger itself, under duress too.
    with vault.reading() as db, vault.database.reading() as ledger:
        officer = admission.get(db, who.officer)
        own = passkeys.own(db, vault.trust, officer)
        told = lately.newest(ledger, vault.trust, officer.id)
        return render_template(
            "officers/account.html",
            passkeys=own,
            has_app=second_factors.has_app(db, officer.id),
            takes_app=second_factors.takes_app(vault.settings, officer, own),
            offers_passkeys=passkeys.site_of(vault.settings) is not None,
            codes_left=recovery_codes.left(db, officer.id),
            lately=[(Event(one.event).label, one.at) for one in told],
        )


@bp.get("/passkeys/add")
@requires(Permission.USE_VAULT)
def ask_passkey() -> ResponseReturnValue:
    """Ask for the second factor again, and then for a name and a new passkey."""
    passkeys.needed_site(running().settings)
    if needs_code(None):
        return _proving(StepUpForm.ask(True), 200)
    return _adding(AddPasskeyForm(), 200)


def _proving(form: StepUpForm, status: int) -> ResponseReturnValue:
    return render_template("officers/passkey_prove.html", form=form, must=_must_add()), status


def _adding(form: AddPasskeyForm, status: int) -> ResponseReturnValue:
    form.offer(url_for("officers.passkeys.ask_make"))
    return render_template("officers/passkey_add.html", form=form, must=_must_add()), status


def _must_add() -> bool:
    """Whether the officer's role wants a passkey and they have none yet."""
    vault, here = running(), found()
    if not second_factors.wants_passkey(vault.settings, here.officer.role):
        return False
    with vault.reading() as db:
        return not passkeys.own(db, vault.trust, here.officer)


@bp.post("/passkeys/prove")
@requires(Permission.USE_VAULT)
def prove() -> ResponseReturnValue:
    """Take the second factor again before a passkey is added."""
    form = StepUpForm.ask(needs_code(None))
    if not form.validate():
        return _proving(form, 422)
    try:
        form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _proving(form, 422)
    return _to("officers.passkeys.ask_passkey")


@bp.post("/passkeys/add")
@requires(Permission.USE_VAULT)
def add_passkey() -> ResponseReturnValue:
    """Keep the passkey that the browser made."""
    form = AddPasskeyForm()
    if not form.validate():
        return _adding(form, 422)
    if needs_code(None):
        return _to("officers.passkeys.ask_passkey")
    try:
        name, answer = form.name.data, form.code.data
        passkey_acts.add(running(), actor(), found().row.id, name, answer, caller(), now())
    except (ProofRefused, RuleForbids) as error:
        form.refuse(passkey_acts.NOT_MADE if isinstance(error, ProofRefused) else error.message)
        return _adding(form, 422 if isinstance(error, ProofRefused) else 409)
    flash("The passkey is yours. Use it the next time you sign in.", "success")
    return _to("officers.passkeys.show_account")


@bp.get("/passkeys/<uuid:passkey_id>/remove")
@requires(Permission.USE_VAULT)
def ask_removal(passkey_id: UUID) -> ResponseReturnValue:
    """Ask whether a passkey is to be taken away."""
    return _removing(passkey_id, StepUpForm.ask(needs_code(None)), 200)


def _removing(passkey_id: UUID, form: StepUpForm, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        row = passkey_acts.own_passkey(db, actor(), passkey_id)
        return render_template("officers/passkey_remove.html", form=form, passkey=row), status


@bp.post("/passkeys/<uuid:passkey_id>/remove")
@requires(Permission.USE_VAULT)
def remove_passkey(passkey_id: UUID) -> ResponseReturnValue:
    """Take a passkey away for good."""
    form = StepUpForm.ask(needs_code(None))
    if not form.validate():
        return _removing(passkey_id, form, 422)
    with running().reading() as db:
        passkey_acts.own_passkey(db, actor(), passkey_id)
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _removing(passkey_id, form, 422)
    try:
        passkey_acts.remove(running(), who, found().row.id, passkey_id, now())
    except RuleForbids as error:
        refused = StepUpForm.ask(False)
        refused.refuse(error.message)
        return _removing(passkey_id, refused, 409)
    flash("The passkey is gone. Nobody signs in with it any more.", "success")
    return _to("officers.passkeys.show_account")


@bp.get("/backup-codes")
@requires(Permission.USE_VAULT)
def ask_codes() -> ResponseReturnValue:
    """Say what backup codes are, and ask for the second factor before new ones are made."""
    return _asking_codes(StepUpForm.ask(needs_code(None)), 200)


def _asking_codes(form: StepUpForm, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        left = recovery_codes.left(db, actor().officer)
    return render_template("officers/backup_codes_ask.html", form=form, left=left), status


@bp.post("/backup-codes")
@requires(Permission.USE_VAULT)
def make_codes() -> ResponseReturnValue:
    """Make ten new backup codes and show them, once."""
    form = StepUpForm.ask(needs_code(None))
    if not form.validate():
        return _asking_codes(form, 422)
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _asking_codes(form, 422)
    codes = passkey_acts.make_codes(running(), who, now())
    return render_template(
        "officers/backup_codes.html", codes=codes, made_at=now(), name=found().officer.name
    )
