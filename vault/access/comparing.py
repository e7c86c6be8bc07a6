"""Compares who holds which key with who must hold it; opens nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crypto.errors import CryptoError
from crypto.sealing import KeyName, Seal, check_seal
from vault.access.custody import circle_name
from vault.access.grants import not_ended
from vault.access.holders import NAMED, belongs, holders_by_matrix, named_on
from vault.access.keyring import Keyring
from vault.access.models import Assignment, HolderKey, Lockbox, SealRow, ShredPart
from vault.access.policy import CIRCLES, Compartment, Role
from vault.running import Trust
from vault.vocabulary import Labelled


class FaultKind(Labelled):
    """What is missing, or is there and should not be."""

    LOCKBOX = "lockbox", "Key of a sealed place"
    CIRCLE = "circle", "Key that a role shares"
    OLD_KEY = "old-key", "Key of an earlier time, which should be gone"
    SHRED_PART = "shred-part", "The vault's own half of a key"


@dataclass(frozen=True)
class SealFault:
    """A holder who lacks a key, or has one, against what the matrix and the assignments say.

    `compartment` is what the key opens: a compartment, or the role that shares it; None when it opens nothing
    that is there. The holder of a shred part is the "vault" itself, and `holder` then the lockbox.
    """

    kind: FaultKind
    subject: str
    compartment: Compartment | Role | None
    holder_kind: str
    holder: UUID


@dataclass(frozen=True)
class _Held:
    """One seal as it is there: for which version of which holder's key."""

    epoch: int
    kind: str
    holder: UUID
    version: int


_SEALS = select(
    SealRow.key_kind, SealRow.key, SealRow.epoch, SealRow.holder_kind, SealRow.holder, SealRow.holder_version
)


_PARTS = select(ShredPart.lockbox.label("lockbox"), ShredPart.epoch.label("epoch"))


class _Comparison:
    """Everything that a comparison rests on, read in seven questions however many keys there are."""

    def __init__(self, db: Session) -> None:
        self._db = db
        self.missing: list[SealFault] = []
        self.surplus: list[SealFault] = []
        # A circle of no role there is was planted, which the comparison of rows tells.
        live = db.scalars(select(HolderKey).where(HolderKey.withdrawn_at.is_(None)))
        self._keys = [key for key in live if key.kind != "circle" or key.role in CIRCLES]
        self._held: dict[tuple[str, UUID], set[_Held]] = {}
        for kind, key, epoch, holder_kind, holder, version in db.execute(_SEALS):
            self._held.setdefault((kind, key), set()).add(_Held(epoch, holder_kind, holder, version))

    @cached_property
    def _live(self) -> dict[UUID, set[int]]:
        """The versions of each holder's key to which seals are rightly made."""
        live: dict[UUID, set[int]] = {}
        for key in self._keys:
            if key.certified_at is not None or key.kind == "recovery":
                live.setdefault(key.holder, set()).add(key.version)
        return live

    def _is_live(self, held: _Held) -> bool:
        return held.version in self._live.get(held.holder, ())

    def compare(self) -> tuple[list[SealFault], list[SealFault]]:
        """Missing and surplus, lockboxes first."""
        self._compare_lockboxes()
        self._compare_circles()
        for key_kind, key in sorted(self._held):
            for held in sorted(self._held[key_kind, key], key=str):
                fault = SealFault(FaultKind.OLD_KEY, f"{key_kind}:{key}", None, held.kind, held.holder)
                self.surplus.append(fault)
        return self.missing, self.surplus

    def _compare_lockboxes(self) -> None:
        circles = {key.holder: Role(key.role) for key in self._keys if key.kind == "circle"}
        named: dict[UUID, list[Assignment]] = {}
        for assignment in self._db.scalars(NAMED):
            named.setdefault(assignment.subject_id, []).append(assignment)
        # A grant excuses a seal and asks for none: the officer may have left, or the key be new.
        excused: dict[str, set[UUID]] = {}
        for grant in self._db.scalars(not_ended()):
            for ident in grant.lockboxes:
                excused.setdefault(ident, set()).add(grant.officer)
        parts = {(part.lockbox, part.epoch) for part in self._db.execute(_PARTS)}
        for box in self._db.scalars(select(Lockbox).order_by(Lockbox.subject, Lockbox.compartment)):
            on = [a for subject in named_on(box) for a in named.get(subject, ())]
            let_in = excused.get(str(box.id), set())
            self._compare_lockbox(box, holders_by_matrix(box, circles, on), let_in)
            if box.destroyed_at is None and (box.id, box.epoch) not in parts:
                self.missing.append(_part_of(box))
            parts.discard((box.id, box.epoch if box.destroyed_at is None else 0))
        for lockbox, _ in sorted(parts):
            part = SealFault(FaultKind.SHRED_PART, f"lockbox:{lockbox}", None, "vault", lockbox)
            self.surplus.append(part)

    def _compare_lockbox(self, box: Lockbox, expected: set[tuple[str, UUID]], excused: set[UUID]) -> None:
        there: set[tuple[str, UUID]] = set()
        for held in sorted(self._held.pop(("lockbox", box.id), ()), key=str):
            kind = FaultKind.LOCKBOX
            if held.epoch != box.epoch or not self._is_live(held):
                kind = FaultKind.OLD_KEY
            elif (held.kind, held.holder) in expected:
                there.add((held.kind, held.holder))
                continue
            elif held.holder in excused:
                continue
            self.surplus.append(SealFault(kind, box.subject, box.compartment, held.kind, held.holder))
        self.missing += [
            SealFault(FaultKind.LOCKBOX, box.subject, box.compartment, *holder)
            for holder in sorted(expected - there)
        ]

    def _compare_circles(self) -> None:
        officers = [key for key in self._keys if key.kind == "officer" and key.certified_at is not None]
        for circle in sorted((key for key in self._keys if key.kind == "circle"), key=_place):
            role, subject = Role(circle.role), f"circle:{circle.holder}"
            expected = {key.holder for key in officers if belongs(key, role)}
            seals = self._held.get(("circle", circle.holder), set())
            there = {held for held in seals if held.epoch == circle.version}
            seals -= there
            for held in sorted(there, key=str):
                if held.holder in expected and self._is_live(held):
                    expected.discard(held.holder)
                    continue
                kind = FaultKind.CIRCLE if self._is_live(held) else FaultKind.OLD_KEY
                self.surplus.append(SealFault(kind, subject, role, held.kind, held.holder))
            self.missing += [
                SealFault(FaultKind.CIRCLE, subject, role, "officer", holder) for holder in sorted(expected)
            ]


