"""The newest head of the ledger, and how leaves are added to it inside the weaver's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from audit import tables
from audit.entries import Entry
from audit.tree import Frontier, leaf_hash


@dataclass(frozen=True)
class Leaf:
    """An entry ready to be written: its canonical bytes and, where there are any, its sealed details."""

    entry: Entry
    canonical: bytes
    details: bytes | None


@dataclass
class Tip:
    """Where the ledger ends: how many entries it has, and the right edge of its current volume's tree.

    Entries are counted through all volumes; the frontier counts from the volume's first entry.
    """

    size: int
    frontier: Frontier

    def begin_volume(self) -> None:
        """Let the next entry be the first of a tree of its own."""
        self.frontier = Frontier()


# Statements are built once: building one takes longer than carrying it out.
_FIRST_OF_VOLUME = select(func.max(tables.volumes.c.first_index)).scalar_subquery().label("first")
_NEWEST = (
    select(tables.heads.c.size, tables.heads.c.frontier, _FIRST_OF_VOLUME)
    .order_by(tables.heads.c.size.desc())
    .limit(1)
)
_INTO_ENTRIES, _INTO_SUBJECTS = insert(tables.entries), insert(tables.subjects)
_INTO_DETAILS, _INTO_HEADS = insert(tables.details), insert(tables.heads)


def read_tip(connection: Connection) -> Tip:
    """The newest head's size and frontier; raises ValueError when the frontier does not fit its volume."""
    row = connection.execute(_NEWEST).one_or_none()
    if row is None:
        return Tip(0, Frontier())
    return Tip(row.size, Frontier.from_bytes(row.size - (row.first or 0), row.frontier))


def append(connection: Connection, tip: Tip, new: Sequence[Leaf]) -> None:
    """Write leaves, in order, and the head that counts them; `tip` moves with them."""
    rows, subjects, details = [], [], []
    previous = tip.size
    for index, leaf in enumerate(new, previous):
        hashed = leaf_hash(leaf.canonical)
        tip.frontier.append(hashed)
        rows.append(tables.entry_row(index, leaf.entry, leaf.canonical, hashed))
        subjects += [{"index": index, "subject": subject} for subject in leaf.entry.subjects]
        if leaf.details is not None:
            details.append({"id": leaf.entry.id, "sealed": leaf.details})
    tip.size += len(new)
    connection.execute(_INTO_ENTRIES, rows)
    if subjects:
        connection.execute(_INTO_SUBJECTS, subjects)
    if details:
        connection.execute(_INTO_DETAILS, details)
    head = {
        "size": tip.size,
        "previous": previous,
        "root": tip.frontier.root(),
        "frontier": tip.frontier.to_bytes(),
    }
    connection.execute(_INTO_HEADS, [head])
