"""The only door through which anything sealed is read: checked, recorded, durable, and then opened.

The order is the guarantee: matrix and need to know; second factor where the matrix asks for it; the limit on
looks; the entry woven into the ledger; only then the officer's key, the seal, the lockbox, the fields.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from audit import entries as audit_entries
from audit.entries import Entry, Fact
from audit.errors import DetailsRefused
from audit.ledger import Receipt, Woven
from crypto.columns import place_of, sealed_columns
from crypto.fields import Value as Value  # noqa: PLC0414 - features take the type from here
from crypto.lockbox import LockboxKey
from vault.access.actor import Actor
from vault.access.custody import KeyCase
from vault.access.delegating import unit_day
from vault.access.events import Event, record_apart
from vault.access.grants import grant_over
from vault.access.holders import is_named_holder
from vault.access.models import Assignment, EmergencyGrant, Lockbox
from vault.access.pacing import take_turn
from vault.access.policy import STEP_UP, Compartment, Hold, Permission, Reason, Role, hold
from vault.errors import NotKnown, RecordsDestroyed, RoleMayNot, StepUpNeeded
from vault.running import RunningVault

BREAK_GLASS = "break-glass"
"""The fact that names the emergency request under which an officer outside the matrix looked."""

SUBJECTS_PER_ENTRY = 100
"""An entry is at most 8 KiB, so a look over many subjects is told in several."""

# Asked on every look, so they are put together once.
_NAMED = select(Assignment).where(
    Assignment.officer == bindparam("officer"),
    Assignment.ended_at.is_(None),
    Assignment.subject_id.in_(bindparam("subjects", expanding=True)),
)
_LOCKBOXES = select(Lockbox).where(
    Lockbox.subject.in_(bindparam("subjects", expanding=True)),
    Lockbox.compartment == bindparam("compartment"),
)


class SealedRow(Protocol):
    """A row that keeps something sealed and knows whose lockbox holds it."""

    id: Any

    def lockbox_subject(self, compartment: str) -> str:
        """The subject, like "person:<uuid>", whose lockbox holds this compartment of the row."""
        ...


class Part:
    """Some sealed columns of a row: a list of papers opens titles, and not what opens their contents."""

    def __init__(self, row: SealedRow, columns: Sequence[str]) -> None:
        self.row, self.columns, self.id = row, columns, row.id

    def lockbox_subject(self, compartment: str) -> str:
        """The row's own."""
        return self.row.lockbox_subject(compartment)


@dataclass(frozen=True)
class Opening:
    """What was opened, and the ledger's receipt for it. Never printed, never kept."""

    receipt: Receipt
    _values: Mapping[UUID, Mapping[str, Value]]

    def of(self, row: SealedRow) -> Mapping[str, Value]:
        """The opened fields of one row, by column name."""
        return self._values.get(row.id, {})

    def __repr__(self) -> str:
        return "<opening>"


def fields_of(row: SealedRow, compartment: Compartment) -> list[str]:
    """The row's columns that this compartment seals."""
    if isinstance(row, Part):
        return [name for name in fields_of(row.row, compartment) if name in row.columns]
    if not hasattr(row, "__table__"):
        return []
    return [c.name for c in sealed_columns(row).values() if c.compartment == compartment]


def is_stepped_up(vault: RunningVault, who: Actor, now: datetime) -> bool:
    """Whether the second factor was given again within the last five minutes."""
    window = timedelta(minutes=vault.settings.step_up_minutes)
    return who.stepped_up_at is not None and timedelta(0) <= now - who.stepped_up_at <= window


def check_may_open(
    vault: RunningVault,
    db: Session,
    who: Actor,
    boxes: Sequence[Lockbox],
    compartment: Compartment,
    now: datetime,
) -> EmergencyGrant | None:
    """Return the emergency grant that this rests on, or None where the matrix alone lets this officer in.

    Raises RoleMayNot, NotKnown, RecordsDestroyed or StepUpNeeded unless they may open all of these now.
    """
    grant = None
    if not who.certified:
        raise RoleMayNot("Your role does not open this part of the record.")
    if not _is_by_matrix(db, who, boxes, compartment, unit_day(vault.settings, now)):
        grant = grant_over(db, vault.trust, who.officer, compartment, boxes, now)
        if grant is None and hold(compartment, who.role) is not Hold.NEVER:
            raise NotKnown
        if grant is None or not who.may(Permission.ASK_EMERGENCY):
            raise RoleMayNot("Your role does not open this part of the record.")
    for box in boxes:
        if box.destroyed_at is not None:
            raise RecordsDestroyed(box.destroyed_at.date())
    if compartment in STEP_UP and not is_stepped_up(vault, who, now):
        raise StepUpNeeded
    return grant


def _is_by_matrix(
    db: Session, who: Actor, boxes: Sequence[Lockbox], compartment: Compartment, today: date
) -> bool:
    """Whether the matrix gives all of these to this officer today, by their role or by being named."""
    how = hold(compartment, who.role)
    if how in {Hold.ALL, Hold.NEVER}:
        return how is Hold.ALL
    ids = {UUID(box.subject.partition(":")[2]) for box in boxes} | {box.case for box in boxes if box.case}
    live = db.scalars(_NAMED, {"officer": who.officer, "subjects": list(ids)}).all()
    # A naming in another's stead opens nothing after its last day, though its seals may still be there.
    named = [naming for naming in live if naming.ends_on is None or today <= naming.ends_on]
    return all(any(is_named_holder(assignment, box) for assignment in named) for box in boxes)


