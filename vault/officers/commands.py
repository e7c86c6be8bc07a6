"""`python -m vault officer …`: accounts are released by hand; what is over is ended each night."""

from pathlib import Path

import click

from vault.access import delegating
from vault.access.emergencies import end_grants
from vault.officers import admission, unused
from vault.running import RunningVault, wall_clock
from vault.settings import load
from vault.templating import counted
from vault.terminal import data_option


@click.command()
@data_option
@click.option("--name", required=True, help="What the officer types at sign-in.")
def release(data: Path, name: str) -> None:
    """Release a locked account: the way back when every administrator is locked out."""
    vault = RunningVault.start(load(data), wall_clock)
    try:
        with vault.writing() as db:
            admission.release(db, None, admission.get_by_name(db, name), vault.now())
    finally:
        vault.close()
    click.echo("The account is released. Ask the officer about the failures before it.")


@click.command()
@data_option
def sweep(data: Path) -> None:
    """Put off accounts that nobody has used for too long, and end stand-ins and emergencies that are over."""
    vault = RunningVault.start(load(data), wall_clock)
    try:
        swept = unused.sweep(vault, vault.now())
        with vault.writing() as db:
            today = delegating.unit_day(vault.settings, vault.now())
            ended = delegating.end_lapsed(db, today, vault.now())
        closed = end_grants(vault, vault.now())
    finally:
        vault.close()
    if ended:
        click.echo(f"{counted(ended, 'stand-in')} ended: the last day was over.")
    if closed:
        click.echo(f"Emergency access ended, because its time was over: {closed}.")
    for officer in swept.off:
        click.echo(f"Off: {officer.full_name}. An administrator can release the account.")
    for officer in swept.spared:
        click.echo(
            f"Unused, and left on as the last {officer.role.label.lower()}: {officer.full_name}. "
            "Speak with them, and have another officer of that role admitted."
        )
    if not swept.off and not swept.spared:
        click.echo("Every account was used in time.")
