"""Where a sealed field lies, and the header by which its blob says how it was sealed."""

from typing import NamedTuple
from uuid import UUID

from crypto.errors import Malformed

FORMAT = 1
SUITE = 1
HEADER_LENGTH = 6
NONCE_LENGTH = 12
TAG_LENGTH = 16
SHORTEST_PADDED = 32
SHORTEST_BLOB = HEADER_LENGTH + NONCE_LENGTH + SHORTEST_PADDED + TAG_LENGTH

KINDS = ("text", "date", "int", "json", "bytes", "real")


class Place(NamedTuple):
    """The one row and column in which a sealed field opens, and the kind of value kept there."""

    table: str
    row: UUID
    column: str
    kind: str


def epoch_of(blob: bytes) -> int:
    """The epoch of the lockbox that sealed a field blob; raises Malformed."""
    if len(blob) < SHORTEST_BLOB or blob[0] != FORMAT or blob[1] != SUITE:
        raise Malformed("These bytes are not a sealed field.")
    return int.from_bytes(blob[2:HEADER_LENGTH], "big")
