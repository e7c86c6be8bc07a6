"""The notary: signs how the ledger stands, and never signs a ledger that lost or changed anything.

It remembers, on a path of its own, the tree that it last signed, and grows that memory from the leaves
themselves; the heads and hashes in the database are only compared with it.
"""

import fcntl
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from audit import tables
from audit.durable import PUBLIC, write_whole
from audit.errors import LedgerError, NotaryRefuses, NotVerified
from audit.joints import says_closed, says_opened
from audit.notes import Checkpoint, NotaryKeys, VerifierKey, check_signatures, note_body, parse
from audit.refusals import forget_refusal, leave_refusal
from audit.remembering import Remembered, read_memory
from audit.tree import leaf_hash
from audit.volumes import Volume, volumes_in

__all__ = ["Checkpoint", "Notary", "NotaryKeys", "NotaryThread", "VerifierKey", "run_notary"]

_PAGE = 1000
_LOG = logging.getLogger("audit.notary")


@dataclass(frozen=True)
class Notary:
    """Signs with `keys`; remembers in the file `state`; publishes in the file `checkpoint`.

    The keys are asked for anew each time, because they may be replaced while the notary runs.
    """

    load_keys: Callable[[], NotaryKeys]
    state: Path
    checkpoint: Path

    @property
    def keys(self) -> NotaryKeys:
        """The keys in use now, named as those of the first volume. Raises NotaryRefuses."""
        return self.load_keys()

    def sign_next(self, connection: Connection, now: datetime) -> Checkpoint | None:
        """Sign the newest tree when it continues the last signed one; None when there is nothing new.

        Where a volume was closed meanwhile, its final tree is signed first and kept beside the checkpoint.
        Raises NotaryRefuses when the ledger is smaller than it was, is not a continuation, or has a head
        or a volume that its leaves do not give.
        """
        memory = self.remembered()
        memory.check_published(self._published())
        while (following := self._following(connection, memory)) is not None:
            memory = self._close(connection, memory, following, now)
        newest = select(tables.heads).order_by(tables.heads.c.size.desc()).limit(1)
        head = connection.execute(newest).one_or_none()
        self._grow(connection, memory, 0 if head is None else head.size)
        if head is not None:
            _check_head(head, memory)
        if self._is_published(memory):
            return None
        return self._sign(memory, now)

    def sign_again(self, now: datetime) -> Checkpoint | None:
        """Sign the remembered tree anew, with keys that were just handed over to."""
        memory = self.remembered()
        memory.check_published(self._published())
        return self._sign(memory, now) if memory.frontier.size else None

    def remembered(self) -> Remembered:
        """The tree that was signed last; of a notary that signed nothing, an empty one."""
        return read_memory(self.state, self.keys.origin)

    def latest(self) -> Checkpoint | None:
        """The published checkpoint, its signatures checked; raises NotVerified."""
        published = self._published()
        if published is not None:
            check_signatures(published, self.keys.named(self.remembered().origin).verifier_keys())
        return published

    def _following(self, connection: Connection, memory: Remembered) -> Volume | None:
        """The volume after the one that was signed last, as the database lists it."""
        try:
            volumes = volumes_in(connection, self.keys.origin)
        except NotVerified as error:
            raise NotaryRefuses(str(error)) from None
        if len(volumes) < memory.number or volumes[memory.number - 1].first_index != memory.first_index:
            raise NotaryRefuses("The ledger lacks a volume that was signed: an older database was put back.")
        return volumes[memory.number] if memory.number < len(volumes) else None

    def _close(
        self, connection: Connection, memory: Remembered, following: Volume, now: datetime
    ) -> Remembered:
        """Sign and keep the final tree of a volume, and remember the next; each step may be done again."""
        self._grow(connection, memory, following.first_index)
        head = connection.execute(select(tables.heads).where(tables.heads.c.size == following.first_index))
        _check_head(head.one_or_none(), memory)
        number, first = following.number, following.first_index
        index, leaf = tables.entries.c.index, tables.entries.c.leaf
        rows = connection.execute(select(index, leaf).where(index.in_((first - 1, first)))).all()
        leaves = {at: found for at, found in rows if isinstance(found, bytes)}
        if not says_closed(leaves.get(first - 1, b""), following.origin):
            raise NotaryRefuses(
                f"The last entry before volume {number} of the ledger does not name that volume."
            )
        if not says_opened(leaves.get(first, b""), number, first, memory.tree()):
            raise NotaryRefuses(
                f"The first entry of volume {number} does not name the tree that was signed before it."
            )
        if not self._is_published(memory):
            self._sign(memory, now)
        self._keep(memory)
        after = memory.next(following)
        after.save(self.state)
        return after

    def _keep(self, memory: Remembered) -> None:
        """Keep the published final checkpoint of a volume beside the ones to come."""
        kept, final = closed_checkpoint(self.checkpoint, memory.number), self._published()
        if kept.exists():
            tree = memory.tree()
            if not kept.read_text("utf-8").startswith(note_body(tree.origin, tree.size, tree.root) + "\n"):
                raise NotaryRefuses(f"Another final checkpoint of volume {memory.number} was kept before.")
        elif final is not None:
            write_whole(kept, final.text.encode(), PUBLIC)

    def _is_published(self, memory: Remembered) -> bool:
        """Whether this tree is published, signed by the keys in use; after a hand-over it is not yet."""
        published = self._published()
        if published is None or published.origin != memory.origin:
            return memory.frontier.size == 0
        if published.size != memory.frontier.size:
            return False
        try:
            check_signatures(published, self.keys.named(memory.origin).verifier_keys())
        except NotVerified:
            return False
        return True

    def _sign(self, memory: Remembered, now: datetime) -> Checkpoint:
        signed = self.keys.named(memory.origin).sign(memory.frontier.size, memory.frontier.root(), now)
        # The memory comes first: a signature that the notary could forget would let it sign a fork.
        memory.save(self.state)
        write_whole(self.checkpoint, signed.text.encode(), PUBLIC)
        return signed

    def _published(self) -> Checkpoint | None:
        try:
            return parse(self.checkpoint.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, NotVerified):
            raise NotaryRefuses("The published checkpoint cannot be read.") from None

    @staticmethod
    def _grow(connection: Connection, memory: Remembered, size: int) -> None:
        """Add what the ledger has up to `size` entries, all volumes counted, to the remembered tree."""
        entries, frontier, first = tables.entries.c, memory.frontier, memory.first_index
        if size < first + frontier.size:
            raise NotaryRefuses("The ledger is smaller than the one that was signed: entries were cut off.")
        while first + frontier.size < size:
            page = (
                select(entries.index, entries.leaf)
                .where(entries.index >= first + frontier.size, entries.index < size)
                .order_by(entries.index)
                .limit(_PAGE)
            )
            rows = connection.execute(page).all()
            if not rows:
                raise NotaryRefuses("The ledger lacks entries that its head counts.")
            for index, leaf in rows:
                if index != first + frontier.size or not isinstance(leaf, bytes):
                    raise NotaryRefuses("The ledger lacks entries that its head counts.")
                frontier.append(leaf_hash(leaf))


