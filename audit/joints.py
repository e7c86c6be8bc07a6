"""What joins the volumes of a ledger: the entry that closes one, and the entry that opens the next.

The last entry of a volume names the log that follows, and the first of that one names the log before, its
size and its root. Pure; knows no database.
"""

from dataclasses import dataclass

from audit.entries import Entry, Fact
from audit.errors import InvalidEntry
from audit.origins import origin_of

CLOSED, OPENED = "ledger-volume-closed", "ledger-volume-opened"


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
