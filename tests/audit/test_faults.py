"""Real faults of a real database at every step of the weaver: nothing half-written, and it recovers."""

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.pool import ConnectionPoolEntry

from audit.entries import Details
from audit.errors import LedgerDelayed, LedgerUnavailable
from audit.examination import examine
from audit.ledger import Ledger, create_all
from audit.locking import ADVISORY_LOCK
from tests.audit.writing import PATIENCE, an_entry, count, ignore, leaves, weave

TABLES = ("ledger_entries", "ledger_subjects", "ledger_details", "ledger_heads", "ledger_pending")
STEPS = [
    *((table, "INSERT") for table in TABLES if table != "ledger_pending"),
    ("ledger_pending", "DELETE"),
]


def break_step(engine: Engine, table: str, act: str) -> None:
    """Make the database itself fail when the weaver comes to a step."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql(
                f"CREATE TRIGGER planted AFTER {act} ON {table} BEGIN SELECT RAISE(FAIL, 'planted'); END"
            )
        else:
            connection.exec_driver_sql(
                "CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'planted'; END $$"
            )
            connection.exec_driver_sql(
                f"CREATE TRIGGER planted AFTER {act} ON {table} FOR EACH ROW EXECUTE FUNCTION planted()"
            )


def mend_step(engine: Engine, table: str) -> None:
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER planted")
        else:
            connection.exec_driver_sql(f"DROP TRIGGER planted ON {table}")


@pytest.mark.parametrize(("table", "act"), STEPS)
def test_a_failure_at_any_step_records_nothing_and_passes(
    ledger: Ledger, engine: Engine, table: str, act: str
) -> None:
    weave(ledger, [an_entry()])
    details = Details(b"salt", b"sealed", "ab" * 32)
    pended, look = an_entry(), an_entry(details=details.commitment)
    with engine.begin() as connection:
        ledger.pend(connection, pended, None)
    break_step(engine, table, act)
    with pytest.raises(LedgerUnavailable):
        ledger.weave([(look, details)], PATIENCE)
    assert [count(engine, name) for name in TABLES] == [1, 2, 0, 1, 1]
    mend_step(engine, table)
    assert ledger.weave([(look, details)], PATIENCE)[0].index == 2
    assert ledger.settle([pended.id], PATIENCE)[0].index == 1
    with engine.connect() as connection:
        assert examine(connection, ignore).size == 3


def test_a_change_whose_entry_cannot_be_woven_is_delayed_and_woven_later_by_itself(
    ledger: Ledger, engine: Engine
) -> None:
    pended = an_entry()
    with engine.begin() as connection:
        ledger.pend(connection, pended, None)
    break_step(engine, "ledger_heads", "INSERT")
    with pytest.raises(LedgerDelayed):
        ledger.settle([pended.id], PATIENCE)
    assert ledger._weaver is not None
    committed = threading.Event()
    event.listen(ledger._weaver._engine, "commit", lambda _connection: committed.set())
    mend_step(engine, "ledger_heads")
    # Nobody asks again: the weaver tries by itself until what it owes is written.
    assert committed.wait(PATIENCE)
    ledger.close()
    assert leaves(engine) == [pended.canonical()]


def hold_lock(engine: Engine) -> Iterator[None]:
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
        yield
        connection.rollback()


def test_a_lock_held_by_another_is_unavailable_within_the_time_and_passes(
    ledger: Ledger, engine: Engine
) -> None:
    weave(ledger, [an_entry()])
    for _ in hold_lock(engine):
        # The lock is held until after this line, so that only the time limit can have ended the waiting.
        with pytest.raises(LedgerUnavailable):
            ledger.weave([(an_entry(), None)], 0.3)
    assert len(weave(ledger, [an_entry()])) == 1
    with engine.connect() as connection:
        examine(connection, ignore)


def test_a_look_that_timed_out_while_the_lock_was_held_is_not_woven_afterwards(
    ledger: Ledger, engine: Engine
) -> None:
    weave(ledger, [an_entry()])
    given_up, later = an_entry(), an_entry()
    for _ in hold_lock(engine):
        with pytest.raises(LedgerUnavailable):
            ledger.weave([(given_up, None)], 0.2)
    weave(ledger, [later])
    assert given_up.canonical() not in leaves(engine)


def test_a_lost_connection_is_replaced(ledger: Ledger, engine: Engine, database_url: str) -> None:
    weave(ledger, [an_entry()])
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
    else:
        # The file goes away under the open connection and an empty one stands in its place.
        path = Path(database_url.removeprefix("sqlite:///"))
        away = path.with_suffix(".away")
        ledger.close()
        ledger = Ledger(engine)
        engine.dispose()
        shutil.move(path, away)
        with pytest.raises(LedgerUnavailable):
            weave(ledger, [an_entry()])
        path.unlink()
        shutil.move(away, path)
        ledger.close()
        ledger = Ledger(engine)
    for _ in range(2):
        try:
            weave(ledger, [an_entry()])
        except LedgerUnavailable:
            continue
        break
    assert weave(ledger, [an_entry()])[0].index >= 2
    ledger.close()


def test_a_server_that_closes_the_connection_at_each_step_loses_nothing(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    create_all(engine)
    ledger = Ledger(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
        )
    for table, act in STEPS:
        with engine.begin() as connection:
            ledger.pend(connection, an_entry(), None)
            connection.exec_driver_sql(
                f"CREATE TRIGGER hang_up AFTER {act} ON {table} FOR EACH ROW EXECUTE FUNCTION hang_up()"
            )
        details = Details(b"salt", b"sealed", "ab" * 32)
        look = an_entry(details=details.commitment)
        before = leaves(engine)
        with pytest.raises(LedgerUnavailable):
            ledger.weave([(look, details)], PATIENCE)
        assert leaves(engine) == before
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP TRIGGER hang_up ON {table}")
        assert ledger.weave([(look, details)], PATIENCE)
    ledger.close()
    with engine.connect() as connection:
        assert examine(connection, ignore).size == 2 * len(STEPS)
    engine.dispose()


def sqlite_engine(path: Path, pages: list[int]) -> Engine:
    """An engine whose connections may use only so many pages, as on a full disk."""
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def limit(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        for most in pages:
            connection.execute(f"PRAGMA max_page_count = {most}")

    return engine


def test_a_full_disk_is_unavailable_with_nothing_half_written_and_passes(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    roomy = sqlite_engine(path, [])
    create_all(roomy)
    with roomy.connect() as connection:
        used = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    pages = [used + 8]
    cramped = sqlite_engine(path, pages)
    ledger = Ledger(cramped)
    written = 0

    def fill_up() -> None:
        nonlocal written
        while written < 1000:
            written += len(weave(ledger, [an_entry() for _ in range(10)]))

    with pytest.raises(LedgerUnavailable) as refusal:
        fill_up()
    assert "full" in str(refusal.value.__cause__)
    with roomy.connect() as connection:
        assert examine(connection, ignore).size == written
    # The same ledger goes on once there is room.
    assert ledger._weaver is not None
    with ledger._weaver._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    assert weave(ledger, [an_entry()])[0].index == written
    ledger.close()
    for engine in (roomy, cramped):
        engine.dispose()


def test_a_database_made_read_only_is_unavailable_and_passes(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    engine = sqlite_engine(path, [])
    create_all(engine)
    ledger = Ledger(engine)
    weave(ledger, [an_entry()])
    assert ledger._weaver is not None
    # File modes do not bind root, so the connection itself is told that it may only read.
    with ledger._weaver._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(LedgerUnavailable):
        weave(ledger, [an_entry()])
    with ledger._weaver._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = OFF")
    assert weave(ledger, [an_entry()])[0].index == 1
    ledger.close()
    engine.dispose()


def test_a_file_without_write_permission_is_unavailable_and_passes(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    made = create_engine(f"sqlite:///{path}")
    create_all(made)
    made.dispose()
    readable = create_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
    ledger = Ledger(readable)
    with pytest.raises(LedgerUnavailable, match="cannot be written"):
        weave(ledger, [an_entry()])
    ledger.close()
    readable.dispose()
    ledger = Ledger(made)
    assert weave(ledger, [an_entry()])[0].index == 0
    ledger.close()
    made.dispose()


def test_a_database_without_a_ledger_is_unavailable_until_it_is_made(engine: Engine) -> None:
    ledger = Ledger(engine)
    with pytest.raises(LedgerUnavailable):
        weave(ledger, [an_entry()])
    create_all(engine)
    assert weave(ledger, [an_entry()])[0].index == 0
    ledger.close()


def test_no_words_of_the_database_reach_the_message(ledger: Ledger, engine: Engine) -> None:
    break_step(engine, "ledger_entries", "INSERT")
    with pytest.raises(LedgerUnavailable) as refusal:
        weave(ledger, [an_entry()])
    assert str(refusal.value) == "The ledger cannot be written now."
