"""The notary: signs how the ledger stands, and never signs a ledger that lost or changed anything.

It remembers, on a path of its own, the tree that it last signed, and grows that memory from the leaves
themselves; the heads and hashes in the database are only compared with it.
"""

import fcntl
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, select

from audit import tables
from audit.durable import PRIVATE, PUBLIC, write_whole
from audit.errors import LedgerError, NotaryRefuses, NotVerified
from audit.notes import Checkpoint, NotaryKeys, VerifierKey, check_signatures, parse
from audit.refusals import forget_refusal, leave_refusal
from audit.tree import Frontier, leaf_hash

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
        """The keys in use now. Raises NotaryRefuses."""
        return self.load_keys()

    def sign_next(self, connection: Connection, now: datetime) -> Checkpoint | None:
        """Sign the newest tree when it continues the last signed one; None when there is nothing new.

        Raises NotaryRefuses when the ledger is smaller than it was, is not a continuation, or has a head
        that its leaves do not give.
        """
        frontier = self._remembered()
        published = self._published()
        self._check_memory(frontier, published)
        signed = frontier.size
        newest = select(tables.heads).order_by(tables.heads.c.size.desc()).limit(1)
        head = connection.execute(newest).one_or_none()
        size = 0 if head is None else head.size
        if size < signed:
            raise NotaryRefuses("The ledger is smaller than the one that was signed: entries were cut off.")
        self._grow(connection, frontier, size)
        if head is not None and (head.root != frontier.root() or head.frontier != frontier.to_bytes()):
            raise NotaryRefuses(
                "The ledger is not a continuation of the one that was signed, or its head was edited."
            )
        if size == (0 if published is None else published.size) and self._is_ours(published):
            return None
        return self._sign(frontier, now)

    def sign_again(self, now: datetime) -> Checkpoint | None:
        """Sign the remembered tree anew, with keys that were just handed over to."""
        frontier = self._remembered()
        self._check_memory(frontier, self._published())
        return self._sign(frontier, now) if frontier.size else None

    def remembered(self) -> Frontier:
        """The tree that was signed last; of a notary that signed nothing, an empty one."""
        return self._remembered()

    def latest(self) -> Checkpoint | None:
        """The published checkpoint, its signatures checked; raises NotVerified."""
        published = self._published()
        if published is not None:
            check_signatures(published, self.keys.verifier_keys())
        return published

    def _is_ours(self, published: Checkpoint | None) -> bool:
        """Whether the keys in use signed what is published; after a hand-over they have not yet."""
        try:
            if published is not None:
                check_signatures(published, self.keys.verifier_keys())
        except NotVerified:
            return False
        return True

    def _sign(self, frontier: Frontier, now: datetime) -> Checkpoint:
        keys = self.keys
        signed = keys.sign(frontier.size, frontier.root(), now)
        memory = {"origin": keys.origin, "size": frontier.size, "frontier": frontier.to_bytes().hex()}
        # The memory comes first: a signature that the notary could forget would let it sign a fork.
        write_whole(self.state, json.dumps(memory, sort_keys=True).encode() + b"\n", PRIVATE)
        write_whole(self.checkpoint, signed.text.encode(), PUBLIC)
        return signed

    def _remembered(self) -> Frontier:
        try:
            memory = json.loads(self.state.read_bytes())
            if memory["origin"] != self.keys.origin:
                raise NotaryRefuses("The notary's memory is of another log.")
            return Frontier.from_bytes(memory["size"], bytes.fromhex(memory["frontier"]))
        except FileNotFoundError:
            return Frontier()
        except (OSError, ValueError, KeyError, TypeError):
            raise NotaryRefuses("The notary's memory cannot be read.") from None

    def _published(self) -> Checkpoint | None:
        try:
            return parse(self.checkpoint.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, NotVerified):
            raise NotaryRefuses("The published checkpoint cannot be read.") from None

    @staticmethod
    def _check_memory(frontier: Frontier, published: Checkpoint | None) -> None:
        if published is None:
            return
        if published.size > frontier.size:
            raise NotaryRefuses("The notary's memory is missing or older than the checkpoint that it signed.")
        if published.size == frontier.size and published.root != frontier.root():
            raise NotaryRefuses("The published checkpoint is not the one that the notary remembers.")

    @staticmethod
    def _grow(connection: Connection, frontier: Frontier, size: int) -> None:
        entries = tables.entries.c
        while frontier.size < size:
            page = (
                select(entries.index, entries.leaf)
                .where(entries.index >= frontier.size, entries.index < size)
                .order_by(entries.index)
                .limit(_PAGE)
            )
            rows = connection.execute(page).all()
            if not rows:
                raise NotaryRefuses("The ledger lacks entries that its head counts.")
            for index, leaf in rows:
                if index != frontier.size or not isinstance(leaf, bytes):
                    raise NotaryRefuses("The ledger lacks entries that its head counts.")
                frontier.append(leaf_hash(leaf))


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
