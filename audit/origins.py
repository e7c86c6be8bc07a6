"""The names of a ledger's logs: the ledger's own for its first volume, `LEDGER/volume-N` for later ones."""

import re

_LATER = re.compile(r"(.+)/volume-([2-9]|[1-9][0-9]{1,2})")


def origin_of(ledger: str, number: int) -> str:
    """The name of a volume's log: the ledger's own for the first, then `LEDGER/volume-2` and so on."""
    return ledger if number == 1 else f"{ledger}/volume-{number}"


def parted(origin: str) -> tuple[str, int]:
    """The name of the ledger and the number of the volume that an origin names."""
    match = _LATER.fullmatch(origin)
    return (origin, 1) if match is None else (match[1], int(match[2]))
