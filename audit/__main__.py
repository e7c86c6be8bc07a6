"""`python -m audit verify EXPORT --key VKEY`: verify a ledger on any machine, with no database or secret."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from audit.errors import LedgerError
from audit.verify import Report, count_entries, verify, verify_in_parallel

# Starting processes costs more than it saves on a small ledger.
_WORTH_SHARING = 20_000
_MOST_PROCESSES = 8


@click.group()
def main() -> None:
    """Verify the ledger of the vault."""


def _key_text(key: str) -> str:
    """A verifier key as given, or what the file of this name holds."""
    if "+" in key and not Path(key).is_file():
        return key
    try:
        return Path(key).read_text("utf-8")
    except (OSError, ValueError):
        raise click.BadParameter("It is neither a verifier key nor a file that holds one.") from None


def _verify(export: Path, keys: str, size: int, progress: Callable[[int], None]) -> Report:
    processes = min(os.cpu_count() or 1, _MOST_PROCESSES)
    if size < _WORTH_SHARING or processes < 2:
        return verify(export, keys, progress)
    return verify_in_parallel(export, keys, progress, processes)


@main.command("verify")
@click.argument("export", type=click.Path(path_type=Path, file_okay=False))
@click.option("--key", required=True, metavar="VKEY", help="A verifier key, or a file with one on each line.")
def verify_command(export: Path, key: str) -> None:
    """Recompute every hash, root and signature of EXPORT and say which entry is wrong."""
    keys = _key_text(key)
    try:
        size = count_entries(export)
        with click.progressbar(length=size, label="Verifying", file=sys.stderr) as bar:
            report = _verify(export, keys, size, bar.update)
    except LedgerError as error:
        click.echo(f"Not verified. {error}", err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"Not verified. The export cannot be read: {error.strerror}.", err=True)
        sys.exit(1)
    click.echo(
        f"Verified: {report.size:,} entries, root {report.root.hex()}, signed by {', '.join(report.signers)}"
    )
    if report.hand_overs:
        click.echo(
            f"The notary's keys were replaced {report.hand_overs:,} times, each signed by those before."
        )
    if report.earlier:
        first = ", ".join(f"{index:,}" for index in report.earlier[:5])
        click.echo(
            f"Note: {len(report.earlier):,} entries are timed before the one in front of them: {first}"
        )


if __name__ == "__main__":
    main(prog_name="python -m audit")
