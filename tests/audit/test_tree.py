"""The tree against the vectors of Certificate Transparency, pymerkle and the RFC's own definition."""

import random
from functools import reduce
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import ConsistencyProof, InmemoryTree
from pymerkle import InvalidProof as InvalidPeerProof

from audit.errors import InvalidProof
from audit.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    from_leaves,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

CT_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
SIZES = st.integers(1, 300)


def hashes(size: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(2, "big")) for number in range(size)]


def literal_root(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962 2.1 writes it down."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + literal_root(leaves[:k]) + literal_root(leaves[k:])).digest()


def literal_subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF as RFC 6962 2.1.2 writes it down."""
    if m == len(leaves):
        return [] if whole else [literal_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*literal_subproof(m, leaves[:k], whole), literal_root(leaves[k:])]
    return [*literal_subproof(m - k, leaves[k:], False), literal_root(leaves[:k])]


def test_the_root_of_the_certificate_transparency_vectors() -> None:
    root = root_of(leaf_hash(leaf) for leaf in CT_LEAVES)
    assert root.hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_the_root_of_an_empty_tree_is_the_hash_of_nothing() -> None:
    assert root_of([]) == EMPTY_ROOT == sha256(b"").digest()


class Levels:
    """Every complete subtree of a tree that grows, so that a proof costs a look-up for each hash."""

    def __init__(self) -> None:
        self.levels: list[list[bytes]] = [[]]

    def append(self, hashed: bytes) -> None:
        """Add a leaf, and each subtree that it completes."""
        for level in self.levels:
            level.append(hashed)
            if len(level) % 2:
                return
            hashed = node_hash(level[-2], level[-1])
        self.levels.append([hashed])

    def get_hash(self, level: int, position: int) -> bytes:
        """A GetHash."""
        return self.levels[level][position]


class Peers:
    """Our tree and pymerkle's, of the same leaves, compared size by size."""

    def __init__(self) -> None:
        # Its cache keeps every subtree, which would otherwise be computed anew for each proof.
        self.peer = InmemoryTree(algorithm="sha256", threshold=1)
        self.levels, self.frontier = Levels(), Frontier()
        self.roots = {0: EMPTY_ROOT}

    def grow(self, size: int) -> None:
        """Append leaves to both until they have this size, and remember our root of it."""
        for number in range(self.frontier.size, size):
            leaf = number.to_bytes(4, "big")
            self.peer.append_entry(leaf)
            self.levels.append(leaf_hash(leaf))
            self.frontier.append(leaf_hash(leaf))
        self.roots[size] = self.frontier.root()

    def compare_root(self, size: int) -> None:
        """One root."""
        assert self.roots[size] == self.peer.get_root(size)

    def compare_inclusion(self, index: int, size: int) -> None:
        """One inclusion proof, hash by hash."""
        # Pymerkle counts from one and puts the leaf's own hash in front.
        leaf = self.levels.get_hash(0, index)
        ours = inclusion_proof(index, size, self.levels.get_hash)
        assert [leaf, *ours] == self.peer.prove_inclusion(index + 1, size).path
        verify_inclusion(index, size, leaf, ours, self.roots[size])

    def compare_consistency(self, old: int, new: int) -> None:
        """One consistency proof, hash by hash, and what pymerkle says of the two roots."""
        theirs = self.peer.prove_consistency(old, new)
        theirs.verify(self.roots[old], self.roots[new], old, new)
        ours = consistency_proof(old, new, self.levels.get_hash)
        assert ours == as_rfc_6962(old, new, theirs)
        verify_consistency(old, new, self.roots[old], self.roots[new], ours)


def as_rfc_6962(old: int, new: int, proof: ConsistencyProof) -> list[bytes]:
    """Pymerkle's consistency proof in the RFC's form.

    Pymerkle goes on below the place where the old tree ends, down to the first leaf that is new; the RFC
    gives the one hash of what begins there. Where the old tree is one complete subtree the RFC leaves out
    its root.
    """
    if old == new:
        return []
    first = proof.subset.index(1)
    border = reduce(node_hash, proof.path[:first])
    last_of_old = [] if old & (old - 1) == 0 else [proof.path[first]]
    return [*last_of_old, border, *proof.path[first + 1 :]]


def test_roots_and_proofs_of_every_size_up_to_1025_equal_pymerkles() -> None:
    peers, chance = Peers(), random.Random(1025)
    for size in range(1026):
        peers.grow(size)
        peers.compare_root(size)
        some = {0, size // 3, size - 1, chance.randrange(max(size, 1))}
        for index in some if size else ():
            peers.compare_inclusion(index, size)
        border = 1 << max(size - 1, 1).bit_length() - 1
        for old in {1, border, border + 1, size - 1, size, *some} & set(range(1, size + 1)):
            peers.compare_consistency(old, size)


@pytest.mark.soak
def test_every_proof_of_every_size_up_to_1025_equals_pymerkles() -> None:
    peers = Peers()
    for size in range(1, 1026):
        peers.grow(size)
        for index in range(size):
            peers.compare_inclusion(index, size)
            peers.compare_consistency(index + 1, size)


def compare_random_sizes(chance: random.Random, count: int) -> None:
    """Compare roots and proofs of sizes drawn from all up to 100,000."""
    sizes = [chance.randint(1, 100_000) for _ in range(count)]
    pairs = [(chance.randint(1, size), size) for size in sizes]
    peers = Peers()
    for size in sorted({size for pair in pairs for size in pair}):
        peers.grow(size)
        peers.compare_root(size)
    for old, size in pairs:
        peers.compare_inclusion(chance.randrange(size), size)
        peers.compare_consistency(old, size)


def test_roots_and_proofs_of_random_sizes_up_to_100_000_equal_pymerkles() -> None:
    compare_random_sizes(random.Random(100_000), 40)


@pytest.mark.soak
def test_roots_and_proofs_of_20_000_random_sizes_equal_pymerkles() -> None:
    seed = random.randrange(1 << 32)
    print(f"The sizes are drawn with seed {seed}.")
    compare_random_sizes(random.Random(seed), 20_000)


def test_a_tree_with_one_leaf_changed_is_told_apart_from_pymerkles() -> None:
    peers = Peers()
    peers.grow(60)
    peers.peer.append_entry(b"other")
    peers.grow(61)  # Pymerkle has 62 leaves now, and another one than ours at index 60.
    with pytest.raises(AssertionError):
        peers.compare_root(61)
    with pytest.raises(AssertionError):
        peers.compare_inclusion(60, 61)
    with pytest.raises(InvalidPeerProof):
        peers.compare_consistency(60, 61)


@given(SIZES, st.data())
def test_every_leaf_is_proved_to_be_in_the_tree(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = hashes(size)
    proof = inclusion_proof(index, size, from_leaves(leaves))
    verify_inclusion(index, size, leaves[index], proof, literal_root(leaves))


@given(SIZES, st.data())
def test_an_inclusion_proof_with_anything_changed_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = hashes(size)
    proof = inclusion_proof(index, size, from_leaves(leaves))
    root = root_of(leaves)
    other = sha256(b"other").digest()
    wrong = [
        (index, size, other, proof, root),
        (index, size, leaves[index], proof, other),
        (index, size, leaves[index], [*proof, other], root),
        (size, size, leaves[index], proof, root),
        (-1, size, leaves[index], proof, root),
    ]
    wrong += [
        (index, size, leaves[index], [*proof[:at], other, *proof[at + 1 :]], root) for at in range(len(proof))
    ]
    if proof:
        wrong.append((index, size, leaves[index], proof[:-1], root))
        wrong.append(((index + 1) % size, size, leaves[index], proof, root))
    for arguments in wrong:
        with pytest.raises(InvalidProof):
            verify_inclusion(*arguments)


@given(SIZES, st.data())
def test_a_consistency_proof_is_the_rfcs_and_joins_both_roots(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    leaves = hashes(new)
    proof = consistency_proof(old, new, from_leaves(leaves))
    assert proof == literal_subproof(old, leaves, True)
    verify_consistency(old, new, literal_root(leaves[:old]), literal_root(leaves), proof)


@given(SIZES, st.data())
def test_a_tree_that_changed_its_past_has_no_consistency_proof(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    changed = data.draw(st.integers(0, old - 1))
    leaves = hashes(new)
    before = root_of(leaves[:old])
    leaves[changed] = leaf_hash(b"rewritten")
    proof = consistency_proof(old, new, from_leaves(leaves))
    with pytest.raises(InvalidProof):
        verify_consistency(old, new, before, root_of(leaves), proof)


@pytest.mark.parametrize(("old", "new"), [(0, 4), (5, 4), (-1, 4)])
def test_sizes_that_no_proof_can_join_are_refused(old: int, new: int) -> None:
    with pytest.raises(InvalidProof):
        consistency_proof(old, new, from_leaves(hashes(4)))
    with pytest.raises(InvalidProof):
        verify_consistency(old, new, EMPTY_ROOT, EMPTY_ROOT, [])


def test_a_consistency_proof_too_short_or_too_long_is_refused() -> None:
    leaves = hashes(11)
    proof = consistency_proof(6, 11, from_leaves(leaves))
    for wrong in ([], proof[:-1], [*proof, EMPTY_ROOT]):
        with pytest.raises(InvalidProof):
            verify_consistency(6, 11, root_of(leaves[:6]), root_of(leaves), wrong)


@given(st.integers(0, 300), st.integers(0, 100))
def test_a_restored_frontier_grows_like_the_one_it_was_saved_from(size: int, more: int) -> None:
    leaves = hashes(size + more)
    frontier = Frontier()
    for hashed in leaves[:size]:
        frontier.append(hashed)
    restored = Frontier.from_bytes(size, frontier.to_bytes())
    for hashed in leaves[size:]:
        restored.append(hashed)
    assert restored.root() == root_of(leaves)
    assert restored.size == size + more
    assert frontier.size == size


def test_a_frontier_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="frontier"):
        Frontier.from_bytes(3, bytes(32))


def test_whole_subtrees_can_be_added_only_where_one_begins() -> None:
    leaves = hashes(11)
    frontier = Frontier()
    frontier.append_subtree(3, root_of(leaves[:8]))
    frontier.append_subtree(1, root_of(leaves[8:10]))
    frontier.append(leaves[10])
    assert frontier.root() == root_of(leaves)
    with pytest.raises(ValueError, match="subtree"):
        frontier.append_subtree(1, leaves[0])
