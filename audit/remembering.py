"""What the notary remembers: the tree it signed last, of which volume, and how the volume before ended."""

import json
from dataclasses import dataclass
from pathlib import Path

from audit.durable import PRIVATE, write_whole
from audit.errors import NotaryRefuses
from audit.joints import FinalTree
from audit.notes import Checkpoint
from audit.origins import parted
from audit.tree import Frontier
from audit.volumes import Volume


@dataclass(frozen=True)
class Remembered:
    """The right edge of the tree signed last, where its volume begins, and the final tree before that."""

    origin: str
    first_index: int
    frontier: Frontier
    earlier: FinalTree | None

    @property
    def number(self) -> int:
        """Which volume it is."""
        return parted(self.origin)[1]

    def tree(self) -> FinalTree:
        """The tree as the first entry of the next volume must name it, when nothing follows in this one."""
        return FinalTree(self.origin, self.frontier.size, self.frontier.root())

    def next(self, volume: Volume) -> "Remembered":
        """What is remembered once this volume is closed and the next has begun."""
        return Remembered(volume.origin, volume.first_index, Frontier(), self.tree())

    def check_published(self, published: Checkpoint | None) -> None:
        """Raises NotaryRefuses when what is published was not signed by whoever has this memory."""
        if published is None:
            return
        if published.origin != self.origin:
            if self.earlier != FinalTree(published.origin, published.size, published.root):
                raise NotaryRefuses(
                    "The notary's memory is of another volume than the checkpoint that it signed."
                )
            return
        if published.size > self.frontier.size:
            raise NotaryRefuses("The notary's memory is missing or older than the checkpoint that it signed.")
        if published.size == self.frontier.size and published.root != self.frontier.root():
            raise NotaryRefuses("The published checkpoint is not the one that the notary remembers.")

    def save(self, state: Path) -> None:
        """Write it whole, and return when the disk has it."""
        earlier = self.earlier
        memory = {
            "origin": self.origin,
            "first": self.first_index,
            "size": self.frontier.size,
            "frontier": self.frontier.to_bytes().hex(),
            "earlier": earlier and [earlier.origin, earlier.size, earlier.root.hex()],
        }
        write_whole(state, json.dumps(memory, sort_keys=True).encode() + b"\n", PRIVATE)


def read_memory(state: Path, ledger: str) -> Remembered:
    """What the notary remembers of this ledger, nothing when it has signed nothing; raises NotaryRefuses."""
    try:
        memory = json.loads(state.read_bytes())
        if parted(memory["origin"])[0] != ledger:
            raise NotaryRefuses("The notary's memory is of another log.")
        frontier = Frontier.from_bytes(memory["size"], bytes.fromhex(memory["frontier"]))
        # A memory of a time without volumes says nothing of either.
        earlier = memory.get("earlier")
        final = FinalTree(earlier[0], int(earlier[1]), bytes.fromhex(earlier[2])) if earlier else None
        return Remembered(memory["origin"], int(memory.get("first", 0)), frontier, final)
    except FileNotFoundError:
        return Remembered(ledger, 0, Frontier(), None)
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        raise NotaryRefuses("The notary's memory cannot be read.") from None
