"""The seals of an emergency: made by an officer who holds the keys, and unmade when the time is over."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.entries import Fact
from vault.access.actor import Actor
from vault.access.custody import KeyCase, keep_seal, lockbox_name
from vault.access.events import Event, record
from vault.access.grants import is_vouched, live_on, not_ended
from vault.access.holders import expected_holders
from vault.access.models import EmergencyGrant, Lockbox, SealRow
from vault.access.seals import lock_boxes
from vault.database import RecordedSession
from vault.running import RunningVault, Trust


def seal_under(
    db: Session,
    who: Actor,
    trust: Trust,
    grant: EmergencyGrant,
    boxes: Sequence[Lockbox],
    now: datetime,
) -> None:
    """Seal these lockboxes, which `who` holds, to the officer of a grant; they stand still until it is kept.

    Raises NotKnown when `who` does not hold one, Distrusted or NotCertified for a grant that gives nothing.
    """
    keys = KeyCase(db, who, trust)
    keys.fetch(boxes)
    keys.ring.fetch_to_seal([grant.officer])
    for box in boxes:
        target = keys.ring.holder_in_emergency(grant, box, now)
        if _seals_of(db, box, grant.officer):
            continue
        keep_seal(db, keys.sealed_part(box), lockbox_name(box), target, who, now)


def _seals_of(db: Session, box: Lockbox, officer: UUID) -> list[SealRow]:
    seals = select(SealRow).where(SealRow.key_kind == "lockbox", SealRow.key == box.id)
    return list(db.scalars(seals.where(SealRow.holder_kind == "officer", SealRow.holder == officer)))


def unseal(
    db: RecordedSession, who: Actor | None, trust: Trust, grant: EmergencyGrant, now: datetime
) -> None:
    """End a grant: its seals go, what they opened is marked for a new key, and an entry tells of it.

    One that somebody else ended at the same moment stays as it was ended.
    """
    db.get_one(EmergencyGrant, grant.id, with_for_update=True, populate_existing=True)
    if grant.ended_at is not None:
        return
    ids = [UUID(box) for box in grant.lockboxes]
    boxes = lock_boxes(db, Lockbox.id.in_(ids))
    grant.ended_at = now
    db.flush()
    _record_end(db, who, grant, _close(db, trust, grant, boxes, now), now)


def _close(
    db: RecordedSession, trust: Trust, grant: EmergencyGrant, boxes: Sequence[Lockbox], now: datetime
) -> int:
    """Take the officer's seals from these lockboxes, but for what they hold otherwise; return how many."""
    others = live_on(db, trust, boxes, now)
    closed = 0
    for box in boxes:
        by_matrix = ("officer", grant.officer) in expected_holders(db, box)
        if by_matrix or any(other.officer == grant.officer for other in others[box.id]):
            continue
        seals = _seals_of(db, box, grant.officer)
        for seal in seals:
            db.delete(seal)
        if seals and box.destroyed_at is None:
            box.rekey_due_at = box.rekey_due_at or now
            closed += 1
    return closed


def _record_end(
    db: RecordedSession, who: Actor | None, grant: EmergencyGrant, closed: int, now: datetime
) -> None:
    facts: dict[str, Fact] = {"request": grant.request, "places": closed}
    record(
        db,
        Event.EMERGENCY_ENDED,
        who=who,
        now=now,
        subjects=[f"case:{grant.case}", f"officer:{grant.officer}"],
        compartment=grant.compartment,
        facts=facts,
    )


def end_grants(vault: RunningVault, now: datetime) -> int:
    """End every grant whose time is over, whoever comes first; return how many it was.

    The gate has refused since the moment it was over; this takes the seals away as well. Those of a row that
    the vault did not keep as it is go too, while the row stays as it was found, for the verification to tell.
    """
    with vault.reading() as db:
        over, altered = _over(db, vault.trust, now), _altered(db, vault.trust)
        if not over and not altered:
            return 0
    with vault.writing() as db:
        for grant in over:
            unseal(db, None, vault.trust, db.get_one(EmergencyGrant, grant.id), now)
        for grant, boxes in altered:
            closed = _close(db, vault.trust, grant, lock_boxes(db, Lockbox.id.in_(boxes)), now)
            if closed:
                _record_end(db, None, grant, closed, now)
    return len(over)


def end_with_keys(db: RecordedSession, officer: UUID, now: datetime) -> None:
    """End every grant to an officer whose keys end now: a new key is let in on nothing by an old grant.

    Their seals and the new keys that are due are the business of whoever takes the keys.
    """
    query = not_ended().where(EmergencyGrant.officer == officer).with_for_update()
    for grant in db.scalars(query.execution_options(populate_existing=True)).all():
        held = select(SealRow.key).where(SealRow.holder == officer, SealRow.key_kind == "lockbox")
        closed = sum(str(key) in grant.lockboxes for key in db.scalars(held))
        grant.ended_at = now
        _record_end(db, None, grant, closed, now)


def _over(db: Session, trust: Trust, now: datetime) -> list[EmergencyGrant]:
    query = not_ended().where(EmergencyGrant.ends_at <= now)
    return [grant for grant in db.scalars(query) if is_vouched(grant, trust)]


def _altered(db: Session, trust: Trust) -> list[tuple[EmergencyGrant, list[UUID]]]:
    """Grants that the vault did not keep as they are, with those of their lockboxes that are sealed."""
    found = []
    for grant in db.scalars(not_ended()):
        if not is_vouched(grant, trust):
            held = select(SealRow.key).where(SealRow.holder == grant.officer, SealRow.key_kind == "lockbox")
            found.append((grant, [key for key in db.scalars(held) if str(key) in grant.lockboxes]))
    return [(grant, boxes) for grant, boxes in found if boxes]
