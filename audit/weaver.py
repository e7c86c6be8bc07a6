"""The weaver: one thread that gives waiting entries their index and puts them into the tree.

Entries of many requests share one transaction. A batch is chosen only once the database's lock is held,
so that whoever arrives while the weaver waits for the lock still gets into it.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection, Engine, bindparam, delete, select

from audit import tables
from audit.entries import Entry
from audit.errors import InvalidEntry, LedgerDelayed, LedgerError, LedgerUnavailable, NotTheNextVolume
from audit.heads import Leaf, append, read_tip
from audit.locking import begin_alone
from audit.volumes import Beginning, begin

# Statements are built once: building one takes longer than carrying it out.
_OLDEST_PENDING = (
    select(tables.pending.c.id, tables.pending.c.leaf, tables.pending.c.details)
    .order_by(tables.pending.c.number)
    .limit(bindparam("room"))
)
_KNOWN = select(tables.entries.c.id, tables.entries.c.index, tables.entries.c.leaf).where(
    tables.entries.c.id.in_(bindparam("names", expanding=True))
)

LARGEST_BATCH = 256
LONGEST_LOCK_WAIT = 5.0
RETRY_SECONDS = 1.0


@dataclass(eq=False)
class Waiting:
    """Someone who waits until entries are in the tree: `leaves` to write, or `ids` pended earlier.

    Whoever waits for a volume to begin has neither, and goes alone into a transaction.
    """

    leaves: Sequence[Leaf]
    ids: Sequence[UUID]
    deadline: float
    beginning: Beginning | None = None
    done: threading.Event = field(default_factory=threading.Event)
    indices: dict[UUID, int] = field(default_factory=dict)
    begun: Sequence[int] = ()
    error: LedgerError | None = None

    def finish(self, error: LedgerError | None) -> None:
        """Let the one who waits go on, with the indices or with an error."""
        self.error = error
        self.done.set()

    def named(self) -> list[UUID]:
        """The ids of every entry this one waits for."""
        return [leaf.entry.id for leaf in self.leaves] + list(self.ids)


@dataclass
class _Batch:
    """What one transaction did: where entries stand, which pending rows stay, and whether more wait."""

    indices: dict[UUID, int]
    conflicting: set[UUID]
    more: bool


class Weaver:
    """Weaves for one process; `engine` must be its own, so that a full pool cannot starve it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._changed = threading.Condition()
        self._queue: list[Waiting] = []
        self._closing = False
        self._owing = True
        self._thread = threading.Thread(target=self._run, name="ledger-weaver", daemon=True)
        self._thread.start()

    def submit(self, waiting: Waiting) -> None:
        """Queue someone who waits; raises LedgerUnavailable after close."""
        with self._changed:
            if self._closing:
                raise LedgerUnavailable("The ledger is closed.")
            self._queue.append(waiting)
            self._changed.notify()

    def withdraw(self, waiting: Waiting) -> None:
        """Forget someone who waits no longer; an entry already in a transaction may still be woven."""
        with self._changed:
            if waiting in self._queue:
                self._queue.remove(waiting)

    def close(self) -> None:
        """Weave what waits, stop the thread and let the connection go."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        self._engine.dispose()

    def _run(self) -> None:
        failed = False
        while self._wait_for_work(failed):
            with self._changed:
                present = list(self._queue)
            try:
                self._weave_once(self._lock_wait(present))
                failed = False
            # Whatever goes wrong, those who wait must hear of it and the thread must live on.
            except Exception as error:
                failed = True
                self._fail(present, error)

    def _wait_for_work(self, failed: bool) -> bool:
        """Sleep until someone waits, or until it is time to try again; False when it is time to stop."""
        with self._changed:
            while not self._queue:
                if self._closing:
                    return self._owing and not failed
                if not self._owing:
                    self._changed.wait()
                elif not failed or not self._changed.wait(RETRY_SECONDS):
                    return True
            return True

    @staticmethod
    def _lock_wait(present: Sequence[Waiting]) -> float:
        latest = max((waiting.deadline for waiting in present), default=0.0)
        return min(max(latest - time.monotonic(), 0.05), LONGEST_LOCK_WAIT)

    def _fail(self, present: Sequence[Waiting], error: Exception) -> None:
        with self._changed:
            self._owing = True
            self._queue = [waiting for waiting in self._queue if waiting not in present]
        for waiting in present:
            kind = LedgerDelayed if waiting.ids else LedgerUnavailable
            refusal = kind("The ledger cannot be written now.")
            refusal.__cause__ = error
            waiting.finish(refusal)

    def _take(self) -> list[Waiting]:
        """Those whose entries go into this batch, oldest first; they leave the queue when it is written."""
        taken: list[Waiting] = []
        room = LARGEST_BATCH
        with self._changed:
            for waiting in self._queue:
                if waiting.beginning is not None or (taken and len(waiting.leaves) > room):
                    break
                taken.append(waiting)
                room -= len(waiting.leaves)
        return taken

    def _weave_once(self, lock_wait: float) -> None:
        with self._changed:
            first = self._queue[0] if self._queue else None
        if first is not None and first.beginning is not None:
            self._begin_volume(first, first.beginning, lock_wait)
            return
        with begin_alone(self._engine, lock_wait) as connection:
            taken = self._take()
            batch = _weave(connection, taken)
        # Only here, after the commit, is anything durable and may anyone be told.
        answered = [waiting for waiting in taken if self._answer(waiting, batch)]
        with self._changed:
            self._owing = batch.more
            self._queue = [waiting for waiting in self._queue if waiting not in answered]
        for waiting in answered:
            waiting.done.set()

    def _begin_volume(self, waiting: Waiting, beginning: Beginning, lock_wait: float) -> None:
        """Begin a volume, all or nothing; what goes wrong with it is told to the one who asked alone."""
        refusal: LedgerError | None = None
        try:
            with begin_alone(self._engine, lock_wait) as connection:
                indices = begin(connection, beginning)
        # The caller's own code makes the opening entry and may fail in any way.
        except Exception as error:
            refusal = LedgerUnavailable("The ledger cannot be written now.")
            refusal.__cause__ = error
        else:
            if indices is None:
                refusal = NotTheNextVolume("Another volume of the ledger was begun meanwhile.")
            else:
                waiting.begun = indices
        self.withdraw(waiting)
        waiting.finish(refusal)

    @staticmethod
    def _answer(waiting: Waiting, batch: _Batch) -> bool:
        """Give the one who waits what the batch knows; False when the entries need another batch."""
        names = waiting.named()
        if not names:
            return not batch.more
        waiting.indices.update((name, batch.indices[name]) for name in names if name in batch.indices)
        missing = [name for name in names if name not in waiting.indices]
        if batch.conflicting.intersection(names):
            waiting.error = LedgerUnavailable("The ledger already holds another entry of this name.")
        elif missing and not batch.more:
            waiting.error = LedgerDelayed("The ledger holds no such pending entry.")
        elif missing:
            return False
        return True


def _read_pending(connection: Connection, room: int) -> tuple[list[Leaf], bool]:
    """Pending entries, oldest first, and whether more wait than there is room for."""
    rows = connection.execute(_OLDEST_PENDING, {"room": room + 1}).all()
    leaves = []
    for name, canonical, details in rows[:room]:
        try:
            entry = Entry.from_canonical(canonical)
        except InvalidEntry:
            continue  # A row that no program of ours wrote must not stop the others; `examine` reports it.
        if entry.id == name:
            leaves.append(Leaf(entry, canonical, details))
    return leaves, len(rows) > room


def _weave(connection: Connection, taken: Sequence[Waiting]) -> _Batch:
    """Write one batch inside the caller's transaction, in which the ledger's lock is held."""
    looks = [leaf for waiting in taken for leaf in waiting.leaves]
    waiting_rows, more = _read_pending(connection, max(LARGEST_BATCH - len(looks), 1))
    names = {leaf.entry.id for leaf in (*waiting_rows, *looks)}
    names.update(name for waiting in taken for name in waiting.ids)
    known: dict[UUID, tuple[int, bytes]] = {}
    if names:
        for name, index, canonical in connection.execute(_KNOWN, {"names": list(names)}):
            known[name] = (index, canonical)
    tip = read_tip(connection)
    size = tip.size
    new: list[Leaf] = []
    conflicting: set[UUID] = set()
    for leaf in (*waiting_rows, *looks):
        index, canonical = known.setdefault(leaf.entry.id, (size + len(new), leaf.canonical))
        if index == size + len(new):
            new.append(leaf)
        elif canonical != leaf.canonical:
            conflicting.add(leaf.entry.id)
    if new:
        append(connection, tip, new)
    settled = [leaf.entry.id for leaf in waiting_rows if leaf.entry.id not in conflicting]
    if settled:
        connection.execute(delete(tables.pending).where(tables.pending.c.id.in_(settled)))
    return _Batch({name: index for name, (index, _) in known.items()}, conflicting, more)
