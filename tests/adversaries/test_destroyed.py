"""Who has everything there is opens nothing of a destroyed case, from the vault or from an old backup.

The thief has every officer's keys, the role keys, three shares, the root key, the database as it is and as it
was, and the archives of shred parts. Before the destruction that opens the case, so that the test can fail.
"""

import io
import json
import sqlite3
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from crypto.columns import sealed_columns
from crypto.errors import CryptoError
from crypto.identity import Identity
from crypto.lockbox import LockboxKey
from crypto.places import Place
from crypto.public import PublicIdentity
from crypto.recovery import combine
from crypto.sealing import Holder, KeyName, Seal, open_message, open_seal
from tests.adversaries.planting import DAYS, MARK, Programme, word
from tests.adversaries.test_canaries import sealed_models
from tests.cast import CAST, Cast
from tests.keys.asking import admit, approve, ask_destruction, close
from tests.keys.offline import shares
from vault.access.keyring import Keyring
from vault.access.listings import _context as slip_context
from vault.access.policy import Role
from vault.errors import RuleForbids
from vault.keys import shredding
from vault.keys.backups import DATED, NEITHER, forget_backup_keys, read_shred_parts, write_shred_parts
from vault.running import RECOVERY

Parts = dict[tuple[UUID, int], bytes]


class Hoard:
    """Every key that anybody holds, and one copy of the database."""

    def __init__(self, database: Path, people: dict[tuple[UUID, int], Identity], parts: Parts) -> None:
        self._rows = sqlite3.connect(database)
        self._rows.row_factory = sqlite3.Row
        self._held, self._parts = dict(people), parts
        self._public = {
            (UUID(row["holder"]), row["version"]): PublicIdentity.from_bytes(row["public"])
            for row in self._all("holder_keys")
        }
        self.keys = self._lockbox_keys()

    def _all(self, table: str) -> list[Any]:
        return self._rows.execute(f"SELECT * FROM {table}").fetchall()

    def _opened(self, row: Any, name: KeyName) -> bytes | None:
        at = (UUID(row["holder"]), row["holder_version"])
        if at not in self._held:
            return None
        holder = Holder(row["holder_kind"], *at, self._public[at])
        seal = Seal(row["blob"], row["commitment"], row["signature"])
        maker = self._public[UUID(row["made_by"]), row["made_by_version"]]
        return open_seal(seal, name, holder, self._held[at], maker)

    def _lockbox_keys(self) -> list[LockboxKey]:
        roles = {UUID(row["holder"]): row["role"] for row in self._all("holder_keys")}
        boxes = {UUID(row["id"]): row for row in self._all("lockboxes")}
        keys = []
        for row in sorted(self._all("seals"), key=lambda row: str(row["key_kind"])):
            ident, epoch = UUID(row["key_id"]), row["epoch"]
            if row["key_kind"] == "circle":
                seed = self._opened(row, KeyName("circle", ident, epoch, "", roles[ident]))
                self._held |= {(ident, epoch): Identity.from_seed(seed)} if seed else {}
                continue
            box = boxes[ident]
            part = self._opened(row, KeyName("lockbox", ident, epoch, box["subject"], box["compartment"]))
            if part and (ident, epoch) in self._parts:
                keys.append(LockboxKey(ident, epoch, part, self._parts[ident, epoch]))
        return keys

    def opens(self) -> tuple[Counter[str], str]:
        """How many fields open in each table, whichever key it takes, and all their words."""
        count, words = Counter[str](), []
        for model in sealed_models():
            table = model.__table__.name
            for row in self._all(table):
                for column in sealed_columns(model).values():
                    place = Place(table, UUID(row["id"]), column.name, column.kind)
                    for key in self.keys:
                        try:
                            words.append(str(key.open(row[column.name], place)))
                        except CryptoError:
                            continue
                        count[table] += 1
                        break
        return count, " ".join(words)

    def reads_slips(self) -> bool:
        """Whether any waiting slip for the directory of names opens."""
        for row in self._all("directory_slips"):
            context = (UUID(row["id"]), UUID(row["ref"]), row["row_version"])
            for identity in self._held.values():
                try:
                    open_message(row["blob"], identity, slip_context(*context))
                except CryptoError:
                    continue
                return True
        return False


