"""`python -m audit witness`: the outside witness, over a network or on exports that are carried to it."""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from audit.durable import PUBLIC, write_whole
from audit.errors import LedgerError
from audit.exported import files_in
from audit.fetching import LogAt
from audit.notes import VerifierKey, read_verifier_keys
from audit.options import key_text, read_token
from audit.rounds import Rounds, Said, State
from audit.tiles import COSIGNED
from audit.witness import Witness

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("witness")
@click.option("--state", required=True, type=_FOLDER, help="Its folder, with its key and its memory.")
@click.option("--origin", required=True, help="The name of the log, the first line of its checkpoints.")
@click.option(
    "--key", required=True, multiple=True, metavar="VKEY", help="A verifier key of the notary, or a file."
)
@click.option("--export", type=_FOLDER, help="Where exports arrive, when they are carried by hand.")
@click.option("--url", help="The address of the vault, when it is reached over a network.")
@click.option("--token-file", type=_FILE, help="The file with the token of the registration, mode 0400.")
@click.option("--ca-file", type=_FILE, help="Certificates to trust instead of the machine's own.")
@click.option("--once", is_flag=True, help="Cosign what is there, and end.")
@click.option("--every", type=click.FloatRange(min=0.2), default=60.0, metavar="SECONDS", show_default=True)
def witness_command(
    state: Path,
    origin: str,
    key: tuple[str, ...],
    export: Path | None,
    url: str | None,
    token_file: Path | None,
    ca_file: Path | None,
    once: bool,
    every: float,
) -> None:
    """Cosign the log's checkpoint if it continues the last one accepted; if not, say why not.

    Without --url and --export it makes its key, where there is none, and says which it is.

    Ends with 0 when it cosigned, 1 when it refuses, 3 when the vault was not reached, 4 when the vault
    does not take the token.
    """
    if (export and url) or bool(url) != bool(token_file):
        raise click.UsageError("Give either --export, or --url together with --token-file.")
    witness = Witness(state, origin)
    try:
        keys = read_verifier_keys("\n".join(key_text(one) for one in key))
        with witness.alone():
            click.echo(f"This witness is {witness.key()[1].to_text()}")
        if url and token_file:
            log = LogAt(url, read_token(token_file), ca_file)
            sys.exit(_stand_by(Rounds(witness, keys, log), once, every).value)
        while export:
            _cosign(witness, export, keys)
            if once:
                return
            time.sleep(every)
    except LedgerError as error:
        click.echo(f"Not cosigned. {error}", err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"Not cosigned. {error.filename or 'A file'}: {error.strerror}.", err=True)
        sys.exit(1)


def _stand_by(rounds: Rounds, once: bool, every: float) -> State:
    """Go round after round, and say each change of state; with `once`, one round."""
    before: Said | None = None
    while True:
        said = rounds.go_round(datetime.now(UTC))
        if said.is_news_after(before):
            click.echo(said.words, err=said.state is not State.VOUCHES)
        if once:
            return said.state
        before = said
        time.sleep(rounds.pause(said, every))


def _cosign(witness: Witness, export: Path, keys: Sequence[VerifierKey]) -> None:
    with witness.alone():
        cosigned = witness.cosign(files_in(export), keys, datetime.now(UTC))
        write_whole(export / COSIGNED, cosigned.text.encode(), PUBLIC)
    click.echo(f"Cosigned {cosigned.size:,} entries, root {cosigned.root.hex()}: {export / COSIGNED}")
