"""The administrator's pages, none of which knows a record, and what a stranger may ask: is it up."""

from uuid import UUID

from flask import Blueprint, Response, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect

from vault.access.guard import actor, now, public, requires, running
from vault.access.policy import MATRIX, PERMISSIONS, Hold, Permission, Role
from vault.administration import actions
from vault.administration.health import answers, health
from vault.officers.asking import found

bp = Blueprint("administration", __name__)


@bp.get("/healthz")
@public
def answer_health() -> ResponseReturnValue:
    """Whether the vault can be used, for whoever watches over it: one word, and nothing more."""
    is_up = answers(running().database.engine)
    return Response("ok\n" if is_up else "not\n", 200 if is_up else 503, mimetype="text/plain")


@bp.get("/administration")
@requires(Permission.RUN_VAULT)
def show_health() -> ResponseReturnValue:
    """How the vault runs, and what somebody must look at."""
    return render_template("administration/health.html", health=health(running(), actor().officer, now()))


@bp.get("/administration/settings")
@requires(Permission.RUN_VAULT)
def show_settings() -> ResponseReturnValue:
    """Every setting and where it came from; of a secret only whether it is set."""
    return render_template("administration/settings.html", settings=running().settings.shown())


@bp.get("/administration/roles")
@requires(Permission.RUN_VAULT)
def show_roles() -> ResponseReturnValue:
    """What each role may do and open, as the policy says it."""
    roles = [
        (
            role,
            [one.label for one in Permission if role in PERMISSIONS[one]],
            [(place, row[role]) for place, row in MATRIX.items() if row[role] is not Hold.NEVER],
        )
        for role in Role
    ]
    return render_template("administration/roles.html", roles=roles, holds=HOLDS)


HOLDS = {Hold.ALL: "every one", Hold.NAMED: "where named", Hold.OWN: "their own"}


@bp.get("/administration/sessions")
@requires(Permission.RUN_VAULT)
def list_sessions() -> ResponseReturnValue:
    """Who is signed in, where and since when, and which accounts are locked."""
    with running().reading() as db:
        return render_template(
            "administration/sessions.html",
            sessions=actions.live_sessions(db),
            locked=actions.locked_officers(db),
            current=found().row.id,
            days=running().settings.unused_days,
        )


def _to_sessions() -> ResponseReturnValue:
    return redirect(url_for("administration.list_sessions"), 303)


@bp.post("/administration/sessions/<uuid:session_id>/end")
@requires(Permission.RUN_VAULT)
def end_session(session_id: UUID) -> ResponseReturnValue:
    """End one session, whosever it is."""
    with running().writing() as db:
        actions.end_session(db, actor(), session_id, now())
    flash("The session has ended.", "success")
    return _to_sessions()


@bp.post("/administration/officers/<uuid:officer_id>/end-sessions")
@requires(Permission.RUN_VAULT)
def end_sessions(officer_id: UUID) -> ResponseReturnValue:
    """End every session of one officer."""
    with running().writing() as db:
        ended = actions.end_sessions_of(db, actor(), officer_id, now())
        flash(f"Signed out everywhere: {ended}.", "success")
    return _to_sessions()
