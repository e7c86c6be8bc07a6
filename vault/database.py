"""The database: one engine for SQLite or PostgreSQL, and sessions that refuse a change nobody recorded."""
# It is longer than other modules, because what a session refuses is read beside what it notes.

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, NoReturn
from uuid import UUID

from sqlalchemy import (
    JSON,
    Engine,
    MetaData,
    String,
    TextClause,
    TypeDecorator,
    create_engine,
    event,
    inspect,
    select,
)
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import (
    DeclarativeBase,
    MappedColumn,
    Mapper,
    ORMExecuteState,
    Session,
    mapped_column,
    sessionmaker,
)
from sqlalchemy.types import TypeEngine
from typing_extensions import override

from audit.entries import Details, Entry
from audit.ledger import Receipt
from audit.tables import pending
from crypto.columns import SealedBlob
from crypto.encoding import enc

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """A row of the vault's own records."""

    metadata = MetaData(naming_convention=NAMING)
    unrecorded: ClassVar[bool] = False
    """True for rows whose changes need no ledger entry of their own; the model says why."""


class Word(TypeDecorator[StrEnum]):
    """A column that holds one word of a vocabulary."""

    impl = String(40)
    cache_ok = True

    def __init__(self, vocabulary: type[StrEnum]) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    @override
    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        return None if value is None else str(self.vocabulary(value).value)

    @override
    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.vocabulary(value)


class WordList(TypeDecorator[list[StrEnum]]):
    """A column that holds several words of a vocabulary, sorted, as JSON."""

    impl = JSON
    cache_ok = True

    def __init__(self, vocabulary: type[StrEnum]) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    @override
    def process_bind_param(self, value: Iterable[StrEnum] | None, dialect: Dialect) -> list[str] | None:
        return None if value is None else sorted(str(self.vocabulary(word).value) for word in value)

    @override
    def process_result_value(self, value: list[str] | None, dialect: Dialect) -> list[StrEnum] | None:
        return None if value is None else [self.vocabulary(word) for word in value]


class UnrecordedChange(RuntimeError):
    """A change was about to be kept that no ledger entry tells of."""


class BulkChangeRefused(RuntimeError):
    """An UPDATE or DELETE over many rows would pass by the entries; rows are changed one by one."""


