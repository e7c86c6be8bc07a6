"""Entries that several workers may want to make, and that the ledger holds once."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from audit import tables
from audit.entries import Fact, new_entry_id
from audit.errors import LedgerUnavailable
from crypto.encoding import enc
from vault.access.events import Event, compose
from vault.running import RunningVault

_TIME = ((1 << 52) - 1) << 76
_VARIANT = 0b10 << 62
_CHANCE = 0xFFF << 64 | (1 << 62) - 1


def name_of(event: Event, of: datetime, told: str) -> UUID:
    """The entry's id, the same for everybody who tells this of that moment (a UUIDv7, RFC 9562)."""
    digest = hashlib.sha256(enc("vault/entry-made-once/v1", str(event), told)).digest()
    chance = int.from_bytes(digest[:16], "big") & _CHANCE
    return UUID(int=new_entry_id(of).int & _TIME | _VARIANT | chance)


def record_once(
    vault: RunningVault,
    event: Event,
    *,
    of: datetime,
    told: str,
    now: datetime,
    facts: Mapping[str, Fact],
    details: Mapping[str, str | list[str]] | None,
) -> None:
    """Make an entry durable unless the ledger holds it already, whichever worker made it.

    `of` and `told` name it. Raises audit.errors.LedgerUnavailable.
    """
    name = name_of(event, of, told)
    if _is_there(vault, name):
        return
    with vault.reading() as db:
        made = compose(
            db,
            vault.trust,
            vault.vouch,
            event,
            who=None,
            now=now,
            subjects=[],
            facts=facts,
            details=details,
            name=name,
        )
    try:
        vault.ledger.weave([made], vault.settings.record_timeout_seconds)
    except LedgerUnavailable:
        if not _is_there(vault, name):  # Else another worker was faster by a moment.
            raise


def _is_there(vault: RunningVault, name: UUID) -> bool:
    with vault.reading() as db:
        return db.scalar(select(tables.entries.c.index).where(tables.entries.c.id == name)) is not None
