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
from audit.entries import Entry
from audit.errors import Damaged, InvalidEntry, NotVerified
from audit.form import check_form
from audit.joints import CLOSED, OPENED, FinalTree, says_closed, says_opened
from audit.names import Names
from audit.origins import parted
from audit.retention import FORGOTTEN, Forgetting, gone_without_a_word
from audit.tiles import Progress
from audit.tree import Frontier, leaf_hash
from audit.volumes import volumes_in

_ENTRIES, _SUBJECTS, _HEADS = tables.entries.c, tables.subjects.c, tables.heads.c
_PAGE = 1024


@dataclass(frozen=True)
class Examination:
    """A sound ledger: its size, the root of its current volume, and how many entries wait.

    `details_gone` are the entries whose details are missing and of which no entry tells; `details_forgotten`
    counts those that were forgotten by retention, as the ledger tells.
    """

    size: int
    root: bytes
    volumes: int
    details_gone: tuple[int, ...]
    details_forgotten: int
    waiting: int


def examine(connection: Connection, progress: Progress) -> Examination:
    """Check the whole ledger in one transaction; raises Damaged naming the first entry that is wrong."""
    names, missing, told_forgotten = Names(), list[tuple[int, str]](), list[Forgetting]()
    volumes = _Volumes(connection)
    hyphen = "-" if connection.dialect.name == "postgresql" else ""
    size = previous = 0
    for page in _pages(connection):
        heads = _heads_among(connection, page)
        subjects = []
        for row in page:
            told = _check_row(size, row, names, hyphen)
            subjects.append(told["subjects"])
            if told["details"] is not None and not row.kept:
                missing.append((size, told["at"]))
            if told["event"] == FORGOTTEN and (
                forgetting := Forgetting.told_by(size, Entry.from_canonical(row.leaf))
            ):
                told_forgotten.append(forgetting)
            volumes.append(size, told["event"], row)
            size += 1
            if size in heads:
                _check_head(heads[size], previous, volumes.frontier)
                previous = size
        _check_subjects(connection, page, subjects)
        progress(len(page))
    beyond = select(_HEADS.size).where((_HEADS.size > size) | (_HEADS.size <= 0))
    if connection.execute(beyond.limit(1)).first() is not None:
        raise Damaged(size, "it is missing: a head counts entries that are not there.")
    if previous != size:
        raise Damaged(previous, "it is not covered by any head.")
    volumes.finish(size)
    _check_strays(connection, size)
    waiting = connection.execute(select(func.count()).select_from(tables.pending)).scalar_one()
    gone, count = gone_without_a_word(missing, told_forgotten)
    return Examination(size, volumes.frontier.root(), volumes.count, gone, count, waiting)


class _Volumes:
    """The tree of each volume in turn, and the entries that join one volume to the next."""

    def __init__(self, connection: Connection) -> None:
        origin = connection.scalar(select(tables.volumes.c.origin).order_by(tables.volumes.c.number).limit(1))
        try:
            listed = volumes_in(connection, parted(origin or "")[0])
        except NotVerified as error:
            raise Damaged(None, str(error)) from None
        self._current, *self._following = listed
        self.count = len(listed)
        self.frontier = Frontier()

    def append(self, index: int, event: str, row: Row[Any]) -> None:
        """Put an entry into the tree of its volume; raises Damaged when it joins volumes it must not."""
        following = self._following[0] if self._following else None
        begins = following is not None and index == following.first_index
        if begins and following is not None:
            final = FinalTree(self._current.origin, self.frontier.size, self.frontier.root())
            if not says_opened(row.leaf, following.number, index, final):
                raise Damaged(index, f"it does not join volume {following.number} to the one before.")
            self._current, self._following, self.frontier = following, self._following[1:], Frontier()
        elif event == OPENED:
            raise Damaged(index, "it opens a volume, and none begins there.")
        closes = following is not None and index == following.first_index - 1
        if closes != (event == CLOSED):
            raise Damaged(
                index, "it is the last of a volume and does not close it, or closes it before its end."
            )
        if closes and following is not None and not says_closed(row.leaf, following.origin):
            raise Damaged(index, f"it does not name volume {following.number} as the next.")
        self.frontier.append(row.leaf_hash)

    def finish(self, size: int) -> None:
        """Raises Damaged when a volume is listed that has no entry."""
        if self._following:
            raise Damaged(size, f"it is missing: volume {self._following[0].number} has no entry.")


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
