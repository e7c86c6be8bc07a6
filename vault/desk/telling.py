"""What is new on officers' desks, for notices by mail: the desk's own list, looked at without keys."""

import json
import time
from datetime import datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import click
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from audit.errors import LedgerError
from vault.access.policy import Permission
from vault.desk.bench import waiting_on_the_bench
from vault.desk.waiting import Waiting, waiting_for
from vault.hardening import start_log
from vault.notices.actions import chosen, note_waiting, put_out
from vault.notices.models import Frequency
from vault.notices.sending import send_due
from vault.officers.keyless import without_keys
from vault.oversight.forced import unanswered
from vault.running import RunningVault, wall_clock
from vault.settings import load
from vault.terminal import data_option

EVERY_SECONDS = 60


def name_of(item: Waiting) -> str:
    """What stays the same while one thing waits for the same reason: where it is done, and the words."""
    return json.dumps([item.endpoint, item.title, item.words, item.args], default=str, sort_keys=True)


def _new_on_desks(vault: RunningVault, now: datetime) -> dict[UUID, list[str]]:
    """What waits for each officer who is told at once; for the others, who go by the clock, nothing."""
    today = now.astimezone(ZoneInfo(vault.settings.time_zone)).date()
    with vault.reading() as db:
        pairs = chosen(db)
        at_once = {choice.id for choice, _ in pairs if choice.frequency is Frequency.AT_ONCE}
        actors = [without_keys(db, vault.trust, one) for _, one in pairs if one.id in at_once]
    reads = any(who.may(Permission.READ_LEDGER) for who in actors)
    bench = waiting_on_the_bench(vault, now) if reads else []
    found: dict[UUID, list[str]] = {choice.id: [] for choice, _ in pairs}
    with vault.reading() as db:
        forced = unanswered(vault, db)
        for who in actors:
            also = bench if who.may(Permission.READ_LEDGER) else []
            waiting = waiting_for(db, vault.settings, who, now, today, also)
            found[who.officer] = [name_of(item) for item in waiting]
            if who.may(Permission.SEE_ALARMS):
                found[who.officer] += [f"duress:{one.index}" for one in forced if one.officer != who.officer]
    return found


def put_out_what_is_due(vault: RunningVault, now: datetime) -> int:
    """Put a notice into the outbox of each officer for whom something new waits, or the hour has come."""
    waiting = _new_on_desks(vault, now)
    count = 0
    if not waiting:
        return count
    with vault.writing() as db:
        for choice, officer in chosen(db):
            if choice.id in waiting and note_waiting(db, vault, choice, waiting[choice.id], now):
                put_out(db, officer.id, now)
                count += 1
    return count


@click.command()
@data_option
@click.option("--once", is_flag=True, help="Look and send once, then end, for a timer.")
def notices(data: Path, once: bool) -> None:
    """Send the notices that are due, every minute until stopped."""
    start_log()
    vault = RunningVault.start(load(data), wall_clock)
    try:
        while True:
            try:
                put_out_what_is_due(vault, vault.now())
                send_due(vault, vault.now())
            except (DBAPIError, PoolTimeout, LedgerError) as error:
                click.echo(f"Not looked: {type(error).__name__}. It is tried again.", err=True)
            if once:
                return
            time.sleep(EVERY_SECONDS)
    finally:
        vault.close()
