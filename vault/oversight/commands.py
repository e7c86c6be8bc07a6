"""`python -m vault notary` and `python -m vault alarms`: what keeps watch without anybody looking."""

import signal
import sys
import threading
from pathlib import Path

import click
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from audit.checkpoints import run_notary
from audit.errors import LedgerError
from vault.database import connect
from vault.notarising import EVERY_SECONDS, notary_of
from vault.oversight.alarms import Alarm, AlarmKind
from vault.oversight.alarms import alarms as sounding
from vault.oversight.noticing import notice_refusal, tell_interruption
from vault.running import RunningVault, wall_clock
from vault.settings import load
from vault.terminal import data_option


@click.command()
@data_option
def notary(data: Path) -> None:
    """Sign checkpoints until stopped: the notary as a process of its own."""
    settings = load(data)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    engine = connect(settings.database_url)
    run_notary(stop, engine, notary_of(settings), EVERY_SECONDS)
    engine.dispose()


@click.command()
@data_option
def alarms(data: Path) -> None:
    """Print a line for each thing that somebody must look at now; exit with 1 when there is one."""
    try:
        found = _looked(data)
    except (DBAPIError, PoolTimeout):
        found = [Alarm(AlarmKind.NOT_RECORDING, "The database cannot be reached. See to it now.", None)]
    for alarm in found:
        since = f" since {alarm.since:%Y-%m-%d %H:%M} UTC" if alarm.since else ""
        click.echo(f"{alarm.heading}{since}. {alarm.words}")
    if found:
        sys.exit(1)
    click.echo("No alarm.")


def _looked(data: Path) -> list[Alarm]:
    """Every alarm of a running vault, once the ledger has been told what it did not know."""
    vault = RunningVault.start(load(data), wall_clock)
    try:
        now = vault.now()
        try:
            notice_refusal(vault, now)
            tell_interruption(vault, now)
        except (LedgerError, DBAPIError, PoolTimeout, OSError) as error:
            click.echo(f"The ledger could not be told: {type(error).__name__}.", err=True)
        return sounding(vault, now)
    finally:
        vault.close()
