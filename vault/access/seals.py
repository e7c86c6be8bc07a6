"""Makes and unmakes exactly the seals that the matrix and the assignments say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crypto.errors import CryptoError
from crypto.identity import Identity
from crypto.lockbox import LockboxKey, Sealer, new_parts
from crypto.sealing import Holder, KeyName, Seal, check_seal
from vault.access.actor import Actor
from vault.access.custody import KeyCase, circle_name, keep_seal, lockbox_name
from vault.access.keyring import Keyring, certify_key
from vault.access.models import Assignment, HolderKey, Lockbox, SealRow, ShredPart
from vault.access.policy import CIRCLES, Compartment, Hold, Role, hold
from vault.errors import NotKnown
from vault.running import RECOVERY, Trust

_WITH_KEYS = select(HolderKey.holder).where(
    HolderKey.kind == "officer", HolderKey.withdrawn_at.is_(None), HolderKey.certified_at.is_not(None)
)
# An officer who is asked to enrol again stays named, and holds nothing until the new key is certified.
_NAMED = select(Assignment).where(Assignment.ended_at.is_(None), Assignment.officer.in_(_WITH_KEYS))


def circle_key(db: Session, role: Role) -> HolderKey:
    """The current key of a role's circle."""
    return db.scalars(
        select(HolderKey).where(
            HolderKey.kind == "circle", HolderKey.role == role, HolderKey.withdrawn_at.is_(None)
        )
    ).one()


def found_circle(db: Session, role: Role, founder: Actor, holders: Sequence[Holder], now: datetime) -> None:
    """Make a role's circle, certify it and seal its key to its first holders; nobody else keeps the seed."""
    identity = Identity.generate()
    key = HolderKey(
        id=uuid4(),
        holder=uuid4(),
        kind="circle",
        role=str(role),
        version=1,
        public=identity.public.to_bytes(),
    )
    certify_key(key, founder, now)
    db.add(key)
    for holder in holders:
        keep_seal(db, identity.seed, circle_name(key.holder, 1, role), holder, founder, now)


def expected_holders(db: Session, lockbox: Lockbox) -> set[tuple[str, UUID]]:
    """Who must hold this lockbox by the matrix and the assignments: circles, named officers, recovery."""
    named = db.scalars(_NAMED.where(Assignment.subject_id.in_(_named_on(lockbox)))).all()
    return _holders_by_matrix(lockbox, _live_circles(db), named)


def _live_circles(db: Session) -> dict[UUID, Role]:
    """The circles that keys are sealed to now, and the role of each."""
    circles = db.execute(
        select(HolderKey.holder, HolderKey.role).where(
            HolderKey.kind == "circle", HolderKey.withdrawn_at.is_(None)
        )
    )
    return {holder: Role(role) for holder, role in circles}


def _named_on(lockbox: Lockbox) -> list[UUID]:
    """What an officer may be named on to hold this lockbox: its own subject, or its case."""
    return [UUID(lockbox.subject.partition(":")[2])] + ([lockbox.case] if lockbox.case else [])


def _holders_by_matrix(
    lockbox: Lockbox, circles: Mapping[UUID, Role], named: Iterable[Assignment]
) -> set[tuple[str, UUID]]:
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
    box = Lockbox(id=uuid4(), subject=subject, case=case, compartment=compartment, epoch=1)
    db.add(box)
    db.flush()
    sealed_part, shred_part = new_parts()
    db.add(ShredPart(id=uuid4(), lockbox=box.id, epoch=1, part=shred_part))
    holders = expected_holders(db, box)
    ring = Keyring(db, trust)
    ring.fetch(holder for _, holder in holders)
    for _, holder in sorted(holders):
        keep_seal(db, sealed_part, lockbox_name(box), ring.holder_of(holder, compartment), who, now)
    return LockboxKey(box.id, 1, sealed_part, shred_part).sealer()


def live_assignments(db: Session, subject: str, officer: UUID | None) -> list[Assignment]:
    """Who is named on a subject now, or whether this officer is."""
    kind, _, ident = subject.partition(":")
    query = select(Assignment).where(
        Assignment.kind == kind, Assignment.subject_id == UUID(ident), Assignment.ended_at.is_(None)
    )
    if officer is not None:
        query = query.where(Assignment.officer == officer)
    return list(db.scalars(query.order_by(Assignment.since)))


def _reach(db: Session, subject: str) -> list[Lockbox]:
    """The lockboxes an assignment to this subject may concern."""
    kind, _, ident = subject.partition(":")
    where = Lockbox.subject == subject
    if kind == "case":
        where = or_(where, Lockbox.case == UUID(ident))
    return list(db.scalars(select(Lockbox).where(where).order_by(Lockbox.id)))


