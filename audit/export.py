"""The ledger as files that any reader of transparency logs understands (C2SP tlog-tiles)."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, select

from audit import tables
from audit.errors import Damaged
from audit.notes import parse
from audit.tiles import CHECKPOINT, TILE_WIDTH, Progress, bundle, tile_path
from audit.tree import Frontier, leaf_hash, root_of

_PAGE = 1024


class _Tiles:
    """Collects hashes level by level and writes each tile when it is full."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._open: list[list[bytes]] = []
        self._full: list[int] = []

    def add(self, level: int, hashed: bytes) -> None:
        if level == len(self._open):
            self._open.append([])
            self._full.append(0)
        self._open[level].append(hashed)
        if len(self._open[level]) == TILE_WIDTH:
            hashes = self._open[level]
            self._write(level)
            self._open[level] = []
            self._full[level] += 1
            self.add(level + 1, root_of(hashes))

    def finish(self) -> None:
        for level, hashes in enumerate(self._open):
            if hashes:
                self._write(level)

    def _write(self, level: int) -> None:
        hashes = self._open[level]
        _write(self._directory, tile_path(level, self._full[level], len(hashes)), b"".join(hashes))


def _write(directory: Path, path: object, content: bytes) -> None:
    file = directory / str(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def _leaves(connection: Connection, size: int) -> Iterator[bytes]:
    entries = tables.entries.c
    expected = 0
    while expected < size:
        page = (
            select(entries.index, entries.leaf)
            .where(entries.index >= expected, entries.index < size)
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


def export(connection: Connection, checkpoint_text: str, directory: Path, progress: Progress) -> None:
    """Write the entries that a checkpoint counts into a new directory; details are never exported.

    The same ledger and checkpoint give the same files, byte for byte. The checkpoint is written last.
    Raises FileExistsError when the directory holds anything, NotVerified when the checkpoint is malformed,
    and Damaged when the ledger does not have the checkpoint's root.
    """
    checkpoint = parse(checkpoint_text)
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise FileExistsError("The directory for the export must be empty.")
    tiles, frontier, leaves = _Tiles(directory), Frontier(), list[bytes]()
    for leaf in _leaves(connection, checkpoint.size):
        hashed = leaf_hash(leaf)
        tiles.add(0, hashed)
        frontier.append(hashed)
        leaves.append(leaf)
        if len(leaves) == TILE_WIDTH or frontier.size == checkpoint.size:
            number = (frontier.size - 1) // TILE_WIDTH
            _write(directory, tile_path("entries", number, len(leaves)), bundle(leaves))
            progress(len(leaves))
            leaves = []
    tiles.finish()
    if frontier.root() != checkpoint.root:
        raise Damaged(None, "The ledger's entries do not have the root that the checkpoint states.")
    _write(directory, CHECKPOINT, checkpoint_text.encode())
