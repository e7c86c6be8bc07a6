"""Examination of the ledger in its database: every table against the leaves, from the first entry on.

An export proves more to an outsider; this finds sooner what somebody with access to the database changed,
including the columns, subjects and heads that no export carries.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Text, cast, func, select

from audit import tables
from audit.errors import Damaged, InvalidEntry
from audit.form import check_form
from audit.names import Names
from audit.tiles import Progress
from audit.tree import Frontier, leaf_hash

_ENTRIES, _SUBJECTS, _HEADS = tables.entries.c, tables.subjects.c, tables.heads.c
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
    frontier, gone, names = Frontier(), list[int](), Names()
    hyphen = "-" if connection.dialect.name == "postgresql" else ""
    previous = 0
    for page in _pages(connection):
        heads = _heads_among(connection, page)
        subjects = []
        for row in page:
            told = _check_row(frontier.size, row, names, hyphen)
            subjects.append(told["subjects"])
            if told["details"] is not None and not row.kept:
                gone.append(frontier.size)
            frontier.append(row.leaf_hash)
            if frontier.size in heads:
                _check_head(heads[frontier.size], previous, frontier)
                previous = frontier.size
        _check_subjects(connection, page, subjects)
        progress(len(page))
    beyond = select(_HEADS.size).where((_HEADS.size > frontier.size) | (_HEADS.size <= 0))
    if connection.execute(beyond.limit(1)).first() is not None:
        raise Damaged(frontier.size, "it is missing: a head counts entries that are not there.")
    if previous != frontier.size:
        raise Damaged(previous, "it is not covered by any head.")
    _check_strays(connection, frontier.size)
    waiting = connection.execute(select(func.count()).select_from(tables.pending)).scalar_one()
    return Examination(frontier.size, frontier.root(), tuple(gone), waiting)


def _pages(connection: Connection) -> Iterator[list[Row[Any]]]:
    columns = [_ENTRIES[name] for name in tables.COPIED]
    # The id is read as the database holds it, and compared as text: making objects of them takes longer.
    page = (
        select(_ENTRIES.index, cast(_ENTRIES.id, Text), _ENTRIES.leaf, _ENTRIES.leaf_hash, *columns)
        .add_columns(tables.details.c.id.is_not(None).label("kept"))
        .outerjoin_from(tables.entries, tables.details, _ENTRIES.id == tables.details.c.id)
        .order_by(_ENTRIES.index)
        .limit(_PAGE)
    )
    last = -1
    while rows := list(connection.execute(page.where(_ENTRIES.index > last)).all()):
        last = rows[-1][0]
        yield rows


def _heads_among(connection: Connection, page: list[Row[Any]]) -> dict[int, Row[Any]]:
    """The heads that count up to an entry of this page, by their size."""
    sizes = _HEADS.size.between(page[0][0] + 1, page[-1][0] + 1)
    return {row.size: row for row in connection.execute(select(tables.heads).where(sizes))}


def _check_row(expected: int, row: Row[Any], names: Names, hyphen: str) -> Mapping[str, Any]:
    """What the leaf of a row says, when it and the columns beside it are sound.

    `hyphen` stands in the ids of the database: nothing does, where it keeps them as 32 digits.
    """
    index, name, leaf, hashed, *copied, _kept = list(row)
    if index != expected:
        raise Damaged(expected, "it is missing.")
    try:
        # SQLite keeps text or a number in any column, where a thief writes one.
        told_name, _ = check_form(leaf if isinstance(leaf, bytes) else b"")
    except InvalidEntry as error:
        raise Damaged(expected, "its leaf is not in the form of an entry.") from error
    if hashed != leaf_hash(leaf):
        raise Damaged(expected, "its leaf is not what was written: its hash differs.")
    if not names.add_one(told_name):
        raise Damaged(expected, "it is the copy of an earlier entry.")
    told: dict[str, Any] = json.loads(leaf)
    if name != told["id"].replace("-", hyphen):
        raise Damaged(expected, "its column id does not say what its leaf says.")
    for column, value in zip(tables.COPIED, copied, strict=True):
        if value != told[column]:
            raise Damaged(expected, f"its column {column} does not say what its leaf says.")
    return told


def _check_subjects(connection: Connection, page: list[Row[Any]], told: list[list[str]]) -> None:
    between = _SUBJECTS.index.between(page[0][0], page[-1][0])
    listed: dict[int, set[str]] = {}
    for index, subject in connection.execute(select(_SUBJECTS.index, _SUBJECTS.subject).where(between)):
        listed.setdefault(index, set()).add(subject)
    for row, subjects in zip(page, told, strict=True):
        if listed.get(row[0], set()) != set(subjects):
            raise Damaged(row[0], "the subjects it is found by are not those of its leaf.")


def _check_head(head: Row[Any], previous: int, frontier: Frontier) -> None:
    if head.root != frontier.root() or head.frontier != frontier.to_bytes():
        raise Damaged(
            None, f"The head of {head.size:,} entries does not have the root of the entries before it."
        )
    if head.previous != previous:
        raise Damaged(None, f"The head of {head.size:,} entries does not follow the head before it.")


def _check_strays(connection: Connection, size: int) -> None:
    beyond = select(func.min(_SUBJECTS.index)).where(_SUBJECTS.index >= size)
    stray = connection.execute(beyond).scalar_one()
    if stray is not None:
        raise Damaged(stray, "it is missing, and its subjects are still there.")
