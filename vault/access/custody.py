"""What one officer can open in one request: from their own keys to circles, from circles to lockboxes.

Whoever holds a seal can open; nobody else can, whatever a page or a role column says.
"""

from collections.abc import Sequence
from datetime import datetime
from hmac import compare_digest
from uuid import UUID, uuid4

from sqlalchemy import bindparam, select, tuple_
from sqlalchemy.orm import Session, aliased

from crypto.encoding import enc
from crypto.identity import Identity, PublicIdentity
from crypto.lockbox import LockboxKey, Sealer
from crypto.sealing import Holder, KeyName, Seal, open_seal, seal_key
from vault.access.actor import Actor
from vault.access.keyring import Distrusted, Keyring
from vault.access.models import HolderKey, Lockbox, SealRow, ShredPart
from vault.access.policy import Compartment, Hold, Role, hold
from vault.database import is_writing
from vault.errors import NotKnown, RecordsDestroyed
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


def _statement(lockbox: Lockbox) -> bytes:
    """What the vault vouches for: whose compartment it is, and the one content key of this epoch."""
    return enc(
        "vault/lockbox/v1",
        lockbox.id,
        lockbox.subject,
        lockbox.case or b"",
        str(lockbox.compartment),
        lockbox.epoch,
        lockbox.commitment or b"",
    )


def vouch_for_lockbox(lockbox: Lockbox, trust: Trust) -> None:
    """Give a lockbox the vault's own word, so that nobody can exchange what its seals and parts open."""
    lockbox.code = trust.voucher.vouch(_statement(lockbox))


def renew_lockbox_code(lockbox: Lockbox, trust: Trust) -> bool:
    """Give a lockbox the vault's word by the newest vouching key, if it had it; return whether it changed."""
    code = trust.voucher.renewed(_statement(lockbox), lockbox.code)
    lockbox.code = code or lockbox.code
    return code is not None


def check_lockbox(lockbox: Lockbox, opened: LockboxKey, trust: Trust) -> None:
    """Raise Distrusted unless the vault kept this lockbox as it is, and this is its content key.

    A lockbox of an earlier version has no commitment until its next key, and the vault's word covers that.
    """
    if not trust.voucher.confirms(_statement(lockbox), lockbox.code):
        raise Distrusted("The vault did not keep this lockbox as it is now.")
    if lockbox.commitment is not None and not compare_digest(lockbox.commitment, opened.commitment):
        raise Distrusted("What was sealed, or the shred part, is not of this lockbox.")


# These questions are asked on every look, so they are put together once.
_CIRCLES = (
    select(SealRow, HolderKey.role, HolderKey.public)
    .join(HolderKey, (HolderKey.holder == SealRow.key) & (HolderKey.version == SealRow.epoch))
    .where(SealRow.key_kind == "circle", SealRow.holder == bindparam("officer"))
    .where(SealRow.holder_version == bindparam("version"), HolderKey.withdrawn_at.is_(None))
    .order_by(SealRow.epoch.desc())
)
_circle_seal = aliased(SealRow)
_REACHABLE = (
    select(SealRow, ShredPart.part)
    .join(ShredPart, (ShredPart.lockbox == SealRow.key) & (ShredPart.epoch == SealRow.epoch))
    .where(SealRow.key_kind == "lockbox", SealRow.key.in_(bindparam("lockboxes", expanding=True)))
    .where(
        ((SealRow.holder == bindparam("officer")) & (SealRow.holder_version == bindparam("version")))
        | tuple_(SealRow.holder, SealRow.holder_version).in_(
            select(_circle_seal.key, _circle_seal.epoch).where(
                _circle_seal.key_kind == "circle", _circle_seal.holder == bindparam("officer")
            )
        )
    )
    # An officer's own seal comes before a circle's, which takes one more opening.
    .order_by(SealRow.holder_kind.desc(), SealRow.holder_version.desc())
)
_LOCKBOX = select(Lockbox).where(
    Lockbox.subject == bindparam("subject"), Lockbox.compartment == bindparam("compartment")
)


