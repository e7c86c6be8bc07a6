"""Where things lie in an export: the paths of C2SP tlog-tiles, and its bundles of entries."""

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

TILE_WIDTH = 256
TILE_HEIGHT = 8
CHECKPOINT = "checkpoint"
COSIGNED = "checkpoint.cosigned"
_PREFIX_BYTES = 2

Progress = Callable[[int], None]
"""Is told how many entries were just dealt with."""


def tile_path(level: int | str, number: int, width: int) -> PurePosixPath:
    """The path of a tile; `level` is "entries" for a bundle, `width` is how many items it has (1 to 256)."""
    digits = f"{number % 1000:03d}"
    while number >= 1000:
        number //= 1000
        digits = f"x{number % 1000:03d}/{digits}"
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return PurePosixPath(f"tile/{level}/{digits}{partial}")


_TILE_NAME = re.compile(r"([0-7])/((?:x[0-9]{3}/){0,3}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


def read_tile_name(name: str) -> tuple[int, int, int]:
    """Level, number and width of the hash tile of this path below `tile/`; raises ValueError."""
    match = _TILE_NAME.fullmatch(name)
    if match is None:
        raise ValueError("This is not the path of a hash tile.")
    level, number = int(match[1]), int(match[2].replace("x", "").replace("/", ""))
    width = int(match[3] or TILE_WIDTH)
    # Only one path leads to each tile: a number without needless parts, a full tile without its width.
    if str(tile_path(level, number, width)) != f"tile/{name}":
        raise ValueError("This is not the path of a hash tile.")
    return level, number, width


def tiles_of(count: int) -> Iterator[tuple[int, int]]:
    """The number and the width of every tile that `count` items fill."""
    for number in range(count // TILE_WIDTH):
        yield number, TILE_WIDTH
    if count % TILE_WIDTH:
        yield count // TILE_WIDTH, count % TILE_WIDTH


def bundle(leaves: list[bytes]) -> bytes:
    """Entries in one file, each behind its length, u16be."""
    return b"".join(len(leaf).to_bytes(_PREFIX_BYTES, "big") + leaf for leaf in leaves)


def unbundle(content: bytes) -> list[bytes]:
    """The entries of a bundle; raises ValueError when the last is cut off."""
    leaves = []
    at, end = 0, len(content)
    while at < end:
        length = content[at] << 8 | content[at + 1] if at + 1 < end else end
        at += _PREFIX_BYTES
        if at + length > end:
            raise ValueError("The bundle's last entry is cut off.")
        leaves.append(content[at : at + length])
        at += length
    return leaves
