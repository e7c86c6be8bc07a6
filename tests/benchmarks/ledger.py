"""Sixteen threads that each record one entry and wait until it is durable, as officers who look do.

Beside them, on the same disk and in turns: the same entries with a transaction each, and a bare durable
INSERT of the same bytes. PostgreSQL is a cluster of its own that writes through to the disk; SQLite does
so too. There, the peers queue at a lock of this process, because waiting by SQLite itself is slower.
"""

import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from statistics import median, quantiles
from threading import Barrier, Lock
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Engine, make_url

from audit.entries import Entry, new_entry_id
from audit.heads import Leaf, append, read_tip
from audit.ledger import Ledger, create_all
from audit.locking import begin_alone, own_engine
from tests.benchmarks.harness import BRIEF, Measured, Run, row
from tests.postgres import DURABLE, Cluster, NoPostgres
from vault.database import connect

THREADS = 16
SECONDS = 1.5
"""For how long the threads write in each turn."""
TURNS = 3
PATIENCE = 30.0
WOVEN = "woven"
ONE_EACH = "one transaction for each entry"
BARE = f"a bare durable INSERT of the same bytes, {THREADS} clients"
HIGHEST_TO_ONE_EACH = 1 / 3
HIGHEST_TO_BARE = 1 / 0.4
"""Three times as many entries as with a transaction each, and at least 0.4 times as many as bare rows."""

_OFFICER = UUID("0191d5a0-0000-7000-8000-00000000ada0")


def a_look(number: int) -> Entry:
    """An entry as the vault records when an officer opens the fields of one person."""
    now = datetime.now(UTC)
    return Entry(
        id=new_entry_id(now),
        at=now,
        event="compartment-opened",
        officer=_OFFICER,
        session="5f2c9a10",
        subjects=(f"case:0191d5a0-0000-7000-8000-{number % 997:012x}", f"person:{number % 9973}"),
        compartment="identity",
        fields=("legal_name", "birth_date"),
        reason="court-date",
        outcome="done",
        rows={},
        facts={"vouched": "0" * 43},
        details=None,
    )


Write = Callable[[Entry], object]
"""Record one entry; it is durable when this returns."""


def press(write: Write, seconds: float) -> tuple[float, list[float]]:
    """Let sixteen threads write for so long: the seconds until all were done, and those that each entry took.

    Entries are made while the threads run, on every side alike. Each thread writes at least one.
    """
    ready, taken = Barrier(THREADS + 1), list[float]()

    def work(number: int) -> float:
        entry = a_look(number)
        ready.wait()
        end = time.perf_counter() + seconds
        while True:
            begun = time.perf_counter()
            write(entry)
            done = time.perf_counter()
            taken.append(done - begun)
            if done >= end:
                return done
            number += THREADS
            entry = a_look(number)

    with ThreadPoolExecutor(THREADS) as threads:
        working = [threads.submit(work, number) for number in range(THREADS)]
        ready.wait()
        begun = time.perf_counter()
        last = max(one.result() for one in working)
    return last - begun, taken


def one_transaction_each(engine: Engine) -> Write:
    """The weaver's own transaction, with one entry in it."""
    queue: Any = Lock() if engine.dialect.name == "sqlite" else nullcontext()

    def write(entry: Entry) -> None:
        leaf = Leaf(entry, entry.canonical(), None)
        with queue, begin_alone(engine, PATIENCE) as connection:
            append(connection, read_tip(connection), [leaf])

    return write


