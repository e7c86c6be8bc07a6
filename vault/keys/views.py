"""The keys page: what is to be renewed, and what waits for two approvals."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from vault.access.guard import requires
from vault.access.policy import Permission

bp = Blueprint("keys", __name__)


@bp.get("/keys")
@requires(Permission.SEE_KEY_ACTS)
def show_keys() -> ResponseReturnValue:
    """What there is to do about keys."""
    return render_template("keys/keys.html")
