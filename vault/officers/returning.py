"""What an officer's keys reached: taken away with the keys, and given again when new keys are certified."""

from datetime import datetime

from sqlalchemy import or_, select

from vault.access import delegating, emergencies, holders, seals
from vault.access.actor import Actor
from vault.access.custody import KeyCase
from vault.access.models import Assignment, HolderKey, Lockbox
from vault.database import RecordedSession
from vault.errors import NotKnown
from vault.officers import sessions
from vault.officers.models import Officer
from vault.running import Trust


def take_keys(db: RecordedSession, officer: Officer, now: datetime) -> int:
    """End an officer's keys, seals and sessions; return how many sessions ended.

    Every emergency access and delegation ends first: its lockboxes are held still before any circle is.
    """
    emergencies.end_with_keys(db, officer.id, now)
    delegating.end_of(db, None, officer.id, now)
    officer.auth_epoch += 1
    for key in db.scalars(
        select(HolderKey).where(HolderKey.holder == officer.id, HolderKey.withdrawn_at.is_(None))
    ):
        key.withdrawn_at = now
    seals.withdraw_seals(db, officer.id, now)
    return sessions.end_all(db, officer.id, None)


def _namings(db: RecordedSession, officer: Officer) -> list[Assignment]:
    live = select(Assignment).where(Assignment.officer == officer.id, Assignment.ended_at.is_(None))
    return list(db.scalars(live.order_by(Assignment.id)))


def end_namings(db: RecordedSession, officer: Officer, now: datetime) -> None:
    """End every naming of an officer: their seals are gone already."""
    for naming in _namings(db, officer):
        naming.ended_at = now


def seal_again(db: RecordedSession, who: Actor, trust: Trust, officer: Officer, now: datetime) -> int:
    """Seal to an officer's new key every lockbox that the matrix gives them by their namings.

    A lockbox that the one who seals cannot open is marked due for a new key, which whoever can open it
    seals to everybody it belongs to. Returns how many were sealed.
    """
    namings = _namings(db, officer)
    cases = [naming.subject_id for naming in namings if naming.kind == "case"]
    reach = or_(Lockbox.subject.in_({naming.subject for naming in namings}), Lockbox.case.in_(cases))
    boxes = [
        box
        for box in seals.lock_boxes(db, reach)
        if any(holders.is_named_holder(naming, box) for naming in namings)
    ]
    keys = KeyCase(db, who, trust)
    keys.fetch(boxes)
    sealed = 0
    for box in boxes:
        try:
            seals.seal_onward(db, keys, who, box, officer.id, now)
            sealed += 1
        except NotKnown:
            box.rekey_due_at = box.rekey_due_at or now
    return sealed
