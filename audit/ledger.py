"""The ledger as the vault uses it: pend a change, weave a look, settle, find."""

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.orm import Session

from audit import tables
from audit.entries import Details, Entry
from audit.errors import InvalidEntry, LedgerDelayed, LedgerUnavailable
from audit.finding import Finding, Woven
from audit.heads import Leaf
from audit.joints import FinalTree
from audit.locking import own_engine
from audit.tables import create_all, guards, metadata
from audit.tree import EMPTY_ROOT
from audit.volumes import Beginning
from audit.weaver import Waiting, Weaver

__all__ = ["Head", "Ledger", "Receipt", "Woven", "create_all", "guards", "metadata"]


@dataclass(frozen=True)
class Receipt:
    """Where an entry stands in the ledger; the first entry has index 0."""

    index: int
    entry: UUID


@dataclass(frozen=True)
class Head:
    """The newest head: how many entries the ledger has, and the root and right edge of its current volume."""

    size: int
    root: bytes
    frontier: bytes


def _leaf(entry: Entry, details: Details | None) -> Leaf:
    if entry.details != (None if details is None else details.commitment):
        raise InvalidEntry("The entry does not commit to its details.")
    return Leaf(entry, entry.canonical(), None if details is None else details.sealed)


class Ledger(Finding):
    """The append-only record of one database, written by one weaver thread in each process.

    Neither `weave` nor `settle` may be called while the caller's own transaction holds SQLite's write lock:
    the weaver would wait for it until the time is out.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._weaver: Weaver | None = None
        self._closed = False
        _LEDGERS.add(self)

    def pend(self, connection: Connection | Session, entry: Entry, details: Details | None) -> None:
        """Add an entry to the caller's transaction: the change and its entry commit together or not at all.

        Call `settle` after the commit and before anything is answered. Raises InvalidEntry.
        """
        leaf = _leaf(entry, details)
        row = {"id": entry.id, "leaf": leaf.canonical, "details": leaf.details}
        connection.execute(insert(tables.pending).values(row))

    def weave(self, entries: Sequence[tuple[Entry, Details | None]], timeout: float) -> list[Receipt]:
        """Record entries now; when this returns they are durable and in the tree.

        Raises LedgerUnavailable within `timeout` seconds, and then nothing that rests on them may be shown.
        Weaving the same entry again gives the first receipt.
        """
        leaves = [_leaf(entry, details) for entry, details in entries]
        waiting = Waiting(leaves, (), time.monotonic() + timeout)
        return self._receipts(waiting, LedgerUnavailable("The ledger did not answer in time."))

    def settle(self, ids: Sequence[UUID], timeout: float) -> list[Receipt]:
        """Wait until entries that the caller pended and committed are woven; with no ids, until none wait.

        Raises LedgerDelayed: the change stands, and its entry is woven as soon as the ledger can be written.
        """
        waiting = Waiting((), tuple(ids), time.monotonic() + timeout)
        return self._receipts(waiting, LedgerDelayed("The ledger did not answer in time."))

    def begin_volume(
        self,
        number: int,
        origin: str,
        closing: Entry,
        opening: Callable[[int, FinalTree], Entry],
        timeout: float,
    ) -> int:
        """Close the current volume with one entry and open volume `number` with another, or do neither.

        `origin` names the ledger, as its first volume is named. `opening` is called while the ledger is
        locked, with the index of the entry that it makes and the final tree that the entry must name
        (`audit.volumes.opening_facts`). Returns that index.
        Raises NotTheNextVolume, and LedgerUnavailable within `timeout`.
        """
        beginning = Beginning(
            number, origin, _leaf(closing, None), lambda first, final: _leaf(opening(first, final), None)
        )
        waiting = Waiting((), (), time.monotonic() + timeout, beginning)
        self._wait(waiting, LedgerUnavailable("The ledger did not answer in time."))
        return waiting.begun[-1]

    def close(self) -> None:
        """Weave what waits and stop; afterwards nothing can be recorded through this object."""
        with self._lock:
            weaver, self._weaver, self._closed = self._weaver, None, True
        if weaver is not None:
            weaver.close()

    def head(self, connection: Connection | Session) -> Head:
        """The newest head; of an empty ledger, size 0."""
        newest = select(tables.heads).order_by(tables.heads.c.size.desc()).limit(1)
        row = connection.execute(newest).one_or_none()
        return Head(0, EMPTY_ROOT, b"") if row is None else Head(row.size, row.root, row.frontier)

    def _receipts(self, waiting: Waiting, too_late: LedgerUnavailable) -> list[Receipt]:
        self._wait(waiting, too_late)
        return [Receipt(waiting.indices[name], name) for name in waiting.named()]

    def _wait(self, waiting: Waiting, too_late: LedgerUnavailable) -> None:
        weaver = self._started()
        weaver.submit(waiting)
        if not waiting.done.wait(max(waiting.deadline - time.monotonic(), 0)):
            weaver.withdraw(waiting)
            raise too_late
        if waiting.error is not None:
            raise waiting.error

    def _started(self) -> Weaver:
        with self._lock:
            if self._closed:
                raise LedgerUnavailable("The ledger is closed.")
            if self._weaver is None:
                self._weaver = Weaver(own_engine(self._engine))
            return self._weaver

    def forget_thread(self) -> None:
        """In a child process just forked: let go of the weaver, whose thread stayed with the parent."""
        if self._weaver is not None:
            # The parent still uses this connection: a child that closed it would end the parent's session.
            _LEFT_TO_PARENT.append(self._weaver)
        self._weaver = None
        self._lock = threading.Lock()


_LEDGERS: "weakref.WeakSet[Ledger]" = weakref.WeakSet()
_LEFT_TO_PARENT: list[Weaver] = []


def _after_fork() -> None:
    # Threads do not survive a fork; the child starts a weaver of its own when it first needs one.
    for ledger in list(_LEDGERS):
        ledger.forget_thread()


os.register_at_fork(after_in_child=_after_fork)
