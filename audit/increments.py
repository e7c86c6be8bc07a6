"""Exports that go on where an earlier one ended: only what is new is read and written.

The earlier export is not believed: the tree grows from its own hashes, so that a folder or a ledger of which
anything was changed does not come out at the root that the notary signed.
"""

import contextlib
import os
from pathlib import Path

from sqlalchemy import Connection

from audit.durable import PUBLIC, write_whole
from audit.errors import Damaged, NotVerified
from audit.export import Writer, leaves_between
from audit.exported import files_in, frontier_of, hashes_of, read_checkpoint
from audit.notes import Checkpoint, parse
from audit.tiles import CHECKPOINT, TILE_HEIGHT, TILE_WIDTH, Progress, tile_path
from audit.tree import Frontier, leaf_hash
from audit.volumes import volume_named

_NOT_CONTINUED = (
    "The ledger does not continue the export in this folder: one of the two was changed. Keep both."
)


def kept_size(directory: Path, since: int | None) -> int:
    """How many entries of the export in a folder are kept: `since`, or as many as it has (None).

    Raises NotVerified when there is no export, or a smaller one.
    """
    earlier = read_checkpoint(files_in(directory))
    kept = earlier.size if since is None else since
    if not 0 <= kept <= earlier.size:
        raise NotVerified(f"The export in this folder has {earlier.size:,} entries, not {kept:,}.")
    return kept


def extend(
    connection: Connection, checkpoint_text: str, directory: Path, since: int, progress: Progress
) -> None:
    """Bring the export in a folder to a newer checkpoint, keeping its first `since` entries.

    Afterwards the folder is, byte for byte, what an export of everything would be. Broken off at any moment,
    it still is the earlier export, and the same call goes on. Raises NotVerified when the folder is no export
    or does not fit its own checkpoint, and Damaged when the ledger does not continue it.
    """
    checkpoint, earlier = parse(checkpoint_text), read_checkpoint(files_in(directory))
    if earlier.origin != checkpoint.origin:
        raise NotVerified(f"The export in this folder is of another log, {earlier.origin}.")
    if earlier.size > checkpoint.size:
        raise Damaged(
            None, "The ledger that was signed is smaller than the export in this folder. Keep both."
        )
    get_hash = hashes_of(files_in(directory), earlier.size)
    if frontier_of(get_hash, earlier.size).root() != earlier.root:
        raise NotVerified("The tiles in this folder do not have the root that its checkpoint states.")
    since = kept_size(directory, since)
    first, begins = since - since % TILE_WIDTH, volume_named(connection, checkpoint.origin).first_index
    _check_continued(connection, begins, frontier_of(get_hash, first), earlier)
    writer = Writer(directory, get_hash, first)
    for leaf in leaves_between(connection, begins + first, begins + checkpoint.size, progress):
        writer.add(leaf)
    writer.finish()
    if writer.frontier.root() != checkpoint.root:
        raise Damaged(None, "The ledger's entries do not have the root that the checkpoint states.")
    # The checkpoint must not reach the disk before what it counts.
    os.sync()
    write_whole(directory / CHECKPOINT, checkpoint_text.encode(), PUBLIC)
    _drop_outgrown(directory, checkpoint.size)


def _check_continued(connection: Connection, begins: int, frontier: Frontier, earlier: Checkpoint) -> None:
    """Before anything is written over: do the ledger's own leaves lead to the earlier export's root?"""
    first, end = begins + frontier.size, begins + earlier.size
    for leaf in leaves_between(connection, first, end, lambda _count: None):
        frontier.append(leaf_hash(leaf))
    if frontier.root() != earlier.root:
        raise Damaged(None, _NOT_CONTINUED)


def _drop_outgrown(directory: Path, size: int) -> None:
    """Remove partial tiles that the newer checkpoint does not count."""
    widths = {"entries": size} | {str(level): size >> TILE_HEIGHT * level for level in range(8)}
    for folder in sorted(directory.glob("tile/**/*.p")):
        level = folder.relative_to(directory).parts[1]
        number, width = divmod(widths.get(level, 0), TILE_WIDTH)
        wanted = directory / str(tile_path(level, number, width)) if width else None
        for path in folder.iterdir():
            if path != wanted:
                path.unlink()
        with contextlib.suppress(OSError):
            folder.rmdir()
