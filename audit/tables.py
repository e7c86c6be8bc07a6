"""The ledger's tables, with metadata of their own, and the triggers that refuse to change them."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Engine,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    column,
    text,
)

from audit.entries import Entry, timestamp

metadata = MetaData()

# SQLite makes the primary key the row's own number only when its type is spelled INTEGER.
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")

AMISS: ColumnElement[bool] = text("outcome <> 'done'")  # type: ignore[assignment]
"""Refusals and failures, in the very words in which their index is made."""

pending = Table(
    "ledger_pending",
    metadata,
    # The database counts while the changed row is held, so entries about one row wait in the order of its
    # changes; the moments in their ids come from clocks of several machines.
    Column("number", _NUMBER, Identity(always=True), primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("leaf", LargeBinary, nullable=False),
    Column("details", LargeBinary, nullable=True),
)

entries = Table(
    "ledger_entries",
    metadata,
    Column("index", _NUMBER, primary_key=True, autoincrement=False),
    Column("id", Uuid, nullable=False, unique=True),
    Column("leaf", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("at", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("officer", Text, nullable=True),
    Column("session", Text, nullable=True),
    Column("compartment", Text, nullable=True),
    Column("reason", Text, nullable=True),
    Column("outcome", Text, nullable=False),
    CheckConstraint('"index" >= 0', name="ledger_entries_index_from_zero"),
    Index("ledger_entries_officer", "officer", "index"),
    Index("ledger_entries_event", "event", "index"),
    Index("ledger_entries_at", "at"),
    # They hold only entries that have something to be found by: weaving the others costs no more.
    *(
        Index(
            f"ledger_entries_{name}",
            name,
            "index",
            sqlite_where=column(name).is_not(None),
            postgresql_where=column(name).is_not(None),
        )
        for name in ("session", "compartment", "reason")
    ),
    Index("ledger_entries_amiss", "outcome", "index", sqlite_where=AMISS, postgresql_where=AMISS),
)

subjects = Table(
    "ledger_subjects",
    metadata,
    Column("index", _NUMBER, primary_key=True, autoincrement=False),
    Column("subject", Text, primary_key=True),
    Index("ledger_subjects_subject", "subject", "index"),
)

details = Table(
    "ledger_details",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

heads = Table(
    "ledger_heads",
    metadata,
    Column("size", _NUMBER, primary_key=True, autoincrement=False),
    Column("previous", BigInteger, nullable=False, unique=True),
    Column("root", LargeBinary, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    CheckConstraint("size > previous AND previous >= 0", name="ledger_heads_grow"),
)

volumes = Table(
    "ledger_volumes",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("first_index", BigInteger, nullable=False, unique=True),
    Column("origin", Text, nullable=False, unique=True),
    CheckConstraint("number >= 2 AND first_index > 0", name="ledger_volumes_follow_the_first"),
)
"""The volumes after the first, each a log of its own; the first begins at entry 0 and needs no row."""


COPIED = ("at", "event", "officer", "session", "compartment", "reason", "outcome")
"""The columns that hold, as text, what the leaf says under the same names, so that entries are found."""


def copies(entry: Entry) -> dict[str, str | None]:
    """What the copied columns must hold for an entry."""
    return {
        "at": timestamp(entry.at),
        "event": entry.event,
        "officer": None if entry.officer is None else str(entry.officer),
        "session": entry.session,
        "compartment": entry.compartment,
        "reason": entry.reason,
        "outcome": entry.outcome,
    }


def entry_row(index: int, entry: Entry, leaf: bytes, leaf_hash: bytes) -> dict[str, Any]:
    """The row of an entry that is being woven."""
    return {"index": index, "id": entry.id, "leaf": leaf, "leaf_hash": leaf_hash, **copies(entry)}


_APPEND_ONLY = {
    "ledger_entries": ('"index"', "id"),
    "ledger_subjects": (),
    "ledger_heads": ("size", "previous"),
    "ledger_volumes": ("number", "first_index", "origin"),
}
_NEVER_UPDATED = ("ledger_pending", "ledger_details")
DETAILS_KEPT_YEARS = 5
"""Details are kept at least so long (45 CFR 164.528 asks five to six years of an accounting); the database
itself refuses to let younger ones go, by the moment in front of an entry's id (RFC 9562, version 7)."""

_YOUNG_ON_SQLITE = (
    "substr(OLD.id, 1, 12) >= "
    f"printf('%012x', CAST(strftime('%s', 'now', '-{DETAILS_KEPT_YEARS} years') AS INTEGER) * 1000)"
)
_YOUNG_ON_POSTGRESQL = (
    "substr(replace(OLD.id::text, '-', ''), 1, 12) >= lpad(to_hex("
    f"(extract(epoch FROM now() - interval '{DETAILS_KEPT_YEARS} years') * 1000)::bigint), 12, '0')"
)


def _sqlite_guards() -> Iterator[str]:
    for table, keys in _APPEND_ONLY.items():
        for act in ("UPDATE", "DELETE"):
            yield (
                f"CREATE TRIGGER IF NOT EXISTS {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END"
            )
        if keys:
            # INSERT OR REPLACE would otherwise remove a row without firing the DELETE trigger.
            same = " OR ".join(f"{key} = NEW.{key}" for key in keys)
            held = f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # nosec B608
            yield (
                f"CREATE TRIGGER IF NOT EXISTS {table}_no_replace BEFORE INSERT ON {table} "
                f"WHEN {held} BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END"
            )
    for table in _NEVER_UPDATED:
        yield (
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_update BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END"
        )
    yield (
        f"CREATE TRIGGER IF NOT EXISTS ledger_details_kept BEFORE DELETE ON ledger_details "
        f"WHEN {_YOUNG_ON_SQLITE} BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END"
    )


def _postgresql_guards() -> Iterator[str]:
    yield (
        "CREATE OR REPLACE FUNCTION ledger_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger only grows'; END $$"
    )
    for table in _APPEND_ONLY:
        yield (
            f"CREATE OR REPLACE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION ledger_only_grows()"
        )
        yield (
            f"CREATE OR REPLACE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_grows()"
        )
    for table in _NEVER_UPDATED:
        yield (
            f"CREATE OR REPLACE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION ledger_only_grows()"
        )
    yield (
        f"CREATE OR REPLACE TRIGGER ledger_details_kept BEFORE DELETE ON ledger_details "
        f"FOR EACH ROW WHEN ({_YOUNG_ON_POSTGRESQL}) EXECUTE FUNCTION ledger_only_grows()"
    )


def guards(dialect_name: str) -> list[str]:
    """The DDL of the triggers, safe to run again; raises ValueError for an engine that is not supported."""
    if dialect_name == "sqlite":
        return list(_sqlite_guards())
    if dialect_name == "postgresql":
        return list(_postgresql_guards())
    raise ValueError("The ledger is kept on SQLite or PostgreSQL.")


def create_all(engine: Engine) -> None:
    """Make the ledger's tables and triggers in a database that has none."""
    with engine.begin() as connection:
        metadata.create_all(connection)
        for statement in guards(engine.dialect.name):
            connection.exec_driver_sql(statement)
