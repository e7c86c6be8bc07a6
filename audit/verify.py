"""Verification of an export: recomputes every hash, the root and the signatures, from the files alone."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from operator import lt
from pathlib import Path

from audit.entries import Entry
from audit.errors import Damaged, InvalidEntry, NotVerified
from audit.exported import files_in, read_checkpoint, read_published, read_tile
from audit.form import check_form
from audit.handovers import HAND_OVERS, HandOver, Keys, check_signed, read_hand_overs
from audit.joints import CLOSED, OPENED
from audit.names import Names
from audit.notes import COSIGNATURE, Checkpoint, VerifierKey, read_verifier_keys
from audit.origins import parted
from audit.tiles import TILE_HEIGHT, TILE_WIDTH, Progress, tiles_of, unbundle
from audit.tree import HASH_BYTES, Frontier, halve, leaf_hash

__all__ = ["Report", "count_entries", "verify", "verify_in_parallel"]

# Few leaves have it, in whatever place; those are read.
_JOINT = b'"event":"ledger-volume-'


@dataclass(frozen=True)
class Report:
    """What was proved: so many entries with this root, signed by these keys ("name (algorithm)").

    `earlier` lists entries whose time lies before that of the entry in front of them. Entries are ordered
    by index and times may overlap by moments; a long step back means that the clock was set back.
    `hand_overs` counts how often the notary's keys were replaced. `first_index` is where the volume begins in
    the ledger, and `closed` names the log that follows it, where it was closed.
    """

    origin: str
    size: int
    root: bytes
    signers: tuple[str, ...]
    earlier: tuple[int, ...]
    hand_overs: int
    first_index: int
    closed: str | None


@dataclass(frozen=True)
class _Checked:
    """One bundle whose entries are in form and have the hashes of its tile; small, for it is handed on."""

    hashes: list[bytes]
    count: int
    names: bytes  # the ids as they are written, one behind the other
    rising: bool  # whether each id is greater than the one in front of it
    first_time: bytes
    last_time: bytes
    earlier: list[int]
    joints: list[int]  # entries that close or open a volume


@dataclass
class _Seen:
    """What is remembered from one bundle to the next."""

    names: Names = field(default_factory=Names)
    time: bytes = b""
    earlier: list[int] = field(default_factory=list)
    joints: list[int] = field(default_factory=list)

    def add(self, first: int, checked: _Checked) -> None:
        copied = self.names.add(checked.names, checked.rising)
        if copied is not None:
            raise Damaged(first + copied, "it is the copy of an earlier entry.")
        if checked.first_time < self.time:
            self.earlier.append(first)
        self.earlier += checked.earlier
        self.joints += checked.joints
        self.time = checked.last_time


def _read(directory: Path, level: int | str, number: int, width: int) -> bytes:
    return read_tile(files_in(directory), level, number, width)


def _bundle(directory: Path, number: int, width: int) -> list[bytes]:
    first = number * TILE_WIDTH
    try:
        leaves = unbundle(_read(directory, "entries", number, width))
    except FileNotFoundError:
        raise Damaged(first, "it is missing, with its whole bundle.") from None
    except ValueError:
        raise Damaged(first, "its bundle is cut off or malformed.") from None
    if len(leaves) not in (width, TILE_WIDTH):
        raise Damaged(
            first + min(len(leaves), width), "its bundle has more or fewer entries than the ledger."
        )
    return leaves[:width]


def _check_tile(directory: Path, level: int, number: int, hashes: list[bytes]) -> None:
    """Compare what was recomputed with the tile that was exported."""
    span = 1 << TILE_HEIGHT * level
    first = number * TILE_WIDTH * span
    try:
        content = _read(directory, level, number, len(hashes))
    except FileNotFoundError:
        raise Damaged(first, "the tile of its hashes is missing.") from None
    if content == b"".join(hashes):
        return
    for position, hashed in enumerate(hashes):
        if content[position * HASH_BYTES : (position + 1) * HASH_BYTES] != hashed:
            at = first + position * span
            if level == 0:
                raise Damaged(at, "it is not what was written: its hash is not the one in the tree.")
            raise Damaged(at, f"it, or one of the {span - 1:,} after it, is not what was written.")
    raise Damaged(first, "the tile of its hashes has the wrong length.")


def _tile_root(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = halve(hashes)
    return hashes[0]


def _check_upper_tiles(directory: Path, roots: list[bytes]) -> None:
    """Recompute and compare every level above the leaves; `roots` are those of the full tiles of level 0."""
    level = 1
    while roots:
        above = []
        for number, width in tiles_of(len(roots)):
            hashes = roots[number * TILE_WIDTH : number * TILE_WIDTH + width]
            _check_tile(directory, level, number, hashes)
            if width == TILE_WIDTH:
                above.append(_tile_root(hashes))
        roots, level = above, level + 1


def check_bundle(directory: Path, number: int, width: int) -> _Checked:
    """Check the entries of one bundle and its tile, apart from all others; raises Damaged."""
    first = number * TILE_WIDTH
    leaves = _bundle(directory, number, width)
    hashes = [leaf_hash(leaf) for leaf in leaves]
    _check_tile(directory, 0, number, hashes)
    names, times, joints = [], [], []
    for index, leaf in enumerate(leaves, first):
        try:
            name, time = check_form(leaf)
        except InvalidEntry as error:
            raise Damaged(index, "it is not in the form of an entry.") from error
        names.append(name)
        times.append(time)
        if _JOINT in leaf:
            joints.append(index)
    earlier = [index for index, (before, time) in enumerate(pairwise(times), first + 1) if time < before]
    # A full tile is passed on as the one hash that it contributes to the level above.
    passed_on = [_tile_root(hashes)] if width == TILE_WIDTH else hashes
    rising = all(map(lt, names, names[1:]))
    return _Checked(passed_on, width, b"".join(names), rising, times[0], times[-1], earlier, joints)


def _join(directory: Path, bundles: Iterable[_Checked], progress: Progress) -> tuple[Frontier, _Seen]:
    """Put checked bundles, in order, together to the tree that they make."""
    frontier, seen, roots = Frontier(), _Seen(), list[bytes]()
    for checked in bundles:
        seen.add(frontier.size, checked)
        if checked.count == TILE_WIDTH:
            roots += checked.hashes
            frontier.append_subtree(TILE_HEIGHT, roots[-1])
        else:
            for hashed in checked.hashes:
                frontier.append(hashed)
        progress(checked.count)
    _check_upper_tiles(directory, roots)
    return frontier, seen


def _check_hand_overs(directory: Path, hand_overs: list[HandOver], size: int) -> None:
    """Compare the trees that hand-overs state with what the entries, which were checked, give."""
    kept = dict(tiles_of(size))
    for one in hand_overs:
        if one.size > size:
            raise NotVerified(f"Hand-over {one.number} tells of more entries than the export has.")
        frontier = Frontier()
        for number, width in tiles_of(one.size):
            hashes = _read(directory, 0, number, kept[number])
            for start in range(0, width * HASH_BYTES, HASH_BYTES):
                frontier.append(hashes[start : start + HASH_BYTES])
        if frontier.root() != one.root:
            raise NotVerified(f"Hand-over {one.number} tells of other entries than the export has.")


def read_leaf(directory: Path, index: int, size: int) -> bytes:
    """One entry of an export of `size` entries, as its bundle has it; raises Damaged."""
    number, position = divmod(index, TILE_WIDTH)
    return _bundle(directory, number, min(TILE_WIDTH, size - number * TILE_WIDTH))[position]


def _check_joints(directory: Path, checkpoint: Checkpoint, joints: Iterable[int]) -> tuple[int, str | None]:
    """Where the volume says that it begins, and which log follows it.

    Only the last entry of a volume closes it, and the first of any but the first volume opens it.
    """
    size, number = checkpoint.size, parted(checkpoint.origin)[1]
    begins, closed = None if number > 1 else 0, None
    for index in joints:
        entry = Entry.from_canonical(read_leaf(directory, index, size))
        if entry.event == CLOSED and index != size - 1:
            raise Damaged(index, "it closes the volume and is not its last.")
        if entry.event == OPENED and (index != 0 or number == 1):
            raise Damaged(index, "it opens a volume and is not the first of one.")
        if entry.event == OPENED:
            told = entry.facts.get("first-index")
            begins = told if isinstance(told, int) else 0
        if entry.event == CLOSED:
            closed = str(entry.facts.get("next-origin"))
    if begins is None:
        raise Damaged(0, f"it is the first of volume {number} and does not open it.")
    return begins, closed


def _check_published(directory: Path, pinned: Sequence[VerifierKey], hand_overs: list[HandOver]) -> Keys:
    """Check the signatures on the checkpoint and on what is cosigned beside it; raises NotVerified."""
    read = files_in(directory)
    checkpoint, published = read_checkpoint(read), read_published(read)
    if published != checkpoint:
        # A cosigned note beside it must not hide that the notary's own was spoilt.
        check_signed(published, [key for key in pinned if key.kind != COSIGNATURE], hand_overs)
    return check_signed(checkpoint, pinned, hand_overs)


def verify_volume(
    directory: Path, pinned: Sequence[VerifierKey] | None, progress: Progress, pool: Executor | None
) -> Report:
    """Prove that a folder holds one volume of a ledger as it was signed by the pinned keys.

    With None nobody's signature is asked for: then the caller must know the root from elsewhere.
    Raises NotVerified and Damaged.
    """
    checkpoint, hand_overs = read_published(files_in(directory)), read_hand_overs(directory / HAND_OVERS)
    keys = () if pinned is None else _check_published(directory, pinned, hand_overs)
    check, tiles = partial(check_bundle, directory), list(tiles_of(checkpoint.size))
    numbers, widths = (list(column) for column in zip(*tiles, strict=True)) if tiles else ([], [])
    bundles = map(check, numbers, widths) if pool is None else pool.map(check, numbers, widths, chunksize=8)
    frontier, seen = _join(directory, bundles, progress)
    if frontier.root() != checkpoint.root:
        raise Damaged(None, "The entries agree with each other, but they are not the ones that were signed.")
    begins, closed = _check_joints(directory, checkpoint, seen.joints)
    _check_hand_overs(directory, hand_overs, checkpoint.size)
    signers = tuple(f"{key.name} ({key.algorithm})" for key in keys)
    earlier = tuple(seen.earlier)
    size, root = checkpoint.size, checkpoint.root
    return Report(checkpoint.origin, size, root, signers, earlier, len(hand_overs), begins, closed)


def verify(directory: Path, vkey: str, progress: Progress) -> Report:
    """Prove that an export of one volume is all of it that was signed.

    `vkey` holds one verifier key a line; every one must have signed, or have handed over to keys that did.
    Raises NotVerified when the checkpoint is missing, malformed or not signed by them, and Damaged naming the
    first wrong entry.
    """
    return verify_volume(directory, read_verifier_keys(vkey), progress, None)


@contextmanager
def shared_among(processes: int) -> Iterator[Executor | None]:
    """Processes to share a verification out among, None for one; not for a program that has threads."""
    if processes < 2:
        yield None
        return
    with ProcessPoolExecutor(processes) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def verify_in_parallel(directory: Path, vkey: str, progress: Progress, processes: int) -> Report:
    """What `verify` does, shared out among processes."""
    with shared_among(processes) as pool:
        return verify_volume(directory, read_verifier_keys(vkey), progress, pool)


def count_entries(directory: Path) -> int:
    """How many entries the checkpoint of an export states, not yet believed; raises NotVerified."""
    return read_checkpoint(files_in(directory)).size
