"""Charts of the ledger: when is looked, by whom, and how much is refused; and one officer's page."""

from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from vault.access.events import Event
from vault.access.guard import now, requires, running
from vault.access.policy import Permission
from vault.errors import NotKnown
from vault.officers.models import Officer
from vault.oversight import charts, finding, reviewing
from vault.oversight.figures import figures
from vault.oversight.finding import Wanted
from vault.oversight.forms import Span, SpanFilter
from vault.oversight.grouping import like
from vault.oversight.naming import look_up
from vault.oversight.recording import note_reading
from vault.oversight.telling import referred, tell_alert
from vault.oversight.watching import catch_up

bp = Blueprint("figures", __name__)
OFFICERS_DRAWN = 20
DAYS_OF_OFFICER = 28
SESSIONS_SHOWN = 10


def _today() -> date:
    return now().astimezone(ZoneInfo(running().settings.time_zone)).date()


@bp.get("/ledger/figures")
@requires(Permission.READ_LEDGER)
def show_figures() -> ResponseReturnValue:
    """Looks by hour and weekday, looks by officer, and refusals by week."""
    form = SpanFilter(MultiDict({"span": Span.QUARTER.value, **request.args}))
    if not form.validate():
        return render_template("oversight/figures.html", form=form, found=None, receipt=None), 422
    weeks = int((form.span.data or Span.QUARTER).value)
    receipt = note_reading("figures", [], {"weeks": weeks})
    watched = catch_up(running(), now())
    last = _today()
    first = last - timedelta(days=last.weekday() + 7 * (weeks - 1))
    with running().reading() as db:
        found = figures(db, first, last, None)
        names = look_up(db, {f"officer:{ident}" for ident, _, _ in found.by_officer})
    rows = [(names.officer(ident), ident, looks, refused) for ident, looks, refused in found.by_officer]
    return render_template(
        "oversight/figures.html",
        form=form,
        found=found,
        officers=rows,
        first=first,
        last=last,
        heat=charts.heat_map(found.by_hour),
        bars=charts.bars([(name, looks) for name, _, looks, _ in rows[:OFFICERS_DRAWN] if looks]),
        refusals=charts.columns(found.refusals_by_week),
        weekdays=charts.WEEKDAYS,
        watched=watched,
        receipt=receipt,
    )


@bp.get("/ledger/officers/<uuid:officer_id>")
@requires(Permission.READ_LEDGER)
def show_officer(officer_id: UUID) -> ResponseReturnValue:
    """What the ledger tells of one officer: looks over time, usual hours, alerts, and their last sessions."""
    with running().reading() as db:
        officer = db.get(Officer, officer_id)
    if officer is None:
        raise NotKnown
    receipt = note_reading("officer", [f"officer:{officer_id}"], {})
    catch_up(running(), now())
    last = _today()
    first = last - timedelta(days=DAYS_OF_OFFICER - 1)
    signed_in = Wanted(officer=officer_id, event=str(Event.SIGNED_IN)).filters(
        ZoneInfo(running().settings.time_zone)
    )
    with running().reading() as db:
        found = figures(db, first, last, officer_id)
        alerts = reviewing.alert_page(db, like(None, None, officer_id), None).alerts
        names = look_up(db, referred(alerts) | {f"officer:{officer_id}"})
        sessions = running().ledger.find(db, signed_in, before_index=None, limit=SESSIONS_SHOWN)
        newest = finding.page(running(), db, Wanted(officer=officer_id), None)
    return render_template(
        "oversight/officer.html",
        officer=officer,
        found=found,
        first=first,
        last=last,
        days=charts.columns(found.looks_by_day),
        heat=charts.heat_map(found.by_hour),
        alerts=[tell_alert(alert, names) for alert in alerts],
        sessions=[woven.entry for woven in sessions],
        lines=newest.lines[:SESSIONS_SHOWN],
        weekdays=charts.WEEKDAYS,
        receipt=receipt,
    )
