"""Finding entries: by officer, subject, event, compartment, reason, outcome, session and time."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, select
from sqlalchemy.orm import Session

from audit import tables
from audit.entries import Entry, timestamp
from audit.errors import Damaged, InvalidEntry, LedgerError
from audit.form import check_form

_ENTRIES = tables.entries.c
_SUBJECTS = tables.subjects.c
_PAGE = 1000


@dataclass(frozen=True)
class Woven:
    """An entry that is in the tree; `details` are its sealed details, None when none are kept."""

    index: int
    entry: Entry
    details: bytes | None


def _read(index: int, leaf: bytes, details: bytes | None) -> Woven:
    try:
        return Woven(index, Entry.from_canonical(leaf), details)
    except InvalidEntry as error:
        raise Damaged(index, "its leaf is not an entry.") from error


def _rows_of(index: int, leaf: bytes) -> dict[str, str]:
    """The digests that a leaf tells, without making an entry of it, which takes many times longer."""
    try:
        check_form(leaf)
    except InvalidEntry as error:
        raise Damaged(index, "its leaf is not an entry.") from error
    rows: dict[str, str] = json.loads(leaf)["rows"]
    return rows


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which entries: one that is None admits every entry, `since` is included and `until` is not.

    An entry must fit every filter, and name every subject when there are several.
    """

    officer: UUID | None = None
    subject: str | tuple[str, ...] | None = None
    event: str | None = None
    compartment: str | None = None
    reason: str | None = None
    outcome: str | None = None
    session: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """As the database asks for them."""
        wanted = {
            _ENTRIES.officer: None if self.officer is None else str(self.officer),
            _ENTRIES.event: self.event,
            _ENTRIES.compartment: self.compartment,
            _ENTRIES.reason: self.reason,
            _ENTRIES.outcome: self.outcome,
            _ENTRIES.session: self.session,
        }
        conditions = [column == value for column, value in wanted.items() if value is not None]
        if self.outcome is not None and self.outcome != "done":
            # In the words of the index over what was refused or failed, which is found only by them.
            conditions.append(tables.AMISS)
        for named in (self.subject,) if isinstance(self.subject, str) else self.subject or ():
            of_subject = select(_SUBJECTS.index).where(_SUBJECTS.subject == named)
            conditions.append(_ENTRIES.index.in_(of_subject))
        if self.since is not None:
            conditions.append(_ENTRIES.at >= timestamp(self.since))
        if self.until is not None:
            conditions.append(_ENTRIES.at < timestamp(self.until))
        return conditions


class Finding:
    """The questions that can be asked of the ledger: found by columns, answered from the leaf itself."""

    def find(
        self, connection: Connection | Session, filters: Filters, *, before_index: int | None, limit: int
    ) -> list[Woven]:
        """The newest entries that match, at most `limit`, before `before_index`; raises Damaged."""
        conditions = filters.conditions()
        if before_index is not None:
            conditions.append(_ENTRIES.index < before_index)
        query = (
            select(_ENTRIES.index, _ENTRIES.leaf, tables.details.c.sealed)
            .outerjoin_from(tables.entries, tables.details, _ENTRIES.id == tables.details.c.id)
            .where(*conditions)
            .order_by(_ENTRIES.index.desc())
            .limit(limit)
        )
        return [_read(index, leaf, sealed) for index, leaf, sealed in connection.execute(query)]

    def count(self, connection: Connection | Session, filters: Filters) -> int:
        """How many entries match."""
        query = select(func.count()).select_from(tables.entries).where(*filters.conditions())
        return connection.execute(query).scalar_one()

    def following(self, connection: Connection | Session, first_index: int, limit: int) -> list[Woven]:
        """Entries in order from `first_index` on, at most `limit`, without their details; raises Damaged."""
        query = (
            select(_ENTRIES.index, _ENTRIES.leaf)
            .where(_ENTRIES.index >= first_index)
            .order_by(_ENTRIES.index)
            .limit(limit)
        )
        return [_read(index, leaf, None) for index, leaf in connection.execute(query)]

    def tally(
        self, connection: Connection | Session, since: datetime, until: datetime
    ) -> list[tuple[str, str, int]]:
        """How many entries of each event and outcome there are from `since` to before `until`."""
        query = (
            select(_ENTRIES.event, _ENTRIES.outcome, func.count())
            .where(_ENTRIES.at >= timestamp(since), _ENTRIES.at < timestamp(until))
            .group_by(_ENTRIES.event, _ENTRIES.outcome)
        )
        return [(event, outcome, count) for event, outcome, count in connection.execute(query)]

    def roots_at(self, connection: Connection | Session, sizes: Sequence[int]) -> dict[int, bytes]:
        """The roots that the ledger itself kept for these sizes; where no head was written, none."""
        heads = tables.heads.c
        rows = connection.execute(select(heads.size, heads.root).where(heads.size.in_(sizes)))
        return {size: root for size, root in rows}  # noqa: C416 - a row is no pair to the type checker

    def entry(self, connection: Connection | Session, index: int) -> Woven:
        """The entry at an index; raises LedgerError when there is none and Damaged when it cannot be read."""
        query = (
            select(_ENTRIES.leaf, tables.details.c.sealed)
            .outerjoin_from(tables.entries, tables.details, _ENTRIES.id == tables.details.c.id)
            .where(_ENTRIES.index == index)
        )
        row = connection.execute(query).one_or_none()
        if row is None:
            raise LedgerError("The ledger has no entry of this number.")
        return _read(index, row.leaf, row.sealed)

    def latest_row_digests(self, connection: Connection | Session) -> Iterator[tuple[str, str, int]]:
        """The newest digest of each row that any entry changed, as (row, digest, index); reads every leaf.

        A row of the records that does not have this digest was altered or rolled back unrecorded.
        """
        seen: set[str] = set()
        before: int | None = None
        while True:
            query = select(_ENTRIES.index, _ENTRIES.leaf).order_by(_ENTRIES.index.desc()).limit(_PAGE)
            rows = connection.execute(query if before is None else query.where(_ENTRIES.index < before)).all()
            if not rows:
                return
            before = rows[-1][0]
            for index, leaf in rows:
                # Most leaves change no row, and reading JSON is what takes the time.
                if b'"rows":{}' in leaf:
                    continue
                for row, digest in _rows_of(index, leaf).items():
                    if row not in seen:
                        seen.add(row)
                        yield row, digest, index
