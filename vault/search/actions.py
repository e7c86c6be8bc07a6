"""A search for a person: recorded before anything opens, and its result recorded before it is shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.ledger import Receipt
from vault.access import listings
from vault.access.actor import Actor
from vault.access.events import Event, record, record_apart
from vault.access.listings import Listing, Searched, find_in
from vault.access.policy import Compartment, Reason, Role
from vault.access.reading import Opening, open_rows
from vault.cases import listing
from vault.cases.models import Case, Person, Whereabouts, known_people, known_to
from vault.running import RunningVault
from vault.search.ways import COMPARED, Way

MOST_SHOWN = 50
"""More than this helps nobody, and the entry that names the found must hold them."""
MOST_LOOKED_UP = 500


@dataclass(frozen=True)
class Hit:
    """One answer: a person, or a household by its telephone, with the names that the words found."""

    case: Case
    person: Person | None
    name: str
    matched: Sequence[str]
    born: date | None


@dataclass(frozen=True)
class Found:
    """What a search shows, and the entry that tells of it. Never printed, never kept."""

    receipt: Receipt
    hits: Sequence[Hit]
    count: int
    is_complete: bool

    def __repr__(self) -> str:
        return "<found>"


def search(vault: RunningVault, who: Actor, way: Way, words: str, reason: Reason, now: datetime) -> Found:
    """Look for a person among all that this officer may know of, and record whom the search found.

    Raises RoleMayNot, StepUpNeeded, and audit.errors.LedgerUnavailable when one of the two entries cannot be
    made durable: then nothing was opened, or nothing is shown.
    """
    if who.role is Role.COORDINATOR:
        list_earlier(vault, who, reason, now)
        searched = listings.search(vault, who, words, COMPARED[way], {"way": way}, reason, now)
    else:
        searched = _search_own(vault, who, way, words, reason, now)
    with vault.reading() as db:
        hits = _known(db, who, searched.found[:MOST_LOOKED_UP], way, words)
    shown = hits[:MOST_SHOWN]
    count = len(hits) if len(searched.found) <= MOST_LOOKED_UP else len(searched.found)
    people = [hit.person.subject for hit in shown if hit.person]
    receipt = record_apart(
        vault,
        Event.DIRECTORY_FOUND,
        who=who,
        now=now,
        subjects=[*people, *(hit.case.subject for hit in shown)],
        reason=reason,
        facts={"way": way, "found": count, "shown": len(shown), "search": searched.receipt.index},
    )
    return Found(receipt, shown, count, searched.is_complete)


def _known(db: Session, who: Actor, found: Sequence[Listing], way: Way, words: str) -> list[Hit]:
    """The found whom this officer may know of, by their case and their number in it."""
    refs = {one.ref: one for one in found}
    if way is Way.TELEPHONE:
        query = known_to(who).join(Whereabouts, Whereabouts.case == Case.id).where(Whereabouts.id.in_(refs))
        homes = db.execute(query.add_columns(Whereabouts.id))
        rows: list[tuple[Case, Person | None, Listing]] = [(case, None, refs[ref]) for case, ref in homes]
    else:
        people = db.execute(known_people(who).where(Person.id.in_(refs)))
        rows = [(case, person, refs[person.id]) for case, person in people]
    hits = [
        Hit(
            case=case,
            person=person,
            name=next(iter(one.names), ""),
            matched=listings.matching_names(one, words, COMPARED[way]),
            born=one.birth_date,
        )
        for case, person, one in rows
        if case.destroyed_on is None
    ]
    return sorted(hits, key=lambda hit: (hit.case.code, hit.person.number if hit.person else 0))


def _search_own(
    vault: RunningVault, who: Actor, way: Way, words: str, reason: Reason, now: datetime
) -> Searched:
    """Open what identifies the people of the officer's own cases, and search that."""
    compartment = Compartment.LOCATION if way is Way.TELEPHONE else Compartment.IDENTITY
    with vault.reading() as db:
        rows = _own_rows(db, who, compartment)
        opening = open_rows(
            vault,
            db,
            who,
            compartment,
            rows,
            about=[],
            reason=reason,
            now=now,
            event=Event.DIRECTORY_SEARCHED,
            facts={"way": way},
            details={"words": words},
        )
    found = find_in(_listed(rows, compartment, opening), words, COMPARED[way])
    return Searched(opening.receipt, found, True)


def _own_rows(db: Session, who: Actor, compartment: Compartment) -> list[Any]:
    """The people, or the households, that this officer may know of and that have not been destroyed."""
    if compartment is Compartment.LOCATION:
        cases = known_to(who).where(Case.destroyed_on.is_(None)).order_by(None).with_only_columns(Case.id)
        return list(db.scalars(select(Whereabouts).where(Whereabouts.case.in_(cases))))
    people = known_people(who).where(Case.destroyed_on.is_(None))
    return [person for _, person in db.execute(people)]


_LISTED: Mapping[Compartment, Callable[[Any, Mapping[str, Any]], Listing]] = {
    Compartment.IDENTITY: listing.of_person,
    Compartment.LOCATION: listing.of_household,
}


def _listed(rows: Sequence[Any], compartment: Compartment, opening: Opening) -> list[Listing]:
    return [_LISTED[compartment](row, opening.of(row)) for row in rows]


def list_earlier(vault: RunningVault, who: Actor, reason: Reason, now: datetime) -> None:
    """List whoever was written down before there was a directory, on the first search of an older vault."""
    for compartment in _LISTED:
        with vault.reading() as db:
            if listings.has_begun(db):
                return
            waiting = listings.waiting(db)
            rows = [r for r in _own_rows(db, who, compartment) if r.version > 1 and r.id not in waiting]
            if not rows:
                continue
            opening = open_rows(
                vault,
                db,
                who,
                compartment,
                rows,
                about=[],
                reason=reason,
                now=now,
                event=Event.DIRECTORY_FILED,
                facts={},
                details=None,
            )
        with vault.writing() as db:
            for row in rows:
                listing.leave(db, vault.trust, row, compartment, opening.of(row), now)
            record(
                db,
                Event.DIRECTORY_FILED,
                who=who,
                now=now,
                subjects=[listings.SUBJECT],
                facts={"listed": len(rows)},
            )
