"""Several processes on one ledger, a fork, and a process killed at each step."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from audit.examination import examine
from audit.ledger import Ledger, create_all
from tests.audit.test_faults import STEPS
from tests.audit.writing import PATIENCE, an_entry, ignore, leaves, some_entries, weave

ROOT = Path(__file__).parents[2]

WRITER = """
import sys
from sqlalchemy import create_engine
from audit.ledger import Ledger
from tests.audit.writing import an_entry, PATIENCE
engine = create_engine(sys.argv[1])
ledger = Ledger(engine)
for turn in range(int(sys.argv[2])):
    entry = an_entry(facts={"turn": turn})
    if turn % 2:
        (receipt,) = ledger.weave([(entry, None)], PATIENCE)
    else:
        with engine.begin() as connection:
            ledger.pend(connection, entry, None)
        (receipt,) = ledger.settle([entry.id], PATIENCE)
    print(receipt.index, entry.id, flush=True)
"""

# The database calls `die` from a trigger, which only this process knows how to answer.
DOOMED = """
import os, signal, sys
from sqlalchemy import create_engine, event
from audit.ledger import Ledger
from audit.entries import Details
from tests.audit.writing import an_entry, PATIENCE
engine = create_engine(sys.argv[1])
@event.listens_for(engine, "connect")
def arm(connection, entry):
    connection.create_function("die", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))
ledger = Ledger(engine)
# The sweep of the start is over, so that the change waits for the look and both go into one batch.
ledger.settle([], PATIENCE)
with engine.begin() as connection:
    ledger.pend(connection, an_entry(event="witness-admitted"), None)
details = Details(b"salt", b"sealed", "ab" * 32)
ledger.weave([(an_entry(details=details.commitment), details)], PATIENCE)
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def sqlite_ledger(tmp_path: Path) -> Iterator[Engine]:
    """A ledger in a file, for programs that are killed."""
    engine = create_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    create_all(engine)
    yield engine
    engine.dispose()


def test_processes_at_once_make_one_contiguous_ledger(
    ledger: Ledger, engine: Engine, database_url: str
) -> None:
    writers = [start(WRITER, database_url, "30") for _ in range(3)]
    here = [weave(ledger, [an_entry()])[0].index for _ in range(30)]
    printed = [line.split() for writer in writers for line in writer.communicate()[0].splitlines()]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert sorted([*here, *(int(index) for index, _ in printed)]) == list(range(120))
    with engine.connect() as connection:
        assert examine(connection, ignore).size == 120
        for index, name in printed:
            assert str(ledger.entry(connection, int(index)).entry.id) == name


def test_a_process_killed_between_entries_loses_nothing_that_it_acknowledged(sqlite_ledger: Engine) -> None:
    writer = start(WRITER, sqlite_ledger.url.render_as_string(False), "100000")
    assert writer.stdout is not None
    receipts = [writer.stdout.readline().split() for _ in range(25)]
    writer.kill()
    rest, _ = writer.communicate()
    receipts += [line.split() for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    ledger = Ledger(sqlite_ledger)
    ledger.settle([], PATIENCE)
    with sqlite_ledger.connect() as connection:
        assert examine(connection, ignore).waiting == 0
        for index, name in receipts:
            assert str(ledger.entry(connection, int(index)).entry.id) == name
    ledger.close()


@pytest.mark.parametrize(("table", "act"), STEPS)
def test_a_process_killed_at_any_step_of_weaving_leaves_the_ledger_whole(
    sqlite_ledger: Engine, table: str, act: str
) -> None:
    ledger = Ledger(sqlite_ledger)
    weave(ledger, some_entries(2))
    with sqlite_ledger.begin() as connection:
        connection.exec_driver_sql(f"CREATE TRIGGER kill AFTER {act} ON {table} BEGIN SELECT die(); END")
    doomed = start(DOOMED, sqlite_ledger.url.render_as_string(False))
    doomed.communicate()
    assert doomed.returncode == -signal.SIGKILL
    assert len(leaves(sqlite_ledger)) == 2
    with sqlite_ledger.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER kill")
    # The committed change's entry is woven by the next process; the look was never acknowledged.
    ledger.settle([], PATIENCE)
    with sqlite_ledger.connect() as connection:
        assert examine(connection, ignore).size == 3
    assert b"witness-admitted" in leaves(sqlite_ledger)[2]
    ledger.close()


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
