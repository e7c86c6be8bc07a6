"""Processes that write one ledger, or sign it, until they are killed."""

import itertools
import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterable
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from audit.checkpoints import Notary, run_notary
from audit.entries import Details
from audit.errors import LedgerUnavailable
from audit.ledger import Ledger
from audit.notes import NotaryKeys
from tests.audit.writing import PATIENCE, an_entry

# Children come from a process that has imported everything and runs no thread, so that one is there at once.
_STARTING = get_context("forkserver")
_STARTING.set_forkserver_preload(["tests.audit.writers"])


def open_engine(url: str) -> Engine:
    """An engine whose transactions wait their turn; that SQLite keeps a WAL is written in its file."""
    return create_engine(url, connect_args={"timeout": 60} if url.startswith("sqlite") else {})


def write_until_killed(url: str, told: Path) -> None:
    """Record changes and looks in turn; append to the file `told` what was committed and acknowledged."""
    _write(url, told, itertools.count())


def write_some(url: str, told: Path, turns: int) -> None:
    """Record so many looks and as many changes."""
    _write(url, told, range(turns))


def _write(url: str, told: Path, turns: Iterable[int]) -> None:
    engine = open_engine(url)
    ledger = Ledger(engine)
    file = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for _ in turns:
        look, change = an_entry(), an_entry(event="witness-admitted")
        try:
            (receipt,) = ledger.weave([(look, None)], PATIENCE)
            os.write(file, f"acknowledged {receipt.index} {look.id}\n".encode())
            with engine.begin() as connection:
                ledger.pend(connection, change, None)
            os.write(file, f"committed {change.id}\n".encode())
            (receipt,) = ledger.settle([change.id], PATIENCE)
            os.write(file, f"acknowledged {receipt.index} {change.id}\n".encode())
        except LedgerUnavailable:
            continue  # Nobody was told that it is recorded.


def weave_change_and_look(url: str) -> None:
    """Commit a change, and weave it and a look with details in one batch.

    On SQLite a trigger may call `die`, which only this process knows how to answer.
    """
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def arm(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
            connection.create_function("die", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))

    ledger = Ledger(engine)
    # The sweep of the start is over, so that the change waits for the look and both go into one batch.
    ledger.settle([], PATIENCE)
    with engine.begin() as connection:
        ledger.pend(connection, an_entry(event="witness-admitted"), None)
    details = Details(b"salt", b"sealed", "ab" * 32)
    ledger.weave([(an_entry(details=details.commitment), details)], PATIENCE)


def sign_until_killed(url: str, key: Path, state: Path, checkpoint: Path) -> None:
    """Be the notary, as fast as it can."""
    notary = Notary(lambda: NotaryKeys.load(key, "vault.example/ledger"), state, checkpoint)
    run_notary(threading.Event(), open_engine(url), notary, 0.001)


def start(work: Callable[..., None], *arguments: object) -> ForkServerProcess:
    """Begin a process that does this work."""
    process = _STARTING.Process(target=work, args=arguments, daemon=True)
    process.start()
    return process


def kill(process: ForkServerProcess) -> None:
    """Kill it as a power cut would, and wait until it is gone."""
    process.kill()
    process.join()
