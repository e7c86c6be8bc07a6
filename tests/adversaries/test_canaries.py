"""What is sealed stands nowhere else: not in database, WAL or dump, in logs, temporary files or an export.

Every sealed column of every model is filled through the pages and every page is used; a new sealed column
that no canary reaches fails the first test.
"""

import logging
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, select

import housing.models
from crypto.columns import place_of, sealed_columns
from tests.adversaries.planting import MARK, Programme, live, officers, one_each
from tests.adversaries.searching import coordinates, needles, spellings, traces, traces_in
from tests.adversaries.thief import Thief
from tests.adversaries.walk import is_for, paths, rules
from tests.bad_input.forms import links_on
from tests.cast import CAST, Cast, Stage
from tests.postgres import find_binaries
from vault import migrations
from vault.access.custody import KeyCase, find_lockbox
from vault.access.policy import Compartment
from vault.database import Base
from vault.hardening import AllowedKeys
from vault.notarising import write_export

NOT_UNIQUE = {
    ("danger_areas", "radius_miles"),  # Two digits stand in any file by chance.
    ("disclosure_worksheets", "witness_heard"),  # One of the programme's own three words.
    ("papers", "media_type"),  # One of a few kinds.
    ("papers", "length"),
    ("papers", "content_key"),  # Drawn at random; a test of its own looks for it.
    ("disclosure_accounting", "description"),  # The names of the released fields, from the programme's list.
}
"""What cannot be searched for, because it stands elsewhere too."""


def sealed_models() -> list[Any]:
    """Every kind of row that keeps something sealed."""
    migrations.metadatas()
    models = [mapper.class_ for base in (Base, housing.models.Base) for mapper in base.registry.mappers]
    return [model for model in models if sealed_columns(model)]


def is_canary(value: object) -> bool:
    """Whether a value is one that the search would find."""
    if isinstance(value, float):
        return bool(traces(value.hex().encode()) or {value} & {*coordinates(), 41.98713, -72.98731})
    if isinstance(value, date):
        return bool(traces(value.isoformat().encode()))
    raw = value if isinstance(value, bytes) else str(value).encode()
    return bool(traces(raw))


def test_every_sealed_column_holds_a_canary(programme: Programme) -> None:
    vault, ada = programme.cast.stage.vault, programme.cast["ada"].actor
    without = {(m.__table__.name, name) for m in sealed_models() for name in sealed_columns(m)} - NOT_UNIQUE
    assert without
    with vault.reading() as db:
        keys = KeyCase(db, ada, vault.trust)
        for model in sealed_models():
            for row in db.scalars(select(model)):
                for column in sealed_columns(model).values():
                    compartment = Compartment(column.compartment)
                    box = find_lockbox(db, row.lockbox_subject(compartment), compartment)
                    value = keys.lockbox(box).open(getattr(row, column.name).blob, place_of(row, column.name))
                    if is_canary(value):
                        without.discard((model.__table__.name, column.name))
    assert without == set()


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of temporary files and of everything that would be logged."""
    folder = tmp_path / "watched"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    handler = logging.FileHandler(folder / "log")
    handler.setFormatter(AllowedKeys())
    root, log = logging.getLogger(), logging.getLogger("vault")
    levels = root.level, log.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    log.setLevel(logging.DEBUG)
    yield folder
    root.removeHandler(handler)
    handler.close()
    root.setLevel(levels[0])
    log.setLevel(levels[1])


def use_every_page(programme: Programme) -> dict[str, set[int]]:
    """Everybody asks for every page of their role, none of which shows what is sealed; statuses by route."""
    app, seen, known = programme.cast.stage.app, dict[str, set[int]](), one_each(programme.known)
    for officer in officers(programme):
        for rule in rules(app, "GET"):
            if not is_for(app, rule, CAST[officer.name][1]):
                continue
            for path in paths(app, rule, known):
                answer = officer.get(path)
                assert traces(answer.get_data()) == set(), path
                programme.answers.append(answer)
                seen.setdefault(rule.rule, set()).add(answer.status_code)
    return seen


def dump(stage: Stage, folder: Path) -> None:
    """A SQL dump, by the engine's own tool."""
    url = make_url(stage.settings.database_url)
    if url.drivername == "sqlite":
        connection = sqlite3.connect(str(url.database))
        (folder / "dump.sql").write_text("\n".join(connection.iterdump()))
        connection.close()
        return
    tool = [find_binaries() / "pg_dump", "--inserts", "-h", str(url.query["host"]), "-U", "postgres"]
    made = subprocess.run([*tool, str(url.database)], capture_output=True, check=True)
    (folder / "dump.sql").write_bytes(made.stdout)


