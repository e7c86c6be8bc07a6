"""Details that were forgotten by retention, as the ledger tells of it, and those gone without a word.

Before details are deleted an entry tells which: those of entries made before a day, from one entry to
another, and how many. Whatever else is missing was taken out by somebody who may write to the database.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, delete, select

from audit import tables
from audit.entries import Entry, Fact, timestamp
from audit.tables import DETAILS_KEPT_YEARS

FORGOTTEN = "details-forgotten"
_AT_ONCE = 500


def years_before(day: date, years: int) -> date:
    """The same day so many years earlier; of a 29 February that is none, the day before."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


@dataclass(frozen=True)
class OldDetails:
    """Details that may go now: of entries made before a day, oldest entry first."""

    before: date
    indices: tuple[int, ...]
    ids: tuple[UUID, ...]

    def facts(self) -> dict[str, Fact]:
        """What the entry says that tells of their going."""
        return {
            "before": self.before,
            "first-entry": self.indices[0],
            "last-entry": self.indices[-1],
            "count": len(self.indices),
        }


def old_details(connection: Connection, before: date, limit: int) -> OldDetails | None:
    """The oldest details of entries made before a day (UTC), at most `limit`; None when none are kept."""
    entries, details = tables.entries.c, tables.details.c
    moment = datetime.fromisoformat(f"{before.isoformat()}T00:00:00+00:00")
    # Ids begin with their moment (RFC 9562, version 7), so that what is younger need not be looked at.
    youngest = UUID(int=int(moment.timestamp() * 1000) << 80)
    query = (
        select(entries.index, details.id)
        .join_from(tables.details, tables.entries, entries.id == details.id)
        .where(details.id < youngest, entries.at < timestamp(moment))
        .order_by(entries.index)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    if not rows:
        return None
    return OldDetails(before, tuple(index for index, _ in rows), tuple(ident for _, ident in rows))


def delete_details(connection: Connection, old: OldDetails) -> int:
    """Delete details that an entry has told of; return how many there were. Their leaves go on verifying.

    Raises SQLAlchemy's DatabaseError when the database holds that one of them is too young.
    """
    gone = 0
    for start in range(0, len(old.ids), _AT_ONCE):
        some = old.ids[start : start + _AT_ONCE]
        gone += connection.execute(delete(tables.details).where(tables.details.c.id.in_(some))).rowcount
    return gone


@dataclass(frozen=True)
class Forgetting:
    """What one entry tells: of which entries the details were about to be deleted, and how many."""

    index: int
    before: str
    first: int
    last: int
    count: int

    @classmethod
    def told_by(cls, index: int, entry: Entry) -> "Forgetting | None":
        """What an entry tells; None when it tells of no forgetting, or of one that was not due."""
        facts = entry.facts
        first, last, count = (facts.get(name) for name in ("first-entry", "last-entry", "count"))
        if (entry.event, entry.outcome) != (FORGOTTEN, "done"):
            return None
        try:
            before = date.fromisoformat(str(facts.get("before")))
        except ValueError:
            return None
        due = before <= years_before(entry.at.date(), DETAILS_KEPT_YEARS)
        if not due or not (isinstance(first, int) and isinstance(last, int) and isinstance(count, int)):
            return None
        return cls(index, before.isoformat(), first, last, count) if last < index else None

    def excuses(self, index: int, at: str) -> bool:
        """Whether the details of an entry made at this time (as the ledger writes it) were to go."""
        return self.first <= index <= self.last and at < self.before


def gone_without_a_word(
    missing: Sequence[tuple[int, str]], told: Sequence[Forgetting]
) -> tuple[tuple[int, ...], int]:
    """Of the entries whose details are missing, those of which no entry tells, and how many were forgotten.

    `missing` holds index and time, in order. A forgetting of fewer than are missing excuses none of them.
    """
    unexplained = dict(missing)
    indices = [index for index, _ in missing]
    for one in told:
        among = indices[bisect_left(indices, one.first) : bisect_right(indices, one.last)]
        excused = [
            index for index in among if index in unexplained and one.excuses(index, unexplained[index])
        ]
        if len(excused) <= one.count:
            for index in excused:
                del unexplained[index]
    return tuple(unexplained), len(missing) - len(unexplained)
