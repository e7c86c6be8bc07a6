"""Gives lockboxes new keys: new parts, new seals, and every row that lies in them sealed anew.

Nobody sees what is opened here: each value goes from one key to the next within one transaction, and the
entry that tells of it is kept with the rows or not at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, delete, literal, select
from sqlalchemy.orm import Session

import housing.models
from crypto.columns import place_of, put, sealed_columns
from crypto.errors import CryptoError
from crypto.fields import Value
from crypto.lockbox import LockboxKey
from vault.access.actor import Actor
from vault.access.custody import KeyCase
from vault.access.departures import departed
from vault.access.emergencies import seal_under
from vault.access.events import Event, record
from vault.access.grants import live_on
from vault.access.holders import (
    NAMED_ON,
    circle_versions,
    current_circles,
    holders_by_matrix,
    named_on,
    roles_of,
)
from vault.access.models import Assignment, Lockbox, SealRow, ShredPart
from vault.access.policy import Compartment
from vault.access.seals import fill_lockbox, lock_boxes
from vault.database import Base, RecordedSession, is_writing
from vault.errors import NotKnown
from vault.running import Trust

HERE = Path(__file__).parent
BOXES_PER_ENTRY = 20
"""So many lockboxes and the rows in them are told of by an entry that auditors can still read."""
# Old seals are deleted by their lockbox and not looked at again in the session.
NO_SYNC = {"synchronize_session": False}
_Values = dict[str, Value]


@cache
def sealing_models() -> tuple[Any, ...]:
    """Every kind of row that keeps anything sealed, in any package."""
    for name in sorted(path.parent.name for path in HERE.parent.glob("*/models.py")):
        import_module(f"vault.{name}.models")
    mappers = [mapper for base in (Base, housing.models.Base) for mapper in base.registry.mappers]
    return tuple(
        sorted(
            (m.class_ for m in mappers if sealed_columns(m.class_)),
            key=lambda model: str(model.__tablename__),
        )
    )


def columns_of(model: Any, compartment: Compartment) -> list[str]:
    """The columns of a kind of row that a compartment seals."""
    return [column.name for column in sealed_columns(model).values() if column.compartment == compartment]


def _owner(model: Any) -> ColumnElement[UUID]:
    """Of a kind of row, the column with the id of the subject that keeps it, or the one id for all."""
    owner = model.kept_by[1]
    return literal(owner, Uuid()) if isinstance(owner, UUID) else getattr(model, owner)


def _kept(boxes: Sequence[Lockbox]) -> Iterator[tuple[Any, dict[UUID, UUID]]]:
    """Each kind of row that may lie in one of these, with the lockbox in which a subject's rows lie."""
    groups: dict[tuple[str, Compartment], dict[UUID, UUID]] = {}
    for box in boxes:
        kind, _, ident = box.subject.partition(":")
        groups.setdefault((kind, box.compartment), {})[UUID(ident)] = box.id
    for (kind, compartment), kept in groups.items():
        for model in sealing_models():
            if model.kept_by[0] == kind and columns_of(model, compartment):
                yield model, kept


def rows_of(db: Session, box: Lockbox) -> list[Any]:
    """Every row with something sealed in this lockbox; in an act they stand still until it is kept."""
    return _rows(db, [box], False)[box.id]


def _rows(db: Session, boxes: Sequence[Lockbox], skip_locked: bool) -> dict[UUID, list[Any]]:
    """The rows of each lockbox; with `skip_locked`, of those alone of which nobody changes a row now."""
    found: dict[UUID, list[Any]] = {box.id: [] for box in boxes}
    for model, kept in _kept(boxes):
        owner = _owner(model)
        query = select(model, owner).where(owner.in_(kept)).order_by(model.id)
        if is_writing(db):
            query = query.with_for_update(of=model, key_share=True, skip_locked=skip_locked)
        rows = db.execute(query.execution_options(populate_existing=True)).all()
        if skip_locked:
            free = {row.id for row, _ in rows}
            for ident, subject in db.execute(select(model.id, owner).where(owner.in_(kept))):
                if ident not in free:
                    found.pop(kept[subject], None)
        for row, subject in rows:
            if kept[subject] in found:
                found[kept[subject]].append(row)
    return found


def rekey(db: RecordedSession, who: Actor, trust: Trust, box: Lockbox, keys: KeyCase, now: datetime) -> None:
    """Bring one lockbox to its next epoch, sealed to exactly those who must hold it, with every row of it.

    Waits for whoever writes into it. Raises NotKnown when this officer cannot open it, or when it was
    destroyed, and Refused for a row that does not open: then nothing changed.
    """
    locked = lock_boxes(db, Lockbox.id == box.id)
    _Rekeying(db, who, trust, keys, locked, now).rekey(locked, _rows(db, locked, False))


