"""What one officer can open in one request: from their own keys to circles, from circles to lockboxes.

Whoever holds a seal can open; nobody else can, whatever a page or a role column says.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

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


class KeyCase:
    """The keys one officer can reach in one request: opened when needed, forgotten with the request."""

    def __init__(self, db: Session, who: Actor, trust: Trust) -> None:
        self._db = db
        self._who = who
        self.ring = Keyring(db, trust)
        self._circles: dict[UUID, tuple[Identity, int]] | None = None
        self._circle_seals: dict[UUID, tuple[SealRow, Role]] = {}
        self._lockboxes: dict[UUID, LockboxKey] = {}
        self._sealed_parts: dict[UUID, bytes] = {}

    def _opened(self, row: SealRow, name: KeyName, identity: Identity) -> bytes:
        seal = Seal(row.blob, row.commitment, row.signature)
        holder = Holder(row.holder_kind, row.holder, row.holder_version, identity.public)
        return open_seal(seal, name, holder, identity, self.ring.public(row.made_by, row.made_by_version))

    def circles(self) -> dict[UUID, tuple[Identity, int]]:
        """The circles this officer holds: id -> (identity, version)."""
        if self._circles is None:
            rows = self._db.execute(
                select(SealRow, HolderKey.role)
                .join(HolderKey, (HolderKey.holder == SealRow.key) & (HolderKey.version == SealRow.epoch))
                .where(SealRow.key_kind == "circle", SealRow.holder == self._who.officer)
                .where(HolderKey.withdrawn_at.is_(None))
            ).all()
            self._circle_seals = {row.key: (row, Role(role)) for row, role in rows}
            self._circles = {}
        return self._circles

    def circle(self, circle: UUID) -> Identity:
        """Open one circle's identity. Raises NotKnown when this officer does not hold it."""
        circles = self.circles()
        if circle not in circles:
            if circle not in self._circle_seals:
                raise NotKnown
            row, role = self._circle_seals[circle]
            seed = self._opened(row, circle_name(circle, row.epoch, role), self._who.identity)
            circles[circle] = (Identity.from_seed(seed), row.epoch)
        return circles[circle][0]

    def circle_of(self, role: Role) -> Identity:
        """The identity of a role's circle, when this officer holds it; else NotKnown."""
        self.circles()
        for circle, (_, held_role) in self._circle_seals.items():
            if held_role == role:
                return self.circle(circle)
        raise NotKnown

    def fetch(self, lockboxes: Sequence[Lockbox]) -> None:
        """Open these lockboxes in a constant number of queries; those not sealed to us stay shut."""
        wanted = {box.id: box for box in lockboxes if box.id not in self._lockboxes}
        if not wanted:
            return
        self.circles()
        mine = [self._who.officer, *self._circle_seals]
        seals = self._db.scalars(
            select(SealRow).where(
                SealRow.key_kind == "lockbox", SealRow.key.in_(wanted), SealRow.holder.in_(mine)
            )
        ).all()
        parts = {
            (part.lockbox, part.epoch): part.part
            for part in self._db.scalars(select(ShredPart).where(ShredPart.lockbox.in_(wanted)))
        }
        self.ring.fetch({seal.made_by for seal in seals})
        for seal in seals:
            box = wanted[seal.key]
            shred = parts.get((box.id, box.epoch))
            if seal.epoch != box.epoch or shred is None or box.id in self._lockboxes:
                continue
            identity = self._who.identity if seal.holder_kind == "officer" else self.circle(seal.holder)
            opened = self._opened(seal, lockbox_name(box), identity)
            self._sealed_parts[box.id] = opened
            self._lockboxes[box.id] = LockboxKey(box.id, box.epoch, opened, shred)

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
