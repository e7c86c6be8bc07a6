"""Who must hold which key: what the matrix and the assignments say, before anybody asks what is there."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from vault.access.models import Assignment, HolderKey, Lockbox
from vault.access.policy import CIRCLES, Hold, Role, hold
from vault.database import is_writing
from vault.running import RECOVERY

_WITH_KEYS = (
    select(HolderKey.holder)
    .where(HolderKey.kind == "officer")
    .where(HolderKey.withdrawn_at.is_(None), HolderKey.certified_at.is_not(None))
)
# An officer who is asked to enrol again stays named, and holds nothing until the new key is certified.
NAMED = select(Assignment).where(Assignment.ended_at.is_(None), Assignment.officer.in_(_WITH_KEYS))
NAMED_ON = NAMED.where(Assignment.subject_id.in_(bindparam("subjects", expanding=True)))
_LIVE_CIRCLES = (
    select(HolderKey)
    .where(HolderKey.kind == "circle", HolderKey.withdrawn_at.is_(None))
    .order_by(HolderKey.holder, HolderKey.version)
)
_LIVE_OFFICERS = (
    select(HolderKey)
    .where(HolderKey.kind == "officer")
    .where(HolderKey.withdrawn_at.is_(None), HolderKey.certified_at.is_not(None))
    .order_by(HolderKey.holder, HolderKey.version)
)


def circle_versions(db: Session) -> list[HolderKey]:
    """Every live version of every circle, older ones first; none goes away while an act seals to it."""
    if is_writing(db):
        db.execute(_LIVE_CIRCLES.with_for_update(read=True)).all()
    # Asked again, because a newer version may have come while the lock was waited for.
    return list(db.scalars(_LIVE_CIRCLES.execution_options(populate_existing=True)))


def circles_to_change(db: Session) -> list[HolderKey]:
    """Every live version of every circle, to be changed: nobody else seals to one until the act is kept."""
    if is_writing(db):
        db.execute(_LIVE_CIRCLES.with_for_update(key_share=True)).all()
    return list(db.scalars(_LIVE_CIRCLES.execution_options(populate_existing=True)))


def current_circles(versions: Iterable[HolderKey]) -> dict[UUID, HolderKey]:
    """The newest version of each circle: what new seals go to."""
    return {key.holder: key for key in versions}


def belongs(key: HolderKey, role: Role) -> bool:
    """Whether the officer with this certified key must hold this role's circle."""
    return key.role == role or (key.role == Role.COORDINATOR and role is not Role.AUDITOR)


def officers(db: Session) -> list[HolderKey]:
    """The certified keys of every officer who works here now."""
    return list(db.scalars(_LIVE_OFFICERS))


def named_on(lockbox: Lockbox) -> list[UUID]:
    """What an officer may be named on to hold this lockbox: its own subject, or its case."""
    try:
        own = [UUID(lockbox.subject.partition(":")[2])]
    except ValueError:  # Nobody is named on what a row that was put there past the vault says.
        own = []
    return own + ([lockbox.case] if lockbox.case else [])


def expected_holders(db: Session, lockbox: Lockbox) -> set[tuple[str, UUID]]:
    """Who must hold this lockbox by the matrix and the assignments: circles, named officers, recovery."""
    named = db.scalars(NAMED_ON, {"subjects": named_on(lockbox)}).all()
    return holders_by_matrix(lockbox, roles_of(current_circles(circle_versions(db))), named)


def roles_of(circles: Mapping[UUID, HolderKey]) -> dict[UUID, Role]:
    """The role that each circle is for."""
    return {holder: Role(key.role) for holder, key in circles.items()}


def holders_by_matrix(
    lockbox: Lockbox, circles: Mapping[UUID, Role], named: Iterable[Assignment]
) -> set[tuple[str, UUID]]:
    """Who must hold this lockbox, of these circles and these namings; nobody once it was destroyed."""
    if lockbox.destroyed_at is not None:
        return set()
    roles = {role for role in CIRCLES if role is not Role.AUDITOR}
    whole = {role for role in roles if hold(lockbox.compartment, role) is Hold.ALL}
    holders = {("circle", holder) for holder, role in circles.items() if role in whole}
    holders.add(("recovery", RECOVERY))
    return holders | {("officer", a.officer) for a in named if is_named_holder(a, lockbox)}


def is_named_holder(assignment: Assignment, lockbox: Lockbox) -> bool:
    """Whether being named here gives this lockbox: own things and persons exactly, cases as a whole."""
    if assignment.subject not in {lockbox.subject, f"case:{lockbox.case}"}:
        return False
    match hold(lockbox.compartment, assignment.role):
        case Hold.OWN:
            return assignment.subject == lockbox.subject
        case Hold.NAMED if assignment.role is Role.LIAISON:
            return assignment.subject == lockbox.subject
        case Hold.NAMED:
            return True
        case _:
            return False