def rekey_free(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    boxes: Sequence[Lockbox],
    keys: KeyCase,
    now: datetime,
) -> tuple[list[Lockbox], frozenset[UUID]]:
    """Bring these locked lockboxes to their next epochs, but those whose rows somebody is changing.

    Whoever holds a lockbox and waits for a row could wait for somebody who waits for the lockbox, so
    nothing is waited for here. Returns those that were done, and the ids of those with a row that does not
    open: verification tells of it, and it keeps no other lockbox waiting.
    """
    if not boxes:
        return [], frozenset()
    rekeying, rows = _Rekeying(db, who, trust, keys, boxes, now), _rows(db, boxes, True)
    free = [box for box in boxes if box.id in rows]
    damaged = frozenset(box.id for box in free if not rekeying.opens(box, rows[box.id]))
    whole = [box for box in free if box.id not in damaged]
    for start in range(0, len(whole), BOXES_PER_ENTRY):
        rekeying.rekey(whole[start : start + BOXES_PER_ENTRY], rows)
    return whole, damaged


class _Rekeying:
    """What the new keys of several lockboxes rest on, asked for once."""

    def __init__(
        self,
        db: RecordedSession,
        who: Actor,
        trust: Trust,
        keys: KeyCase,
        boxes: Sequence[Lockbox],
        now: datetime,
    ) -> None:
        self._db, self._who, self._trust, self._keys, self._now = db, who, trust, keys, now
        self._values: dict[UUID, list[_Values]] = {}
        keys.fetch(boxes)
        named: dict[UUID, list[Assignment]] = {}
        subjects = {subject for box in boxes for subject in named_on(box)}
        for naming in db.scalars(NAMED_ON, {"subjects": list(subjects)}):
            named.setdefault(naming.subject_id, []).append(naming)
        circles = roles_of(current_circles(circle_versions(db)))
        self._holders = {
            box.id: holders_by_matrix(box, circles, [n for s in named_on(box) for n in named.get(s, ())])
            for box in boxes
        }
        self._grants = live_on(db, trust, boxes, now)
        let_in = {grant.officer for found in self._grants.values() for grant in found}
        keys.ring.fetch_to_seal({holder for found in self._holders.values() for _, holder in found} | let_in)
        # Whoever left and put their rows back as they were is left out, as is whoever was put there.
        officers = {holder for found in self._holders.values() for kind, holder in found if kind == "officer"}
        left = departed(db, trust, officers | let_in)
        gone = {("officer", officer) for officer in left}
        self._grants = {
            box: [grant for grant in found if grant.officer not in left]
            for box, found in self._grants.items()
        }
        self._holders = {
            box.id: keys.ring.fit(self._holders[box.id] - gone, box.compartment) for box in boxes
        }

    def opens(self, box: Lockbox, rows: Sequence[Any]) -> bool:
        """Whether every row of a lockbox opens; what was opened is kept for its new key."""
        try:
            self._values[box.id] = self._opened(box, rows)
        except CryptoError:
            return False
        return True

    def _opened(self, box: Lockbox, rows: Sequence[Any]) -> list[_Values]:
        old = self._keys.lockbox(box)
        return [_open(row, box.compartment, old) for row in rows]

    def rekey(self, boxes: Sequence[Lockbox], rows: Mapping[UUID, Sequence[Any]]) -> None:
        """A few locked lockboxes and their rows, with one entry that tells of all of them."""
        if any(box.destroyed_at is not None for box in boxes):
            raise NotKnown
        db, old = self._db, [box.id for box in boxes]
        values = {box.id: self._values.pop(box.id, []) or self._opened(box, rows[box.id]) for box in boxes}
        seals = delete(SealRow).where(SealRow.key_kind == "lockbox", SealRow.key.in_(old))
        db.execute(seals, execution_options=NO_SYNC)
        db.execute(delete(ShredPart).where(ShredPart.lockbox.in_(old)), execution_options=NO_SYNC)
        for box in boxes:
            box.epoch, box.rekey_due_at = box.epoch + 1, None
            holders = self._holders[box.id]
            new = fill_lockbox(db, self._keys.ring, self._who, self._trust, box, holders, self._now)
            self._let_in(box)
            for row, opened in zip(rows[box.id], values[box.id], strict=True):
                _seal_anew(row, opened, new)
        compartments = {box.compartment for box in boxes}
        record(
            db,
            Event.LOCKBOX_REKEYED,
            who=self._who,
            now=self._now,
            subjects=[box.subject for box in boxes],
            compartment=compartments.pop() if len(compartments) == 1 else None,
            facts={"lockboxes": len(boxes), "rows": sum(len(rows[box.id]) for box in boxes)},
        )

    def _let_in(self, box: Lockbox) -> None:
        """Seal a new key onward to whoever is let in for an emergency just now, so that it does not end."""
        for grant in self._grants[box.id]:
            self._db.flush()
            # An officer whose keys ended, or were never certified, gets nothing and keeps nobody waiting.
            with suppress(CryptoError):
                seal_under(self._db, self._who, self._trust, grant, [box], self._now)


def _open(row: Any, compartment: Compartment, old: LockboxKey) -> _Values:
    names = columns_of(type(row), compartment)
    return {name: old.open(getattr(row, name).blob, place_of(row, name)) for name in names}


def _seal_anew(row: Any, values: _Values, new: LockboxKey) -> None:
    for name, value in values.items():
        put(row, name, value, new.sealer())
    mapper = row.__mapper__
    # Rows whose acts count the version up themselves need it here too, so that an older tab is told.
    if mapper.version_id_col is not None and mapper.version_id_generator is False:
        version = mapper.get_property_by_column(mapper.version_id_col).key
        setattr(row, version, getattr(row, version) + 1)
