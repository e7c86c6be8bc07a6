"""Acts that could not be recorded, counted in a file beside the data until the ledger can be told of them.

When the ledger cannot be written, the database cannot keep the count either. A disk that is full may refuse
the file too; the count then stays with the process until one of the two takes it.
"""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from audit.entries import timestamp

FILE = "interruptions"
LARGEST = 64 * 1024


@dataclass(frozen=True)
class Interruption:
    """From when to when nothing was recorded, and how many acts were refused or kept without their entry."""

    first: datetime
    last: datetime
    refused: int
    delayed: int

    def to_line(self) -> bytes:
        """One line of the file."""
        return f"{timestamp(self.first)} {timestamp(self.last)} {self.refused} {self.delayed}\n".encode()

    @classmethod
    def from_line(cls, line: bytes) -> "Interruption | None":
        """A line again; None for one that a full disk cut off."""
        try:
            first, last, refused, delayed = line.decode("ascii").split()
            return cls(
                datetime.fromisoformat(first), datetime.fromisoformat(last), int(refused), int(delayed)
            )
        except ValueError:
            return None


def together(one: Interruption | None, other: Interruption | None) -> Interruption | None:
    """Two as one."""
    if one is None or other is None:
        return one or other
    return Interruption(
        min(one.first, other.first),
        max(one.last, other.last),
        one.refused + other.refused,
        one.delayed + other.delayed,
    )


class Interruptions:
    """The count of one data folder, kept by all processes of the vault together."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._kept_back: Interruption | None = None
        self.can_be_told = False
        """Whether something was recorded since: then the ledger can be told of what was not."""

    def note(self, delayed: bool, now: datetime) -> None:
        """Count one act that was refused, or kept while its entry waits. It never fails."""
        with self._lock:
            one = Interruption(now, now, int(not delayed), int(delayed))
            self._kept_back = together(self._kept_back, one)
            self.can_be_told = False
            try:
                with self._held() as file:
                    if file is not None and self._kept_back is not None:
                        _add(file, self._kept_back)
                        self._kept_back = None
            except OSError:
                return  # The disk does not take it; this process keeps it.

    def recorded(self) -> None:
        """Something was recorded: whatever waits to be told can be told now."""
        if self._kept_back is not None or self._is_kept():
            self.can_be_told = True

    def tell(self, record: Callable[[Interruption], object]) -> bool:
        """Hand what waits to `record` and forget it once that returned; one process at a time.

        What `record` raises passes through, and then nothing is forgotten. Raises OSError.
        """
        if self._kept_back is None and not self._is_kept():
            return False  # Nothing waits, and no file is made by whoever only asks.
        with self._lock, self._held() as file:
            if file is None:
                return False  # Another process is telling of it.
            whole = together(_read(file), self._kept_back)
            if whole is not None:
                record(whole)
                os.ftruncate(file, 0)
            self._kept_back, self.can_be_told = None, False
            return whole is not None

    def _is_kept(self) -> bool:
        try:
            return self._path.stat().st_size > 0
        except OSError:
            return False

    @contextmanager
    def _held(self) -> Iterator[int | None]:
        """The file, held against other processes; None while another one holds it. Raises OSError."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            yield None
            return
        try:
            yield file
        finally:
            os.close(file)


def _read(file: int) -> Interruption | None:
    whole: Interruption | None = None
    for line in os.pread(file, os.fstat(file).st_size, 0).splitlines():
        whole = together(whole, Interruption.from_line(line))
    return whole


def _add(file: int, more: Interruption) -> None:
    """Add one line, or leave the file as it was; a long one becomes one line again. Raises OSError."""
    size = os.fstat(file).st_size
    if size > LARGEST:
        line = (together(_read(file), more) or more).to_line()
        os.pwrite(file, line, 0)  # Over what is there, which a full disk takes too.
        os.ftruncate(file, len(line))
        return
    line, written = more.to_line(), 0
    try:
        written = os.pwrite(file, line, size)
    finally:
        if written != len(line):
            os.ftruncate(file, size)
    if written != len(line):
        raise OSError("the disk took a part of the line only")
