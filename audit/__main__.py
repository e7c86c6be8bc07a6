"""`python -m audit`: verify ledgers, save and verify proofs, and witness, with no database or secret."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import click

from audit.durable import PUBLIC, write_new
from audit.entries import timestamp
from audit.errors import LedgerError, NotVerified
from audit.exported import files_in, read_file
from audit.handovers import read_hand_overs
from audit.linking import count_all, folder_of, verify_ledger, volumes_of
from audit.notes import read_verifier_keys
from audit.options import key_text
from audit.origins import parted
from audit.proofs import SUFFIX, Proved, SavedProof, prove_exported
from audit.verify import Report
from audit.witness_command import witness_command

# Starting processes costs more than it saves on a small ledger.
_WORTH_SHARING = 20_000
_MOST_PROCESSES = 8


@click.group()
def main() -> None:
    """Verify the ledger of the vault."""


def _verify(export: Path, keys: str, size: int, progress: Callable[[int], None]) -> list[Report]:
    processes = 1 if size < _WORTH_SHARING else min(os.cpu_count() or 1, _MOST_PROCESSES)
    return verify_ledger(export, keys, progress, processes)


def _fail(words: str) -> NoReturn:
    click.echo(f"Not verified. {words}", err=True)
    sys.exit(1)


@main.command("verify")
@click.argument("export", metavar="EXPORT|PROOF", type=click.Path(path_type=Path))
@click.option(
    "--key",
    required=True,
    multiple=True,
    metavar="VKEY",
    help="A verifier key, or a file with one on each line.",
)
@click.option(
    "--hand-overs",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The notary's hand-overs, of each volume, to verify a proof with keys that were replaced since.",
)
def verify_command(export: Path, key: tuple[str, ...], hand_overs: tuple[Path, ...]) -> None:
    """Recompute every hash, root and signature of EXPORT, or of a saved PROOF, and say what is wrong."""
    keys = "\n".join(key_text(one) for one in key)
    try:
        if export.is_file():
            _tell_proof(_check_proof(export, keys, hand_overs))
        else:
            size = count_all(export)
            with click.progressbar(length=size, label="Verifying", file=sys.stderr) as bar:
                reports = _verify(export, keys, size, bar.update)
            for report in reports:
                _tell_export(report, is_alone=len(reports) == 1)
            if reports[-1].closed:
                click.echo(f"Note: the ledger goes on in {reports[-1].closed}, which is not here.")
    except LedgerError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"The export cannot be read: {error.strerror}.")


def _check_proof(path: Path, keys: str, hand_overs: Sequence[Path]) -> Proved:
    try:
        text = read_file(path).decode()
    except UnicodeDecodeError:
        raise NotVerified("This is not a proof of an entry: it is not text.") from None
    chain = [one for file in hand_overs for one in read_hand_overs(file)]
    return SavedProof.from_text(text).check(read_verifier_keys(keys), chain)


def _tell_proof(proved: Proved) -> None:
    proof, entry = proved.proof, proved.entry
    signed = proof.checkpoint
    click.echo(
        f"Verified: entry {proof.index:,} is in the ledger {signed.origin} of {signed.size:,} entries, "
        f"root {signed.root.hex()}, signed by {', '.join(proved.signers)}"
    )
    click.echo(f"It says, word for word: {proof.leaf.decode()}")
    who = "nobody signed in" if entry.officer is None else f"officer {entry.officer}"
    click.echo(f"In short: {entry.event} ({entry.outcome}), at {timestamp(entry.at)}, by {who}.")


def _tell_export(report: Report, *, is_alone: bool) -> None:
    number = parted(report.origin)[1]
    which = "" if is_alone and number == 1 else f"volume {number}, "
    vouched = f"signed by {', '.join(report.signers)}" if report.signers else f"named by volume {number + 1}"
    click.echo(f"Verified: {which}{report.size:,} entries, root {report.root.hex()}, {vouched}")
    if report.hand_overs:
        click.echo(
            f"The notary's keys were replaced {report.hand_overs:,} times, each signed by those before."
        )
    if report.earlier:
        first = ", ".join(f"{report.first_index + index:,}" for index in report.earlier[:5])
        click.echo(
            f"Note: {len(report.earlier):,} entries are timed before the one in front of them: {first}"
        )


@main.command("prove")
@click.argument("export", type=click.Path(path_type=Path, file_okay=False))
@click.argument("index", type=click.IntRange(min=0))
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="The file to write.")
def prove_command(export: Path, index: int, to: Path | None) -> None:
    """Save the proof that entry INDEX is in the ledger exported to EXPORT, for a court or anybody."""
    path = Path(f"entry-{index}{SUFFIX}") if to is None else to
    try:
        folder, place = folder_of(volumes_of(export), index)
        proof = prove_exported(files_in(folder), place)
        write_new(path, proof.to_text().encode(), PUBLIC)
    except LedgerError as error:
        click.echo(f"Nothing was saved. {error}", err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"Nothing was saved. {path}: {error.strerror}.", err=True)
        sys.exit(1)
    click.echo(f"Saved {path}. Verify it with: python -m audit verify {path} --key VKEY")


main.add_command(witness_command)


if __name__ == "__main__":
    main(prog_name="python -m audit")