def wal_position(stage: Stage) -> tuple[str, int]:
    """The file and offset up to which PostgreSQL's log is written."""
    with stage.vault.database.engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT * FROM pg_walfile_name_offset(pg_current_wal_insert_lsn())"
        )
        name, offset = found.one()
        return str(name), int(offset)


def raw_database(stage: Stage, folder: Path, since: tuple[str, int]) -> None:
    """PostgreSQL's own files of these tables, and its log since then, as they lie on the disk."""
    with stage.vault.database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("CHECKPOINT")
        found = connection.exec_driver_sql(
            "SELECT pg_relation_filepath(oid) FROM pg_class "
            "WHERE relkind IN ('r', 't') AND relnamespace NOT IN "
            "(SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema')) "
            "AND pg_relation_filepath(oid) IS NOT NULL"
        )
        names = [name for (name,) in found]
    data = Path(str(make_url(stage.settings.database_url).query["host"])) / "data"
    for name in names:
        shutil.copy(data / name, folder / name.replace("/", "-"))
    last, end = wal_position(stage)
    for segment in sorted((data / "pg_wal").glob("0*")):
        if since[0] <= segment.name <= last:
            start = since[1] if segment.name == since[0] else 0
            written = segment.read_bytes()[start : end if segment.name == last else None]
            (folder / f"wal-{segment.name}").write_bytes(written)


def leave_everything(stage: Stage, folder: Path) -> list[Path]:
    """The folders of everything that the vault leaves behind."""
    left = folder / "left"
    left.mkdir()
    write_export(stage.vault, left / "export", lambda _count: None)
    dump(stage, left)
    return [left, stage.settings.data, stage.settings.keys, folder / "watched"]


def check_pages(programme: Programme, seen: dict[str, set[int]]) -> None:
    """Every page was answered to somebody; none failed; no address or header told anything."""
    assert {rule for rule, statuses in seen.items() if not statuses <= {200, 303, 403, 404, 409}} == set()
    assert {rule for rule, statuses in seen.items() if 200 in statuses} > {"/cases", "/ledger", "/payments"}
    shown = 0
    for answer in programme.answers:
        told = str(answer.headers) + answer.request.path + str(answer.request.query_string)
        assert traces(told.encode()) == set()
        if answer.mimetype == "text/html" and MARK in answer.text:
            shown += 1
            assert MARK not in " ".join(links_on(answer.text))
    assert shown > 5, "the pages that open something must have shown it"


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_no_canary_is_left_anywhere_on_sqlite(cast: Cast, watched: Path, tmp_path: Path) -> None:
    programme = live(cast)
    check_pages(programme, use_every_page(programme))
    assert traces_in(leave_everything(cast.stage, tmp_path)) == {}


@pytest.mark.parametrize("stage", ["postgresql"], indirect=True)
def test_no_canary_is_left_anywhere_on_postgresql(cast: Cast, watched: Path, tmp_path: Path) -> None:
    since = wal_position(cast.stage)
    live(cast)
    folders = leave_everything(cast.stage, tmp_path)
    raw_database(cast.stage, tmp_path / "left", since)
    assert list((tmp_path / "left").glob("wal-*"))
    assert traces_in(folders) == {}


def test_each_spelling_is_found_where_it_is_planted(tmp_path: Path) -> None:
    for number, (how, coded) in enumerate(spellings(MARK)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "core").write_bytes(b"\x00\xffbefore" + coded + b"after\x00")
        assert traces_in([folder]) != {}, how
    assert traces(b"nothing of the kind") == set()
    assert len(needles()) > 300


@pytest.mark.parametrize("statement", [
    "UPDATE agencies SET name = '{}'",
    "UPDATE officers SET full_name = upper('{}') WHERE name = 'ada'",
    "UPDATE sessions SET seed = CAST('{}' AS BLOB)",
    "INSERT INTO ledger_pending (id, leaf) VALUES ('00', '{}')",
])  # fmt: skip
def test_a_breach_planted_in_the_database_is_found(programme: Programme, statement: str) -> None:
    stage = programme.cast.stage
    assert traces_in([stage.settings.data]) == {}
    Thief(stage).run(statement.format(f"{MARK} was here"))
    assert [name for name in traces_in([stage.settings.data]) if "vault.db" in name]