def _check_head(head: Row[Any] | None, memory: Remembered) -> None:
    frontier = memory.frontier
    if head is None or head.root != frontier.root() or head.frontier != frontier.to_bytes():
        raise NotaryRefuses(
            "The ledger is not a continuation of the one that was signed, or its head was edited."
        )


def closed_checkpoint(checkpoint: Path, number: int) -> Path:
    """Where the final checkpoint of a closed volume is kept, beside the published one."""
    return checkpoint.with_name(f"{checkpoint.name}.{number}")


@contextmanager
def only_signer(state: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock that lets one process of a machine sign; False while another holds it, unless we wait."""
    with state.with_name(state.name + ".lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True


def sign_if_free(engine: Engine, notary: Notary, now: datetime) -> bool:
    """Sign what is new unless another process is signing; return whether it was our turn.

    Raises NotaryRefuses, and leaves word of it beside the checkpoint until the notary signs again.
    """
    with only_signer(notary.state, wait=False) as mine:
        if mine:
            try:
                with engine.connect() as connection:
                    notary.sign_next(connection, now)
            except NotaryRefuses as refusal:
                with suppress(OSError):  # A full disk must not hide why it refuses from whoever asked.
                    leave_refusal(notary.checkpoint, str(refusal), now)
                raise
            forget_refusal(notary.checkpoint)
        return mine


def run_notary(stop: threading.Event, engine: Engine, notary: Notary, every_seconds: float) -> None:
    """Sign whenever there is something new, until `stop` is set; a second process stands by.

    A refusal is logged each time it changes, and signing goes on by itself once its cause is gone.
    """
    last_words: str | None = None
    while not stop.is_set():
        try:
            sign_if_free(engine, notary, datetime.now(UTC))
            last_words = None
        # A database that is away, or a full disk, must not end the notary any more than a refusal does.
        except Exception as error:
            words = str(error) if isinstance(error, LedgerError) else type(error).__name__
            if words != last_words:
                _LOG.error("The notary did not sign: %s", words)
            last_words = words
        stop.wait(every_seconds)


class NotaryThread(threading.Thread):
    """The notary inside the vault's own process, for an installation without a notary of its own."""

    def __init__(self, engine: Engine, notary: Notary, every_seconds: float) -> None:
        super().__init__(name="ledger-notary", daemon=True)
        self._stop_asked = threading.Event()
        self._arguments = (engine, notary, every_seconds)

    def run(self) -> None:
        """Sign until stopped."""
        run_notary(self._stop_asked, *self._arguments)

    def stop(self) -> None:
        """Ask the thread to end and wait for it."""
        self._stop_asked.set()
        self.join()
