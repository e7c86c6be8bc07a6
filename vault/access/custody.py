"""What one officer can open in one request: from their own keys to circles, from circles to lockboxes.

Whoever holds a seal can open; nobody else can, whatever a page or a role column says.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, aliased

from crypto.identity import Identity
from crypto.lockbox import LockboxKey, Sealer
from crypto.sealing import Holder, KeyName, Seal, open_seal, seal_key
from vault.access.actor import Actor
from vault.access.keyring import Keyring
from vault.access.models import HolderKey, Lockbox, SealRow, ShredPart
from vault.access.policy import Compartment, Role
from vault.errors import NotKnown
from vault.running import Trust


def keep_seal(db: Session, key: bytes, name: KeyName, holder: Holder, who: Actor, now: datetime) -> None:
    """Seal a key to a holder, signed by the officer who does it."""
    seal = seal_key(key, name, holder, who.identity)
    db.add(
        SealRow(
            id=uuid4(),
            key_kind=name.kind,
            key=name.id,
            epoch=name.epoch,
            holder_kind=holder.kind,
            holder=holder.id,
            holder_version=holder.key_version,
            blob=seal.blob,
            commitment=seal.commitment,
            signature=seal.signature,
            made_by=who.officer,
            made_by_version=who.key_version,
            made_at=now,
        )
    )


def circle_name(circle: UUID, version: int, role: Role) -> KeyName:
    """What a circle's key is called when it is sealed."""
    return KeyName("circle", circle, version, "", str(role))


def lockbox_name(lockbox: Lockbox) -> KeyName:
    """What a lockbox's key is called when it is sealed."""
    return KeyName("lockbox", lockbox.id, lockbox.epoch, lockbox.subject, str(lockbox.compartment))


# Both questions are asked on every look, so they are put together once.
_CIRCLES = (
    select(SealRow, HolderKey.role)
    .join(HolderKey, (HolderKey.holder == SealRow.key) & (HolderKey.version == SealRow.epoch))
    .where(SealRow.key_kind == "circle", SealRow.holder == bindparam("officer"))
    .where(HolderKey.withdrawn_at.is_(None))
)
_circle_seal = aliased(SealRow)
_REACHABLE = (
    select(SealRow, ShredPart.part)
    .join(ShredPart, (ShredPart.lockbox == SealRow.key) & (ShredPart.epoch == SealRow.epoch))
    .where(SealRow.key_kind == "lockbox", SealRow.key.in_(bindparam("lockboxes", expanding=True)))
    .where(
        (SealRow.holder == bindparam("officer"))
        | SealRow.holder.in_(
            select(_circle_seal.key).where(
                _circle_seal.key_kind == "circle", _circle_seal.holder == bindparam("officer")
            )
        )
    )
    # An officer's own seal comes before a circle's, which takes one more opening.
    .order_by(SealRow.holder_kind.desc())
)


class KeyCase:
    """The keys one officer can reach in one request: opened when needed, forgotten with the request."""

    def __init__(self, db: Session, who: Actor, trust: Trust) -> None:
        self._db = db
        self._who = who
        self.ring = Keyring(db, trust)
        self._circle_seals: dict[UUID, tuple[SealRow, Role]] | None = None
        self._circles: dict[UUID, Identity] = {}
        self._lockboxes: dict[UUID, LockboxKey] = {}
        self._sealed_parts: dict[UUID, bytes] = {}

    def _opened(self, row: SealRow, name: KeyName, identity: Identity) -> bytes:
        seal = Seal(row.blob, row.commitment, row.signature)
        holder = Holder(row.holder_kind, row.holder, row.holder_version, identity.public)
        maker = self.ring.maker(row.made_by, row.made_by_version, name.kind, name.compartment)
        return open_seal(seal, name, holder, identity, maker)

    def _held_circles(self) -> dict[UUID, tuple[SealRow, Role]]:
        """The seals of the circles this officer holds, asked for when first needed."""
        if self._circle_seals is None:
            rows = self._db.execute(_CIRCLES, {"officer": self._who.officer}).all()
            self._circle_seals = {row.key: (row, Role(role)) for row, role in rows}
        return self._circle_seals

    def circle(self, circle: UUID) -> Identity:
        """Open one circle's identity. Raises NotKnown when this officer does not hold it."""
        if circle not in self._circles:
            held = self._held_circles().get(circle)
            if held is None:
                raise NotKnown
            row, role = held
            seed = self._opened(row, circle_name(circle, row.epoch, role), self._who.identity)
            self._circles[circle] = Identity.from_seed(seed)
        return self._circles[circle]

    def circle_of(self, role: Role) -> Identity:
        """The identity of a role's circle, when this officer holds it; else NotKnown."""
        for circle, (_, held_role) in self._held_circles().items():
            if held_role == role:
                return self.circle(circle)
        raise NotKnown

    def fetch(self, lockboxes: Sequence[Lockbox]) -> None:
        """Open these lockboxes in a constant number of queries; those not sealed to us stay shut."""
        wanted = {box.id: box for box in lockboxes if box.id not in self._lockboxes}
        if not wanted:
            return
        reach = {"lockboxes": list(wanted), "officer": self._who.officer}
        found = self._db.execute(_REACHABLE, reach).all()
        self.ring.fetch({seal.made_by for seal, _ in found})
        for seal, shred_part in found:
            box = wanted[seal.key]
            if seal.epoch != box.epoch or box.id in self._lockboxes:
                continue
            if seal.holder_kind == "officer":
                identity = self._who.identity
            elif seal.holder in self._held_circles():
                identity = self.circle(seal.holder)
            else:
                continue
            opened = self._opened(seal, lockbox_name(box), identity)
            self._sealed_parts[box.id] = opened
            self._lockboxes[box.id] = LockboxKey(box.id, box.epoch, opened, shred_part)

    def lockbox(self, lockbox: Lockbox) -> LockboxKey:
        """Open one lockbox. Raises NotKnown when no live seal reaches this officer."""
        self.fetch([lockbox])
        if lockbox.id not in self._lockboxes:
            raise NotKnown
        return self._lockboxes[lockbox.id]

    def sealed_part(self, lockbox: Lockbox) -> bytes:
        """What is sealed onward to another holder. Raises NotKnown when this officer does not hold it."""
        self.lockbox(lockbox)
        return self._sealed_parts[lockbox.id]


def find_lockbox(db: Session, subject: str, compartment: Compartment) -> Lockbox:
    """The lockbox of a subject's compartment. Raises NotKnown when there is none."""
    box = db.scalars(
        select(Lockbox).where(Lockbox.subject == subject, Lockbox.compartment == compartment)
    ).first()
    if box is None:
        raise NotKnown
    return box


def sealer(db: Session, who: Actor, trust: Trust, subject: str, compartment: Compartment) -> Sealer:
    """What an act needs to write into a compartment: it can seal and cannot open. Raises NotKnown."""
    return KeyCase(db, who, trust).lockbox(find_lockbox(db, subject, compartment)).sealer()