def everybody(cast: Cast) -> dict[tuple[UUID, int], Identity]:
    """Every officer's keys and the recovery key, as if all of them had been talked out of them."""
    vault = cast.stage.vault
    found = {(who.officer, who.key_version): who.identity for who in (cast[name].actor for name in CAST)}
    with vault.reading() as db:
        public = Keyring(db, vault.trust).public(RECOVERY, None)
    return {**found, (RECOVERY, 1): combine(shares(cast)[2:], public)}


def copy_records(source: Path, target: Path) -> Path:
    """The records archive: every table but those that are in the other archive or in none."""
    with sqlite3.connect(source) as live, sqlite3.connect(target) as kept:
        live.backup(kept)
    with sqlite3.connect(target, isolation_level=None) as kept:
        for table in DATED | NEITHER:
            kept.execute(f"DELETE FROM {table}")
        kept.execute("VACUUM")
    return target


def parts_in(database: Path) -> Parts:
    """The shred parts that the database has."""
    with sqlite3.connect(database) as live:
        rows = live.execute("SELECT lockbox_id, epoch, part FROM shred_parts").fetchall()
    return {(UUID(box), epoch): part for box, epoch, part in rows}


def parts_of(keys: Path, archive: Path) -> Parts:
    """The shred parts in a dated archive, with the keys that are in the folder."""
    sink = io.BytesIO()
    read_shred_parts(keys, archive, sink)
    rows = [json.loads(line) for line in sink.getvalue().splitlines()]
    return {
        (UUID(row["lockbox_id"]), row["epoch"]): bytes.fromhex(row["part"])
        for row in rows
        if row["table"] == "shred_parts"
    }


def test_with_everything_in_hand_nothing_of_a_destroyed_case_opens(
    programme: Programme, tmp_path: Path
) -> None:
    cast, stage = programme.cast, programme.cast.stage
    (case,) = programme.known["case_id"]
    live, keys = Path(stage.settings.database_url.removeprefix("sqlite:///")), stage.settings.keys
    admit(cast, "dora", "Dora Dingle", Role.DEPUTY)
    (person,) = programme.known["person_id"]
    names = ("legal_name", "aliases", "social_security", "documents", "description")
    identity = {name: word(name) for name in names} | {"birth_date": DAYS["birth_date"].isoformat()}
    programme.write_place("ada", f"/records/person/{person}/identity", **identity)
    close(cast, case)
    people = everybody(cast)
    archive = tmp_path / "dated"
    records = copy_records(live, tmp_path / "records.db")
    write_shred_parts(stage.vault.database.engine, keys, archive, stage.vault.now())
    old_parts = parts_in(live)

    # Before: records archive and dated archive together open the whole case.
    opened, words = Hoard(records, people, parts_of(keys, archive)).opens()
    assert set(opened) == {model.__table__.name for model in sealed_models()}
    assert MARK in words
    hoard = Hoard(live, people, parts_in(live))
    assert hoard.opens()[0] == opened
    assert hoard.reads_slips()

    act = approve(cast, ask_destruction(cast, case, "ada"), "dee", "dora")
    assert shredding.destroy(stage.vault, cast["ada"].actor, act, stage.vault.now()) > 9
    forgotten = forget_backup_keys(keys, stage.vault.now() + timedelta(days=36), 35)
    assert len(forgotten) == 1

    # After: from the vault as it is, and from the old records with what is left of the shred parts.
    with pytest.raises(RuleForbids, match="was forgotten"):
        parts_of(keys, archive)
    for database in (live, records):
        hoard = Hoard(database, people, parts_in(live))
        opened, words = hoard.opens()
        assert set(opened) <= {"houses", "directory_pages"}
        assert opened["houses"] > 0
        assert not hoard.reads_slips()
        assert MARK not in _without_houses(words)
    # Not even the bytes of what was destroyed are left in the files.
    gone = set(old_parts.values()) - set(parts_in(live).values())
    assert len(gone) > 9
    left = b"".join(path.read_bytes() for path in sorted(live.parent.iterdir()) if path.is_file())
    assert not any(part in left for part in gone)
    assert all(part in left for part in parts_in(live).values())


def _without_houses(words: str) -> str:
    """The opened words, less those of the safe house, which nobody destroyed."""
    for name in ("area", "near", "street", "town", "postcode", "access", "landlord"):
        words = words.replace(word(f"house_{name}"), "")
    return words
