"""Entries that several workers may want to make, and that the ledger holds once."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from audit import tables
from audit.entries import Entry, Fact, new_entry_id
from audit.errors import InvalidEntry, LedgerUnavailable
from crypto.encoding import enc
from vault.access.events import Event, compose, is_vouched
from vault.running import RunningVault

_TIME = ((1 << 52) - 1) << 76
_VARIANT = 0b10 << 62
_CHANCE = 0xFFF << 64 | (1 << 62) - 1

MOST_NAMES = 8
"""So many names of one entry may be taken by rows that somebody planted before it counts as not recorded."""


def name_of(vault: RunningVault, event: Event, of: datetime, told: str, turn: int) -> UUID:
    """The entry's id, the same for every worker that tells this of that moment (a UUIDv7, RFC 9562).

    It rests on a key that the root key keeps, so that whoever only writes to the database cannot take the
    name beforehand; `turn` tells the names apart that are tried one after the other. After a change of the
    root key the same is told once more.
    """
    key = vault.trust.voucher.derive("vault/entry-made-once/v1")
    digest = hmac.digest(key, enc("vault/entry-made-once/v2", str(event), told, turn), "sha256")
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

    `of` and `told` name it. An entry of that name which the vault did not make does not count: the next name
    is taken then. Raises audit.errors.LedgerUnavailable.
    """
    for turn in range(MOST_NAMES):
        name = name_of(vault, event, of, told, turn)
        there = _made_by_vault(vault, name)
        if there is None:
            there = _weave(vault, event, name, now, facts, details)
        if there:
            return
    raise LedgerUnavailable("Every name of this entry is taken by rows that the vault did not make.")


def _weave(
    vault: RunningVault,
    event: Event,
    name: UUID,
    now: datetime,
    facts: Mapping[str, Fact],
    details: Mapping[str, str | list[str]] | None,
) -> bool:
    """Whether the ledger holds this entry now, made by this worker or another one of the vault."""
    with vault.database.reading() as db:
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
        there = _made_by_vault(vault, name)  # Another worker may have been faster by a moment.
        if there is None:
            raise
        return there
    return True


def _made_by_vault(vault: RunningVault, name: UUID) -> bool | None:
    """Whether the vault itself made the entry of this name; None when there is none."""
    entries = tables.entries.c
    with vault.database.reading() as db:
        row = db.execute(select(entries.index, entries.leaf).where(entries.id == name)).one_or_none()
    if row is None:
        return None
    index, leaf = row
    try:
        entry = Entry.from_canonical(leaf)
    except InvalidEntry:
        return False
    return entry.id == name and is_vouched(entry, index, vault.confirms)
