"""How the vault runs, read from the machine and the tables around it: no record is looked at."""

import platform
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine, column, func, literal, select, table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from audit import tables
from audit.errors import LedgerError, NotVerified
from audit.notes import parse
from audit.refusals import read_refusal
from vault.database import RecordedSession
from vault.notices.actions import given_up
from vault.oversight.alarms import SIGNED_WITHIN, WOVEN_WITHIN, Alarm, alarms_read_by, unsigned_since
from vault.oversight.witnessing import last_witnessed
from vault.running import RunningVault
from vault.settings import Settings
from vault.templating import counted

MEBIBYTE = 1024 * 1024
PARTS = ("SQLAlchemy", "Flask", "gunicorn", "cryptography")
"""The parts whose versions decide whether a known fault concerns this vault."""


@dataclass(frozen=True)
class Line:
    """One thing that keeps the vault going: how it is, whether that is well, and since when if known."""

    label: str
    words: str
    well: bool
    at: datetime | None = None


@dataclass(frozen=True)
class Health:
    """Everything at one moment."""

    lines: tuple[Line, ...]
    alarms: tuple[Alarm, ...]
    versions: tuple[tuple[str, str], ...]


def answers(engine: Engine) -> bool:
    """Whether the database answers at all: the only thing that is told to a stranger."""
    try:
        with engine.connect() as connection:
            return connection.execute(select(literal(1))).scalar_one() == 1
    except (DBAPIError, PoolTimeout):
        return False


def health(vault: RunningVault, reader: UUID, now: datetime) -> Health:
    """Look at all of it; `now` is this machine's time. Raises DBAPIError when the database is away.

    It tells of no record and of nobody, so under duress it tells of the vault as it is, without its alarms.
    Nobody is told that they themself may be forced.
    """
    with vault.database.reading() as db:
        lines = (
            _database(vault.settings, db),
            _weaver(db, now),
            _notary(vault.settings, db, now),
            *_witnesses(vault, db, now),
            _disk(vault.settings),
            _notices(vault.settings, db),
            Line("Backups", "No backup is known. How to make one is in deploy/README.md.", well=False),
        )
        versions = tuple(_versions(db))
    return Health(lines, tuple(alarms_read_by(vault, reader, now)), versions)


def size_of(count: int) -> str:
    """A number of bytes in words, in mebibytes or gibibytes."""
    mebibytes = count / MEBIBYTE
    return f"{mebibytes:,.0f} MiB" if mebibytes < 10_240 else f"{mebibytes / 1024:,.0f} GiB"


def _database(settings: Settings, db: Session) -> Line:
    bind = db.get_bind()
    if bind.dialect.name == "postgresql":
        size = int(db.scalars(select(func.pg_database_size(func.current_database()))).one())
        return Line("Database", f"PostgreSQL answers and holds {size_of(size)}.", well=True)
    size = sum(_length(settings.data / f"vault.db{end}") for end in ("", "-wal"))
    return Line("Database", f"SQLite answers and holds {size_of(size)}.", well=True)


def _length(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _weaver(db: Session, now: datetime) -> Line:
    """How many entries wait, and since when by the moment in front of the oldest one's id."""
    count = db.scalars(select(func.count()).select_from(tables.pending)).one()
    oldest = db.scalar(select(tables.pending.c.id).order_by(tables.pending.c.id).limit(1))
    if oldest is None:
        return Line("Ledger", "No entry waits to be recorded.", well=True)
    since = datetime.fromtimestamp(min(oldest.int >> 80, int(now.timestamp() * 1000)) / 1000, UTC)
    return Line(
        "Ledger", f"{counted(count, 'entry', 'entries')} waiting.", now - since <= WOVEN_WITHIN, since
    )


def _notary(settings: Settings, db: Session, now: datetime) -> Line:
    """How old the published checkpoint is, and whether an entry has waited too long to be counted."""
    refusing = read_refusal(settings.checkpoint)
    if refusing is not None:
        return Line("Notary", "Refuses to sign. See the alarm above.", well=False, at=refusing.since)
    try:
        signed = datetime.fromtimestamp(settings.checkpoint.stat().st_mtime, UTC)
        parse(settings.checkpoint.read_text("utf-8"))
    except (OSError, ValueError, NotVerified):
        return Line("Notary", "Has published no checkpoint that can be read.", well=False)
    waiting = unsigned_since(settings, db)
    late = waiting is not None and now - waiting > SIGNED_WITHIN
    return Line("Notary", "Last signed a checkpoint.", not late, signed)


def _witnesses(vault: RunningVault, db: Session, now: datetime) -> Iterator[Line]:
    try:
        known = last_witnessed(vault, db)
    except LedgerError:
        yield Line("Outside witness", "The ledger cannot be read. Call the auditor.", well=False)
        return
    if not known:
        yield Line("Outside witness", "None is registered. The auditor can register one.", well=False)
    for one in known:
        well = one.still_holds and not one.is_late(now)
        words = "Cosigned." if one.at else "Has cosigned nothing yet."
        yield Line("Outside witness", words, well, one.at)


def _notices(settings: Settings, db: RecordedSession) -> Line:
    count = given_up(db)
    if count:
        words = f"{counted(count, 'notice')} could not be sent within a day. See to the mail server."
        return Line("Notices by mail", words, well=False)
    words = "None was given up in the last week." if settings.smtp_host else "Not set up."
    return Line("Notices by mail", words, well=True)


def _disk(settings: Settings) -> Line:
    usage = shutil.disk_usage(settings.data)
    percent = usage.free * 100 // usage.total
    words = f"{size_of(usage.free)} free, {percent} percent."
    return Line("Disk", words, percent >= settings.alarm_below_free_percent)


def _versions(db: Session) -> Iterator[tuple[str, str]]:
    yield "Python", platform.python_version()
    if db.get_bind().dialect.name == "postgresql":
        yield "PostgreSQL", str(db.scalars(select(func.current_setting("server_version"))).one())
    else:
        yield "SQLite", sqlite3.sqlite_version
    shape = db.scalars(select(column("version_num")).select_from(table("alembic_version"))).first()
    yield "Shape of the tables", str(shape)
    for part in PARTS:
        yield part, version(part)
