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
from audit.volumes import Volume, volume_named

_ENTRIES, _HEADS = tables.entries.c, tables.heads.c


def subtrees_in(connection: Connection, volume: Volume) -> GetHash:
    """Hashes of a volume's tree as the database has them, not believed: whoever uses them checks the proof.

    What is returned raises Damaged when leaves are missing.
    """

    def get_hash(level: int, position: int) -> bytes:
        if level > TILE_HEIGHT and position % 2 == 0:
            hashed = _from_head(connection, volume, level, position)
            if hashed is not None:
                return hashed
        if level <= TILE_HEIGHT:
            return _from_leaves(connection, volume, level, position)
        return node_hash(get_hash(level - 1, 2 * position), get_hash(level - 1, 2 * position + 1))

    return get_hash


def _from_head(connection: Connection, volume: Volume, level: int, position: int) -> bytes | None:
    """The hash of a left child, from a head not long after its last leaf; None when there is no such head."""
    end = volume.first_index + ((position + 1) << level)
    # A head after the volume's last entry is of another tree.
    beyond = end + (1 << level) if volume.end_index is None else min(end + (1 << level), volume.end_index + 1)
    query = (
        select(_HEADS.size, _HEADS.frontier)
        .where(_HEADS.size >= end, _HEADS.size < beyond)
        .order_by(_HEADS.size)
        .limit(1)
    )
    head = connection.execute(query).one_or_none()
    if head is None:
        return None
    size = head.size - volume.first_index
    if len(head.frontier) != HASH_BYTES * size.bit_count():
        return None
    at = HASH_BYTES * (size >> level + 1).bit_count()
    return bytes(head.frontier[at : at + HASH_BYTES])


def _from_leaves(connection: Connection, volume: Volume, level: int, position: int) -> bytes:
    first = volume.first_index + (position << level)
    end = first + (1 << level)
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
    """The proof that an entry of the database is in the tree that was signed; raises Damaged if it is not.

    The proof counts from the first entry of the checkpoint's volume. Raises NotVerified for a checkpoint of
    no volume of this ledger.
    """
    volume = volume_named(connection, checkpoint.origin)
    leaf = connection.scalar(select(_ENTRIES.leaf).where(_ENTRIES.index == index))
    if leaf is None:
        raise Damaged(index, "it is missing.")
    try:
        return prove(leaf, index - volume.first_index, checkpoint, subtrees_in(connection, volume))
    except InvalidProof:
        raise Damaged(index, "it, or another entry of its tree, is not what was signed.") from None
