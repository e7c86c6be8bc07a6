"""Processes that write one ledger, or sign it, until they are killed."""

import os
import threading
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from sqlalchemy import Engine, create_engine

from audit.checkpoints import Notary, run_notary
from audit.errors import LedgerUnavailable
from audit.ledger import Ledger
from audit.notes import NotaryKeys
from tests.audit.writing import PATIENCE, an_entry
from tests.conftest import leave_transactions_to_sqlalchemy

# Children come from a process that has imported everything and runs no thread, so that one is there at once.
_STARTING = get_context("forkserver")
_STARTING.set_forkserver_preload(["tests.audit.writers"])


def open_engine(url: str) -> Engine:
    """An engine as the vault sets one up."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        leave_transactions_to_sqlalchemy(engine)
    return engine


def write_until_killed(url: str, told: Path) -> None:
    """Record changes and looks in turn; append to the file `told` what was committed and acknowledged."""
    engine = open_engine(url)
    ledger = Ledger(engine)
    file = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    while True:
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
