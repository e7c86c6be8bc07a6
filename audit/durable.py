"""Files of which a reader, or a crash, finds either the old content or the new one, never a part."""

import os
from pathlib import Path

PUBLIC, PRIVATE = 0o644, 0o600


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Replace a file at once, and return when the disk has it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    with beside.open("wb") as file:
        os.fchmod(
            file.fileno(), mode
        )  # Whatever the account's mask says, others must read what is published.
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that must not be there yet; raises FileExistsError rather than replace any."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Return when the disk has the names in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
