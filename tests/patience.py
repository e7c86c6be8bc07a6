"""Locks are waited for as long as the busiest machine needs: the test asks who comes first, not when."""

from typing import Any

from sqlalchemy import event

from tests.cast import Stage

STATEMENTS = {
    "sqlite": ("PRAGMA busy_timeout = 120000",),
    "postgresql": ("SET lock_timeout = '120s'", "SET statement_timeout = '120s'"),
}


def wait_for_locks(stage: Stage) -> None:
    """Open every connection of the vault anew, each so patient that only a deadlock can end its waiting."""
    engine = stage.vault.database.engine

    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for statement in STATEMENTS[engine.dialect.name]:
            cursor.execute(statement)
        cursor.close()
        if engine.dialect.name == "postgresql":
            connection.commit()

    event.listen(engine, "connect", prepare)
    engine.dispose()
