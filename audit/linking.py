"""Verification of all volumes of an export, and of what joins them, from one pinned key.

The keys of any volume will do. Volumes after it are signed by the same keys under the next name, after their
hand-overs; volumes before it are vouched for by the entry that opens the one after each.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from audit.errors import Damaged, LedgerError, NotVerified
from audit.exported import files_in, read_published
from audit.handovers import HAND_OVERS, Keys, carry_over, read_hand_overs
from audit.joints import FinalTree, says_closed, says_opened
from audit.notes import COSIGNATURE, VerifierKey, read_verifier_keys
from audit.origins import origin_of, parted
from audit.tiles import Progress
from audit.verify import Report, read_leaf, shared_among, verify_volume

VOLUMES = "volumes"
"""The folder of an export that holds its closed volumes, each in a folder of its number."""


@dataclass(frozen=True)
class Volumes:
    """Where the volumes of an export lie, by number, in order; the last is the current one."""

    ledger: str
    folders: Mapping[int, Path]
    sizes: Mapping[int, int]  # as their checkpoints state them, not yet believed

    def first_index(self, number: int) -> int | None:
        """The index of the first entry of a volume; None when an earlier one is not there to count."""
        return sum(self.sizes[n] for n in range(1, number)) if 1 in self.folders else None


def volumes_of(directory: Path) -> Volumes:
    """Find the volumes of an export; raises NotVerified when a folder holds another than its name says."""
    current = read_published(files_in(directory))
    ledger, last = parted(current.origin)
    beside = directory / VOLUMES
    names = [path.name for path in beside.iterdir()] if beside.is_dir() else []
    folders = {int(name): beside / name for name in names if name.isascii() and name.isdecimal()}
    folders = dict(sorted(folders.items()))
    sizes = {}
    for number, folder in folders.items():
        try:
            found = read_published(files_in(folder))
        except NotVerified as error:
            raise NotVerified(f"Volume {number}: {error}") from None
        if found.origin != origin_of(ledger, number) or number >= last:
            raise NotVerified(f"Volume {number}: its folder holds the checkpoint of {found.origin}.")
        sizes[number] = found.size
    for number in range(min(folders, default=last), last):
        if number not in folders:
            raise NotVerified(f"Volume {number} is missing from the export.")
    return Volumes(ledger, {**folders, last: directory}, {**sizes, last: current.size})


def verify_ledger(directory: Path, vkey: str, progress: Progress, processes: int) -> list[Report]:
    """Prove every volume of an export, and that each goes on where the one before ended; oldest first.

    Raises NotVerified and Damaged with one line; where there are several volumes it names the one at fault.
    """
    volumes, pinned = volumes_of(directory), read_verifier_keys(vkey)
    begin = _pinned_volume(volumes, pinned)
    with shared_among(processes) as pool:
        if len(volumes.folders) == 1:
            return [verify_volume(directory, pinned, progress, pool)]
        return _verify_each(volumes, begin, pinned, progress, pool)


def _verify_each(
    volumes: Volumes, begin: int, pinned: Sequence[VerifierKey], progress: Progress, pool: Executor | None
) -> list[Report]:
    reports: list[Report] = []
    last = max(volumes.folders)
    witnesses = tuple(key for key in pinned if key.kind == COSIGNATURE)
    keys: Keys = tuple(key for key in pinned if key.kind != COSIGNATURE)
    for number, folder in volumes.folders.items():
        try:
            asked = None if number < begin else keys + (witnesses if number == last else ())
            report = verify_volume(folder, asked, progress, pool)
            if number >= begin:
                keys = carry_over(
                    keys, read_hand_overs(folder / HAND_OVERS), origin_of(volumes.ledger, number + 1)
                )
            if reports:
                _check_joined(volumes, number, reports[-1])
        except Damaged as error:
            index = None if error.index is None else error.index + (volumes.first_index(number) or 0)
            where = "" if index is None else f"Entry {index:,}: "
            raise Damaged(None, f"Volume {number}: {where}{error.what}") from error
        except LedgerError as error:
            raise NotVerified(f"Volume {number}: {error}") from error
        reports.append(report)
    return reports


def _check_joined(volumes: Volumes, number: int, earlier: Report) -> None:
    """Check the last entry of one volume and the first of the next against the tree that was verified."""
    folder, before = volumes.folders[number], volumes.folders[number - 1]
    if not says_closed(read_leaf(before, earlier.size - 1, earlier.size), origin_of(volumes.ledger, number)):
        raise NotVerified(f"the last entry of volume {number - 1} does not close it and name this one.")
    opening = read_leaf(folder, 0, volumes.sizes[number])
    final = FinalTree(earlier.origin, earlier.size, earlier.root)
    if not says_opened(opening, number, volumes.first_index(number), final):
        raise NotVerified(
            f"its first entry names another end of volume {number - 1} than the one in the export."
        )


def _pinned_volume(volumes: Volumes, pinned: Sequence[VerifierKey]) -> int:
    """The volume whose keys were pinned; raises NotVerified when it is not in the export."""
    named = {key.name for key in pinned if key.kind != COSIGNATURE}
    if len(named) > 1:
        raise NotVerified("The keys that were given are of different volumes or ledgers. Give those of one.")
    for name in named:
        ledger, number = parted(name)
        if ledger != volumes.ledger:
            raise NotVerified(f"The key of {name} is not one of the log {volumes.ledger}.")
        if number not in volumes.folders:
            raise NotVerified(f"Volume {number}, whose key was given, is missing from the export.")
        return number
    return max(volumes.folders)


def count_all(directory: Path) -> int:
    """How many entries the checkpoints of an export state, not yet believed; raises NotVerified."""
    return sum(volumes_of(directory).sizes.values())


def folder_of(volumes: Volumes, index: int) -> tuple[Path, int]:
    """The folder of the volume that an entry is in, and its place there; raises NotVerified."""
    if 1 not in volumes.folders:
        raise NotVerified("The export lacks its first volume, so that its entries cannot be counted.")
    for number, folder in volumes.folders.items():
        first = volumes.first_index(number) or 0
        if index < first + volumes.sizes[number]:
            return folder, index - first
    raise NotVerified(f"The export has no entry {index:,}: it has {sum(volumes.sizes.values()):,}.")
