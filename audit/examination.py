"""Examination of the ledger in its database: every table against the leaves, from the first entry on.

An export proves more to an outsider; this finds sooner what somebody with access to the database changed,
including the columns, subjects and heads that no export carries.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from audit import tables
from audit.entries import Entry
from audit.errors import Damaged, InvalidEntry
from audit.tiles import Progress
from audit.tree import Frontier, leaf_hash

_PAGE = 1024


@dataclass(frozen=True)
class Examination:
    """A sound ledger: its size and root, the entries whose details are gone, and how many entries wait."""

    size: int
    root: bytes
    details_gone: tuple[int, ...]
    waiting: int


def examine(connection: Connection, progress: Progress) -> Examination:
    """Check the whole ledger in one transaction; raises Damaged naming the first entry that is wrong."""
    heads = {row.size: row for row in connection.execute(select(tables.heads).order_by(tables.heads.c.size))}
    frontier, gone, names = Frontier(), list[int](), set[object]()
    previous = 0
    for page in _pages(connection):
        for row in page:
            entry = _check_row(frontier.size, row, names)
            if entry.details is not None and row.kept is None:
                gone.append(frontier.size)
            frontier.append(row.leaf_hash)
            if frontier.size in heads:
                _check_head(heads.pop(frontier.size), previous, frontier)
                previous = frontier.size
        _check_subjects(connection, page)
        progress(len(page))
    if heads:
        raise Damaged(frontier.size, "it is missing: a head counts entries that are not there.")
    if previous != frontier.size:
        raise Damaged(previous, "it is not covered by any head.")
    _check_strays(connection, frontier.size)
    waiting = connection.execute(select(func.count()).select_from(tables.pending)).scalar_one()
    return Examination(frontier.size, frontier.root(), tuple(gone), waiting)


def _pages(connection: Connection) -> Iterator[list[Row[Any]]]:
    entries = tables.entries.c
    last = -1
    while True:
        page = (
            select(tables.entries, tables.details.c.id.label("kept"))
            .outerjoin_from(tables.entries, tables.details, entries.id == tables.details.c.id)
            .where(entries.index > last)
            .order_by(entries.index)
            .limit(_PAGE)
        )
        rows = list(connection.execute(page).all())
        if not rows:
            return
        last = rows[-1][0]
        yield rows


def _check_row(expected: int, row: Row[Any], names: set[object]) -> Entry:
    if row[0] != expected:
        raise Damaged(expected, "it is missing.")
    try:
        entry = Entry.from_canonical(row.leaf or b"")
    except InvalidEntry as error:
        raise Damaged(expected, "its leaf is not in the form of an entry.") from error
    if row.leaf_hash != leaf_hash(row.leaf):
        raise Damaged(expected, "its leaf is not what was written: its hash differs.")
    if entry.id in names:
        raise Damaged(expected, "it is the copy of an earlier entry.")
    names.add(entry.id)
    if row.id != entry.id:
        raise Damaged(expected, "its column id does not say what its leaf says.")
    for column, value in tables.copies(entry).items():
        if getattr(row, column) != value:
            raise Damaged(expected, f"its column {column} does not say what its leaf says.")
    return entry


def _check_subjects(connection: Connection, page: list[Row[Any]]) -> None:
    subjects = tables.subjects.c
    between = subjects.index.between(page[0][0], page[-1][0])
    listed: dict[int, set[str]] = {}
    for index, subject in connection.execute(select(subjects.index, subjects.subject).where(between)):
        listed.setdefault(index, set()).add(subject)
    for row in page:
        if listed.get(row[0], set()) != set(Entry.from_canonical(row.leaf).subjects):
            raise Damaged(row[0], "the subjects it is found by are not those of its leaf.")


def _check_head(head: Row[Any], previous: int, frontier: Frontier) -> None:
    if head.root != frontier.root() or head.frontier != frontier.to_bytes():
        raise Damaged(
            None, f"The head of {head.size:,} entries does not have the root of the entries before it."
        )
    if head.previous != previous:
        raise Damaged(None, f"The head of {head.size:,} entries does not follow the head before it.")


def _check_strays(connection: Connection, size: int) -> None:
    beyond = select(func.min(tables.subjects.c.index)).where(tables.subjects.c.index >= size)
    stray = connection.execute(beyond).scalar_one()
    if stray is not None:
        raise Damaged(stray, "it is missing, and its subjects are still there.")