def _place(key: HolderKey) -> tuple[str, int]:
    return key.role, key.version


def _part_of(box: Lockbox) -> SealFault:
    return SealFault(FaultKind.SHRED_PART, box.subject, box.compartment, "vault", box.id)


def audit_seals(db: Session) -> tuple[list[SealFault], list[SealFault]]:
    """Missing and surplus keys, by comparing what the matrix says with what is there; opens nothing.

    Asks the database seven times, however many lockboxes there are.
    """
    return _Comparison(db).compare()


def _named_seals(db: Session) -> Iterator[tuple[SealRow, KeyName, SealFault]]:
    """Every seal, what its key is called, and the fault that it is when nobody of ours signed it."""
    lockboxes = select(SealRow, Lockbox).join(Lockbox, Lockbox.id == SealRow.key)
    for row, box in db.execute(lockboxes.where(SealRow.key_kind == "lockbox")):
        name = KeyName("lockbox", box.id, row.epoch, box.subject, str(box.compartment))
        fault = SealFault(FaultKind.LOCKBOX, box.subject, box.compartment, row.holder_kind, row.holder)
        yield row, name, fault
    is_its = (HolderKey.holder == SealRow.key) & (HolderKey.version == SealRow.epoch)
    circles = select(SealRow, HolderKey.role).join(HolderKey, is_its)
    for row, text in db.execute(circles.where(SealRow.key_kind == "circle", HolderKey.role.in_(CIRCLES))):
        role = Role(text)
        fault = SealFault(FaultKind.CIRCLE, f"circle:{row.key}", role, row.holder_kind, row.holder)
        yield row, circle_name(row.key, row.epoch, role), fault


def forged_seals(db: Session, trust: Trust) -> list[SealFault]:
    """Seals that no certified officer signed for the holder they name; opens nothing."""
    ring, forged = Keyring(db, trust), []
    ring.fetch(db.scalars(select(HolderKey.holder)).all())
    for row, name, fault in _named_seals(db):
        try:
            holder = ring.holder(row.holder, row.holder_version)
            maker = ring.maker(row.made_by, row.made_by_version, name.kind, name.compartment)
            check_seal(Seal(row.blob, row.commitment, row.signature), name, holder, maker)
        except CryptoError:
            forged.append(fault)
    return forged
