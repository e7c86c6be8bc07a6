"""Takes over the keys and lockboxes of a vault that an earlier version made, once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from audit.entries import Fact
from crypto.public import PublicIdentity
from vault.access.custody import vouch_for_lockbox
from vault.access.events import Event, is_vouched, record
from vault.access.keyring import vouch_for_key
from vault.access.models import HolderKey, Lockbox
from vault.database import RecordedSession, row_digest, row_name
from vault.running import RunningVault, Trust

ROWS_AT_ONCE = 200
_MODELS: tuple[Any, ...] = (HolderKey, Lockbox)


@dataclass(frozen=True)
class Adopted:
    """How many keys and lockboxes were taken over, and how many were left because they were altered."""

    taken: int
    left: int


def adopt_keys(vault: RunningVault) -> Adopted:
    """Give every key and lockbox of an earlier version the vault's own word.

    Only rows that are as the ledger's newest entry about them left them, and whose entry the vault itself
    made: a planted row is left as it is, and opens nothing. A lockbox without a commitment is due for a new
    key. Running it again changes nothing.
    """
    waiting = list(_without_code(vault))
    if not waiting:
        return Adopted(0, 0)
    vault.ledger.settle([], vault.settings.record_timeout_seconds)
    told = _told(vault)
    adopted = 0
    for model, ids in waiting:
        for start in range(0, len(ids), ROWS_AT_ONCE):
            with vault.writing() as db:
                adopted += _adopt(
                    db, vault.trust, model, ids[start : start + ROWS_AT_ONCE], told, vault.now()
                )
    return Adopted(adopted, sum(len(ids) for _, ids in waiting) - adopted)


def _without_code(vault: RunningVault) -> Iterator[tuple[Any, list[UUID]]]:
    with vault.reading() as db:
        for model in _MODELS:
            ids = list(db.scalars(select(model.id).where(model.code.is_(None)).order_by(model.id)))
            if ids:
                yield model, ids


def _told(vault: RunningVault) -> dict[str, str]:
    """The digest of each key and lockbox that the newest entry about it told, if the vault made the entry."""
    tables = {str(model.__tablename__) for model in _MODELS}
    own: dict[int, bool] = {}
    told: dict[str, str] = {}
    with vault.reading() as db:
        for name, digest, index in vault.ledger.latest_row_digests(db):
            if name.partition("/")[0] not in tables:
                continue
            if index not in own:
                own[index] = is_vouched(vault.ledger.entry(db, index).entry, index, vault.confirms)
            if own[index]:
                told[name] = digest
    return told


def _adopt(
    db: RecordedSession, trust: Trust, model: Any, ids: list[UUID], told: dict[str, str], now: datetime
) -> int:
    rows = db.scalars(select(model).where(model.id.in_(ids), model.code.is_(None)).order_by(model.id)).all()
    known = [row for row in rows if told.get(row_name(row)) == row_digest(row)]
    for row in known:
        if isinstance(row, Lockbox):
            row.rekey_due_at = row.rekey_due_at or now
            vouch_for_lockbox(row, trust)
        else:
            _adopt_key(row, trust, now)
    if known:
        facts: dict[str, Fact] = {"table": str(model.__tablename__), "rows": len(known)}
        record(db, Event.KEYS_ADOPTED, who=None, now=now, subjects=[], facts=facts)
    return len(known)


def _adopt_key(key: HolderKey, trust: Trust, now: datetime) -> None:
    digest = PublicIdentity.from_bytes(key.public).digest()
    if key.certified_at is None and trust.pins(key.holder, key.kind, key.role, digest):
        key.certified_at = now
    vouch_for_key(key, trust)
