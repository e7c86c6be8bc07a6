"""A new root key for the whole vault, while officers work: what the old one locked is locked anew.

Killed at any step and run again, it goes on where it was: what is done shows in the keys folder, in the rows
and in the ledger, and each step that was done already is passed by.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from audit.entries import Entry
from audit.finding import Filters
from vault.access.events import Event, is_vouched, record
from vault.errors import RuleForbids
from vault.keys.relocking import Progress, Relocking
from vault.running import RunningVault
from vault.vouching import REFRESH_SECONDS, VouchingKey, add_vouching_key

PAUSE_SECONDS = REFRESH_SECONDS + 35
"""Longer than a process relies on what it read, a statement may run and an entry may wait, together."""

Pause = Callable[[], None]


@dataclass(frozen=True)
class _Begun:
    """What the entry of a rotation that is not over tells: the numbers of its new keys."""

    root: int
    vouching: int


def prepare_root(vault: RunningVault, *, in_token: bool) -> int:
    """Make the next root key without using it, and return its number. Raises BadKeyFile, RuleForbids."""
    with _only_one(vault.settings.keys):
        number = vault.root.prepared or vault.root.numbers[0] + 1
        vault.root.prepare(number, in_token=in_token)
        return number


@dataclass(frozen=True)
class Rotated:
    """The number of the new root key, and how many rows were found altered past the vault."""

    number: int
    altered: int


def rotate_root(vault: RunningVault, *, in_token: bool, progress: Progress, pause: Pause) -> Rotated:
    """Replace the root key, or finish replacing it, and destroy the old one.

    `pause` waits until no process can still use what it read before: PAUSE_SECONDS while the vault is served.
    Raises RuleForbids when another rotation runs, LedgerUnavailable when entries cannot be woven, BadKeyFile.
    """
    with _only_one(vault.settings.keys):
        vault.root.finish_retiring()
        begun = _unfinished(vault) or _begin(vault)
        if begun.root not in vault.root.numbers:
            vault.root.prepare(begun.root, in_token=in_token)
            vault.root.begin(begun.root)
        _add_vouching_key(vault, begun.vouching)
        relocking = Relocking(vault)
        relocking.renew_all(progress)
        pause()
        # What was locked late, by an act that began before the new key was there, is found here.
        while relocking.renew_all(lambda _count: None):
            pause()
        _end_older_vouching_keys(vault, begun.vouching)
        for number in vault.root.numbers[1:]:
            vault.root.retire(number)
        with vault.writing() as db:
            facts = {"root-key": begun.root}
            record(db, Event.ROOT_ROTATED, who=None, now=vault.now(), subjects=[], facts=facts)
        return Rotated(begun.root, len(relocking.altered))


@contextmanager
def _only_one(keys: Path) -> Iterator[None]:
    descriptor = os.open(keys / "rotation.lock", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise RuleForbids("The root key is being changed already. Wait until that is done.") from None
    finally:
        os.close(descriptor)


def _newest_entry(vault: RunningVault, event: Event) -> tuple[int, Entry | None]:
    """The index and the newest entry of this event that the vault itself made; -1 and None without one."""
    with vault.reading() as db:
        found = vault.ledger.find(db, Filters(event=str(event)), before_index=None, limit=1)
    for woven in found:
        if is_vouched(woven.entry, woven.index, vault.confirms):
            return woven.index, woven.entry
    return -1, None


def _unfinished(vault: RunningVault) -> _Begun | None:
    """The rotation that was begun and not finished, if there is one."""
    vault.ledger.settle([], vault.settings.record_timeout_seconds)
    begun_at, entry = _newest_entry(vault, Event.ROOT_ROTATION_BEGUN)
    ended_at, _ = _newest_entry(vault, Event.ROOT_ROTATED)
    if entry is None or ended_at > begun_at:
        return None
    begun = _Begun(int(str(entry.facts["root-key"])), int(str(entry.facts["vouching-key"])))
    # A database from before the last rotation would name a key that is older than the one in use.
    return begun if begun.root >= vault.root.numbers[0] else None


def _begin(vault: RunningVault) -> _Begun:
    with vault.writing() as db:
        newest = db.scalar(select(func.max(VouchingKey.version))) or 0
        begun = _Begun(vault.root.prepared or vault.root.numbers[0] + 1, newest + 1)
        facts = {"root-key": begun.root, "vouching-key": begun.vouching}
        record(db, Event.ROOT_ROTATION_BEGUN, who=None, now=vault.now(), subjects=[], facts=facts)
    return begun


def _add_vouching_key(vault: RunningVault, version: int) -> None:
    with vault.reading() as db:
        is_there = db.scalar(select(VouchingKey.id).where(VouchingKey.version == version)) is not None
    if not is_there:
        add_vouching_key(vault.database.engine, vault.root, os.urandom(32), version, vault.now())
    vault.trust.voucher.reread()


def _end_older_vouching_keys(vault: RunningVault, newest: int) -> None:
    """Let entries from now on be vouched for by the newest key alone; all that the older ones made are in."""
    vault.ledger.settle([], vault.settings.record_timeout_seconds)
    with vault.writing() as db:
        size = vault.ledger.head(db).size
        older = VouchingKey.version < newest, VouchingKey.ended_at_index.is_(None)
        for row in db.scalars(select(VouchingKey).where(*older)):
            row.ended_at_index = size
    vault.trust.voucher.reread()
