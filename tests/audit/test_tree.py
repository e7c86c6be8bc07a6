"""The tree against the vectors of Certificate Transparency, pymerkle and the RFC's own definition."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from audit.errors import InvalidProof
from audit.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    from_leaves,
    inclusion_proof,
    leaf_hash,
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


def test_every_root_and_inclusion_proof_up_to_130_leaves_equals_pymerkles() -> None:
    peer = InmemoryTree(algorithm="sha256")
    leaves: list[bytes] = []
    frontier = Frontier()
    for size in range(1, 131):
        leaf = size.to_bytes(2, "big")
        peer.append_entry(leaf)
        leaves.append(leaf_hash(leaf))
        frontier.append(leaves[-1])
        assert frontier.root() == peer.get_root(size)
        for index in {0, size // 3, size // 2, size - 1}:
            # Pymerkle counts from one and puts the leaf's own hash in front.
            theirs = peer.prove_inclusion(index + 1, size).path
            assert [leaves[index], *inclusion_proof(index, size, from_leaves(leaves))] == theirs


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
