"""What every command of the terminal shares: where the data is, and faults told in one clear line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from audit.errors import LedgerError
from crypto.errors import CryptoError
from vault.errors import VaultError
from vault.settings import BadSettings


def data_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command be told where the data folder is."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="VAULT_DATA",
        required=True,
        help="The vault's data folder (or the setting VAULT_DATA).",
    )(command)


class Plain(click.Group):
    """Commands whose faults are one clear line, never a traceback with values in it."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (VaultError, BadSettings, CryptoError, LedgerError) as error:
            raise click.ClickException(str(error)) from None
