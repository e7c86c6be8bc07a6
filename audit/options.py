"""What the commands of this package are given: verifier keys, and a witness's token."""

import re
from pathlib import Path

import click

_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,200}")


def key_text(key: str) -> str:
    """A verifier key as given, or what the file of this name holds. Raises click.BadParameter."""
    if "+" in key and not Path(key).is_file():
        return key
    try:
        return Path(key).read_text("utf-8")
    except (OSError, ValueError):
        raise click.BadParameter("It is neither a verifier key nor a file that holds one.") from None


def read_token(path: Path) -> str:
    """The token in a file that nobody else may read. Raises click.BadParameter, which repeats none of it."""
    try:
        if path.stat().st_mode & 0o077:
            raise click.BadParameter("The token's file may be read by others; its mode must be 0400.")
        token = path.read_text("ascii").strip()
    except (OSError, ValueError):
        raise click.BadParameter("The token's file cannot be read.") from None
    if not _TOKEN.fullmatch(token):
        raise click.BadParameter("The file does not hold a token, as the vault showed it.")
    return token
