"""Volumes: the ledger as a row of C2SP logs, each of which begins where the one before was closed.

Indices of entries go on through all volumes; the tree of a volume counts from its first entry.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from sqlalchemy import Connection, insert, select
from sqlalchemy.orm import Session

from audit import tables
from audit.errors import InvalidEntry, NotVerified
from audit.heads import Leaf, append, read_tip
from audit.joints import FinalTree, says_closed, says_opened
from audit.origins import origin_of, parted


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


def volume_around(connection: Connection | Session, ledger: str, index: int) -> Volume:
    """The volume that an entry is in; raises NotVerified when the list of volumes is not the ledger's."""
    return next(one for one in reversed(volumes_in(connection, ledger)) if one.first_index <= index)


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
