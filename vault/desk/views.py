"""The page of the desk."""

from zoneinfo import ZoneInfo

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from vault.access.guard import actor, now, requires, running
from vault.access.policy import Permission
from vault.database import RecordedSession
from vault.desk.bench import waiting_on_the_bench
from vault.desk.figures import at_a_glance
from vault.desk.waiting import waiting_for
from vault.emergency import closing as emergencies
from vault.oversight import alarms
from vault.oversight.forced import unanswered
from vault.oversight.noticing import notice_refusal

bp = Blueprint("desk", __name__)


@bp.get("/desk")
@requires(Permission.USE_VAULT)
def desk() -> ResponseReturnValue:
    """What waits for this officer, most urgent first."""
    emergencies.see_to(running(), now())
    today = now().astimezone(ZoneInfo(running().settings.time_zone)).date()
    also = waiting_on_the_bench(running(), now()) if actor().may(Permission.READ_LEDGER) else []
    sees_alarms = actor().may(Permission.SEE_ALARMS)
    if sees_alarms:
        notice_refusal(running(), now())
    with running().reading() as db:
        waiting = waiting_for(db, running().settings, actor(), now(), today, also)
        glance = at_a_glance(db, actor())
        sounding = alarms.at_a_glance(running(), db, now()) if sees_alarms else []
        forced = _under_duress(db) if sees_alarms else []
    return render_template(
        "desk/desk.html", waiting=waiting, today=today, glance=glance, alarms=[*forced, *sounding]
    )


def _under_duress(db: RecordedSession) -> list[alarms.Alarm]:
    """Colleagues who may be forced to sign in. Nobody is told of themself, lest somebody reads over them."""
    forced = [one for one in unanswered(running(), db) if one.officer != actor().officer]
    return [alarms.Alarm(alarms.AlarmKind.DURESS, one.words, one.at) for one in forced]
