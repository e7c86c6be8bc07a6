"""The empty house: what is seen and changed in place of the records in a session under duress.

Such a session works on a database of its own, in memory, with the vault's tables and nothing in them but the
officer's own account. It is not the records with something hidden: no question asked there can reach them.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    QueuePool,
    StaticPool,
    Table,
    and_,
    create_engine,
    event,
    func,
    insert,
    or_,
    select,
)
from sqlalchemy.orm import Session

import audit.tables
import housing.models
from audit.entries import Entry
from audit.heads import Leaf, Tip, append
from audit.tree import Frontier
from vault.database import Base, RecordedSession


@dataclass(frozen=True)
class Forced:
    """An officer under duress, and the session that they were made to begin, as entries name it."""

    officer: UUID
    session: str | None


_FORCED: ContextVar[Forced | None] = ContextVar("under_duress", default=None)


def show_to(forced: Forced | None) -> None:
    """From now on, in this thread or task, everything works on this officer's empty house; None ends it."""
    _FORCED.set(forced)


def shown_to() -> Forced | None:
    """Whose empty house is shown here, or None where the vault is itself."""
    return _FORCED.get()


Own = Callable[[Table, UUID], ColumnElement[bool]]


def _by(column: str) -> Own:
    return lambda table, me: table.c[column] == me


OWN: Mapping[str, Own] = {
    "officers": _by("id"),
    "sessions": _by("officer_id"),
    "second_factors": _by("id"),
    "duress_wraps": _by("id"),
    "passkeys": _by("officer_id"),
    "recovery_codes": _by("officer_id"),
    "notice_choices": _by("id"),
    # Public keys: the officer's own, and of every role the one in use, without which no page knows roles.
    "holder_keys": lambda table, me: or_(
        table.c.holder == me, and_(table.c.kind == "circle", table.c.withdrawn_at.is_(None))
    ),
    # That the officer holds their role's key; it is sealed to keys that a decoy has not.
    "seals": lambda table, me: and_(table.c.holder == me, table.c.key_kind == "circle"),
}
"""The rows that stand in the empty house, by table; of every other table none does."""


ALARM = "duress-password-given"
MOST_ENTRIES = 500
"""So many entries of the session the ledger of the empty house tells at most, the oldest of them."""


_MARK = "empty house"


def is_empty_house(db: Session) -> bool:
    """Whether this session works on somebody's empty house, where nothing is recorded."""
    return _MARK in db.info


class EmptyHouse:
    """The databases in memory on which sessions under duress work: each works on one of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: Engine | None = None

    @contextmanager
    def opened(self, real: Engine, forced: Forced, *, writing: bool) -> Iterator[RecordedSession]:
        """A session on an officer's empty house; what it changes is thrown away, and it records nothing."""
        engine = self._engine().execution_options(writing=True) if writing else self._engine()
        with RecordedSession(bind=engine, autoflush=writing, expire_on_commit=False) as session:
            session.info[_MARK] = True
            _furnish(session, real, forced)
            try:
                yield session
            finally:
                session.expunge_all()
                session.rollback()

    def close(self) -> None:
        """Let the databases go."""
        if self._made is not None:
            self._made.dispose()

    def _engine(self) -> Engine:
        with self._lock:
            if self._made is None:
                self._made = _make()
            return self._made


def _metadatas() -> tuple[Any, ...]:
    return Base.metadata, housing.models.Base.metadata, audit.tables.metadata


def _make() -> Engine:
    """An engine of which every connection is a database of its own, with every table and no row."""
    first = create_engine("sqlite://", poolclass=StaticPool)
    for metadata in _metadatas():
        metadata.create_all(first)
    with first.connect() as connection:
        image: bytes = connection.connection.driver_connection.serialize()  # type: ignore[union-attr]
    first.dispose()
    engine = create_engine(
        "sqlite://", poolclass=QueuePool, connect_args={"check_same_thread": False}, hide_parameters=True
    )

    def build(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        connection.deserialize(image)

    event.listen(engine, "connect", build)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _furnish(session: RecordedSession, real: Engine, forced: Forced) -> None:
    """Copy the officer's own rows, as they are at this moment."""
    house = session.connection()
    with real.connect() as connection:
        for name, own in OWN.items():
            table = Base.metadata.tables[name]
            rows = connection.execute(select(table).where(own(table, forced.officer))).mappings().all()
            if rows:
                house.execute(insert(table), [dict(row) for row in rows])
        _begin_ledger(house, connection, forced)


def _own_entries(forced: Forced) -> list[ColumnElement[bool]]:
    """What the officer did in this very session: nothing of another one, which would name cases."""
    entries = audit.tables.entries.c
    return [
        entries.officer == str(forced.officer),
        entries.session == forced.session,
        entries.event != ALARM,
    ]


def _begin_ledger(house: Connection, real: Connection, forced: Forced) -> None:
    """A ledger without any entry would be none: it begins with the officer's own sign-in, as it was made."""
    entries = audit.tables.entries.c
    own = select(entries.leaf).where(*_own_entries(forced)).order_by(entries.index).limit(MOST_ENTRIES)
    leaves = [Leaf(Entry.from_canonical(leaf), leaf, None) for leaf in real.scalars(own)]
    if leaves:
        append(house, Tip(0, Frontier()), leaves)


def place_told(real: Engine, index: int) -> int:
    """Where an entry stands in the ledger that is seen here: its own index, but for an empty house."""
    forced = shown_to()
    if forced is None:
        return index
    entries = audit.tables.entries.c
    before = select(func.count()).select_from(audit.tables.entries).where(entries.index < index)
    with real.connect() as connection:
        return connection.scalar(before.where(*_own_entries(forced))) or 0
