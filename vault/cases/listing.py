"""What the directory of names keeps of a person and of a household: the names, the birthday, the numbers."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from vault.access.listings import Listing, leave_slip, numbers_in
from vault.access.policy import Compartment
from vault.access.reading import Value
from vault.cases.models import Person, Whereabouts
from vault.database import RecordedSession
from vault.running import Trust


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""


def of_person(person: Person, values: Mapping[str, Value]) -> Listing:
    """A person by their opened identity: every name, one on a line, and the numbers of their papers."""
    names = [_text(values["legal_name"]), *_text(values["aliases"]).replace(";", "\n").splitlines()]
    born = values["birth_date"]
    return Listing(
        ref=person.id,
        case=person.case,
        names=tuple(dict.fromkeys(name.strip() for name in names if name.strip())),
        birth_date=born if isinstance(born, date) else None,
        numbers=numbers_in(_text(values["social_security"])) + numbers_in(_text(values["documents"])),
    )


def of_household(whereabouts: Whereabouts, values: Mapping[str, Value]) -> Listing:
    """A household by its opened location: the telephone there, and no name."""
    return Listing(whereabouts.id, whereabouts.case, (), None, numbers_in(_text(values["telephone"])))


def leave(
    db: RecordedSession,
    trust: Trust,
    row: Any,
    compartment: Compartment,
    values: Mapping[str, Value],
    now: datetime,
) -> None:
    """Leave word for the directory when who somebody is, or a household's telephone, has changed.

    The row has been flushed, so that it has the version of this change.
    """
    match compartment:
        case Compartment.IDENTITY:
            listing = of_person(row, values)
        case Compartment.LOCATION:
            listing = of_household(row, values)
        case _:
            return
    is_empty = not (listing.names or listing.birth_date or listing.numbers)
    leave_slip(db, trust, listing, row.version, is_empty, now)
