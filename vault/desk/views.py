"""The page of the desk."""

from zoneinfo import ZoneInfo

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from vault.access.guard import actor, now, requires, running
from vault.access.policy import Permission
from vault.desk.figures import at_a_glance
from vault.desk.waiting import waiting_for

bp = Blueprint("desk", __name__)


@bp.get("/desk")
@requires(Permission.USE_VAULT)
def desk() -> ResponseReturnValue:
    """What waits for this officer, most urgent first."""
    today = now().astimezone(ZoneInfo(running().settings.time_zone)).date()
    with running().reading() as db:
        waiting = waiting_for(db, actor(), now(), today)
        glance = at_a_glance(db, actor())
    return render_template("desk/desk.html", waiting=waiting, today=today, glance=glance)
