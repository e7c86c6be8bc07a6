"""Saved proofs: that one entry is in the ledger that was signed, in one file that needs nothing else.

The format is c2sp.org/tlog-proof: index, hashes from the leaf's sibling to the root's child, checkpoint. The
opaque `extra` line carries the leaf itself, which is believed only because its hash leads to the root.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from audit.entries import Entry
from audit.errors import InvalidEntry, InvalidProof, NotVerified
from audit.exported import Read, hashes_of, read_checkpoint, read_tile
from audit.handovers import HandOver, check_signed, lead_to
from audit.notes import Checkpoint, VerifierKey, parse
from audit.tiles import TILE_WIDTH, unbundle
from audit.tree import GetHash, inclusion_proof, leaf_hash, verify_inclusion

FIRST_LINE = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
_FORM = re.compile(
    rf"{re.escape(FIRST_LINE)}\nextra ([A-Za-z0-9+/]+={{0,2}})\nindex (0|[1-9][0-9]{{0,17}})\n"
    r"((?:[A-Za-z0-9+/]{43}=\n){0,64})\n"
)
_LARGEST = 1 << 21


@dataclass(frozen=True)
class SavedProof:
    """One entry's leaf, where it lies, the hashes beside its way to the root, and the signed root."""

    index: int
    leaf: bytes
    hashes: tuple[bytes, ...]
    checkpoint: Checkpoint

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a proof without believing it; raises NotVerified when it is malformed."""
        match = _FORM.match(text) if len(text) <= _LARGEST else None
        if match is None:
            raise NotVerified("This is not a proof of an entry, or it is malformed.")
        extra, index, lines = match.groups()
        try:
            leaf, hashes = b64decode(extra, validate=True), [b64decode(line) for line in lines.split()]
        except ValueError:
            raise NotVerified("The proof is malformed: something is not base64.") from None
        found = cls(int(index), leaf, tuple(hashes), parse(text[match.end() :]))
        if found.to_text() != text:
            raise NotVerified("The proof is malformed: something is not base64.")
        return found

    def to_text(self) -> str:
        """The proof as it is saved."""
        hashes = "".join(f"{b64encode(hashed).decode()}\n" for hashed in self.hashes)
        extra = b64encode(self.leaf).decode()
        return f"{FIRST_LINE}\nextra {extra}\nindex {self.index}\n{hashes}\n{self.checkpoint.text}"

    def check(self, pinned: Sequence[VerifierKey], hand_overs: Sequence[HandOver]) -> "Proved":
        """Check the way to the root and every pinned key's signature. Raises NotVerified.

        The keys may be those of an earlier volume; `hand_overs` are those of any volumes since, in order.
        """
        own = [one for one in hand_overs if one.origin == self.checkpoint.origin]
        keys = check_signed(self.checkpoint, lead_to(pinned, self.checkpoint.origin, hand_overs), own)
        size, root = self.checkpoint.size, self.checkpoint.root
        try:
            verify_inclusion(self.index, size, leaf_hash(self.leaf), self.hashes, root)
        except InvalidProof:
            raise NotVerified("The entry in this proof is not in the ledger that was signed.") from None
        try:
            entry = Entry.from_canonical(self.leaf)
        except InvalidEntry:
            raise NotVerified("What was signed at this place is not in the form of an entry.") from None
        return Proved(self, entry, tuple(f"{key.name} ({key.algorithm})" for key in keys))


@dataclass(frozen=True)
class Proved:
    """A proof that was checked, what its entry says, and whose signatures hold."""

    proof: SavedProof
    entry: Entry
    signers: tuple[str, ...]


def prove(leaf: bytes, index: int, checkpoint: Checkpoint, get_hash: GetHash) -> SavedProof:
    """The proof of one leaf, checked before it is given out.

    Raises InvalidProof when the tree has no such leaf, or when leaf and hashes do not lead to the root.
    """
    hashes = inclusion_proof(index, checkpoint.size, get_hash)
    verify_inclusion(index, checkpoint.size, leaf_hash(leaf), hashes, checkpoint.root)
    return SavedProof(index, leaf, tuple(hashes), checkpoint)


def prove_exported(read: Read, index: int) -> SavedProof:
    """The proof of one entry of an export. Raises NotVerified and InvalidProof."""
    checkpoint = read_checkpoint(read)
    if not 0 <= index < checkpoint.size:
        raise InvalidProof(f"The export has no entry {index:,}: it has {checkpoint.size:,}.")
    number, position = divmod(index, TILE_WIDTH)
    width = min(TILE_WIDTH, checkpoint.size - number * TILE_WIDTH)
    try:
        leaf = unbundle(read_tile(read, "entries", number, width))[position]
    except (FileNotFoundError, ValueError, IndexError):
        raise NotVerified(f"Entry {index:,} is missing from the export, or its bundle is cut off.") from None
    return prove(leaf, index, checkpoint, hashes_of(read, checkpoint.size))