_PLAIN: tuple[tuple[type[Any] | tuple[type[Any], ...], Callable[[Any], bytes]], ...] = (
    (type(None), lambda _value: b"-"),
    (SealedBlob, lambda value: b"s" + value.blob),
    (bytes, lambda value: b"b" + value),
    (int, lambda value: b"i" + str(int(value)).encode()),
    (float, lambda value: b"f" + repr(value).encode()),
    (datetime, lambda at: b"m%d" % (at.replace(microsecond=0).timestamp() * 1000 + at.microsecond // 1000)),
    (date, lambda value: b"d" + value.isoformat().encode()),
    (UUID, lambda value: b"u" + value.bytes),
    (StrEnum, lambda value: b"t" + str(value.value).encode()),
    (str, lambda value: b"t" + value.encode()),
    ((list, tuple), lambda value: b"l" + enc("list", *(_plain(item) for item in _as_kept(value)))),
    ((set, frozenset), lambda value: b"l" + enc("set", *sorted(_plain(item) for item in value))),
)


def _as_kept(items: Sequence[Any]) -> Sequence[Any]:
    """The items in the order in which the column keeps them: words of a vocabulary are sorted."""
    return sorted(items) if all(isinstance(item, StrEnum) for item in items) else items


def _plain(value: Any) -> bytes:
    """One column's value as bytes that say its type, equal before and after it was kept; moments cut off."""
    for kind, encode in _PLAIN:
        if isinstance(value, kind):
            return encode(value)
    raise TypeError(f"no digest for a column of type {type(value).__name__}")


def row_name(row: Any) -> str:
    """How a ledger entry names a row: table/uuid."""
    return f"{row.__table__.name}/{row.id}"


def added_later(kind: type[TypeEngine[Any]]) -> MappedColumn[Any]:
    """A column that a later version added: while it is empty it counts for no row's digest."""
    return mapped_column(kind, nullable=True, info={"added later": True})


@cache
def _told_columns(model: type) -> tuple[tuple[str, bool], ...]:
    """The columns that a digest is over, in its order, and whether an empty one is left out."""
    mapper: Mapper[Any] = inspect(model)
    attributes = sorted(mapper.column_attrs, key=lambda attribute: attribute.key)
    return tuple((a.key, "added later" in a.columns[0].info) for a in attributes)


def row_digest(row: Any) -> str:
    """SHA-256 (hex) over every column as it is kept: sealed blobs, never plaintext."""
    kept = [(key, getattr(row, key), later) for key, later in _told_columns(row.__class__)]
    told = [(key, value) for key, value, later in kept if value is not None or not later]
    items = [part for key, value in told for part in (key.encode(), _plain(value))]
    return hashlib.sha256(enc("vault/row/v1", row.__table__.name, *items)).hexdigest()


DELETED = hashlib.sha256(enc("vault/row/v1", "deleted")).hexdigest()


AT_ONCE = 500
"""How many changed rows one question to the database reads again."""


class RecordedSession(Session):
    """A session that commits a change only together with the entry that tells of it.

    `unrecorded_rows` holds what changed since the last entry; `recorded` what entries have covered.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.unrecorded_rows: dict[str, Any] = {}
        self.changing: list[Any] = []
        self.entries: list[UUID] = []
        self.receipts: list[Receipt] = []
        self.pend: Callable[[Session, Entry, Details | None], None] | None = None
        self.trust: Any = None
        self.vouch: Callable[[bytes], str] | None = None
        """The pinned keys (`vault.running.Trust`) by which the auditors' key is believed."""

    def changed_rows(self) -> dict[str, str]:
        """Flush, then name and digest every row changed since the last entry, and call them covered."""
        self.flush()
        if self.get_bind().dialect.name == "postgresql":
            self._read_again([row for row in self.unrecorded_rows.values() if row is not None])
        changed = {
            name: DELETED if row is None else row_digest(row) for name, row in self.unrecorded_rows.items()
        }
        self.unrecorded_rows.clear()
        return changed

    def _read_again(self, rows: Sequence[Any]) -> None:
        """Read rows as they are kept: another act may have changed other columns since they were read."""
        kinds: dict[type[Any], list[UUID]] = {}
        for row in rows:
            if row.__mapper__.version_id_col is None:
                kinds.setdefault(type(row), []).append(row.id)
        for kind, ids in kinds.items():
            for start in range(0, len(ids), AT_ONCE):
                some = select(kind).where(kind.id.in_(ids[start : start + AT_ONCE]))
                self.scalars(some.execution_options(populate_existing=True)).all()

    def _refuse_in_bulk(self, *_rows: Any, **_options: Any) -> NoReturn:
        raise BulkChangeRefused("rows are added and changed one by one, each with its entry")

    # These would write rows without the flush in which changes are noted.
    bulk_save_objects = bulk_insert_mappings = bulk_update_mappings = _refuse_in_bulk


@event.listens_for(RecordedSession, "before_flush")
def _see_changes(session: RecordedSession, _context: object, _instances: object) -> None:
    # Afterwards a row of which only the version was counted up no longer says that it was modified.
    session.changing = [row for row in session.dirty if session.is_modified(row)]


@event.listens_for(RecordedSession, "after_flush")
def _note_changes(session: RecordedSession, _context: object) -> None:
    for row in (*session.new, *session.changing):
        if not getattr(type(row), "unrecorded", False):
            session.unrecorded_rows[row_name(row)] = row
    for row in session.deleted:
        if not getattr(type(row), "unrecorded", False):
            session.unrecorded_rows[row_name(row)] = None
    session.changing = []


@event.listens_for(RecordedSession, "before_commit")
def _refuse_unrecorded(session: RecordedSession) -> None:
    if session.in_nested_transaction():
        return  # A savepoint keeps nothing yet; its changes are asked for when the whole act commits.
    session.flush()
    if session.unrecorded_rows:
        tables = sorted({name.split("/")[0] for name in session.unrecorded_rows})
        raise UnrecordedChange(f"rows of {', '.join(tables)} changed and no entry tells of it")


@event.listens_for(RecordedSession, "do_orm_execute")
def _refuse_bulk(state: ORMExecuteState) -> None:
    if isinstance(state.statement, TextClause):
        raise BulkChangeRefused("a session takes no statement in words: nobody could say what it changes")
    if not (state.is_update or state.is_delete or state.is_insert):
        return
    mapper = state.bind_mapper
    table = mapper.local_table if mapper is not None else getattr(state.statement, "table", None)
    is_free = mapper is not None and getattr(mapper.class_, "unrecorded", False)
    if not is_free and table is not pending:
        raise BulkChangeRefused(f"change rows of {table} one by one, each with its entry")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON",
        "busy_timeout=4000", "secure_delete=ON", "temp_store=MEMORY",
    ):  # fmt: skip
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("isolation_level") == "AUTOCOMMIT":
        return
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writing") else "BEGIN DEFERRED")


def connect(url: str) -> Engine:
    """An engine whose errors and logs never show a bound value."""
    if url.startswith("sqlite"):
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 4})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=20,
        connect_args={"options": "-c timezone=UTC -c statement_timeout=20000 -c lock_timeout=4000"},
    )


class Database:
    """Opens sessions: `reading` for looks, `writing` for acts; the caller of `writing` commits through it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writers = sessionmaker(
            engine.execution_options(writing=True), class_=RecordedSession, expire_on_commit=False
        )
        # A look sees the rows and the keys that open them as they stood at one moment; SQLite does so anyway.
        readers = engine
        if engine.dialect.name == "postgresql":
            readers = engine.execution_options(isolation_level="REPEATABLE READ")
        self._readers = sessionmaker(readers, class_=RecordedSession, autoflush=False)

    @contextmanager
    def reading(self) -> Iterator[RecordedSession]:
        """A session whose changes are thrown away."""
        with self._readers() as session:
            try:
                yield session
            finally:
                session.expunge_all()  # What was read stays readable after the session is gone.
                session.rollback()

    @contextmanager
    def writing(self) -> Iterator[RecordedSession]:
        """A session that holds the write lock from the start and commits when the block ends well."""
        with self._writers() as session, session.begin():
            yield session
            if session.in_nested_transaction():
                raise UnrecordedChange("a savepoint was left open, so its changes cannot be asked for")


def is_writing(db: Session) -> bool:
    """Whether this session does an act, so that what it rests on must stand still until the act is kept."""
    return bool(db.get_bind().get_execution_options().get("writing"))
