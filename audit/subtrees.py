"""The hash of any complete subtree, from the database: enough for any proof, without reading every leaf.

A head's frontier holds one hash for each bit of its size. A left child of 2**level leaves is therefore in
the frontier of every head whose size lies within the 2**level after it; a right child is made of a left one
and a right one of half the size. Few heads and at most a bundle of leaves are read for each hash.
"""

from sqlalchemy import Connection, select

from audit import tables
from audit.errors import Damaged, InvalidProof
from audit.notes import Checkpoint
from audit.proofs import SavedProof, prove
from audit.tiles import TILE_HEIGHT
from audit.tree import HASH_BYTES, GetHash, node_hash, root_of

_ENTRIES, _HEADS = tables.entries.c, tables.heads.c


def subtrees_in(connection: Connection) -> GetHash:
    """Hashes as the database has them, which are not believed: whoever uses them must check the proof.

    What is returned raises Damaged when leaves are missing.
    """

    def get_hash(level: int, position: int) -> bytes:
        if level > TILE_HEIGHT and position % 2 == 0:
            hashed = _from_head(connection, level, position)
            if hashed is not None:
                return hashed
        if level <= TILE_HEIGHT:
            return _from_leaves(connection, level, position)
        return node_hash(get_hash(level - 1, 2 * position), get_hash(level - 1, 2 * position + 1))

    return get_hash


def _from_head(connection: Connection, level: int, position: int) -> bytes | None:
    """The hash of a left child, from a head not long after its last leaf; None when there is no such head."""
    end = (position + 1) << level
    query = (
        select(_HEADS.size, _HEADS.frontier)
        .where(_HEADS.size >= end, _HEADS.size < end + (1 << level))
        .order_by(_HEADS.size)
        .limit(1)
    )
    head = connection.execute(query).one_or_none()
    if head is None or len(head.frontier) != HASH_BYTES * head.size.bit_count():
        return None
    at = HASH_BYTES * (head.size >> level + 1).bit_count()
    return bytes(head.frontier[at : at + HASH_BYTES])


def _from_leaves(connection: Connection, level: int, position: int) -> bytes:
    first, end = position << level, (position + 1) << level
    query = (
        select(_ENTRIES.leaf_hash)
        .where(_ENTRIES.index >= first, _ENTRIES.index < end)
        .order_by(_ENTRIES.index)
    )
    hashes = connection.scalars(query).all()
    if len(hashes) != end - first:
        raise Damaged(first, "it is missing, or one soon after it.")
    return root_of(hashes)


def prove_woven(connection: Connection, index: int, checkpoint: Checkpoint) -> SavedProof:
    """The proof that an entry of the database is in the tree that was signed; raises Damaged if it is not."""
    leaf = connection.scalar(select(_ENTRIES.leaf).where(_ENTRIES.index == index))
    if leaf is None:
        raise Damaged(index, "it is missing.")
    try:
        return prove(leaf, index, checkpoint, subtrees_in(connection))
    except InvalidProof:
        raise Damaged(index, "it, or another entry of its tree, is not what was signed.") from None