@contextmanager
def bare_on_sqlite(path: Path) -> Iterator[Write]:
    """One row of bytes, committed by itself."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, leaf BLOB NOT NULL)")
    queue = Lock()

    def write(entry: Entry) -> None:
        leaf = entry.canonical()
        with queue:
            connection.execute("INSERT INTO bare (leaf) VALUES (?)", (leaf,))

    yield write
    connection.close()


@contextmanager
def bare_on_postgresql(url: str) -> Iterator[Write]:
    """One row of bytes, committed by itself, over one connection for each thread."""
    place = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    idle: SimpleQueue[psycopg.Connection[Any]] = SimpleQueue()
    for _ in range(THREADS):
        idle.put(psycopg.connect(place, autocommit=True))
    first = idle.get()
    first.execute("CREATE TABLE bare (id bigserial PRIMARY KEY, leaf bytea NOT NULL)")
    assert first.execute("SHOW fsync").fetchone() == first.execute("SHOW synchronous_commit").fetchone()
    idle.put(first)

    def write(entry: Entry) -> None:
        connection = idle.get()
        connection.execute("INSERT INTO bare (leaf) VALUES (%s)", (entry.canonical(),))
        idle.put(connection)

    yield write
    while not idle.empty():
        idle.get().close()


@contextmanager
def three_ways(engine_name: str) -> Iterator[dict[str, Write]]:
    """Weaving an entry, giving it a transaction of its own, and inserting its bytes; a fresh database."""
    with ExitStack() as ends:
        folder = Path(tempfile.mkdtemp(prefix="vault-ledger-"))
        ends.callback(shutil.rmtree, folder)
        url = f"sqlite:///{folder / 'ledger.db'}"
        if engine_name == "PostgreSQL":
            cluster = Cluster.start(DURABLE)
            ends.callback(cluster.stop)
            url = cluster.url(cluster.fresh_database(None))
        engine, rival = connect(url), connect(url)
        for one in (engine, rival):
            ends.callback(one.dispose)
        create_all(engine)
        ledger = Ledger(engine)
        ends.callback(ledger.close)
        bare = bare_on_postgresql(url) if engine_name == "PostgreSQL" else bare_on_sqlite(folder / "bare.db")
        write_bare = ends.enter_context(bare)
        yield {
            WOVEN: lambda entry: ledger.weave([(entry, None)], PATIENCE),
            ONE_EACH: one_transaction_each(own_engine(rival)),
            BARE: write_bare,
        }


def measure(engine_name: str, turns: int, seconds: float) -> Iterator[Measured]:
    """The numbers of one engine: all three in turns, and who begins changes with each turn."""
    per_entry: dict[str, list[float]] = {WOVEN: [], ONE_EACH: [], BARE: []}
    looks: dict[str, list[float]] = {WOVEN: [], ONE_EACH: [], BARE: []}
    with three_ways(engine_name) as ways:
        for turn in range(turns):
            order = list(ways)[turn % len(ways) :] + list(ways)[: turn % len(ways)]
            for side in order:
                spent, taken = press(ways[side], seconds)
                per_entry[side].append(spent / len(taken))
                looks[side] += taken
    each = {side: median(spent) * 1e6 for side, spent in per_entry.items()}
    late = {side: quantiles(taken, n=100)[98] * 1e3 for side, taken in looks.items()}
    name = f"record an entry durably, {THREADS} threads, {engine_name}"
    yield Measured(name, each[WOVEN], each[ONE_EACH], ONE_EACH, "µs", HIGHEST_TO_ONE_EACH, None)
    yield Measured(name, each[WOVEN], each[BARE], BARE, "µs", HIGHEST_TO_BARE, None)
    name = f"99 of 100 looks are recorded within, {THREADS} threads, {engine_name}"
    yield Measured(name, late[WOVEN], late[ONE_EACH], ONE_EACH, "ms", None, None)


@row
def entries_on_sqlite(run: Run) -> Iterator[Measured]:
    """What an officer's look waits for, in the embedded vault."""
    yield from measure("SQLite", *_effort(run))


@row
def entries_on_postgresql(run: Run) -> Iterator[Measured]:
    """What an officer's look waits for, on a server's database; without PostgreSQL there is no number."""
    try:
        yield from measure("PostgreSQL", *_effort(run))
    except NoPostgres as absent:
        print(f"  NOT MEASURED: {absent}", file=sys.stderr, flush=True)


def _effort(run: Run) -> tuple[int, float]:
    return (1, 0.0) if run.effort is BRIEF else (TURNS, SECONDS)
