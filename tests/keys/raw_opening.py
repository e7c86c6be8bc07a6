"""What a seed and the tables of a database open, followed with bare cryptography, not by the vault."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Engine, Select, String, Uuid, cast, select, type_coerce

from crypto.errors import CryptoError
from crypto.identity import Identity
from crypto.lockbox import LockboxKey, Place
from crypto.public import PublicIdentity
from crypto.sealing import Holder, KeyName, Seal, open_seal
from vault.access.models import HolderKey, Lockbox, SealRow, ShredPart

Version = tuple[UUID, int]
"""A key and its epoch: one version of a circle, or one epoch of a lockbox."""


class KeyRow(NamedTuple):
    """One version of a holder's public key."""

    holder: UUID
    version: int
    role: str
    public: bytes


class BoxRow(NamedTuple):
    """A lockbox as it is kept."""

    id: UUID
    subject: str
    case: UUID | None
    compartment: str
    epoch: int
    commitment: bytes
    is_destroyed: bool


class Sealed(NamedTuple):
    """A seal as it is kept."""

    key_kind: str
    key: UUID
    epoch: int
    holder_kind: str
    holder: UUID
    holder_version: int
    blob: bytes
    commitment: bytes
    signature: bytes
    made_by: UUID
    made_by_version: int


@dataclass
class Tables:
    """The rows that keys are made of, as anybody reads them who has the database."""

    keys: Mapping[Version, KeyRow]
    boxes: Mapping[UUID, BoxRow]
    parts: Mapping[Version, bytes]
    seals: Mapping[UUID, list[Sealed]]  # by holder


@cache
def _uuid(text: str) -> UUID:
    """An id out of the database; each is read many times and is the same each time."""
    return UUID(text)


def _texts(*columns: Any) -> Select[Any]:
    """These columns without the types that turn every id of every row into an object of its own."""
    plain = [cast(c, String) if isinstance(c.type, Uuid) else type_coerce(c, c.type) for c in columns]
    return select(*plain)


_K, _B, _P, _S = (model.__table__.c for model in (HolderKey, Lockbox, ShredPart, SealRow))
_KEYS = _texts(_K.holder, _K.version, _K.role, _K.public)
_BOXES = _texts(
    _B.id, _B.subject, _B.case_id, type_coerce(_B.compartment, String), _B.epoch, _B.commitment
).add_columns(_B.destroyed_at.is_not(None))
_PARTS = _texts(_P.lockbox_id, _P.epoch, _P.part)
_SEALS = _texts(
    *(_S.key_kind, _S.key_id, _S.epoch, _S.holder_kind, _S.holder, _S.holder_version),
    *(_S.blob, _S.commitment, _S.signature, _S.made_by, _S.made_by_version),
)


def read(engine: Engine) -> Tables:
    """The tables as they are now."""
    by_holder: dict[UUID, list[Sealed]] = {}
    with engine.connect() as connection:
        keys = [KeyRow(_uuid(holder), *rest) for holder, *rest in connection.execute(_KEYS)]
        boxes = [
            BoxRow(_uuid(box), subject, _uuid(case) if case else None, *rest)
            for box, subject, case, *rest in connection.execute(_BOXES)
        ]
        parts = {(_uuid(box), epoch): part for box, epoch, part in connection.execute(_PARTS)}
        for kind, key, epoch, holder_kind, holder, *rest, made_by, maker in connection.execute(_SEALS):
            seal = Sealed(kind, _uuid(key), epoch, holder_kind, _uuid(holder), *rest, _uuid(made_by), maker)
            by_holder.setdefault(seal.holder, []).append(seal)
    named = {(key.holder, key.version): key for key in keys}
    return Tables(named, {box.id: box for box in boxes}, parts, by_holder)


@dataclass
class Reach:
    """What one seed leads to: versions of circles, and the sealed parts of lockboxes."""

    circles: dict[Version, bytes] = field(default_factory=dict)
    parts: dict[Version, bytes] = field(default_factory=dict)


class Walk:
    """Opens seals from a seed on. A seal that was opened once is not opened again: its bytes say the same."""

    def __init__(self) -> None:
        self._opened: dict[tuple[bytes, bytes], bytes | None] = {}

    def reach(self, tables: Tables, holder: UUID, seed: bytes) -> Reach:
        """Everything that seals lead to from this holder's seed, without asking who may."""
        found = Reach()
        waiting = [(holder, None, seed)]
        while waiting:
            owner, version, own = waiting.pop()
            for seal in tables.seals.get(owner, ()):
                if version is not None and seal.holder_version != version:
                    continue
                key = self._open(tables, seal, own)
                if key is None:
                    continue
                name = (seal.key, seal.epoch)
                if seal.key_kind == "circle":
                    found.circles[name] = key
                    waiting.append((seal.key, seal.epoch, key))
                else:
                    found.parts[name] = key
        return found

    def _open(self, tables: Tables, seal: Sealed, seed: bytes) -> bytes | None:
        wanted = (seal.blob, seed)
        if wanted not in self._opened:
            self._opened[wanted] = _opened(tables, seal, Identity.from_seed(seed))
        return self._opened[wanted]


def _opened(tables: Tables, seal: Sealed, identity: Identity) -> bytes | None:
    if seal.key_kind == "circle":
        role = tables.keys[seal.key, seal.epoch].role
        name = KeyName("circle", seal.key, seal.epoch, "", role)
    else:
        box = tables.boxes[seal.key]
        name = KeyName("lockbox", box.id, seal.epoch, box.subject, box.compartment)
    maker = PublicIdentity.from_bytes(tables.keys[seal.made_by, seal.made_by_version].public)
    holder = Holder(seal.holder_kind, seal.holder, seal.holder_version, identity.public)
    try:
        return open_seal(Seal(seal.blob, seal.commitment, seal.signature), name, holder, identity, maker)
    except CryptoError:
        return None


@lru_cache(maxsize=65536)
def _lockbox(box: UUID, epoch: int, sealed: bytes, shred: bytes) -> LockboxKey:
    return LockboxKey(box, epoch, sealed, shred)


def unlock(tables: Tables, parts: Mapping[Version, bytes], box: UUID) -> LockboxKey | None:
    """The open lockbox of this epoch, if its sealed part is at hand and its other half still exists."""
    row = tables.boxes[box]
    sealed, shred = parts.get((box, row.epoch)), tables.parts.get((box, row.epoch))
    if sealed is None or shred is None:
        return None
    opened = _lockbox(box, row.epoch, sealed, shred)
    return opened if opened.commitment == row.commitment else None


def opened_boxes(tables: Tables, parts: Mapping[Version, bytes]) -> set[UUID]:
    """The lockboxes that these sealed parts open as they are now."""
    near = {box for box, _ in parts}
    return {box for box in near & tables.boxes.keys() if unlock(tables, parts, box) is not None}


def text_of(key: LockboxKey, table: str, row: UUID, column: str, blob: bytes) -> object:
    """One field of text, opened."""
    return key.open(blob, Place(table, row, column, "text"))
