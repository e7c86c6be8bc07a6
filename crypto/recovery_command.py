"""`python -m crypto.recovery combine`: the recovery key comes back for a moment, on an offline machine.

It needs two files of this package's making and three shares on paper: no database, no server, no settings.
"""

import os
import sys
from pathlib import Path

import click

from crypto.errors import NotRecovered
from crypto.recovery import THRESHOLD, WORDS, combine, read_share
from crypto.recovery_files import RecoveryRequest


@click.group()
def main() -> None:
    """Recovery of records that nobody can open any more."""


@main.command("combine")
@click.option(
    "--request",
    "request_file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The file that the vault gave out after two approvals.",
)
@click.option(
    "--out",
    "answer_file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Where to write the file that is carried back. It must not be there yet.",
)
@click.option("--hidden", is_flag=True, help="Do not show the words while they are typed.")
def combine_command(request_file: Path, answer_file: Path, hidden: bool) -> None:
    """Combine three shares and seal what the request asks for to its one officer."""
    try:
        request = _read_request(request_file)
        _combine(request, answer_file, hidden)
    except NotRecovered as refusal:
        click.echo(f"Not recovered. {refusal}", err=True)
        sys.exit(1)
    except click.Abort:
        click.echo("\nNot recovered. Nothing was written.", err=True)
        sys.exit(1)
    click.echo(f"\nWritten: {answer_file}, for {len(request.seals):,} sealed places.")
    click.echo(
        f"Carry this file back to {_printable(request.officer_name)}. It opens with nobody else's keys."
    )
    click.echo("Put the shares back into their envelopes, and switch this machine off.")


def _combine(request: RecoveryRequest, answer_file: Path, hidden: bool) -> None:
    """Ask for the shares and for both kinds of words, and write the answer. Raises NotRecovered."""
    if answer_file.exists():
        raise NotRecovered("A file of that name is there already. Choose another one for --out.")
    recovery = combine(_ask_shares(hidden), request.recovery.public)
    click.echo("The shares fit together: this is the vault's recovery key.\n")
    if not (_officer_confirms(request) and _request_is_confirmed(request)):
        raise NotRecovered("Nothing was written. Do not go on until you know why the words differ.")
    _write(answer_file, request.answer(recovery))


def _printable(name: str) -> str:
    """The name without anything that a terminal would take for a command."""
    return "".join(letter for letter in name if letter.isprintable())


def _read_request(path: Path) -> RecoveryRequest:
    try:
        return RecoveryRequest.from_text(path.read_text("utf-8"))
    except OSError as error:
        raise NotRecovered(f"The request cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise NotRecovered("This file is not a request for a recovery, or it was damaged.") from None


def _ask_shares(hidden: bool) -> list[str]:
    """Three shares, one by one; a wrong one is asked again. Raises NotRecovered when the input ends."""
    click.echo(f"Type the {WORDS} words of each share on one line, in any case, then press Enter.\n")
    shares: list[str] = []
    while len(shares) < THRESHOLD:
        label = f"Share {len(shares) + 1} of {THRESHOLD}"
        try:
            typed = click.prompt(label, default="", show_default=False, hide_input=hidden)
        except click.Abort:
            given = f"{len(shares)} {'was' if len(shares) == 1 else 'were'} given"
            raise NotRecovered(f"{THRESHOLD} shares are needed, and {given}. Nothing was written.") from None
        try:
            shares.append(read_share(typed, shares))
        except NotRecovered as refusal:
            click.echo(f"  {refusal} Type this share again.", err=True)
            continue
        if not hidden:
            click.clear()  # The words must not stay on the screen.
        click.echo(f"Share {len(shares)} of {THRESHOLD} is right.")
    return shares


def _officer_confirms(request: RecoveryRequest) -> bool:
    """Whether the officer reads these words to whoever sits here: a planted key would have others."""
    name = _printable(request.officer_name)
    click.echo(f"It will be sealed to {name} ({request.officer.id}), whose eight words are\n")
    click.echo(f"    {' '.join(request.officer.public.fingerprint())}\n")
    return click.confirm("Are these the words the officer reads to you?", default=False)


def _request_is_confirmed(request: RecoveryRequest) -> bool:
    """Whether somebody who approved the request reads these words: one that asks for more has others."""
    parts = ", ".join(sorted({_printable(each.name.compartment) for each in request.seals}))
    click.echo(
        f"\nThe request asks for {len(request.seals):,} sealed places ({parts}). Its eight words are\n"
    )
    click.echo(f"    {' '.join(request.words())}\n")
    return click.confirm("Are these the words that an officer who approved it reads to you?", default=False)


def _write(path: Path, content: str) -> None:
    """Write the answer, for its owner alone. Raises NotRecovered."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise NotRecovered(f"The file cannot be written: {error.strerror}.") from None
