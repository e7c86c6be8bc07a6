"""The page on which officers set, change or take away a password for duress."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from vault.access.guard import now, requires, running
from vault.access.policy import Permission
from vault.errors import RuleForbids
from vault.officers.asking import caller, found, needs_code
from vault.officers.confirming import save_duress
from vault.officers.forms import DuressForm
from vault.officers.proofs import ProofRefused

bp = Blueprint("duress", __name__)


@bp.get("/duress-password")
@requires(Permission.USE_VAULT)
def ask() -> ResponseReturnValue:
    """Say what the password for duress does, and ask for one or none."""
    return _page(DuressForm.ask(needs_code(None)), 200)


def _page(form: DuressForm, status: int) -> ResponseReturnValue:
    return render_template("officers/duress.html", form=form), status


@bp.post("/duress-password")
@requires(Permission.USE_VAULT)
def save() -> ResponseReturnValue:
    """Keep what was chosen, and say the same whatever it was."""
    form = DuressForm.ask(needs_code(None))
    if not form.validate():
        return _page(form, 422)
    try:
        who = form.prove()
        chosen = form.password.data or None
        save_duress(running(), found(), who, form.own.data, chosen, caller(), now())
    except (ProofRefused, RuleForbids) as error:
        refused = DuressForm.ask(needs_code(None))
        refused.refuse(error.message)
        return _page(refused, 422)
    flash("Saved. Only you know whether a password for duress is set.", "success")
    return redirect(url_for("officers.passkeys.show_account"), 303)
