"""`python -m vault officer …`: accounts are released by hand, and unused ones put off each night."""

from pathlib import Path

import click

from vault.officers import admission, unused
from vault.running import RunningVault, wall_clock
from vault.settings import load
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
    """Put off the accounts that nobody has used for as many days as the settings say."""
    vault = RunningVault.start(load(data), wall_clock)
    try:
        swept = unused.sweep(vault, vault.now())
    finally:
        vault.close()
    for officer in swept.off:
        click.echo(f"Off: {officer.full_name}. An administrator can release the account.")
    for officer in swept.spared:
        click.echo(
            f"Unused, and left on as the last {officer.role.label.lower()}: {officer.full_name}. "
            "Speak with them, and have another officer of that role admitted."
        )
    if not swept.off and not swept.spared:
        click.echo("Every account was used in time.")
