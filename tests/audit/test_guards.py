"""The database itself refuses to change the ledger, on both engines."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError

from audit.ledger import Ledger, create_all, guards
from tests.audit.writing import an_entry, leaves, some_entries, tamper, weave

FORBIDDEN = [
    "UPDATE ledger_entries SET outcome = 'done'",
    "UPDATE ledger_entries SET leaf = NULL",
    "DELETE FROM ledger_entries",
    'DELETE FROM ledger_entries WHERE "index" = 2',
    "UPDATE ledger_subjects SET subject = 'case:0'",
    "DELETE FROM ledger_subjects",
    "UPDATE ledger_heads SET size = size + 1",
    "DELETE FROM ledger_heads",
    "UPDATE ledger_pending SET details = NULL",
    "UPDATE ledger_details SET sealed = sealed",
]


def fill(ledger: Ledger, engine: Engine) -> None:
    weave(ledger, some_entries(3))
    ledger.close()
    row = ", ".join(["'0191d5a0000070008000000000000001'", "'x'"])
    with engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO ledger_details (id, sealed) VALUES ({row})")
        connection.exec_driver_sql(f"INSERT INTO ledger_pending (id, leaf) VALUES ({row})")


def test_the_ledger_only_grows(ledger: Ledger, engine: Engine) -> None:
    fill(ledger, engine)
    before = leaves(engine)
    for statement in FORBIDDEN:
        with engine.connect() as connection, pytest.raises(DBAPIError, match="only grows"):
            connection.exec_driver_sql(statement)
    assert leaves(engine) == before


def test_a_fork_cannot_be_written(ledger: Ledger, engine: Engine) -> None:
    weave(ledger, some_entries(3))
    forks = {
        "a fork of the first head": "INSERT INTO ledger_heads VALUES (9, 0, 'x', 'x')",
        "a second head of one size": "INSERT INTO ledger_heads VALUES (3, 1, 'x', 'x')",
        "a head that shrinks": "INSERT INTO ledger_heads VALUES (5, 9, 'x', 'x')",
        "a copy": 'INSERT INTO ledger_entries SELECT * FROM ledger_entries WHERE "index" = 1',
    }
    for statement in forks.values():
        with engine.connect() as connection, pytest.raises(DBAPIError):
            connection.exec_driver_sql(statement)


def test_postgresql_refuses_to_truncate(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    create_all(engine)
    for table in ("ledger_entries", "ledger_subjects", "ledger_heads"):
        with engine.connect() as connection, pytest.raises(DBAPIError, match="only grows"):
            connection.exec_driver_sql(f"TRUNCATE {table}")
    engine.dispose()


def test_sqlite_refuses_to_replace_a_row_by_inserting_it_again(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    create_all(engine)
    ledger = Ledger(engine)
    weave(ledger, some_entries(3))
    ledger.close()
    before = leaves(engine)
    for table in ("ledger_entries", "ledger_heads"):
        with engine.connect() as connection, pytest.raises(DBAPIError, match="only grows"):
            connection.exec_driver_sql(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    assert leaves(engine) == before
    engine.dispose()


def test_dropped_guards_are_made_again_by_running_their_ddl(ledger: Ledger, engine: Engine) -> None:
    weave(ledger, [an_entry()])
    tamper(engine)
    for _ in range(2):
        with engine.begin() as connection:
            for statement in guards(engine.dialect.name):
                connection.exec_driver_sql(statement)
    with engine.connect() as connection, pytest.raises(DBAPIError, match="only grows"):
        connection.exec_driver_sql("DELETE FROM ledger_entries")


def test_an_engine_without_guards_is_refused() -> None:
    with pytest.raises(ValueError, match="SQLite or PostgreSQL"):
        guards("mysql")
