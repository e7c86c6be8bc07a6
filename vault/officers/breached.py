"""Passwords known from breaches: looked up in a list that the agency brings, without a network.

The list is a file of SHA-1 digests in hexadecimal, one a line and in order, each followed by a colon and a
count or by nothing: the form in which "Pwned Passwords" is published. Nothing is read of it but some lines.
"""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from vault.errors import RuleForbids
from vault.settings import Settings

KNOWN = "That password is known to guessers from a breach elsewhere. Choose a few unrelated words."
CANNOT_LOOK = (
    "New passwords cannot be checked now. Ask the administrator to look at the list of breached ones."
)


def _digest_after(listed: BinaryIO, place: int) -> bytes:
    """The digest on the first whole line at or after a place, empty at the end."""
    listed.seek(max(place - 1, 0))
    if place > 0:
        listed.readline()
    return listed.readline()[:40].upper()


def is_listed(digest: bytes, path: Path) -> bool:
    """Whether a digest of 40 hexadecimal figures is on the list. Raises OSError when it cannot be read."""
    with path.open("rb") as listed:
        first, beyond = 0, listed.seek(0, os.SEEK_END)
        while first < beyond:
            middle = (first + beyond) // 2
            found = _digest_after(listed, middle)
            if found == digest:
                return True
            if not found or found > digest:
                beyond = middle
            else:
                first = middle + 1
    return False


def check_not_breached(settings: Settings, password: str) -> None:
    """Raise RuleForbids for a password on the agency's list, and where that list cannot be read."""
    if not settings.breached_passwords_file:
        return
    # The digest names a line of a published list and keeps nothing secret.
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    try:
        listed = is_listed(digest, Path(settings.breached_passwords_file))
    except OSError as error:
        raise RuleForbids(CANNOT_LOOK) from error
    if listed:
        raise RuleForbids(KNOWN)
