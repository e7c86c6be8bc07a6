"""The page of the desk."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from vault.access.guard import requires
from vault.access.policy import Permission

bp = Blueprint("desk", __name__)


@bp.get("/desk")
@requires(Permission.USE_VAULT)
def desk() -> ResponseReturnValue:
    """What waits for this officer, most urgent first."""
    return render_template("desk/desk.html")
