"""The pages of alerts: the list, each one with what it was raised for, and what an auditor says about it."""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from vault.access.guard import actor, now, requires, running
from vault.access.policy import Permission
from vault.cases.models import Case
from vault.errors import NotKnown, RuleForbids
from vault.oversight import actions, grouping, narrowing, reviewing
from vault.oversight.finding import lines_of
from vault.oversight.forms import AlertFilter, AlertState, WhyForm
from vault.oversight.grouping import NOBODY, like
from vault.oversight.naming import look_up
from vault.oversight.recording import note_reading
from vault.oversight.telling import referred, tell_alert, tell_group
from vault.oversight.watching import catch_up

bp = Blueprint("alerts", __name__)


def _filter(db: Session) -> AlertFilter:
    asked_for = request.args if "state" in request.args else {**request.args, "state": "open"}
    form = AlertFilter(MultiDict(asked_for))
    form.officer.options = [*narrowing.officers(db), (str(NOBODY), "Nobody known")]
    return form


@bp.get("/ledger/alerts")
@requires(Permission.READ_LEDGER)
def list_alerts() -> ResponseReturnValue:
    """What the ledger gives cause to look at, the newest first; the open ones unless asked otherwise.

    Those of one kind about one officer are one line, unless just these are asked for.
    """
    with running().reading() as db:
        form = _filter(db)
    if not form.validate():
        receipt = note_reading("alerts", [], {"answered": False})
        return render_template("oversight/alerts.html", form=form, groups=None, receipt=receipt), 422
    here: dict[str, Any] = {q.short_name: q.shown for q in form.questions()}
    receipt = note_reading("alerts", [], {name: value or None for name, value in here.items()})
    watched = catch_up(running(), now())
    state, before = form.state.data, form.before.data
    with running().reading() as db:
        wanted = like(state and state is AlertState.OPEN, form.rule.data, form.officer.data)
        if form.rule.data and form.officer.data:
            page = reviewing.alert_page(db, wanted, before)
            groups, alerts, older = [], list(page.alerts), page.older
        else:
            of_kinds = grouping.groups(db, wanted, before)
            groups, alerts, older = list(of_kinds.groups), [], of_kinds.older
        names = look_up(db, referred([*alerts, *(alert for group in groups for alert in group.newest)]))
        waiting = reviewing.open_alerts(db)
    here.pop("before", None)
    return render_template(
        "oversight/alerts.html",
        form=form,
        lines=[tell_alert(alert, names) for alert in alerts],
        groups=[tell_group(group, names) for group in groups],
        state=form.state.shown,
        nobody=NOBODY,
        waiting=waiting,
        watched=watched,
        is_open=state is AlertState.OPEN,
        narrowed=bool(form.rule.data or form.officer.data),
        newest=before is not None and url_for("oversight.alerts.list_alerts", **here),
        older=older and url_for("oversight.alerts.list_alerts", **{**here, "before": older}),
        receipt=receipt,
    )


@bp.get("/ledger/alerts/<uuid:alert_id>")
@requires(Permission.READ_LEDGER)
def show_alert(alert_id: UUID) -> ResponseReturnValue:
    """One alert: the entries for which it was raised, and what was done about it."""
    with running().reading() as db:
        subject = reviewing.the_alert(db, alert_id).subject_name
    receipt = note_reading("alert", [subject], {})
    return _alert_page(alert_id, receipt=receipt)


def _alert_page(alert_id: UUID, **shown: Any) -> str:
    with running().reading() as db:
        alert = reviewing.the_alert(db, alert_id)
        return render_template(
            "oversight/alert.html",
            line=tell_alert(alert, look_up(db, referred([alert]))),
            raised=alert,
            behind=lines_of(running(), db, reviewing.behind(running(), db, alert)),
            history=lines_of(running(), db, reviewing.history(running(), db, alert)),
            is_own=alert.officer == actor().officer,
            **shown,
        )


