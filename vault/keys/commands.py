"""`python -m vault keys …`: the audit of seals, renewal, and new keys for the root and the notary."""

from pathlib import Path

import click

from vault.officers import pinning
from vault.running import RunningVault, wall_clock
from vault.settings import load
from vault.terminal import data_option


@click.group()
def keys() -> None:
    """Keys: who holds them, and how they are renewed."""


@keys.command()
@data_option
@click.option("--name", required=True, help="What the coordinator types at sign-in.")
def pin(data: Path, name: str) -> None:
    """Pin a coordinator's new key, when no other coordinator is left to certify it."""
    vault = RunningVault.start(load(data), wall_clock)
    try:
        with vault.reading() as db:
            awaited = pinning.find_awaited(db, name)
        click.echo(
            f"{awaited.officer.full_name}, {awaited.officer.role.label}, enrolled anew. Their words:\n"
        )
        for number, word in enumerate(awaited.words, 1):
            click.echo(f"  {number}. {word}")
        click.echo("\nMeet them in person and let them read the eight words from their own screen.")
        if click.prompt("Are they these words, in this order? Type yes to pin the key") != "yes":
            raise click.ClickException("Nothing was pinned. Find out whose key this is before you try again.")
        pinning.pin(vault, awaited, vault.now())
    finally:
        vault.close()
    click.echo(
        "The key is pinned in trust.toml, beside the older ones. Copy that file to every machine of the "
        "vault and restart the service. Then the coordinator can sign in and renew the keys."
    )
