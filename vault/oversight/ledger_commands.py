"""`python -m vault ledger new-volume` and `forget-details`: what is done to the ledger once a year."""

import sys
from pathlib import Path

import click

from audit.errors import LedgerUnavailable
from vault.errors import RuleForbids
from vault.notarising import vault_size
from vault.oversight import forgetting, volumes
from vault.running import RunningVault, wall_clock
from vault.settings import load
from vault.terminal import data_option

TRY_LATER = 75
"""The exit status EX_TEMPFAIL of sysexits.h: nothing is wrong, and nothing was due."""


@click.command("new-volume")
@data_option
@click.option("--now", "even_if_young", is_flag=True, help="Also when the current volume is not a year old.")
def new_volume(data: Path, even_if_young: bool) -> None:
    """Close the current volume of the ledger and begin the next, which names how the earlier one ended."""
    vault = RunningVault.start(load(data), wall_clock)
    try:
        begun = volumes.begin_volume(vault, vault.now(), even_if_young=even_if_young)
        click.echo(
            f"Volume {begun.number} of the ledger begins at entry {begun.first_index:,}: {begun.origin}"
        )
        volumes.keep_closed(vault, vault.now())
        click.echo(f"The notary has signed how volume {begun.number - 1} ended, and that is kept.")
    except volumes.NotDue as error:
        volumes.keep_closed(vault, vault.now())  # Where the last time ended before the notary had signed.
        click.echo(str(error), err=True)
        sys.exit(TRY_LATER)
    except LedgerUnavailable as error:
        # The volume may have begun; its final checkpoint is kept when this, or an export, runs again.
        click.echo(str(error), err=True)
        sys.exit(1)
    finally:
        vault.close()


@click.command("forget-details")
@data_option
def forget_details(data: Path) -> None:
    """Forget the sealed details of entries older than the settings keep them; the entries stay."""
    vault = RunningVault.start(load(data), wall_clock)
    try:
        size = vault_size(vault)
        gone = forgetting.forget_details(vault, vault.now(), lambda _count: None)
    except RuleForbids as error:
        click.echo(str(error), err=True)
        sys.exit(TRY_LATER)
    finally:
        vault.close()
    click.echo(f"The details of {gone:,} entries were forgotten. All {size:,} entries stay, and verify.")
