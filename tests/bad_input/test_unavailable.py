"""A database that is locked, gone or full is answered 503 in words, and nothing is half-written."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event

from audit.ledger import Ledger
from tests.cast import Cast, Stage
from tests.programme import open_case
from vault.cases.models import Note
from vault.verification import verify

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
ONLY_POSTGRESQL = pytest.mark.parametrize("stage", ["postgresql"], indirect=True)
WORDS = "cannot record this right now"


def notes(stage: Stage) -> int:
    """How many case notes are kept."""
    with stage.vault.reading() as db:
        return db.query(Note).count()


def pragma(stage: Stage, statement: str) -> None:
    """Open every connection of the vault anew, each with this pragma."""

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA {statement}")

    stage.vault.ledger.close()
    for engine in (stage.vault.database.engine, stage.vault.ledger._engine):
        event.listen(engine, "connect", prepare)
        engine.dispose()
    stage.vault.ledger = Ledger(stage.vault.database.engine)


def assert_whole(stage: Stage) -> None:
    """Nothing is half-written."""
    assert verify(stage.vault, lambda _count: None).findings == ()


@ONLY_SQLITE
def test_a_locked_database_is_answered_503_and_the_same_act_works_afterwards(cast: Cast) -> None:
    case, ada, stage = open_case(cast, named=[]), cast["ada"], cast.stage
    ada.get(f"/cases/{case.id}/add/note")
    pragma(stage, "busy_timeout = 50")
    other = sqlite3.connect(stage.settings.data / "vault.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused = ada.post(f"/cases/{case.id}/add/note", kind="note", text="Moved on Tuesday.")
    other.execute("ROLLBACK")
    other.close()
    assert refused.status_code == 503
    assert WORDS in refused.text
    assert notes(stage) == 0
    assert ada.post(f"/cases/{case.id}/add/note", kind="note", text="Moved.").status_code == 303
    assert notes(stage) == 1
    assert_whole(stage)


@ONLY_SQLITE
def test_on_a_full_disk_an_act_is_answered_503_and_keeps_nothing(cast: Cast) -> None:
    case, ada, stage = open_case(cast, named=[]), cast["ada"], cast.stage
    ada.get(f"/cases/{case.id}/add/note")
    pragma(stage, "max_page_count = 1")
    text, kept = "A long note. " * 500, 0
    while (answer := ada.post(f"/cases/{case.id}/add/note", kind="note", text=text)).status_code == 303:
        kept += 1  # The last pages of the file may still have room.
    assert answer.status_code == 503
    assert notes(stage) == kept
    pragma(stage, "max_page_count = 1000000")
    assert ada.post(f"/cases/{case.id}/add/note", kind="note", text=text).status_code == 303
    assert notes(stage) == kept + 1
    assert_whole(stage)


@ONLY_SQLITE
def test_a_database_file_that_is_gone_is_answered_503_to_everybody(cast: Cast, tmp_path: Path) -> None:
    case, ada, stage = open_case(cast, named=["ines"]), cast["ada"], cast.stage
    ada.get(f"/cases/{case.id}/add/note")
    stage.vault.database.engine.dispose()
    for name in ("vault.db", "vault.db-wal", "vault.db-shm"):
        (stage.settings.data / name).unlink(missing_ok=True)
    for answer in (
        ada.get("/desk"),
        ada.post(f"/cases/{case.id}/add/note", kind="note", text="Moved."),
        ada.post("/sign-in", name="ada", password="wrong wrong wrong wrong", banner="yes"),
    ):
        assert answer.status_code == 503
        assert WORDS in answer.text


@ONLY_POSTGRESQL
def test_a_database_server_that_ends_our_connections_is_answered_503_or_met_anew(cast: Cast) -> None:
    case, ada, stage = open_case(cast, named=[]), cast["ada"], cast.stage
    ada.get(f"/cases/{case.id}/add/note")
    engine = stage.vault.database.engine
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    statuses = [
        ada.post(f"/cases/{case.id}/add/note", kind="note", text="Moved.").status_code for _ in range(3)
    ]
    assert set(statuses) <= {303, 503}
    assert statuses[-1] == 303
    # An act that was delayed is kept although it was answered 503; one that failed is not kept at all.
    assert statuses.count(303) <= notes(stage) <= 3
    assert_whole(stage)


@ONLY_POSTGRESQL
def test_a_database_that_refuses_to_be_written_is_answered_503_and_shows_nothing(cast: Cast) -> None:
    case, ada, stage = open_case(cast, named=[]), cast["ada"], cast.stage
    place = f"/records/person/{case.witness}/health/open"
    ada.get(place)

    def forbid(connection: object, _record: object) -> None:
        with connection.cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute("SET default_transaction_read_only = on")
        connection.commit()  # type: ignore[attr-defined]

    stage.vault.ledger.close()
    event.listen(stage.vault.database.engine, "connect", forbid)
    stage.vault.database.engine.dispose()
    stage.vault.ledger = Ledger(stage.vault.database.engine)
    for answer in (
        ada.post(place, reason="review"),
        ada.post(f"/cases/{case.id}/add/note", kind="note", text="Moved."),
    ):
        assert answer.status_code == 503
        assert WORDS in answer.text
        assert "Recorded as entry" not in answer.text
    assert notes(stage) == 0
