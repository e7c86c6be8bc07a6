"""The keys page: what is to be renewed, and what waits for two approvals."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from vault.access.guard import requires
from vault.access.policy import Permission
from vault.keys.act_views import bp as act_pages
from vault.keys.carrying_views import bp as carrying_pages

bp = Blueprint("keys", __name__)
bp.register_blueprint(act_pages)
bp.register_blueprint(carrying_pages)


@bp.get("/keys")
@requires(Permission.SEE_KEY_ACTS)
def show_keys() -> ResponseReturnValue:
    """What there is to do about keys."""
    return render_template("keys/keys.html")
