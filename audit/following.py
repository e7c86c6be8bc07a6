"""How a witness follows a ledger: within a volume by consistency, into the next by the entry that opens it.

It reads an export, or what a vault serves: the newest volume at the top, closed ones under `volumes/`, and of
each but the first its opening entry, as the file `opening` or as the first entry of its bundles.
"""

from collections.abc import Sequence

from audit.errors import InvalidProof, NotVerified, WitnessRefuses
from audit.exported import Read, frontier_of, hashes_of, read_tile
from audit.handovers import HAND_OVERS, HandOver, Keys, carry_over, check_signed, lead_to, parse_hand_overs
from audit.joints import FinalTree, says_opened
from audit.linking import VOLUMES
from audit.notes import COSIGNATURE, Checkpoint, VerifierKey, parse
from audit.origins import origin_of, parted
from audit.tiles import CHECKPOINT, TILE_WIDTH, unbundle
from audit.tree import consistency_proof, inclusion_proof, leaf_hash, verify_consistency, verify_inclusion

OPENING = "opening"


def follow(
    read: Read, before: Checkpoint | None, trusted: Sequence[VerifierKey], offered: Checkpoint
) -> tuple[VerifierKey, ...]:
    """Check that `offered` is signed and continues what was accepted before; return the notary's newest keys.

    Of a later volume, every volume between must have ended as the entry that opens the next one says.
    Raises NotVerified and WitnessRefuses.
    """
    ledger, last = parted(offered.origin)
    number = last if before is None else parted(before.origin)[1]
    if number > last:
        raise WitnessRefuses(f"The checkpoint is of volume {last}, and volume {number} was accepted before.")
    keys = _led(read, trusted, ledger, number, last)
    # Whoever asks for other witnesses too asks it of the newest checkpoint alone.
    witnesses = [key for key in keys if key.kind == COSIGNATURE]
    keys = tuple(key for key in keys if key.kind != COSIGNATURE)
    for volume in range(number, last):
        there = _under(read, volume)
        final = offered_in(there)
        if final.origin != origin_of(ledger, volume):
            raise NotVerified(f"What is kept of volume {volume} is the checkpoint of {final.origin}.")
        hand_overs = hand_overs_in(there)
        check_signed(final, keys, hand_overs)
        _check_continued(before, final, there)
        _check_opened(_of(read, volume + 1, last), offered if volume + 1 == last else None, volume + 1, final)
        keys, before = carry_over(keys, hand_overs, origin_of(ledger, volume + 1)), None
    newest = check_signed(offered, (*keys, *witnesses), hand_overs_in(read))
    _check_continued(before, offered, read)
    return newest


def offered_in(read: Read) -> Checkpoint:
    """The checkpoint that is there, not yet believed; raises NotVerified."""
    try:
        return parse(read(CHECKPOINT).decode())
    except FileNotFoundError:
        raise NotVerified("There is no checkpoint there.") from None
    except UnicodeDecodeError:
        raise NotVerified("The checkpoint is not text.") from None


def hand_overs_in(read: Read) -> list[HandOver]:
    """The hand-overs that are there, not yet believed; raises NotVerified."""
    try:
        return parse_hand_overs(read(HAND_OVERS).decode())
    except FileNotFoundError:
        return []
    except UnicodeDecodeError:
        raise NotVerified("The file of hand-overs is not text.") from None


def _under(read: Read, volume: int) -> Read:
    return lambda path: read(f"{VOLUMES}/{volume}/{path}")


def _of(read: Read, volume: int, last: int) -> Read:
    return read if volume == last else _under(read, volume)


def _led(read: Read, trusted: Sequence[VerifierKey], ledger: str, number: int, last: int) -> Keys:
    """The trusted keys, which may be of an earlier volume, under the name of the volume `number`."""
    begins = [parted(key.name)[1] for key in trusted if key.kind != COSIGNATURE]
    earlier = range(min(begins, default=number), number)
    hand_overs = [one for volume in earlier for one in hand_overs_in(_of(read, volume, last))]
    return lead_to(trusted, origin_of(ledger, number), hand_overs)


def _check_opened(read: Read, offered: Checkpoint | None, number: int, final: Checkpoint) -> None:
    """Check that the first entry of a volume is in its tree, and names how the volume before ended."""
    checkpoint = offered_in(read) if offered is None else offered
    leaf, size = _opening(read, checkpoint.size), checkpoint.size
    try:
        proof = inclusion_proof(0, size, hashes_of(read, size))
        verify_inclusion(0, size, leaf_hash(leaf), proof, checkpoint.root)
    except InvalidProof:
        raise WitnessRefuses(f"The entry that opens volume {number} is not the first of its tree.") from None
    if not says_opened(leaf, number, None, FinalTree(final.origin, final.size, final.root)):
        raise WitnessRefuses(f"Volume {number} does not begin where volume {number - 1} ended.")


def _opening(read: Read, size: int) -> bytes:
    try:
        return read(OPENING)
    except FileNotFoundError:
        pass
    try:
        return unbundle(read_tile(read, "entries", 0, min(size, TILE_WIDTH)))[0]
    except (FileNotFoundError, ValueError, IndexError):
        raise NotVerified("The entry that opens the volume is missing.") from None


def _check_continued(before: Checkpoint | None, offered: Checkpoint, read: Read) -> None:
    old = 0 if before is None else before.size
    if offered.size < old:
        raise WitnessRefuses(
            f"The ledger has {offered.size:,} entries now and had {old:,}: entries were cut off."
        )
    try:
        _prove_continued(before, offered, read)
    except InvalidProof:
        raise WitnessRefuses(
            f"The ledger of {offered.size:,} entries does not continue the one of {old:,}: "
            "something before was changed, or the tiles are not the checkpoint's."
        ) from None


def _prove_continued(before: Checkpoint | None, offered: Checkpoint, read: Read) -> None:
    """Raises InvalidProof, and NotVerified for a missing tile."""
    get_hash = hashes_of(read, offered.size)
    if before is None or before.size == 0:
        if frontier_of(get_hash, offered.size).root() != offered.root:
            raise InvalidProof("The tiles do not have the root of the checkpoint.")
        return
    proof = consistency_proof(before.size, offered.size, get_hash)
    verify_consistency(before.size, offered.size, before.root, offered.root, proof)
