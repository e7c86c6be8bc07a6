"""Reading an export, or whatever else gives the files of C2SP tlog-tiles by their paths."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG

from audit.errors import NotVerified
from audit.notes import Checkpoint, parse
from audit.tiles import CHECKPOINT, COSIGNED, TILE_HEIGHT, TILE_WIDTH, tile_path
from audit.tree import HASH_BYTES, Frontier, GetHash, root_of

Read = Callable[[str], bytes]
"""Gives the content of the file of this path; raises FileNotFoundError when there is none."""

_KEPT_TILES = 64
LARGEST_FILE = TILE_WIDTH * (2 + 0xFFFF)
"""How long a bundle can be, the longest of all files: each entry behind a length of two bytes."""


def read_file(path: Path) -> bytes:
    """A file that somebody else made, whole; raises FileNotFoundError, and NotVerified for no ordinary file.

    What is larger than any file of an export, or never ends, is not read.
    """
    found = path.stat()
    if not S_ISREG(found.st_mode):
        raise NotVerified(f"What lies at {path.name} is not a file.")
    if found.st_size > LARGEST_FILE:
        raise NotVerified(f"The file {path.name} is larger than any that belongs to a ledger.")
    return path.read_bytes()


def files_in(directory: Path) -> Read:
    """Read the files of a folder, as `read_file` does."""

    def read(path: str) -> bytes:
        try:
            return read_file(directory / path)
        except NotADirectoryError:
            raise FileNotFoundError(path) from None

    return read


def read_tile(read: Read, level: int | str, number: int, width: int) -> bytes:
    """A tile, or the beginning of the full one where only that is kept; of bundles the whole file.

    Raises FileNotFoundError.
    """
    for held in dict.fromkeys((width, TILE_WIDTH)):
        try:
            content = read(str(tile_path(level, number, held)))
        except FileNotFoundError:
            continue
        return content if held == width or level == "entries" else content[: width * HASH_BYTES]
    raise FileNotFoundError(str(tile_path(level, number, width)))


def read_published(read: Read) -> Checkpoint:
    """The checkpoint as the notary signed it, not yet believed; raises NotVerified."""
    try:
        return parse(read(CHECKPOINT).decode())
    except FileNotFoundError:
        raise NotVerified("This is not an export of a ledger: it has no checkpoint.") from None
    except UnicodeDecodeError:
        raise NotVerified("The checkpoint is not text.") from None


def read_checkpoint(read: Read) -> Checkpoint:
    """The checkpoint, with the cosignatures that lie beside it, not yet believed; raises NotVerified."""
    checkpoint = read_published(read)
    try:
        cosigned = parse(read(COSIGNED).decode())
    except (FileNotFoundError, UnicodeDecodeError, NotVerified):
        return checkpoint
    # A witness that saw an earlier tree says nothing about this one.
    return cosigned if cosigned.body == checkpoint.body else checkpoint


def _hashes(content: bytes) -> list[bytes]:
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def _tile(read: Read, size: int, level: int, number: int) -> list[bytes]:
    """The hashes of one tile of a tree of `size` leaves; raises NotVerified."""
    width = min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - number * TILE_WIDTH)
    try:
        content = read_tile(read, level, number, width)
    except FileNotFoundError:
        raise NotVerified(f"The tile {tile_path(level, number, width)} is missing.") from None
    if len(content) != width * HASH_BYTES:
        raise NotVerified(f"The tile {tile_path(level, number, width)} has the wrong length.")
    return _hashes(content)


def hashes_of(read: Read, size: int) -> GetHash:
    """The hash of any complete subtree of a tree of `size` leaves, from its tiles, which are not believed.

    Whoever uses it must check the proof made of it. What is returned raises NotVerified for a missing tile.
    """

    @lru_cache(maxsize=_KEPT_TILES)
    def tile(level: int, number: int) -> list[bytes]:
        return _tile(read, size, level, number)

    def get_hash(level: int, position: int) -> bytes:
        tile_level, within = divmod(level, TILE_HEIGHT)
        number, first = divmod(position << within, TILE_WIDTH)
        return root_of(tile(tile_level, number)[first : first + (1 << within)])

    return get_hash


def frontier_of(get_hash: GetHash, size: int) -> Frontier:
    """The right edge of the tree of `size` leaves, largest subtree first."""
    frontier = Frontier()
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            frontier.append_subtree(level, get_hash(level, frontier.size >> level))
    return frontier