class KeyCase:
    """The keys one officer can reach in one request: opened when needed, forgotten with the request."""

    def __init__(self, db: Session, who: Actor, trust: Trust) -> None:
        self._db = db
        self._who = who
        self._trust = trust
        self.ring = Keyring(db, trust)
        self._circle_seals: dict[tuple[UUID, int], tuple[SealRow, Role, bytes]] | None = None
        self._circles: dict[tuple[UUID, int], Identity] = {}
        self._lockboxes: dict[UUID, LockboxKey] = {}
        self._sealed_parts: dict[UUID, bytes] = {}

    def _opened(
        self, row: SealRow, name: KeyName, identity: Identity, public: PublicIdentity | None = None
    ) -> bytes:
        """The key in a seal. `public` spares deriving what is kept: a wrong one only refuses to open."""
        seal = Seal(row.blob, row.commitment, row.signature)
        holder = Holder(row.holder_kind, row.holder, row.holder_version, public or identity.public)
        maker = self.ring.maker(row.made_by, row.made_by_version, name.kind, name.compartment)
        return open_seal(seal, name, holder, identity, maker)

    def _held_circles(self) -> dict[tuple[UUID, int], tuple[SealRow, Role, bytes]]:
        """The seals of the live circle versions this officer holds, the newest first."""
        if self._circle_seals is None:
            given = {"officer": self._who.officer, "version": self._who.key_version}
            rows = self._db.execute(_CIRCLES, given).all()
            self._circle_seals = {
                (row.key, row.epoch): (row, Role(role), public) for row, role, public in rows
            }
        return self._circle_seals

    def circle(self, circle: UUID, version: int) -> Identity:
        """Open one version of a circle's identity. Raises NotKnown when this officer does not hold it."""
        wanted = (circle, version)
        if wanted not in self._circles:
            held = self._held_circles().get(wanted)
            if held is None:
                raise NotKnown
            row, role, _public = held
            seed = self._opened(row, circle_name(circle, version, role), self._who.identity)
            self._circles[wanted] = Identity.from_seed(seed)
        return self._circles[wanted]

    def versions_of(self, role: Role) -> list[tuple[UUID, int]]:
        """The live versions of a role's circle that this officer holds, the newest first."""
        return [version for version, (_, held_role, _) in self._held_circles().items() if held_role == role]

    def circles_of(self, role: Role) -> list[Identity]:
        """The identities of a role's circle that this officer holds, the newest first; perhaps none."""
        return [self.circle(*version) for version in self.versions_of(role)]

    def circle_of(self, role: Role) -> Identity:
        """The newest identity of a role's circle that this officer holds; else NotKnown."""
        for version in self.versions_of(role):
            return self.circle(*version)
        raise NotKnown

    def fetch(self, lockboxes: Sequence[Lockbox]) -> None:
        """Open these lockboxes in a constant number of queries; those not sealed to us stay shut.

        Raises Refused for a seal that no officer made, Distrusted for a lockbox or a part of its key that
        the vault did not keep.
        """
        wanted = {box.id: box for box in lockboxes if not self._is_open(box)}
        if not wanted:
            return
        reach = {"lockboxes": list(wanted), "officer": self._who.officer, "version": self._who.key_version}
        found = self._db.execute(_REACHABLE, reach).all()
        self.ring.fetch({seal.made_by for seal, _ in found})
        for seal, shred_part in found:
            box = wanted[seal.key]
            if seal.epoch != box.epoch or self._is_open(box):
                continue
            if seal.holder_kind == "officer":
                identity, public = self._who.identity, None
            elif held := self._held_circles().get((seal.holder, seal.holder_version)):
                identity = self.circle(seal.holder, seal.holder_version)
                public = PublicIdentity.from_bytes(held[2])
            else:
                continue
            sealed_part = self._opened(seal, lockbox_name(box), identity, public)
            opened = LockboxKey(box.id, box.epoch, sealed_part, shred_part)
            check_lockbox(box, opened, self._trust)
            self._sealed_parts[box.id] = sealed_part
            self._lockboxes[box.id] = opened

    def _is_open(self, lockbox: Lockbox) -> bool:
        opened = self._lockboxes.get(lockbox.id)
        return opened is not None and opened.epoch == lockbox.epoch

    def lockbox(self, lockbox: Lockbox) -> LockboxKey:
        """Open one lockbox. Raises NotKnown when no live seal reaches this officer."""
        self.fetch([lockbox])
        if not self._is_open(lockbox):
            raise NotKnown
        return self._lockboxes[lockbox.id]

    def sealed_part(self, lockbox: Lockbox) -> bytes:
        """What is sealed onward to another holder. Raises NotKnown when this officer does not hold it."""
        self.lockbox(lockbox)
        return self._sealed_parts[lockbox.id]


def find_lockbox(db: Session, subject: str, compartment: Compartment) -> Lockbox:
    """The lockbox of a subject's compartment. Raises NotKnown when there is none, RecordsDestroyed.

    In an act its epoch stands still until the act is kept, so that nothing is sealed under a key that goes.
    """
    query = _LOCKBOX.with_for_update(read=True) if is_writing(db) else _LOCKBOX
    given = {"subject": subject, "compartment": compartment}
    box = db.scalars(query.execution_options(populate_existing=True), given).first()
    if box is None:
        raise NotKnown
    if box.destroyed_at is not None:
        raise RecordsDestroyed(box.destroyed_at.date())
    return box


def sealer(db: Session, who: Actor, trust: Trust, subject: str, compartment: Compartment) -> Sealer:
    """What an act needs to write into a compartment: it can seal and cannot open. Raises NotKnown.

    Whoever reads under an emergency grant holds a key, and still writes nothing that the matrix never gives.
    """
    if hold(compartment, who.role) is Hold.NEVER:
        raise NotKnown
    return KeyCase(db, who, trust).lockbox(find_lockbox(db, subject, compartment)).sealer()
