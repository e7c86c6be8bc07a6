"""The Merkle tree of RFC 6962 (and RFC 9162): hashes, frontier, proofs. Pure; knows no database."""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from audit.errors import InvalidProof

EMPTY_ROOT = sha256(b"").digest()
HASH_BYTES = 32

GetHash = Callable[[int, int], bytes]
"""Gives the hash of the complete subtree of 2**level leaves that is the `position`-th of its level."""


def leaf_hash(leaf: bytes) -> bytes:
    """Hash one leaf: SHA-256(0x00 || leaf)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash an inner node: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a tree: enough to append to it and to know its root.

    Holds one hash for each bit that is set in the size, largest subtree first.
    """

    __slots__ = ("_hashes", "_size")

    def __init__(self) -> None:
        self._size = 0
        self._hashes: list[bytes] = []

    @classmethod
    def from_bytes(cls, size: int, encoded: bytes) -> "Frontier":
        """Restore a frontier of `size` leaves; raises ValueError when the length does not fit the size."""
        if size < 0 or len(encoded) != HASH_BYTES * size.bit_count():
            raise ValueError("The frontier's length does not fit its size.")
        frontier = cls()
        frontier._size = size
        frontier._hashes = [encoded[at : at + HASH_BYTES] for at in range(0, len(encoded), HASH_BYTES)]
        return frontier

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self._size

    def append(self, hashed_leaf: bytes) -> None:
        """Add one leaf, given its hash."""
        size, hashes = self._size, self._hashes
        while size & 1:
            hashed_leaf = sha256(b"\x01" + hashes.pop() + hashed_leaf).digest()
            size >>= 1
        hashes.append(hashed_leaf)
        self._size += 1

    def append_subtree(self, level: int, root: bytes) -> None:
        """Add a complete subtree of 2**level leaves; the size must be a multiple of 2**level."""
        if self._size & ((1 << level) - 1):
            raise ValueError("A subtree can only be added where one of its height begins.")
        size, hashes = self._size >> level, self._hashes
        while size & 1:
            root = sha256(b"\x01" + hashes.pop() + root).digest()
            size >>= 1
        hashes.append(root)
        self._size += 1 << level

    def root(self) -> bytes:
        """The root of the tree; of an empty tree, SHA-256 of nothing."""
        if not self._hashes:
            return EMPTY_ROOT
        root = self._hashes[-1]
        for left in reversed(self._hashes[:-1]):
            root = node_hash(left, root)
        return root

    def to_bytes(self) -> bytes:
        """The hashes, 32 bytes each, largest subtree first; the size is kept beside them."""
        return b"".join(self._hashes)


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root of the tree with these leaf hashes."""
    frontier = Frontier()
    for hashed in leaf_hashes:
        frontier.append(hashed)
    return frontier.root()


def halve(hashes: Sequence[bytes]) -> list[bytes]:
    """The parents of an even number of neighbouring hashes."""
    pairs = zip(hashes[::2], hashes[1::2], strict=True)
    return [sha256(b"\x01" + left + right).digest() for left, right in pairs]


def from_leaves(leaf_hashes: Sequence[bytes]) -> GetHash:
    """A GetHash over leaf hashes in memory, for small trees; it recomputes every subtree it is asked for."""

    def get_hash(level: int, position: int) -> bytes:
        return root_of(leaf_hashes[position << level : (position + 1) << level])

    return get_hash


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (which is at least 2)."""
    return 1 << (size - 1).bit_length() - 1


def _subtree(start: int, end: int, get_hash: GetHash) -> bytes:
    """The hash of leaves start to end, where start is a multiple of the power of two that covers them."""
    size = end - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return get_hash(level, start >> level)
    middle = start + _split(size)
    return node_hash(_subtree(start, middle, get_hash), _subtree(middle, end, get_hash))


def inclusion_proof(index: int, size: int, get_hash: GetHash) -> list[bytes]:
    """The audit path of leaf `index` in the tree of `size` leaves, nearest sibling first (RFC 6962 2.1.1)."""
    if not 0 <= index < size:
        raise InvalidProof("The tree has no such leaf.")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_subtree(middle, end, get_hash))
            end = middle
        else:
            path.append(_subtree(start, middle, get_hash))
            start = middle
    path.reverse()
    return path


def verify_inclusion(index: int, size: int, hashed_leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf is in the tree (RFC 9162 2.1.3.2); raises InvalidProof."""
    if not 0 <= index < size:
        raise InvalidProof("The tree has no such leaf.")
    position, last, computed = index, size - 1, hashed_leaf
    for sibling in proof:
        if last == 0:
            raise InvalidProof("The inclusion proof is too long.")
        if position & 1 or position == last:
            computed = node_hash(sibling, computed)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            computed = node_hash(computed, sibling)
        position >>= 1
        last >>= 1
    if last != 0 or computed != root:
        raise InvalidProof("The inclusion proof does not lead to the root.")


def consistency_proof(old: int, new: int, get_hash: GetHash) -> list[bytes]:
    """The proof that the tree of `new` leaves continues the one of `old` (RFC 6962 2.1.2)."""
    if not 0 < old <= new:
        raise InvalidProof("There is no consistency proof between these sizes.")
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_subtree(middle, end, get_hash))
            end = middle
        else:
            path.append(_subtree(start, middle, get_hash))
            start, whole = middle, False
    if not whole:
        path.append(_subtree(start, end, get_hash))
    path.reverse()
    return path


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that one tree continues another (RFC 9162 2.1.4.2); raises InvalidProof."""
    if not 0 < old <= new:
        raise InvalidProof("There is no consistency proof between these sizes.")
    if old == new:
        if proof or old_root != new_root:
            raise InvalidProof("Two trees of one size are not the same tree.")
        return
    # When the old tree is a complete subtree of the new one, its root is the first node and left out.
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        raise InvalidProof("The consistency proof is too short.")
    if _joined_roots(old, new, path) != (old_root, new_root):
        raise InvalidProof("The consistency proof does not join the two roots.")


def _joined_roots(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots of the old and the new tree that a consistency proof leads to."""
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise InvalidProof("The consistency proof is too long.")
        if position & 1 or position == last:
            before = node_hash(sibling, before)
            after = node_hash(sibling, after)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            after = node_hash(after, sibling)
        position >>= 1
        last >>= 1
    if last != 0:
        raise InvalidProof("The consistency proof is too short.")
    return before, after
