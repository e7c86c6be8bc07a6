"""Makes and unmakes exactly the seals that the matrix and the assignments say."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from crypto.identity import Identity
from crypto.lockbox import LockboxKey, Sealer, new_parts
from crypto.sealing import Holder
from vault.access.actor import Actor
from vault.access.custody import KeyCase, circle_name, keep_seal, lockbox_name, vouch_for_lockbox
from vault.access.grants import not_ended
from vault.access.holders import (
    NAMED_ON,
    circle_versions,
    circles_to_change,
    current_circles,
    holders_by_matrix,
    is_named_holder,
    named_on,
    roles_of,
)
from vault.access.keyring import Keyring, certify_key, vouch_for_key
from vault.access.models import Assignment, EmergencyGrant, HolderKey, Lockbox, SealRow, ShredPart
from vault.access.policy import Compartment, Role
from vault.database import is_writing
from vault.running import Trust


def circle_key(db: Session, role: Role) -> HolderKey:
    """The current key of a role's circle. Raises LookupError when the vault was never founded."""
    for key in reversed(circle_versions(db)):
        if key.role == role:
            return key
    raise LookupError("this role has no key")


def found_circle(
    db: Session, role: Role, founder: Actor, trust: Trust, holders: Sequence[Holder], now: datetime
) -> None:
    """Make a role's circle, certify it and seal its key to its first holders; nobody else keeps the seed."""
    make_circle(db, role, uuid4(), 1, founder, trust, holders, now)


def make_circle(
    db: Session,
    role: Role,
    circle: UUID,
    version: int,
    who: Actor,
    trust: Trust,
    holders: Iterable[Holder],
    now: datetime,
) -> HolderKey:
    """Make one version of a circle, certify it and seal it to its holders; nobody else keeps the seed."""
    identity = Identity.generate()
    public = identity.public.to_bytes()
    key = HolderKey(id=uuid4(), holder=circle, kind="circle", role=str(role), version=version, public=public)
    vouch_for_key(key, trust)
    certify_key(key, who, trust, now)
    db.add(key)
    for holder in holders:
        keep_seal(db, identity.seed, circle_name(circle, version, role), holder, who, now)
    return key


def new_lockbox(
    db: Session,
    who: Actor,
    trust: Trust,
    subject: str,
    case: UUID | None,
    compartment: Compartment,
    now: datetime,
) -> Sealer:
    """Make a subject's lockbox, sealed to exactly those the matrix and the assignments name."""
    return new_lockboxes(db, who, trust, subject, case, [compartment], now)[compartment]


def new_lockboxes(
    db: Session,
    who: Actor,
    trust: Trust,
    subject: str,
    case: UUID | None,
    compartments: Sequence[Compartment],
    now: datetime,
) -> dict[Compartment, Sealer]:
    """Make several lockboxes of one subject, each sealed to exactly those the matrix and namings say."""
    on = [UUID(subject.partition(":")[2])] + ([case] if case else [])
    named = db.scalars(NAMED_ON, {"subjects": on}).all()
    roles = roles_of(current_circles(circle_versions(db)))
    boxes = {
        compartment: Lockbox(id=uuid4(), subject=subject, case=case, compartment=compartment, epoch=1)
        for compartment in compartments
    }
    holders = {compartment: holders_by_matrix(box, roles, named) for compartment, box in boxes.items()}
    ring = Keyring(db, trust)
    ring.fetch_to_seal({holder for found in holders.values() for _, holder in found})
    db.add_all(boxes.values())
    db.flush()
    return {
        compartment: fill_lockbox(db, ring, who, trust, box, holders[compartment], now).sealer()
        for compartment, box in boxes.items()
    }