@dataclass(frozen=True)
class OpenedDetails:
    """The words of one entry that only auditors read, and the ledger's receipt for reading them."""

    receipt: Receipt
    words: Mapping[str, str | list[str]]

    def __repr__(self) -> str:
        return "<opened details>"


def open_details(vault: RunningVault, db: Session, who: Actor, woven: Woven, now: datetime) -> OpenedDetails:
    """Open an entry's details with the auditors' key, once the reading of that entry is on the ledger.

    An entry without details gives no words, nor does one whose details were shredded. `db` only reads.
    Raises RoleMayNot for anybody but a certified auditor, NotKnown for one whom the auditors' key has not
    reached yet, audit.errors.DetailsRefused for details that are not the ones of the entry, and
    audit.errors.LedgerUnavailable when the reading cannot be recorded: then nothing was decrypted.
    """
    if not who.certified or who.role is not Role.AUDITOR:
        raise RoleMayNot("Only auditors read the ledger's details.")
    facts: dict[str, Fact] = {"page": "entry", "index": woven.index, "details": woven.details is not None}
    receipt = record_apart(vault, Event.LEDGER_READ, who=who, now=now, subjects=[], facts=facts)
    if woven.details is None:
        return OpenedDetails(receipt, {})
    return OpenedDetails(receipt, _open_details(woven.details, woven.entry, KeyCase(db, who, vault.trust)))


def _open_details(details: bytes, entry: Entry, keys: KeyCase) -> Mapping[str, str | list[str]]:
    """Open details with the version of the auditors' key they were sealed to, which no entry tells."""
    versions = keys.versions_of(Role.AUDITOR)
    for number, version in enumerate(versions, 1):
        try:
            return audit_entries.open_details(details, entry, keys.circle(*version))
        except DetailsRefused:
            if number == len(versions):
                raise
    raise NotKnown


def _lockboxes(db: Session, subjects: Iterable[str], compartment: Compartment) -> list[Lockbox]:
    wanted = set(subjects)
    found = db.scalars(_LOCKBOXES, {"subjects": list(wanted), "compartment": compartment}).all()
    if len(found) != len(wanted):
        raise NotKnown
    return list(found)


def _in_parts(subjects: Sequence[str]) -> list[Sequence[str]]:
    """Subjects as entries can hold them; a look over nothing is a look all the same."""
    starts = range(0, max(len(subjects), 1), SUBJECTS_PER_ENTRY)
    return [subjects[start : start + SUBJECTS_PER_ENTRY] for start in starts]


def open_rows(  # It is longer than most because the order of its steps is the guarantee.
    vault: RunningVault,
    db: Session,
    who: Actor,
    compartment: Compartment,
    rows: Sequence[SealedRow],
    *,
    about: Sequence[str],
    reason: Reason,
    now: datetime,
    event: Event,
    facts: Mapping[str, Any],
    details: Mapping[str, str | list[str]] | None,
) -> Opening:
    """Open one compartment of these rows, all under one entry that names every field.

    `about` adds subjects to the entry (the case), so that an auditor finds it. `db` is a reading session.
    Raises RoleMayNot, NotKnown, StepUpNeeded, SlowDown (each recorded by the caller's error handler through
    the guard), and audit.errors.LedgerUnavailable when the entry cannot be made durable: then nothing was
    decrypted. What rests on an emergency grant is told as an emergency, whatever reason was given.
    """
    subjects = [row.lockbox_subject(compartment) for row in rows]
    boxes = {box.subject: box for box in _lockboxes(db, subjects, compartment)}
    grant = check_may_open(vault, db, who, list(boxes.values()), compartment, now)
    take_turn(vault, who, event, now)
    told = dict(facts)
    if grant is not None:  # However it was asked for, the entry says by what right.
        reason, told[BREAK_GLASS] = Reason.EMERGENCY, grant.request
    names = sorted(
        {f"{type(_whole(row)).__name__.lower()}.{f}" for row in rows for f in fields_of(row, compartment)}
    )
    receipts = [
        record_apart(
            vault,
            event,
            who=who,
            now=now,
            subjects=[*about, *part],
            compartment=compartment,
            fields=names,
            reason=reason,
            facts={**told, "rows": len(rows)},
            details=details,
        )
        for part in _in_parts(list(boxes))
    ]
    keys = KeyCase(db, who, vault.trust)
    keys.fetch(list(boxes.values()))
    values = {
        row.id: _opened(keys.lockbox(boxes[subject]), row, compartment)
        for row, subject in zip(rows, subjects, strict=True)
    }
    return Opening(receipts[-1], values)


def _opened(key: LockboxKey, row: SealedRow, compartment: Compartment) -> dict[str, Value]:
    """The fields of one row in one compartment, by column name."""
    whole = _whole(row)
    return {
        name: key.open(getattr(whole, name).blob, place_of(whole, name))
        for name in fields_of(row, compartment)
    }


def _whole(row: SealedRow) -> SealedRow:
    return row.row if isinstance(row, Part) else row
