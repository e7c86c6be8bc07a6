"""Gives lockboxes new keys: new parts, new seals, and every row that lies in them sealed anew.

Nobody sees what is opened here: each value goes from one key to the next within one transaction, and the
entry that tells of it is kept with the rows or not at all.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

import housing.models
from crypto.columns import place_of, put, sealed_columns
from crypto.lockbox import LockboxKey
from vault.access.actor import Actor
from vault.access.custody import KeyCase
from vault.access.events import Event, record
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
# Old seals are deleted by their lockbox and not looked at again in the session.
NO_SYNC = {"synchronize_session": False}


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


def _kept(box: Lockbox) -> Iterator[tuple[Any, Any]]:
    """Each kind of row that may lie in a lockbox, and which of its rows do."""
    kind, _, ident = box.subject.partition(":")
    for model in sealing_models():
        where = model.is_kept_by(kind, UUID(ident)) if columns_of(model, box.compartment) else None
        if where is not None:
            yield model, where


def rows_of(db: Session, box: Lockbox) -> list[Any]:
    """Every row with something sealed in this lockbox; in an act they stand still until it is kept."""
    return [row for model, where in _kept(box) for row in _rows(db, model, where, False)]


def _rows(db: Session, model: Any, where: Any, skip_locked: bool) -> list[Any]:
    query = select(model).where(where).order_by(model.id)
    if is_writing(db):
        query = query.with_for_update(key_share=True, skip_locked=skip_locked)
    return list(db.scalars(query.execution_options(populate_existing=True)))


def _free_rows(db: Session, box: Lockbox) -> list[Any] | None:
    """The rows of a lockbox, or None while somebody else changes one of them."""
    found = []
    for model, where in _kept(box):
        rows = _rows(db, model, where, True)
        if len(rows) != db.scalar(select(func.count()).select_from(model).where(where)):
            return None
        found += rows
    return found


def rekey(db: RecordedSession, who: Actor, trust: Trust, box: Lockbox, keys: KeyCase, now: datetime) -> None:
    """Bring one lockbox to its next epoch, sealed to exactly those who must hold it, with every row of it.

    Waits for whoever writes into it. Raises NotKnown when this officer cannot open it, or when it was
    destroyed, and Refused for a row that does not open: then nothing changed.
    """
    (locked,) = lock_boxes(db, Lockbox.id == box.id)
    _Rekeying(db, who, trust, keys, [locked], now).rekey(locked, rows_of(db, locked))


def rekey_free(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    boxes: Sequence[Lockbox],
    keys: KeyCase,
    now: datetime,
) -> list[Lockbox]:
    """Bring these locked lockboxes to their next epochs, but those whose rows somebody is changing.

    Whoever holds a lockbox and waits for a row could wait for somebody who waits for the lockbox, so
    nothing is waited for here. Returns those that were done.
    """
    rekeying, done = _Rekeying(db, who, trust, keys, boxes, now), []
    for box in boxes:
        rows = _free_rows(db, box)
        if rows is not None:
            rekeying.rekey(box, rows)
            done.append(box)
    return done


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
        keys.ring.fetch_to_seal({holder for found in self._holders.values() for _, holder in found})
        self._holders = {box.id: keys.ring.fit(self._holders[box.id], box.compartment) for box in boxes}

    def rekey(self, box: Lockbox, rows: Sequence[Any]) -> None:
        """One locked lockbox and its rows."""
        if box.destroyed_at is not None:
            raise NotKnown
        db, old = self._db, self._keys.lockbox(box)
        db.execute(
            delete(SealRow).where(SealRow.key_kind == "lockbox", SealRow.key == box.id),
            execution_options=NO_SYNC,
        )
        db.execute(delete(ShredPart).where(ShredPart.lockbox == box.id), execution_options=NO_SYNC)
        box.epoch, box.rekey_due_at = box.epoch + 1, None
        holders = self._holders[box.id]
        new = fill_lockbox(db, self._keys.ring, self._who, self._trust, box, holders, self._now)
        for row in rows:
            _seal_anew(row, box.compartment, old, new)
        record(
            db,
            Event.LOCKBOX_REKEYED,
            who=self._who,
            now=self._now,
            subjects=[box.subject],
            compartment=box.compartment,
            facts={"epoch": box.epoch, "rows": len(rows)},
        )


def _seal_anew(row: Any, compartment: Compartment, old: LockboxKey, new: LockboxKey) -> None:
    for name in columns_of(type(row), compartment):
        value = old.open(getattr(row, name).blob, place_of(row, name))
        put(row, name, value, new.sealer())
    mapper = row.__mapper__
    # Rows whose acts count the version up themselves need it here too, so that an older tab is told.
    if mapper.version_id_col is not None and mapper.version_id_generator is False:
        version = mapper.get_property_by_column(mapper.version_id_col).key
        setattr(row, version, getattr(row, version) + 1)
