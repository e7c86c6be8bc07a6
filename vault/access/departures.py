"""Officers whose keys ended, by the vault's own entries: a row that was put back as it was cannot deny it."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit import tables
from audit.entries import Entry
from audit.errors import InvalidEntry
from vault.access.events import Event, is_vouched
from vault.running import Trust

_ENDS = (Event.OFFICER_REVOKED, Event.OFFICER_INVITED_AGAIN)
_TOLD = [str(event) for event in (*_ENDS, Event.OFFICER_CERTIFIED)]


def departed(db: Session, trust: Trust, officers: Iterable[UUID]) -> set[UUID]:
    """Those whose keys ended and were not certified since; one question however many there are.

    Entries that the vault did not make itself count for nothing.
    """
    wanted = {f"officer:{officer}": officer for officer in officers}
    entry = tables.entries.c
    query = (
        select(tables.subjects.c.subject, entry.index, entry.leaf)
        .join_from(tables.subjects, tables.entries, tables.subjects.c.index == entry.index)
        .where(tables.subjects.c.subject.in_(wanted), entry.event.in_(_TOLD))
        .order_by(entry.index)
    )
    last = {}
    for subject, index, leaf in db.execute(query):
        try:
            told = Entry.from_canonical(leaf)
        except InvalidEntry:
            continue
        if subject in told.subjects and is_vouched(told, index, trust.confirms):
            last[wanted[subject]] = told.event
    return {officer for officer, event in last.items() if event in _ENDS}