def name_officer(
    db: Session, who: Actor, trust: Trust, subject: str, officer: UUID, role: Role, now: datetime
) -> Assignment:
    """Name an officer on a subject and seal to them exactly what the matrix gives a named officer.

    The one who names must hold those lockboxes; NotKnown otherwise. Idempotent for an officer named already.
    """
    live = live_assignments(db, subject, officer)
    if live:
        return live[0]
    kind, _, ident = subject.partition(":")
    assignment = Assignment(
        id=uuid4(), kind=kind, subject_id=UUID(ident), officer=officer, role=role, since=now
    )
    db.add(assignment)
    db.flush()
    boxes = [box for box in _reach(db, subject) if is_named_holder(assignment, box)]
    keys = KeyCase(db, who, trust)
    keys.fetch(boxes)
    for box in boxes:
        seal_onward(db, keys, who, box, officer, now)
    return assignment


def seal_onward(db: Session, keys: KeyCase, who: Actor, box: Lockbox, holder: UUID, now: datetime) -> None:
    """Seal a lockbox that this officer holds to one more certified holder."""
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
    """End an officer's naming: their seals go at once and the lockboxes are marked for a new key."""
    for assignment in live_assignments(db, subject, officer):
        assignment.ended_at = now
    db.flush()
    boxes = _reach(db, subject)
    for box in boxes:
        if ("officer", officer) in expected_holders(db, box):
            continue
        seals = db.scalars(select(SealRow).where(SealRow.key == box.id, SealRow.holder == officer)).all()
        for seal in seals:
            db.delete(seal)
        if seals:
            box.rekey_due_at = box.rekey_due_at or now


def hand_circle(db: Session, who: Actor, trust: Trust, role: Role, officer: UUID, now: datetime) -> bool:
    """Seal a role's circle to a certified officer, when the one who hands it on holds it; else False."""
    keys = KeyCase(db, who, trust)
    try:
        identity = keys.circle_of(role)
    except NotKnown:
        return False
    key = circle_key(db, role)
    target = keys.ring.holder(officer, None)
    keep_seal(db, identity.seed, circle_name(key.holder, key.version, role), target, who, now)
    return True


def withdraw_seals(db: Session, officer: UUID, now: datetime) -> None:
    """Take every seal from an officer whose keys end, and mark what they could open for new keys."""
    for seal in db.scalars(select(SealRow).where(SealRow.holder == officer)).all():
        if seal.key_kind == "lockbox":
            box = db.get(Lockbox, seal.key)
            if box is not None:
                box.rekey_due_at = box.rekey_due_at or now
        db.delete(seal)


@dataclass(frozen=True)
class SealFault:
    """A holder who lacks a lockbox's key, or has one, against what the matrix and the assignments say."""

    subject: str
    compartment: Compartment
    holder_kind: str
    holder: UUID


def audit_seals(db: Session) -> tuple[list[SealFault], list[SealFault]]:
    """Missing and surplus seals, by comparing what the matrix says with what is there; opens nothing.

    Asks the database four times, however many lockboxes there are.
    """
    circles = _live_circles(db)
    named: dict[UUID, list[Assignment]] = {}
    for assignment in db.scalars(_NAMED):
        named.setdefault(assignment.subject_id, []).append(assignment)
    held: dict[tuple[UUID, int], set[tuple[str, UUID]]] = {}
    columns = (SealRow.key, SealRow.epoch, SealRow.holder_kind, SealRow.holder)
    for key, epoch, kind, holder in db.execute(select(*columns).where(SealRow.key_kind == "lockbox")):
        held.setdefault((key, epoch), set()).add((kind, holder))
    missing, surplus = [], []
    for box in db.scalars(select(Lockbox).order_by(Lockbox.subject, Lockbox.compartment)):
        expected = _holders_by_matrix(box, circles, [a for s in _named_on(box) for a in named.get(s, ())])
        have = held.get((box.id, box.epoch), set())
        missing += [SealFault(box.subject, box.compartment, *holder) for holder in sorted(expected - have)]
        surplus += [SealFault(box.subject, box.compartment, *holder) for holder in sorted(have - expected)]
    return missing, surplus


def forged_seals(db: Session, trust: Trust) -> list[SealFault]:
    """Seals of lockboxes that no certified officer signed for the holder they name; opens nothing."""
    ring, forged = Keyring(db, trust), []
    ring.fetch(db.scalars(select(HolderKey.holder)).all())
    rows = db.execute(
        select(SealRow, Lockbox).join(Lockbox, Lockbox.id == SealRow.key).where(SealRow.key_kind == "lockbox")
    )
    for row, box in rows:
        name = KeyName("lockbox", box.id, row.epoch, box.subject, str(box.compartment))
        try:
            holder = ring.holder(row.holder, row.holder_version)
            maker = ring.maker(row.made_by, row.made_by_version, name.kind, name.compartment)
            check_seal(Seal(row.blob, row.commitment, row.signature), name, holder, maker)
        except CryptoError:
            forged.append(SealFault(box.subject, box.compartment, row.holder_kind, row.holder))
    return forged
