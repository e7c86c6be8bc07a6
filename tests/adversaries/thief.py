"""What a thief with the database has in hand: SQL of each engine's own kind, and none of the vault's code."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import make_url

from tests.cast import Stage


class Thief:
    """Somebody who writes to the database past the vault."""

    def __init__(self, stage: Stage) -> None:
        self.url = stage.settings.database_url
        self.is_sqlite = self.url.startswith("sqlite")

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        if self.is_sqlite:
            connection: Any = sqlite3.connect(self.url.removeprefix("sqlite:///"))
        else:
            url = make_url(self.url)
            connection = psycopg.connect(dbname=url.database, user=url.username, host=str(url.query["host"]))
        with connection:
            yield connection
        connection.close()

    def _given(self, value: Any) -> Any:
        return value.hex if self.is_sqlite and isinstance(value, UUID) else value

    def run(self, statement: str, *values: Any) -> int:
        """Run a statement with `?` for each value; how many rows it touched."""
        with self._connection() as connection:
            words = statement if self.is_sqlite else statement.replace("?", "%s")
            return int(connection.execute(words, [self._given(value) for value in values]).rowcount)

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """The rows that a query gives, by the names of their columns."""
        with self._connection() as connection:
            words = statement if self.is_sqlite else statement.replace("?", "%s")
            cursor = connection.execute(words, [self._given(value) for value in values])
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def row(self, table: str, ident: UUID) -> dict[str, Any]:
        """One row by its id."""
        return self.rows(f"SELECT * FROM {table} WHERE id = ?", ident)[0]

    def put(self, table: str, row: dict[str, Any]) -> None:
        """Insert a row."""
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" for _ in row)
        self.run(f"INSERT INTO {table} ({names}) VALUES ({marks})", *row.values())

    def overwrite(self, table: str, row: dict[str, Any]) -> None:
        """Write a row's columns back as they were when it was copied."""
        sets = ", ".join(f'"{name}" = ?' for name in row)
        assert self.run(f"UPDATE {table} SET {sets} WHERE id = ?", *row.values(), row["id"]) == 1

    def disarm_ledger(self) -> None:
        """Take away the triggers that refuse changes of the ledger."""
        if self.is_sqlite:
            found = self.rows("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'ledger%'")
            for trigger in found:
                self.run(f"DROP TRIGGER {trigger['name']}")
        else:
            for table in ("ledger_entries", "ledger_subjects", "ledger_heads", "ledger_details"):
                self.run(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
