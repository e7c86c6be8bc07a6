"""Entries as the vault would write them, and the acts of a thief who may write to the database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from audit import tables
from audit.entries import Entry, new_entry_id
from audit.ledger import Ledger, Receipt

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ADA = UUID("0191d5a0-0000-7000-8000-00000000ada0")
IVO = UUID("0191d5a0-0000-7000-8000-000000001000")
PATIENCE = 20.0
FIND: dict[str, Any] = {"before_index": None, "limit": 1000}
"""Every entry there is in a test."""


def an_entry(**changes: Any) -> Entry:
    """Ada opens an identity at noon, with what is different."""
    at = changes.get("at", NOON)
    usual = Entry(
        id=new_entry_id(at),
        at=at,
        event="compartment-opened",
        officer=ADA,
        session="5f2c9a10",
        subjects=("case:0191d5a0-0000-7000-8000-00000000c001", "person:0191d5a0-0000-7000-8000-00000000f001"),
        compartment="identity",
        fields=("legal_name", "birth_date"),
        reason="court-date",
        outcome="done",
        rows={},
        facts={},
        details=None,
    )
    return replace(usual, **changes)


def some_entries(count: int) -> list[Entry]:
    """Entries a second apart, numbered in their facts."""
    return [
        an_entry(at=NOON + timedelta(seconds=number), facts={"number": number}) for number in range(count)
    ]


def weave(ledger: Ledger, entries: Sequence[Entry]) -> list[Receipt]:
    """Weave entries without details."""
    return ledger.weave([(entry, None) for entry in entries], PATIENCE)


def leaves(engine: Engine) -> list[bytes]:
    """What an ordinary reading of the table shows."""
    with engine.connect() as connection:
        rows = connection.execute(text('SELECT leaf FROM ledger_entries ORDER BY "index"'))
        return [bytes(leaf) for (leaf,) in rows]


def drop_guards(connection: Connection) -> None:
    """What a thief does first who owns the database."""
    if connection.dialect.name == "sqlite":
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in names.all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
    else:
        connection.exec_driver_sql("DROP FUNCTION ledger_only_grows CASCADE")


def tamper(engine: Engine, *statements: str) -> None:
    """Change the ledger as the owner of the database can."""
    with engine.begin() as connection:
        drop_guards(connection)
        for statement in statements:
            connection.exec_driver_sql(statement)


def count(engine: Engine, table: str) -> int:
    """How many rows a table of the ledger has."""
    with engine.connect() as connection:
        return len(connection.execute(tables.metadata.tables[table].select()).all())


def ignore(_count: int) -> None:
    """A progress that nobody looks at."""
