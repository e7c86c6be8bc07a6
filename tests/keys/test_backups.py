"""Two archives: every table in exactly one of them or in none, and a dated key that is forgotten for good."""

import io
import json
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.cast import Cast
from tests.programme import open_case
from vault import migrations
from vault.access.events import Event
from vault.access.models import ShredPart
from vault.errors import RuleForbids
from vault.keys.backups import (
    DATED,
    NEITHER,
    RECORDS,
    archive_shred_parts,
    forget_backup_keys,
    read_shred_parts,
    write_shred_parts,
)


def opened(keys: Path, archive: Path) -> list[dict[str, object]]:
    """The rows in a dated archive."""
    sink = io.BytesIO()
    read_shred_parts(keys, archive, sink)
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def test_every_table_is_in_exactly_one_archive_or_in_none() -> None:
    tables = sorted(name for metadata in migrations.metadatas() for name in metadata.tables)
    assert sorted([*RECORDS, *DATED, *NEITHER]) == tables


def test_the_dated_archive_holds_every_shred_part_and_opens_with_its_days_key_alone(
    cast: Cast, tmp_path: Path
) -> None:
    stage = cast.stage
    open_case(cast, [])
    archive, keys, now = tmp_path / "dated", stage.settings.keys, stage.vault.now()
    archive_shred_parts(stage.vault, archive, now)
    with stage.vault.reading() as db:
        parts = {(str(row.lockbox), row.epoch, row.part.hex()) for row in db.scalars(select(ShredPart))}
        head = stage.vault.ledger.head(db)
        assert stage.vault.ledger.entry(db, head.size - 1).entry.event == Event.SHRED_PARTS_ARCHIVED
    rows = [row for row in opened(keys, archive) if row["table"] == "shred_parts"]
    assert {(row["lockbox_id"], row["epoch"], row["part"]) for row in rows} == parts
    raw = archive.read_bytes()
    assert not any(bytes.fromhex(part) in raw or part.encode() in raw for _, _, part in parts)
    (key,) = (keys / "backups").iterdir()
    assert (key.name, key.stat().st_mode & 0o777) == ("2026-11-23.key", 0o400)
    assert forget_backup_keys(keys, now, 35) == []
    stage.clock.forward(days=35)
    assert forget_backup_keys(keys, stage.clock.now, 35) == []
    stage.clock.forward(days=1)
    assert forget_backup_keys(keys, stage.clock.now, 35) == [date(2026, 11, 23)]
    with pytest.raises(RuleForbids, match="The key of 2026-11-23 was forgotten"):
        opened(keys, archive)


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_a_changed_archive_and_another_days_key_are_refused_and_no_file_is_written_over(
    cast: Cast, tmp_path: Path
) -> None:
    stage, archive, keys = cast.stage, tmp_path / "dated", cast.stage.settings.keys
    engine = stage.vault.database.engine
    write_shred_parts(engine, keys, archive, stage.vault.now())
    with pytest.raises(FileExistsError):
        write_shred_parts(engine, keys, archive, stage.vault.now())
    raw = archive.read_bytes()
    later = tmp_path / "later"
    stage.clock.forward(days=1)
    write_shred_parts(engine, keys, later, stage.vault.now())
    for wrong in (
        raw[:-1],
        raw[:80] + bytes([raw[80] ^ 1]) + raw[81:],
        raw.replace(b"2026-11-23", b"2026-11-24", 1),
        b"",
        b"vault-dated-archive/1 yesterday\n" + raw[33:],
        raw.removeprefix(b"vault-dated-archive/1 "),
    ):
        archive.write_bytes(wrong)
        with pytest.raises(RuleForbids, match=r"was changed|is not a dated archive"):
            opened(keys, archive)
    archive.write_bytes(raw)
    assert opened(keys, archive) == opened(keys, later)
