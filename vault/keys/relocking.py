"""Everything under the root key or the vault's own word, put under the newest of each.

A row that somebody altered past the vault is locked anew too, so that its officer is not shut out, but no
entry tells of it: the ledger goes on to show that it was altered.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from audit import tables
from audit.entries import Entry
from crypto.errors import Refused
from vault.access.custody import renew_lockbox_code
from vault.access.events import Event, is_vouched, record
from vault.access.grants import renew_grant_code
from vault.access.keyring import renew_key_code
from vault.access.models import EmergencyGrant, HolderKey, Lockbox
from vault.database import RecordedSession, row_digest, row_name
from vault.notices.actions import rewrap_address
from vault.notices.models import NoticeChoice
from vault.officers import passkeys, recovery_codes
from vault.officers.models import DuressWrap, Officer, Passkey, RecoveryCode, SecondFactor
from vault.officers.rewrapping import rewrap_duress, rewrap_officer, rewrap_second_factor
from vault.running import RunningVault
from vault.vouching import VouchingKey, context_of

ROWS_AT_ONCE = 200
Progress = Callable[[int], None]


def _rewrap_vouching_key(row: VouchingKey, vault: RunningVault) -> bool:
    try:
        wrapped = vault.root.rewrap(row.wrapped, context_of(row))
    except Refused:
        return False
    row.wrapped = wrapped or row.wrapped
    return wrapped is not None


def _renew_key(row: HolderKey, vault: RunningVault) -> bool:
    try:
        return renew_key_code(row, vault.trust)
    except Refused:
        return False  # Somebody put a key there that is none.


RENEWALS: Mapping[Any, Callable[[Any, RunningVault], bool]] = {
    VouchingKey: _rewrap_vouching_key,
    Officer: lambda row, vault: rewrap_officer(row, vault.root),
    SecondFactor: lambda row, vault: rewrap_second_factor(row, vault.root),
    HolderKey: _renew_key,
    Lockbox: lambda row, vault: renew_lockbox_code(row, vault.trust),
    EmergencyGrant: lambda row, vault: renew_grant_code(row, vault.trust),
    Passkey: lambda row, vault: passkeys.renew_row_code(row, vault.trust),
    DuressWrap: lambda row, vault: rewrap_duress(row, vault.root),
    NoticeChoice: lambda row, vault: rewrap_address(row, vault.root),
    RecoveryCode: lambda row, vault: recovery_codes.renew_row_code(row, vault.trust),
}
"""Every kind of row with something under the root key or the vault's word, and how one row is renewed."""
_RECORDED = tuple(model for model in RENEWALS if not getattr(model, "unrecorded", False))
_RENEWED_COLUMNS = ("wrap_blob", "recovery_blob", "code", "address")


def work(vault: RunningVault) -> int:
    """How many rows are looked at, for a progress bar."""
    with vault.reading() as db:
        return sum(db.scalar(select(func.count()).select_from(model)) or 0 for model in RENEWALS)


class Relocking:
    """One rotation's view of the rows; `altered` names those that are not as the ledger tells."""

    def __init__(self, vault: RunningVault) -> None:
        self._vault = vault
        self._told: dict[str, str] | None = None
        self.altered: set[str] = set()

    def renew_all(self, progress: Progress) -> int:
        """Renew every row that an older key locked or vouched for; return how many there were."""
        return sum(self._renew_table(model, progress) for model in RENEWALS)

    def _renew_table(self, model: Any, progress: Progress) -> int:
        renewed, aside = 0, list[UUID]()
        with self._vault.reading() as db:
            ids = db.scalars(select(model.id).order_by(model.id)).all()
        for start in range(0, len(ids), ROWS_AT_ONCE):
            chunk = ids[start : start + ROWS_AT_ONCE]
            old = self._in_need(model, chunk)
            if old:
                renewed += self._renew(model, old, aside)
            progress(len(chunk))
        # An act may have changed a row since the ledger was read; what still differs was altered.
        self._told = None if aside else self._told
        altered = list[UUID]()
        for start in range(0, len(aside), ROWS_AT_ONCE):
            renewed += self._renew(model, aside[start : start + ROWS_AT_ONCE], altered)
        return renewed + sum(self._renew_unrecorded(model, row) for row in altered)

    def _in_need(self, model: Any, ids: Sequence[UUID]) -> list[UUID]:
        """Which of these rows would change; they are only looked at, and nobody has to wait."""
        with self._vault.reading() as db:
            rows = db.scalars(select(model).where(model.id.in_(ids)))
            return [row.id for row in rows if RENEWALS[model](row, self._vault)]

    def _renew(self, model: Any, ids: Sequence[UUID], aside: list[UUID]) -> int:
        """Renew these rows in one act, but put aside those that are not as the ledger tells."""
        told = self._tellings() if model in _RECORDED else {}
        with self._vault.writing() as db:
            query = select(model).where(model.id.in_(ids)).order_by(model.id).with_for_update()
            renewed = 0
            for row in db.scalars(query).all():
                if model in _RECORDED and told.get(row_name(row)) != row_digest(row):
                    aside.append(row.id)
                else:
                    renewed += RENEWALS[model](row, self._vault)
            if renewed and model in _RECORDED:
                self._record(db, renewed)
        return renewed

    def _record(self, db: RecordedSession, rows: int) -> None:
        facts = {"root-key": self._vault.root.numbers[0], "rows": rows}
        record(db, Event.KEYS_REWRAPPED, who=None, now=self._vault.now(), subjects=[], facts=facts)

    def _renew_unrecorded(self, model: Any, row_id: UUID) -> bool:
        """Renew a row that was altered past the vault, without an entry that would excuse it."""
        with self._vault.reading() as db:
            row = db.get(model, row_id)
            if row is None:
                return False
            before = {name: getattr(row, name) for name in _RENEWED_COLUMNS if hasattr(row, name)}
            if not RENEWALS[model](row, self._vault):
                return False
            self.altered.add(row_name(row))
            after = {name: getattr(row, name) for name in before}
        as_before = [getattr(model, name).is_not_distinct_from(value) for name, value in before.items()]
        statement = update(model).where(model.id == row_id, *as_before).values(**after)
        with self._vault.database.engine.begin() as connection:
            return bool(connection.execute(statement).rowcount)

    def _tellings(self) -> dict[str, str]:
        """The digest of each row that the vault's own newest entry about it told."""
        if self._told is not None:
            return self._told
        vault = self._vault
        vault.ledger.settle([], vault.settings.record_timeout_seconds)
        marks = [f'"{model.__tablename__}/'.encode() for model in _RECORDED]
        leaves = select(tables.entries.c.index, tables.entries.c.leaf).order_by(tables.entries.c.index)
        self._told = {}
        with vault.reading() as db:
            for index, leaf in db.execute(leaves.execution_options(yield_per=ROWS_AT_ONCE)):
                if any(mark in leaf for mark in marks):
                    entry = Entry.from_canonical(leaf)
                    if is_vouched(entry, index, vault.confirms):
                        self._told |= entry.rows
        return self._told