def fill_lockbox(
    db: Session,
    ring: Keyring,
    who: Actor,
    trust: Trust,
    box: Lockbox,
    holders: Iterable[tuple[str, UUID]],
    now: datetime,
) -> LockboxKey:
    """Give a lockbox the key of its epoch: new parts, a commitment, and a seal for each holder."""
    sealed_part, shred_part = new_parts()
    opened = LockboxKey(box.id, box.epoch, sealed_part, shred_part)
    box.commitment = opened.commitment
    vouch_for_lockbox(box, trust)
    db.add(ShredPart(id=uuid4(), lockbox=box.id, epoch=box.epoch, part=shred_part))
    for _, holder in sorted(holders):
        keep_seal(db, sealed_part, lockbox_name(box), ring.holder_of(holder, box.compartment), who, now)
    return opened


def destroy_lockbox(db: Session, box: Lockbox, now: datetime) -> None:
    """Take away what opens a lockbox, for everybody and for ever. The caller records the act."""
    db.execute(delete(ShredPart).where(ShredPart.lockbox == box.id))
    db.execute(delete(SealRow).where(SealRow.key_kind == "lockbox", SealRow.key == box.id))
    box.destroyed_at, box.rekey_due_at = now, None


def live_assignments(db: Session, subject: str, officer: UUID | None) -> list[Assignment]:
    """Who is named on a subject now, or whether this officer is."""
    kind, _, ident = subject.partition(":")
    query = select(Assignment).where(
        Assignment.kind == kind, Assignment.subject_id == UUID(ident), Assignment.ended_at.is_(None)
    )
    if officer is not None:
        query = query.where(Assignment.officer == officer)
    return list(db.scalars(query.order_by(Assignment.since)))


def reached_by(namings: Iterable[Assignment]) -> ColumnElement[bool]:
    """The condition for the lockboxes that these namings may concern."""
    own = {naming.subject for naming in namings}
    cases = {naming.subject_id for naming in namings if naming.kind == "case"}
    return or_(Lockbox.subject.in_(own), Lockbox.case.in_(cases))


def lock_boxes(db: Session, where: ColumnElement[bool]) -> list[Lockbox]:
    """These lockboxes as they are now, given no new key by anybody else until the act is kept."""
    query = select(Lockbox).where(where).order_by(Lockbox.id)
    if is_writing(db):
        query = query.with_for_update(key_share=True)
    return list(db.scalars(query.execution_options(populate_existing=True)))


def name_officer(
    db: Session, who: Actor, trust: Trust, subject: str, officer: UUID, role: Role, now: datetime
) -> Assignment:
    """Name an officer on a subject and seal to them exactly what the matrix gives a named officer.

    The one who names must hold those lockboxes; NotKnown otherwise. Idempotent for an officer who is named
    already in their own right.
    """
    live = [naming for naming in live_assignments(db, subject, officer) if naming.delegation is None]
    if live:
        return live[0]
    kind, _, ident = subject.partition(":")
    assignment = Assignment(
        id=uuid4(), kind=kind, subject_id=UUID(ident), officer=officer, role=role, since=now
    )
    keep_naming(db, who, trust, assignment, now)
    return assignment


def keep_naming(db: Session, who: Actor, trust: Trust, naming: Assignment, now: datetime) -> None:
    """Keep a new naming and make the seals that it gives. Raises NotKnown when the namer lacks a lockbox."""
    db.add(naming)
    db.flush()
    boxes = [box for box in lock_boxes(db, reached_by([naming])) if is_named_holder(naming, box)]
    keys = KeyCase(db, who, trust)
    keys.fetch(boxes)
    for box in boxes:
        seal_onward(db, keys, who, box, naming.officer, now)


def seal_onward(db: Session, keys: KeyCase, who: Actor, box: Lockbox, holder: UUID, now: datetime) -> None:
    """Seal a lockbox that this officer holds to one more certified holder."""
    keys.ring.fetch_to_seal([holder])
    target = keys.ring.holder_of(holder, box.compartment)
    held = db.scalars(
        select(SealRow.id).where(
            SealRow.key == box.id,
            SealRow.epoch == box.epoch,
            SealRow.holder == holder,
            SealRow.holder_version == target.key_version,
        )
    ).first()
    if held is None:
        keep_seal(db, keys.sealed_part(box), lockbox_name(box), target, who, now)


