"""Backups in two archives, so that what was destroyed opens from no backup once its dated key is forgotten.

The records archive is kept as long as one likes. The dated archive holds the other half of every lockbox's
key, and slips that wait for the directory of names; it is sealed under a key made for that day, which lies
beside the root key and is destroyed after some weeks. Writing the records archive is not part of this module.
"""

import json
import os
import stat
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from sqlalchemy import Engine, select

from crypto.encoding import enc
from crypto.errors import CryptoError
from crypto.files import open_file, seal_file
from vault.access.events import Event, record_apart
from vault.access.models import DirectorySlip, ShredPart
from vault.errors import RuleForbids
from vault.running import RunningVault

DATED = frozenset({"shred_parts", "directory_slips"})
"""What opens something by itself or makes it openable: only under a key that is soon forgotten."""

NEITHER = frozenset({"sessions", "attempts", "paces", "passkey_challenges", "notice_marks", "notices"})
"""What is worth nothing after a restore."""

RECORDS = frozenset(
    {
        *("agencies", "agency_contacts", "memoranda", "memorandum_parties"),
        *("delegations", "access_reviews", "access_review_answers"),
        *("assignments", "holder_keys", "lockboxes", "seals", "officers", "second_factors", "vouching_keys"),
        *("passkeys", "recovery_codes", "notice_choices", "nobodys_lock"),
        *("referrals", "referral_decisions"),
        "duress_wraps",
        *("cases", "people", "whereabouts", "threat_assessments", "danger_areas", "case_notes"),
        *("papers", "paper_pieces", "directory_pages"),
        *("houses", "house_voids", "stays", "bed_claims", "separations"),
        *("payment_requests", "payment_lines", "payment_decisions"),
        *("disclosure_requests", "disclosure_worksheets", "disclosure_selections", "disclosure_decisions"),
        *("disclosure_packets", "disclosure_accounting"),
        *("key_acts", "key_act_decisions"),
        *("emergency_requests", "emergency_grants"),
        *("alerts", "ledger_watch", "watched_hours", "watched_officers", "weekly_reviews"),
        *("ledger_entries", "ledger_heads", "ledger_subjects", "ledger_details", "ledger_pending"),
        *("ledger_volumes", "kept_checkpoints", "witnesses"),
    }
)
"""Everything else: sealed, signed or plain on purpose."""

FORMAT = "vault-dated-archive/1"
ROWS_AT_ONCE = 1000
_MODELS: dict[str, type[Any]] = {"shred_parts": ShredPart, "directory_slips": DirectorySlip}


class _Lines:
    """The rows as a file of lines of JSON, read as they are sealed, so that memory holds few at a time."""

    def __init__(self, engine: Engine) -> None:
        self._lines = self._told(engine)
        self._left = b""

    def _told(self, engine: Engine) -> Iterator[bytes]:
        with engine.connect().execution_options(yield_per=ROWS_AT_ONCE) as connection:
            for name in sorted(DATED):
                table = _MODELS[name].__table__
                for row in connection.execute(select(table).order_by(table.c.id)).mappings():
                    told = {column: _as_text(value) for column, value in row.items()}
                    yield json.dumps({"table": name, **told}).encode() + b"\n"

    def read(self, length: int) -> bytes:
        """As many bytes as asked for, until the rows end."""
        while len(self._left) < length and (line := next(self._lines, b"")):
            self._left += line
        found, self._left = self._left[:length], self._left[length:]
        return found


def _as_text(value: object) -> str | int:
    match value:
        case bytes():
            return value.hex()
        case datetime():
            return value.isoformat()
        case UUID() | str():
            return str(value)
        case int():
            return value
        case _:
            raise TypeError("a dated archive keeps ids, numbers, moments and bytes")


def _folder(keys_folder: Path) -> Path:
    return keys_folder / "backups"


def _key_file(keys_folder: Path, day: date) -> Path:
    return _folder(keys_folder) / f"{day.isoformat()}.key"


def _key_of(keys_folder: Path, day: date) -> bytes:
    """The key of a day, made when it is first needed, readable by its owner alone (mode 0400)."""
    folder, path = _folder(keys_folder), _key_file(keys_folder, day)
    folder.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
        with open(descriptor, "wb") as file:
            file.write(os.urandom(32))
            file.flush()
            os.fsync(file.fileno())
        _keep_names(folder)
    return path.read_bytes()


def _keep_names(folder: Path) -> None:
    """Make a file that came or went durable in its folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name(day: date) -> bytes:
    return enc("vault/dated-archive/v1", day.isoformat())


def write_shred_parts(engine: Engine, keys_folder: Path, target: Path, now: datetime) -> None:
    """Write the dated archive into a new file. Raises FileExistsError rather than write over one."""
    day = now.date()
    key = _key_of(keys_folder, day)
    with target.open("xb") as sink:
        sink.write(f"{FORMAT} {day.isoformat()}\n".encode())
        seal_file(_Lines(engine), sink, key, _name(day))
        sink.flush()
        os.fsync(sink.fileno())


def archive_shred_parts(vault: RunningVault, target: Path, now: datetime) -> None:
    """The same for a running vault, once the entry of it is on the ledger."""
    record_apart(vault, Event.SHRED_PARTS_ARCHIVED, who=None, now=now, subjects=[], facts={"day": now.date()})
    write_shred_parts(vault.database.engine, vault.settings.keys, target, now)


def _day_of(head: bytes) -> date:
    """The day in an archive's first line. Raises RuleForbids."""
    try:
        form, _, day = head.decode().rstrip("\n").partition(" ")
        # A first line of any other form is no day, whatever it says.
        return date.fromisoformat(day if form == FORMAT else "")
    except ValueError:
        raise RuleForbids("This file is not a dated archive of this vault.") from None


def read_shred_parts(keys_folder: Path, source: Path, sink: BinaryIO) -> date:
    """Open a dated archive into lines of JSON, one for each row; return its day.

    Raises RuleForbids when its key was forgotten, or when it was changed; then throw away what the sink got.
    """
    with source.open("rb") as file:
        day = _day_of(file.readline(64))
        path = _key_file(keys_folder, day)
        if not path.exists():
            raise RuleForbids(f"The key of {day.isoformat()} was forgotten, so this archive opens no more.")
        try:
            open_file(file, sink, path.read_bytes(), _name(day))
        except CryptoError:
            raise RuleForbids(
                "This archive was changed, or is another vault's. Nothing of it was used."
            ) from None
    return day


def forget_backup_keys(keys_folder: Path, now: datetime, days: int) -> list[date]:
    """Destroy the keys of archives older than `days`, and with them what they sealed; return their days."""
    forgotten = []
    for path in sorted(_folder(keys_folder).glob("????-??-??.key")):
        day = date.fromisoformat(path.stem)
        if now.date() - day > timedelta(days=days):
            _write_over(path)
            forgotten.append(day)
    if forgotten:
        _keep_names(_folder(keys_folder))
    return forgotten


def _write_over(path: Path) -> None:
    """Write a key over before its name goes, for disks that keep the place of a file."""
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
