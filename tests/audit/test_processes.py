"""Several processes on one ledger, a fork, and a process killed at each step."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from audit.examination import examine
from audit.ledger import Ledger, create_all
from tests.audit.test_faults import STEPS
from tests.audit.writers import kill, start, weave_change_and_look, write_some, write_until_killed
from tests.audit.writing import PATIENCE, an_entry, ignore, leaves, some_entries, weave

# On PostgreSQL a step waits for a lock that the test holds, and the test kills whoever waits there.
GATE = 20261122


def acknowledged(told: Path) -> list[tuple[int, str]]:
    """The index and the id of each entry that a writer was told of."""
    lines = told.read_text().splitlines(keepends=True) if told.exists() else []
    words = [line.split() for line in lines if line.endswith("\n")]
    return [(int(word[1]), word[2]) for word in words if word[0] == "acknowledged"]


@pytest.fixture
def sqlite_ledger(tmp_path: Path) -> Iterator[Engine]:
    """A ledger in a file, for programs that are killed."""
    engine = create_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    create_all(engine)
    yield engine
    engine.dispose()


def test_processes_at_once_make_one_contiguous_ledger(
    ledger: Ledger, engine: Engine, database_url: str, tmp_path: Path
) -> None:
    files = [tmp_path / f"told-{number}" for number in range(3)]
    writers = [start(write_some, database_url, told, 10) for told in files]
    here = [weave(ledger, [an_entry()])[0].index for _ in range(30)]
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    told = [line for file in files for line in acknowledged(file)]
    assert sorted([*here, *(index for index, _ in told)]) == list(range(90))
    with engine.connect() as connection:
        assert examine(connection, ignore).size == 90
        for index, name in told:
            assert str(ledger.entry(connection, index).entry.id) == name


def test_a_process_killed_between_entries_loses_nothing_that_it_acknowledged(
    sqlite_ledger: Engine, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    writer = start(write_until_killed, sqlite_ledger.url.render_as_string(False), told)
    while len(acknowledged(told)) < 25:
        assert writer.is_alive()
        time.sleep(0.005)
    kill(writer)
    ledger = Ledger(sqlite_ledger)
    ledger.settle([], PATIENCE)
    with sqlite_ledger.connect() as connection:
        assert examine(connection, ignore).waiting == 0
        for index, name in acknowledged(told):
            assert str(ledger.entry(connection, index).entry.id) == name
    ledger.close()


@pytest.mark.parametrize(("table", "act"), STEPS)
def test_a_process_killed_at_any_step_of_weaving_leaves_the_ledger_whole(
    sqlite_ledger: Engine, table: str, act: str
) -> None:
    ledger = Ledger(sqlite_ledger)
    weave(ledger, some_entries(2))
    with sqlite_ledger.begin() as connection:
        connection.exec_driver_sql(f"CREATE TRIGGER kill AFTER {act} ON {table} BEGIN SELECT die(); END")
    doomed = start(weave_change_and_look, sqlite_ledger.url.render_as_string(False))
    doomed.join()
    assert doomed.exitcode == -signal.SIGKILL
    assert len(leaves(sqlite_ledger)) == 2
    with sqlite_ledger.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER kill")
    # The committed change's entry is woven by the next process; the look was never acknowledged.
    ledger.settle([], PATIENCE)
    with sqlite_ledger.connect() as connection:
        assert examine(connection, ignore).size == 3
    assert b"witness-admitted" in leaves(sqlite_ledger)[2]
    ledger.close()


def wait_at_step(engine: Engine, table: str, act: str) -> None:
    """Make whoever comes to this step on PostgreSQL wait for a lock that the test holds."""
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM set_config('lock_timeout', '0', true); "
            f"PERFORM pg_advisory_xact_lock({GATE}); RETURN NULL; END $$"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER wait AFTER {act} ON {table} FOR EACH ROW EXECUTE FUNCTION wait()"
        )


def until_somebody_waits(connection: Connection) -> None:
    """Look until a process stands at the gate."""
    waiting = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = :gate AND NOT granted"
    )
    deadline = time.monotonic() + 60
    while not connection.execute(waiting, {"gate": GATE}).scalar_one():
        assert time.monotonic() < deadline, "nobody came to this step"
        time.sleep(0.01)


def test_a_process_killed_at_any_step_of_weaving_leaves_the_ledger_whole_on_postgresql(
    postgres_url: str,
) -> None:
    engine = create_engine(postgres_url)
    create_all(engine)
    ledger = Ledger(engine)
    for number, (table, act) in enumerate(STEPS, 1):
        wait_at_step(engine, table, act)
        with engine.connect() as gate:
            gate.execute(text(f"SELECT pg_advisory_xact_lock({GATE})"))
            doomed = start(weave_change_and_look, postgres_url)
            until_somebody_waits(gate)
            kill(doomed)
            gate.rollback()
        assert len(leaves(engine)) == number - 1
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP TRIGGER wait ON {table}")
        # The committed change's entry is woven by the next process; the look was never acknowledged.
        ledger.settle([], PATIENCE)
        with engine.connect() as connection:
            assert examine(connection, ignore).size == number
        assert b"witness-admitted" in leaves(engine)[-1]
    ledger.close()
    engine.dispose()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_weaves_with_a_thread_and_a_connection_of_its_own(
    ledger: Ledger, engine: Engine
) -> None:
    weave(ledger, [an_entry()])
    child = os.fork()
    if child == 0:
        try:
            receipt = weave(ledger, [an_entry()])[0]
            ledger.close()
            os._exit(0 if receipt.index == 1 else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert weave(ledger, [an_entry()])[0].index == 2
    with engine.connect() as connection:
        assert examine(connection, ignore).size == 3