def unname_officer(db: Session, subject: str, officer: UUID, now: datetime) -> None:
    """End an officer's namings on a subject: their seals go at once, the lockboxes wait for a new key."""
    end_namings(db, live_assignments(db, subject, officer), now)


def end_namings(db: Session, namings: Sequence[Assignment], now: datetime) -> None:
    """End these namings; whoever is not named otherwise loses the seals, and a new key is due.

    What an officer was let in on in an emergency stays theirs until that is over. The database is asked as
    often for one naming as for hundreds.
    """
    for naming in namings:
        naming.ended_at = now
    db.flush()
    boxes, officers = lock_boxes(db, reached_by(namings)), {naming.officer for naming in namings}
    left: dict[UUID, list[Assignment]] = {}
    for naming in db.scalars(NAMED_ON, {"subjects": [ident for box in boxes for ident in named_on(box)]}):
        left.setdefault(naming.subject_id, []).append(naming)
    query = select(SealRow).where(SealRow.key.in_({box.id for box in boxes}), SealRow.holder.in_(officers))
    seals: dict[UUID, list[SealRow]] = {}
    for seal in db.scalars(query):
        seals.setdefault(seal.key, []).append(seal)
    lasting = not_ended().where(EmergencyGrant.officer.in_(officers), EmergencyGrant.ends_at > now)
    let_in = {(ident, grant.officer) for grant in db.scalars(lasting) for ident in grant.lockboxes}
    for box in boxes:
        still = {
            naming.officer
            for ident in named_on(box)
            for naming in left.get(ident, ())
            if is_named_holder(naming, box)
        }
        still |= {officer for ident, officer in let_in if ident == str(box.id)}
        surplus = [seal for seal in seals.get(box.id, ()) if seal.holder not in still]
        for seal in surplus:
            db.delete(seal)
        if surplus:
            box.rekey_due_at = box.rekey_due_at or now


def hand_circle(db: Session, who: Actor, trust: Trust, role: Role, officer: UUID, now: datetime) -> bool:
    """Seal to a certified officer each live version of a role's circle that the giver holds.

    False when the giver does not hold the current one. What the officer holds already stays as it is.
    """
    keys, current = KeyCase(db, who, trust), circle_key(db, role)
    keys.ring.fetch_to_seal([officer])
    target = keys.ring.holder(officer, None)
    held = select(SealRow.epoch).where(
        SealRow.key == current.holder,
        SealRow.holder == officer,
        SealRow.holder_version == target.key_version,
    )
    has = set(db.scalars(held))
    given = [version for circle, version in keys.versions_of(role) if circle == current.holder]
    for version in given:
        if version not in has:
            seed = keys.circle(current.holder, version).seed
            keep_seal(db, seed, circle_name(current.holder, version, role), target, who, now)
    return current.version in given


def withdraw_seals(db: Session, officer: UUID, now: datetime) -> int:
    """Take every seal from an officer whose keys end, and mark what they could open for new keys.

    One short act, however much the officer held: what a circle opens is due as soon as the circle is renewed.
    Returns how many seals there were.
    """
    held = select(SealRow.key).where(SealRow.holder == officer, SealRow.key_kind == "lockbox")
    # What changes is held still first, in the order of every other act: lockboxes, circles, officers' keys.
    with db.no_autoflush:
        boxes = {box.id: box for box in lock_boxes(db, Lockbox.id.in_(held))}
        current = current_circles(circles_to_change(db))
    db.flush()
    taken = db.execute(
        delete(SealRow)
        .where(SealRow.holder == officer)
        .returning(SealRow.key_kind, SealRow.key)
        .execution_options(synchronize_session=False)
    ).all()
    for kind, key in taken:
        if kind == "lockbox":
            box = boxes.get(key) or db.get_one(Lockbox, key)
            box.rekey_due_at = box.rekey_due_at or now
        elif key in current:
            current[key].renew_due_at = current[key].renew_due_at or now
    return len(taken)
