"""Recovery of lockboxes: what is let out for the offline machine, and the seals made from what comes back.

The vault opens nothing here that the officer was not sent: the recovery key's shares are on paper, and what
comes back is sealed to one certified officer.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crypto.errors import CryptoError, NotRecovered
from crypto.lockbox import LockboxKey
from crypto.recovery_files import RecoveryRequest, RecoverySeal, open_answer
from crypto.sealing import Holder, Seal, check_seal, commits_to
from vault.access.actor import Actor
from vault.access.custody import check_lockbox, keep_seal, lockbox_name
from vault.access.holders import expected_holders
from vault.access.keyring import Keyring
from vault.access.models import Lockbox, SealRow, ShredPart
from vault.access.policy import CIRCLES, Hold, Role, hold
from vault.access.seals import circle_key
from vault.errors import RuleForbids
from vault.running import RECOVERY, Trust

AT_ONCE = 400
"""How many lockboxes one question to the database is about."""

NOT_HELD = (
    "You do not hold your role’s key yet. Have it renewed or handed on to you, then import the file again."
)
NOT_ASKED = "This file holds keys that this request did not ask for, so nothing of it was taken."
NOT_RIGHT = "A key in this file is not the one that was sealed here, so nothing of it was taken."


def _held_by_recovery(db: Session, boxes: Sequence[Lockbox]) -> list[tuple[Lockbox, SealRow]]:
    """Each lockbox whose present key is sealed to the recovery key, with that seal."""
    found: list[tuple[Lockbox, SealRow]] = []
    for start in range(0, len(boxes), AT_ONCE):
        query = (
            select(Lockbox, SealRow)
            .join(SealRow, (SealRow.key == Lockbox.id) & (SealRow.epoch == Lockbox.epoch))
            .where(SealRow.key_kind == "lockbox", SealRow.holder == RECOVERY)
            .where(Lockbox.id.in_([box.id for box in boxes[start : start + AT_ONCE]]))
            .order_by(Lockbox.subject, Lockbox.compartment)
        )
        found += [(box, row) for box, row in db.execute(query)]
    return found


def recovery_request(
    db: Session, trust: Trust, act: UUID, officer: UUID, name: str, boxes: Sequence[Lockbox]
) -> RecoveryRequest:
    """The recovery seals of those lockboxes that the matrix lets this certified officer hold.

    A seal that no certified officer made is left out: it would only be refused on the offline machine.
    Raises crypto.errors.NotCertified or Distrusted when the officer's own key is not certified.
    """
    ring = Keyring(db, trust)
    recovery, target = ring.holder(RECOVERY, None), ring.holder(officer, None)
    role = Role(ring.key(officer, None).role)
    seals = []
    for box, row in _held_by_recovery(db, boxes):
        name_of_key = lockbox_name(box)
        seal = Seal(row.blob, row.commitment, row.signature)
        try:
            maker = ring.maker(row.made_by, row.made_by_version, "lockbox", name_of_key.compartment)
            check_seal(seal, name_of_key, recovery, maker)
        except CryptoError:
            continue
        if _may_hold(db, box, officer, role):
            seals.append(RecoverySeal(name_of_key, seal, maker))
    return RecoveryRequest(act, recovery, target, name, tuple(seals))


def _may_hold(db: Session, box: Lockbox, officer: UUID, role: Role) -> bool:
    """Whether the matrix and the assignments give this lockbox to this officer, by their role or by name."""
    how = hold(box.compartment, role)
    if how is Hold.ALL:
        return True
    return how is not Hold.NEVER and ("officer", officer) in expected_holders(db, box)


def import_answer(
    db: Session, who: Actor, trust: Trust, act: UUID, boxes: Sequence[Lockbox], text: str, now: datetime
) -> int:
    """Make every seal that the matrix says and that is missing, from recovered keys; return for how many.

    Each lockbox is marked for a new key: its old one was outside the vault for a while. Those that were given
    a new key since the request are passed over. Raises NotRecovered for a file that is not the answer to this
    act, and RuleForbids when the officer may not hold what is in it; then nothing is kept.
    """
    target = Holder("officer", who.officer, who.key_version, who.identity.public)
    parts = open_answer(text, act, target, who.identity)
    asked = {box.id: box for box in boxes}
    if any(box not in asked for box, _ in parts):
        raise NotRecovered(NOT_ASKED)
    current = {box: part for (box, epoch), part in parts.items() if asked[box].epoch == epoch}
    if not current:
        raise NotRecovered("There is nothing to import: everything in this file has a newer key by now.")
    wanted = [asked[box] for box in current]
    if _by_circle(who.role, wanted) and not _holds_circle(db, who):
        raise RuleForbids(NOT_HELD)
    ring, shreds, found = Keyring(db, trust), _shred_parts(db, wanted), _held_by_recovery(db, wanted)
    if len(found) != len(current):
        raise NotRecovered(NOT_RIGHT)
    for box, row in found:
        _check_part(ring, trust, box, row, current[box.id], shreds.get((box.id, box.epoch), b""))
        if not _may_hold(db, box, who.officer, who.role):
            raise RuleForbids("Your role does not hold a record in this file, so nothing of it was taken.")
        _seal_missing(db, ring, who, box, current[box.id], now)
        box.rekey_due_at = box.rekey_due_at or now
    return len(found)


def _by_circle(role: Role, boxes: Sequence[Lockbox]) -> bool:
    """Whether this role reaches any of these lockboxes through the key of its circle."""
    return role in CIRCLES and any(hold(box.compartment, role) is Hold.ALL for box in boxes)


def _holds_circle(db: Session, who: Actor) -> bool:
    """Whether the current key of this officer's role is sealed to this officer's present keys."""
    key = circle_key(db, who.role)
    held = select(SealRow.id).where(
        SealRow.key_kind == "circle",
        SealRow.key == key.holder,
        SealRow.epoch == key.version,
        SealRow.holder == who.officer,
        SealRow.holder_version == who.key_version,
    )
    return db.scalars(held).first() is not None


def _shred_parts(db: Session, boxes: Sequence[Lockbox]) -> dict[tuple[UUID, int], bytes]:
    found: dict[tuple[UUID, int], bytes] = {}
    for start in range(0, len(boxes), AT_ONCE):
        ids = [box.id for box in boxes[start : start + AT_ONCE]]
        for part in db.scalars(select(ShredPart).where(ShredPart.lockbox.in_(ids))):
            found[part.lockbox, part.epoch] = part.part
    return found


def _check_part(
    ring: Keyring, trust: Trust, box: Lockbox, row: SealRow, part: bytes, shred_part: bytes
) -> None:
    """Compare a recovered part with what its maker and the vault committed to. Raises NotRecovered."""
    name, seal = lockbox_name(box), Seal(row.blob, row.commitment, row.signature)
    try:
        maker = ring.maker(row.made_by, row.made_by_version, "lockbox", name.compartment)
        check_seal(seal, name, ring.holder(RECOVERY, None), maker)
        check_lockbox(box, LockboxKey(box.id, box.epoch, part, shred_part), trust)
        is_right = commits_to(seal, part, name)
    except CryptoError:
        is_right = False
    if not is_right:
        raise NotRecovered(NOT_RIGHT)


def _seal_missing(db: Session, ring: Keyring, who: Actor, box: Lockbox, part: bytes, now: datetime) -> None:
    """Seal a recovered part to everybody who must hold it and does not; to nobody else."""
    rows = db.execute(
        select(SealRow.holder, SealRow.holder_version).where(
            SealRow.key_kind == "lockbox", SealRow.key == box.id, SealRow.epoch == box.epoch
        )
    )
    held = {(holder, version) for holder, version in rows}
    for _, holder in sorted(ring.fit(expected_holders(db, box), box.compartment)):
        target = ring.holder_of(holder, box.compartment)
        if (target.id, target.key_version) not in held:
            keep_seal(db, part, lockbox_name(box), target, who, now)
