"""What waits for an auditor: open alerts, weeks to be reviewed, and a ledger that cannot be read."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from audit.errors import Damaged
from vault.desk.clocks import Clock
from vault.desk.waiting import Waiting
from vault.oversight import reviewing
from vault.oversight.watching import catch_up
from vault.oversight.weeks import WeekState
from vault.running import RunningVault
from vault.templating import counted, day

REVIEW = "CJIS Security Policy: weekly"


def waiting_on_the_bench(vault: RunningVault, now: datetime) -> list[Waiting]:
    """What an auditor should look at; the ledger is read on from where it was left, and never anew."""
    try:
        catch_up(vault, now)
        return list(_waiting(vault, now))
    except Damaged:
        words = "An entry is not as it was written. Change nothing, and keep a copy of the database."
        return [Waiting("The ledger is damaged", words, "oversight.alerts.list_alerts", urgent=True)]


def _waiting(vault: RunningVault, now: datetime) -> Iterator[Waiting]:
    zone = ZoneInfo(vault.settings.time_zone)
    with vault.reading() as db:
        waiting = reviewing.open_alerts(db)
        due = [line for line in reviewing.weeks(vault, db, now, zone) if line.state is WeekState.DUE]
    if waiting:
        words = "Look at each, and say what it was."
        yield Waiting(counted(waiting, "open alert"), words, "oversight.alerts.list_alerts")
    for line in due:
        by = line.week.next().ends(zone) - timedelta(minutes=1)
        clock = Clock(by, "Review the week", REVIEW)
        args = {"week": line.week.code}
        days = f"{day(line.week.monday, zone)} to {day(line.week.sunday, zone)}"
        words = f"{days} has ended. Review it before the next week ends."
        yield Waiting(f"Week {line.week.name}", words, "oversight.reviews.show_week", args, clock)
