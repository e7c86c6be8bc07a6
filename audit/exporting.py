"""The export of all volumes: the current one in the folder itself, each closed one under `volumes/` in it.

What other readers of transparency logs find in the folder is the current volume, a log like any other.
"""

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from audit.errors import NotVerified
from audit.export import export
from audit.exported import files_in, read_published
from audit.handovers import HAND_OVERS
from audit.increments import extend
from audit.linking import VOLUMES
from audit.notes import Checkpoint
from audit.origins import parted
from audit.tiles import CHECKPOINT, COSIGNED, Progress

_OF_ONE_VOLUME = (CHECKPOINT, COSIGNED, HAND_OVERS, "notary.vkey")


def kept_in(directory: Path, since: int | None) -> int:
    """How many entries of an export are kept, all volumes counted: `since`, or as many as it has.

    Raises NotVerified when there is no export, or a smaller one.
    """
    sizes = [found.size for found in _closed_in(directory).values()]
    current = _current_in(directory)
    if current is None and not sizes:
        raise NotVerified("This is not an export of a ledger: it has no checkpoint.")
    size = sum(sizes) + (0 if current is None else current.size)
    kept = size if since is None else since
    if not 0 <= kept <= size:
        raise NotVerified(f"The export in this folder has {size:,} entries, not {kept:,}.")
    return kept


def export_volumes(
    connection: Connection, checkpoints: Sequence[Checkpoint], directory: Path, progress: Progress
) -> None:
    """Write every volume into a new folder; `checkpoints` has the final one of each, then the current.

    Raises FileExistsError when the folder holds anything, and what `export` raises.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise FileExistsError("The directory for the export must be empty.")
    *closed, current = checkpoints
    for one in closed:
        _export_closed(connection, one, directory, progress)
    _export_current(connection, current, directory, progress)


def extend_volumes(
    connection: Connection,
    checkpoints: Sequence[Checkpoint],
    directory: Path,
    since: int,
    progress: Progress,
) -> None:
    """Bring the export in a folder to the newest checkpoints, keeping its first `since` entries.

    A volume that was closed meanwhile is finished where it lies and moves under `volumes/`. Broken off at any
    moment, what was exported is still there, and the same call goes on. Raises what `extend` raises.
    """
    *closed, current = checkpoints
    there, first = _current_in(directory), 0
    if there is None:
        kept_in(directory, since)
    for one in closed:
        keep = max(0, min(one.size, since - first))
        first += one.size
        if there is not None and there.origin == one.origin:
            extend(connection, one.text, directory, min(keep, there.size), progress)
            _move_closed(directory, one)
            there = None
        elif keep < one.size or not _is_there(directory, one):
            _export_closed(connection, one, directory, progress)
    if there is not None:
        extend(connection, current.text, directory, max(0, min(there.size, since - first)), progress)
    else:
        _clear(directory)
        _export_current(connection, current, directory, progress)


def folder_of_volume(directory: Path, checkpoints: Sequence[Checkpoint], number: int) -> Path:
    """Where one volume of an export lies."""
    return directory if number == len(checkpoints) else directory / VOLUMES / str(number)


def _current_in(directory: Path) -> Checkpoint | None:
    """The checkpoint in the folder itself; none while a volume that was closed moves."""
    return read_published(files_in(directory)) if (directory / CHECKPOINT).exists() else None


def _closed_in(directory: Path) -> dict[int, Checkpoint]:
    beside = directory / VOLUMES
    folders = [path for path in beside.iterdir() if path.name.isdecimal()] if beside.is_dir() else []
    return {int(path.name): read_published(files_in(path)) for path in folders}


def _is_there(directory: Path, checkpoint: Checkpoint) -> bool:
    found = _closed_in(directory).get(parted(checkpoint.origin)[1])
    return found is not None and found.body == checkpoint.body


def _beside(directory: Path, checkpoint: Checkpoint) -> tuple[Path, Path]:
    """Where a closed volume lies, and an empty folder in which it is made first."""
    number = parted(checkpoint.origin)[1]
    made = directory / VOLUMES / f".{number}.new"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    return directory / VOLUMES / str(number), made


def _put_in_place(made: Path, place: Path) -> None:
    os.sync()
    shutil.rmtree(place, ignore_errors=True)
    made.rename(place)


def _export_closed(connection: Connection, closed: Checkpoint, directory: Path, progress: Progress) -> None:
    place, made = _beside(directory, closed)
    export(connection, closed.text, made, progress)
    _put_in_place(made, place)


def _move_closed(directory: Path, closed: Checkpoint) -> None:
    """Put the volume that lies in the folder itself among the closed ones."""
    place, made = _beside(directory, closed)
    for name in _OF_ONE_VOLUME:
        if (directory / name).exists():
            shutil.copy2(directory / name, made / name)
    if (directory / "tile").is_dir():
        shutil.copytree(directory / "tile", made / "tile", copy_function=_link)
    _put_in_place(made, place)
    _clear(directory)


def _link(source: str, target: str) -> None:
    """Give a file a second name, or copy it where the disk cannot."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _clear(directory: Path) -> None:
    """Empty the folder of the volume that was its current one; its checkpoint goes first."""
    for name in _OF_ONE_VOLUME:
        with contextlib.suppress(FileNotFoundError):
            (directory / name).unlink()
    shutil.rmtree(directory / "tile", ignore_errors=True)


def _export_current(connection: Connection, current: Checkpoint, directory: Path, progress: Progress) -> None:
    """Write the current volume beside the closed ones; its checkpoint comes last and makes it an export."""
    made = directory / ".current.new"
    shutil.rmtree(made, ignore_errors=True)
    export(connection, current.text, made, progress)
    os.sync()
    if (made / "tile").exists():
        (made / "tile").rename(directory / "tile")
    (made / CHECKPOINT).rename(directory / CHECKPOINT)
    made.rmdir()
