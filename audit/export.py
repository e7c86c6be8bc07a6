"""The ledger as files that any reader of transparency logs understands (C2SP tlog-tiles)."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, select

from audit import tables
from audit.errors import Damaged
from audit.exported import frontier_of
from audit.notes import parse
from audit.tiles import CHECKPOINT, TILE_HEIGHT, TILE_WIDTH, Progress, bundle, tile_path
from audit.tree import GetHash, from_leaves, leaf_hash, root_of
from audit.volumes import volume_named

_PAGE = 1024


class Writer:
    """Writes leaves as bundles, and their hashes level by level as tiles, each when it is full.

    It begins after the first `size` leaves of a tree that `get_hash` knows, where a tile begins.
    """

    def __init__(self, directory: Path, get_hash: GetHash, size: int) -> None:
        if size % TILE_WIDTH:
            raise ValueError("Writing begins where a tile begins.")
        self._directory = directory
        self._leaves: list[bytes] = []
        self._open: list[list[bytes]] = []
        self._full: list[int] = []
        self.frontier = frontier_of(get_hash, size)
        level = 0
        while count := size >> TILE_HEIGHT * level:
            full = count // TILE_WIDTH
            positions = range(full * TILE_WIDTH, count)
            self._open.append([get_hash(TILE_HEIGHT * level, position) for position in positions])
            self._full.append(full)
            level += 1

    def add(self, leaf: bytes) -> None:
        """Add one leaf."""
        hashed = leaf_hash(leaf)
        self.frontier.append(hashed)
        self._add(0, hashed)
        self._leaves.append(leaf)
        if len(self._leaves) == TILE_WIDTH:
            self._write_bundle()

    def finish(self) -> None:
        """Write what is not full."""
        if self._leaves:
            self._write_bundle()
        for level, hashes in enumerate(self._open):
            if hashes:
                self._write_tile(level)

    def _add(self, level: int, hashed: bytes) -> None:
        if level == len(self._open):
            self._open.append([])
            self._full.append(0)
        self._open[level].append(hashed)
        if len(self._open[level]) == TILE_WIDTH:
            hashes = self._open[level]
            self._write_tile(level)
            self._open[level] = []
            self._full[level] += 1
            self._add(level + 1, root_of(hashes))

    def _write_tile(self, level: int) -> None:
        hashes = self._open[level]
        _write(self._directory, tile_path(level, self._full[level], len(hashes)), b"".join(hashes))

    def _write_bundle(self) -> None:
        number = (self.frontier.size - 1) // TILE_WIDTH
        _write(self._directory, tile_path("entries", number, len(self._leaves)), bundle(self._leaves))
        self._leaves = []


def _write(directory: Path, path: object, content: bytes) -> None:
    file = directory / str(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def leaves_between(connection: Connection, first: int, end: int, progress: Progress) -> Iterator[bytes]:
    """The leaves from `first` to before `end`; raises Damaged naming the first that is missing."""
    entries = tables.entries.c
    expected = first
    while expected < end:
        page = (
            select(entries.index, entries.leaf)
            .where(entries.index >= expected, entries.index < end)
            .order_by(entries.index)
            .limit(_PAGE)
        )
        rows = connection.execute(page).all()
        if not rows:
            raise Damaged(expected, "it is missing.")
        for index, leaf in rows:
            if index != expected or leaf is None:
                raise Damaged(expected, "it is missing.")
            expected += 1
            yield leaf
        progress(len(rows))


def export(connection: Connection, checkpoint_text: str, directory: Path, progress: Progress) -> None:
    """Write the entries that a checkpoint of a volume counts into a new directory; details never leave.

    The same ledger and checkpoint give the same files, byte for byte. The checkpoint is written last.
    Raises FileExistsError when the directory holds anything, NotVerified when the checkpoint is malformed or
    of no volume of this ledger, and Damaged when the ledger does not have the checkpoint's root.
    """
    checkpoint = parse(checkpoint_text)
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise FileExistsError("The directory for the export must be empty.")
    writer, first = (
        Writer(directory, from_leaves([]), 0),
        volume_named(connection, checkpoint.origin).first_index,
    )
    for leaf in leaves_between(connection, first, first + checkpoint.size, progress):
        writer.add(leaf)
    writer.finish()
    if writer.frontier.root() != checkpoint.root:
        raise Damaged(None, "The ledger's entries do not have the root that the checkpoint states.")
    _write(directory, CHECKPOINT, checkpoint_text.encode())
