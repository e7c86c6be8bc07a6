"""The weekly review: what happened in a week, what is open, and the auditor's word that it was looked at.

The CJIS Security Policy asks for a review of the audit records each week.
"""

from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from vault.access.guard import actor, now, requires, running
from vault.access.policy import Permission
from vault.errors import RuleForbids
from vault.officers.asking import needs_code
from vault.officers.proofs import ProofRefused
from vault.oversight import actions, reviewing
from vault.oversight.actions import SignedTree
from vault.oversight.exporting import newest_checkpoint
from vault.oversight.forms import LARGEST_INDEX, ReviewForm
from vault.oversight.naming import look_up
from vault.oversight.recording import note_reading
from vault.oversight.reviewing import WEEKS_SHOWN, WeekLine
from vault.oversight.telling import referred, tell_alert
from vault.oversight.watching import catch_up
from vault.oversight.weeks import WeekState

bp = Blueprint("reviews", __name__)
_WEEK = f"/ledger/weeks/<int(max={LARGEST_INDEX}):week>"


def _zone() -> ZoneInfo:
    return ZoneInfo(running().settings.time_zone)


@bp.get("/ledger/weeks")
@requires(Permission.READ_LEDGER)
def list_weeks() -> ResponseReturnValue:
    """Every week since the founding, and those that were missed."""
    receipt = note_reading("weeks", [], {})
    with running().reading() as db:
        lines = reviewing.weeks(running(), db, now(), _zone())
        shown = lines[:WEEKS_SHOWN]
        names = look_up(db, {f"officer:{line.review.reviewed_by}" for line in shown if line.review})
    return render_template(
        "oversight/weeks.html",
        lines=shown,
        weeks=len(lines),
        due=[line for line in lines if line.state is WeekState.DUE],
        missed=[line for line in lines if line.state in {WeekState.MISSED, WeekState.LATE}],
        name_of=names.officer,
        receipt=receipt,
    )


@bp.get(_WEEK)
@requires(Permission.READ_LEDGER)
def show_week(week: int) -> ResponseReturnValue:
    """One week: what was done, its alerts, and whether it was reviewed."""
    with running().reading() as db:
        line = reviewing.the_week(running(), db, week, now(), _zone())
    receipt = note_reading("week", [], {"week": line.week.name})
    watched = catch_up(running(), now())
    with running().reading() as db:
        told = reviewing.tell_week(running(), db, line.week, _zone())
        alerts = [*told.alerts, *(a for a in told.in_the_way if a not in told.alerts)]
        reviewer = {f"officer:{line.review.reviewed_by}"} if line.review else set()
        names = look_up(db, referred(alerts) | reviewer)
        signed = reviewing.entry_of_review(running(), db, line.review) if line.review else None
    return render_template(
        "oversight/week.html",
        line=line,
        signed=signed,
        told=told,
        alerts=[tell_alert(alert, names) for alert in alerts],
        reviewer=names.officer(line.review.reviewed_by) if line.review else "",
        checkpoint=newest_checkpoint(running()),
        watched=watched,
        receipt=receipt,
    )


def _review_page(line: WeekLine, form: ReviewForm, status: int) -> ResponseReturnValue:
    note_reading("review", [], {"week": line.week.name})
    return render_template("oversight/review.html", line=line, form=form), status


def _to_review(week: int) -> WeekLine:
    with running().reading() as db:
        line = reviewing.the_week(running(), db, week, now(), _zone())
    if line.review is not None:
        raise RuleForbids("This week was reviewed already, and a review is never changed.")
    if line.state is WeekState.RUNNING:
        raise RuleForbids("A week is reviewed when it has ended.")
    return line


@bp.get(f"{_WEEK}/review")
@requires(Permission.READ_LEDGER)
def ask_review(week: int) -> ResponseReturnValue:
    """Ask for the auditor's word, and the code."""
    return _review_page(_to_review(week), ReviewForm.ask(needs_code(None)), 200)


@bp.post(f"{_WEEK}/review")
@requires(Permission.READ_LEDGER)
def review(week: int) -> ResponseReturnValue:
    """Sign the week off. The newest checkpoint is kept with it."""
    line, form = _to_review(week), ReviewForm.ask(needs_code(None))
    if not form.validate():
        return _review_page(line, form, 422)
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _review_page(line, form, 422)
    if not catch_up(running(), now()).is_whole:
        raise RuleForbids("The ledger is still being read for alerts. Try again in a minute.")
    newest = newest_checkpoint(running())
    signed = None
    if newest.checkpoint is not None and newest.is_believed and newest.counted is not None:
        signed = SignedTree(newest.counted, newest.checkpoint.root, newest.checkpoint)
    with running().writing() as db:
        actions.review_week(db, who, line.week, form.remark.data, signed, now(), _zone())
    flash(f"Week {line.week.name} is reviewed. {actor().name} signed it off.", "success")
    return redirect(url_for("oversight.reviews.show_week", week=week), 303)
