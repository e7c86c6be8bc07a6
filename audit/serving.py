"""Hash tiles for whoever asks over a network: made from the database, and the hashes of subtrees remembered.

Nothing here is believed by whoever fetches it: the tiles must lead to a root that the notary signed.
"""

from collections import OrderedDict
from threading import Lock

from sqlalchemy import Connection, func, select

from audit import tables
from audit.subtrees import subtrees_in
from audit.tiles import TILE_HEIGHT, TILE_WIDTH
from audit.tree import HASH_BYTES
from audit.volumes import Volume, volumes_in

_ENTRIES, _HEADS = tables.entries.c, tables.heads.c
_KEPT = 256
"""How many tiles a process remembers, 8 KiB each: enough for 16 million entries."""


class HashTiles:
    """The hash tiles of a ledger's volumes; the hash of each subtree is computed once in a process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()

    def tile(self, connection: Connection, volume: Volume, level: int, number: int, width: int) -> bytes:
        """The first `width` hashes of a tile, 32 bytes each; raises FileNotFoundError beyond the tree's end.

        Raises audit.errors.Damaged when leaves are missing.
        """
        last = (number * TILE_WIDTH + width) << TILE_HEIGHT * level
        if not 0 < width <= TILE_WIDTH or last > _size(connection, volume):
            raise FileNotFoundError("The tree has no such tile.")
        if level == 0:
            return _leaf_hashes(connection, volume, number * TILE_WIDTH, width)
        key = (volume.origin, level, number)
        with self._lock:
            known = self._known.get(key, b"")
        get_hash = subtrees_in(connection, volume)
        # A tile only grows: what it held before stays, and only the hashes behind it are computed.
        for at in range(len(known) // HASH_BYTES, width):
            known += get_hash(TILE_HEIGHT * level, number * TILE_WIDTH + at)
        self._keep(key, known)
        return known[: width * HASH_BYTES]

    def _keep(self, key: tuple[str, int, int], known: bytes) -> None:
        with self._lock:
            if len(known) >= len(self._known.get(key, b"")):
                self._known[key] = known
            self._known.move_to_end(key)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)


def opening_leaf(connection: Connection, ledger: str, number: int) -> bytes | None:
    """The entry that opened a volume after the first; none where there is no such volume.

    Raises NotVerified for a list of volumes that the ledger did not make.
    """
    for volume in volumes_in(connection, ledger):
        if volume.number == number > 1:
            leaf = connection.scalar(select(_ENTRIES.leaf).where(_ENTRIES.index == volume.first_index))
            return None if leaf is None else bytes(leaf)
    return None


def _size(connection: Connection, volume: Volume) -> int:
    """How many entries the volume has."""
    end = volume.end_index
    if end is None:
        end = connection.scalar(select(func.max(_HEADS.size))) or 0
    return end - volume.first_index


def _leaf_hashes(connection: Connection, volume: Volume, first: int, width: int) -> bytes:
    begin = volume.first_index + first
    query = select(_ENTRIES.leaf_hash).where(_ENTRIES.index >= begin, _ENTRIES.index < begin + width)
    content = b"".join(connection.scalars(query.order_by(_ENTRIES.index)))
    if len(content) != width * HASH_BYTES:
        raise FileNotFoundError("Entries of this tile are missing.")
    return content
