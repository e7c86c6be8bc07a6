"""Volumes: the ledger as a row of C2SP logs, each of which begins where the one before was closed.

Indices of entries go on through all volumes; the tree of a volume counts from its first entry. The last entry
of a volume names the log that follows, and the first of that one names the log before, its size and its root.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from sqlalchemy import Connection, insert, select
from sqlalchemy.orm import Session

from audit import tables
from audit.entries import Entry, Fact
from audit.errors import InvalidEntry, NotVerified
from audit.heads import Leaf, append, read_tip
from audit.origins import origin_of, parted

CLOSED, OPENED = "ledger-volume-closed", "ledger-volume-opened"


@dataclass(frozen=True)
class Volume:
    """A run of entries that is a log of its own; `end_index` is None while it is the current one."""

    number: int
    origin: str
    first_index: int
    end_index: int | None


def volumes_in(connection: Connection | Session, ledger: str) -> list[Volume]:
    """Every volume as the database lists it, which is not believed; `ledger` is the origin of the first.

    Raises NotVerified when the list has a gap or a name that is not of this ledger.
    """
    listed = connection.execute(select(tables.volumes).order_by(tables.volumes.c.number)).all()
    begins = [(1, ledger, 0), *((row.number, row.origin, row.first_index) for row in listed)]
    volumes = []
    for at, (begun, after) in enumerate(zip_longest(begins, begins[1:]), 1):
        number, origin, first = begun
        end = None if after is None else after[2]
        if (number, origin) != (at, origin_of(ledger, at)) or (end is not None and end <= first):
            raise NotVerified("The list of volumes is not one that the ledger made.")
        volumes.append(Volume(number, origin, first, end))
    return volumes


def volume_named(connection: Connection | Session, origin: str) -> Volume:
    """The volume with this origin; raises NotVerified when the ledger has none."""
    for volume in volumes_in(connection, parted(origin)[0]):
        if volume.origin == origin:
            return volume
    raise NotVerified(f"The ledger has no volume {origin}.")


@dataclass(frozen=True)
class FinalTree:
    """How a volume ended: its log, how many entries that has, and its root."""

    origin: str
    size: int
    root: bytes


def closing_facts(ledger: str, number: int) -> dict[str, Fact]:
    """What the last entry of volume `number` says."""
    return {"volume": number, "next-origin": origin_of(ledger, number + 1)}


def opening_facts(number: int, first_index: int, earlier: FinalTree) -> dict[str, Fact]:
    """What the first entry of volume `number` says of the volume before."""
    return {
        "volume": number,
        "first-index": first_index,
        "earlier-origin": earlier.origin,
        "earlier-size": earlier.size,
        "earlier-root": earlier.root.hex(),
    }


def says_closed(leaf: bytes, following: str) -> bool:
    """Whether a leaf closes its volume and names this origin as the next."""
    entry = _read(leaf)
    return (
        entry is not None
        and (entry.event, entry.outcome) == (CLOSED, "done")
        and entry.facts.get("next-origin") == following
    )


def says_opened(leaf: bytes, number: int, first_index: int | None, earlier: FinalTree) -> bool:
    """Whether a leaf opens volume `number` after exactly this final tree.

    With None for `first_index`, any place in the ledger will do.
    """
    entry = _read(leaf)
    if entry is None or (entry.event, entry.outcome) != (OPENED, "done"):
        return False
    wanted = opening_facts(number, first_index or 0, earlier)
    if first_index is None:
        del wanted["first-index"]
    return all(entry.facts.get(name) == fact for name, fact in wanted.items())


def earlier_named(leaf: bytes) -> FinalTree | None:
    """The final tree that an opening leaf names; None for any other leaf."""
    entry = _read(leaf)
    if entry is None or (entry.event, entry.outcome) != (OPENED, "done"):
        return None
    facts = entry.facts
    origin, size, root = (facts.get(f"earlier-{name}") for name in ("origin", "size", "root"))
    try:
        return FinalTree(str(origin), int(str(size)), bytes.fromhex(str(root)))
    except ValueError:
        return None


def _read(leaf: bytes) -> Entry | None:
    try:
        return Entry.from_canonical(leaf)
    except InvalidEntry:
        return None


@dataclass(frozen=True)
class Beginning:
    """A volume that is to begin: its number, the ledger's name, and how its two entries come about.

    The opening entry can be made only once the final tree of the volume before is known.
    """

    number: int
    ledger: str
    closing: Leaf
    opening: Callable[[int, FinalTree], Leaf]


def begin(connection: Connection, beginning: Beginning) -> Sequence[int] | None:
    """Close the current volume and open the next inside a transaction that holds the ledger's lock.

    Returns the indices of the two entries; None when another volume than the one asked for would be next.
    Raises InvalidEntry when an entry does not say what it must.
    """
    volumes = volumes_in(connection, beginning.ledger)
    current, number, tip = volumes[-1], beginning.number, read_tip(connection)
    if number != current.number + 1 or tip.size == current.first_index:
        return None
    origin = origin_of(beginning.ledger, number)
    if not says_closed(beginning.closing.canonical, origin):
        raise InvalidEntry("The closing entry does not name the volume that follows.")
    append(connection, tip, [beginning.closing])
    first = tip.size
    final = FinalTree(current.origin, tip.frontier.size, tip.frontier.root())
    opening = beginning.opening(first, final)
    if not says_opened(opening.canonical, number, first, final):
        raise InvalidEntry("The opening entry does not name the tree that the volume before ended with.")
    row = {"number": number, "first_index": first, "origin": origin}
    connection.execute(insert(tables.volumes), [row])
    tip.begin_volume()
    append(connection, tip, [opening])
    return first - 1, first
