"""`python -m vault keys rotate-root` and `rotate-notary`: new keys while the vault is served."""

import sys
import time
from pathlib import Path

import click

from audit.handovers import HandOver
from audit.rotating import hand_over
from vault.keys import notary_rotation, relocking, rotating
from vault.notarising import key_place, notary_of
from vault.running import RunningVault, wall_clock
from vault.settings import load
from vault.terminal import data_option


@click.command("rotate-root")
@data_option
@click.option("--prepare", is_flag=True, help="Only make the next key, to copy it to other machines first.")
@click.option("--in-file", is_flag=True, help="Make it in a file although the settings name a token.")
@click.option(
    "--pause",
    type=click.IntRange(min=0),
    default=int(rotating.PAUSE_SECONDS),
    show_default=True,
    help="Seconds until nothing uses the old key any more. Fewer only while the vault is not served.",
)
def rotate_root(data: Path, prepare: bool, in_file: bool, pause: int) -> None:
    """Replace the root key while the vault is served. Run it again if it was interrupted."""
    vault = RunningVault.start(load(data), wall_clock)
    in_token = vault.settings.token is not None and not in_file
    try:
        if prepare:
            number = rotating.prepare_root(vault, in_token=in_token)
            click.echo(f"Root key {number} is made and not in use yet.")
            click.echo("Copy the file that begins with next-root from the keys folder to every machine")
            click.echo("of this vault, mode 0400, then run this command again without --prepare.")
            return
        click.echo("Everybody who is signed in will have to sign in again.")
        with click.progressbar(length=relocking.work(vault), label="Locking anew", file=sys.stderr) as bar:
            rotated = rotating.rotate_root(
                vault, in_token=in_token, progress=bar.update, pause=lambda: _wait(pause)
            )
    finally:
        vault.close()
    if rotated.altered:
        click.echo(
            f"{rotated.altered:,} rows were altered past the vault. Run: python -m vault verify", err=True
        )
    click.echo(
        f"Root key {rotated.number} is in use. The older one is destroyed and opens nothing of this database."
    )
    click.echo("Copy the new key, and nothing else, to the safe. The copy of the older one still opens")
    click.echo("backups that were made before: destroy it when the last of them is destroyed.")


@click.command("rotate-notary")
@data_option
@click.option(
    "--announce", is_flag=True, help="Only enter hand-overs in the ledger, where the notary runs apart."
)
def rotate_notary(data: Path, announce: bool) -> None:
    """Replace the notary's keys while it runs. Run it again if it was interrupted."""
    settings = load(data)
    made: HandOver | None = None
    if not settings.notary_in_process and not announce:
        made = hand_over(key_place(settings), lambda: notary_of(settings), wall_clock())
    else:
        vault = RunningVault.start(settings, wall_clock)
        try:
            count = notary_rotation.announce(vault)
            if not announce:
                made = notary_rotation.rotate(vault, is_unfinished=count > 0)
        finally:
            vault.close()
    if made is None:
        click.echo("The ledger tells of every hand-over.")
        return
    click.echo(f"Hand-over {made.number}: the notary signs with new keys, and the old ones are destroyed.")
    click.echo("Auditors who pinned the old keys can go on with them. Give them the new ones on paper:")
    click.echo(made.new[0].to_text())
    if not settings.notary_in_process:
        click.echo("Now, as the account of the service: python -m vault keys rotate-notary --announce")


def _wait(seconds: int) -> None:
    """Let time pass visibly."""
    label = "\nWaiting until nothing uses the old key"
    with click.progressbar(length=seconds, label=label, file=sys.stderr) as bar:
        for _ in range(seconds):
            time.sleep(1)
            bar.update(1)