def _decide_page(alert_id: UUID, act: str, form: WhyForm) -> str:
    with running().reading() as db:
        subject = reviewing.the_alert(db, alert_id).subject_name
    note_reading("alert", [subject], {})
    with running().reading() as db:
        alert = reviewing.the_alert(db, alert_id)
        if alert.dismissed_at is not None:
            raise RuleForbids("This alert was dismissed already. What was said then is on the ledger.")
        line = tell_alert(alert, look_up(db, referred([alert])))
    return render_template("oversight/decide.html", line=line, raised=alert, act=act, form=form)


@bp.get("/ledger/alerts/<uuid:alert_id>/dismiss")
@requires(Permission.READ_LEDGER)
def ask_dismissal(alert_id: UUID) -> ResponseReturnValue:
    """Ask why the alert needs nothing more."""
    return _decide_page(alert_id, "dismiss", WhyForm())


@bp.post("/ledger/alerts/<uuid:alert_id>/dismiss")
@requires(Permission.READ_LEDGER)
def dismiss(alert_id: UUID) -> ResponseReturnValue:
    """Dismiss the alert, with the reason."""
    form = WhyForm()
    if not form.validate():
        return _decide_page(alert_id, "dismiss", form), 422
    with running().writing() as db:
        actions.dismiss(db, actor(), alert_id, form.why.data, now())
    flash("The alert is dismissed. Your reason is on the ledger, for auditors only.", "success")
    return redirect(url_for("oversight.alerts.show_alert", alert_id=alert_id), 303)


@bp.get("/ledger/alerts/<uuid:alert_id>/carry-over")
@requires(Permission.READ_LEDGER)
def ask_carrying_over(alert_id: UUID) -> ResponseReturnValue:
    """Ask why the alert stays open past the weekly review."""
    return _decide_page(alert_id, "carry-over", WhyForm())


@bp.post("/ledger/alerts/<uuid:alert_id>/carry-over")
@requires(Permission.READ_LEDGER)
def carry_over(alert_id: UUID) -> ResponseReturnValue:
    """Leave the alert open past the last week that has ended, with the reason."""
    form = WhyForm()
    if not form.validate():
        return _decide_page(alert_id, "carry-over", form), 422
    zone = ZoneInfo(running().settings.time_zone)
    with running().writing() as db:
        actions.carry_over(db, actor(), alert_id, form.why.data, now(), zone)
    flash("The alert stays open, and no longer keeps the last week from being reviewed.", "success")
    return redirect(url_for("oversight.alerts.show_alert", alert_id=alert_id), 303)


def _case_to(act: str, case_id: UUID) -> Case:
    with running().reading() as db:
        case = db.get(Case, case_id)
        if case is None:
            raise NotKnown
        if reviewing.is_flagged(running(), db, case_id) is (act == "flag"):
            raise RuleForbids("Somebody did this already. Look at the case again.")
        return case


def _flag_page(case: Case, act: str, form: WhyForm) -> str:
    note_reading("flag", [case.subject], {})
    return render_template("oversight/flag.html", case=case, act=act, form=form)


@bp.get("/ledger/cases/<uuid:case_id>/<any(flag,unflag):act>")
@requires(Permission.READ_LEDGER)
def ask_flag(case_id: UUID, act: str) -> ResponseReturnValue:
    """Ask why every officer who is new to this case shall raise an alert, or no longer."""
    return _flag_page(_case_to(act, case_id), act, WhyForm())


@bp.post("/ledger/cases/<uuid:case_id>/<any(flag,unflag):act>")
@requires(Permission.READ_LEDGER)
def flag(case_id: UUID, act: str) -> ResponseReturnValue:
    """Flag the case, or no longer, with the reason."""
    form, case = WhyForm(), _case_to(act, case_id)
    if not form.validate():
        return _flag_page(case, act, form), 422
    actions.flag(running(), actor(), case_id, act == "flag", form.why.data, now())
    words = "is flagged: each officer who is new to it raises an alert" if act == "flag" else "is not flagged"
    flash(f"The case {words}.", "success")
    return redirect(url_for("oversight.who_has_seen", kind="case", subject_id=case_id), 303)
