"""An act of weight waits: it is announced in the ledger, and done when a signed note counts the announcement.

Whoever owns the database can cut off its newest entries without a trace until the notary has signed them. An
act that cannot be undone must therefore not run ahead of that signature, or of the outside witness's.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from audit.entries import Entry, Fact
from audit.errors import LedgerError, LedgerUnavailable, NotaryRefuses
from audit.ledger import Receipt
from audit.notes import Checkpoint
from vault.access.actor import Actor
from vault.access.events import Event, is_vouched, record_apart
from vault.access.models import HolderKey
from vault.announcing.models import KeptCheckpoint
from vault.errors import NotConfirmed
from vault.notarising import await_signed, prove_entry
from vault.running import RunningVault
from vault.vocabulary import Labelled

LOOK_AGAIN_SECONDS = 0.1


class Weighty(Labelled):
    """The acts that wait."""

    DESTRUCTION = "destroy-case-records", "Destroying the records of a case"
    RECOVERY = "fetch-recovery-file", "Fetching the file of a recovery"
    RELEASE = "release-packet", "Releasing a packet"
    EXPORT = "export-ledger", "Exporting the ledger"


WITHOUT_WITNESS = frozenset({Weighty.EXPORT})
"""These wait for the notary alone, whatever the setting: a witness to whom exports are carried by hand could
never cosign an export that waits for it."""


@dataclass(frozen=True)
class Announced:
    """That an act of weight may go on: the index of its announcement, and the note that counts that entry."""

    index: int
    note: Checkpoint


def announce(
    vault: RunningVault, who: Actor | None, act: Weighty, subjects: Sequence[str], now: datetime
) -> Announced:
    """Announce an act, and return once the notary, or the witness where the settings ask for it, knows of it.

    Never call it inside `writing()`: it writes apart. Raises NotConfirmed, in words for the officer, and
    audit.errors.LedgerUnavailable; then the act must not be done.
    """
    facts: dict[str, Fact] = {"act": act, "waits-for": _awaited(vault, act)}
    receipt = record_apart(vault, Event.ACT_ANNOUNCED, who=who, now=now, subjects=subjects, facts=facts)
    try:
        _check_witness_registered(vault, act)
        note = _note_covering(vault, act, receipt.index + 1)
        _check_counted(vault, receipt, note)
        _check_not_ended(vault, who)
    except NotConfirmed as why:
        told: dict[str, Fact] = {"act": act, "announced": receipt.index, "why": why.reason}
        with suppress(LedgerUnavailable):  # What is answered stays the same: nothing was done.
            record_apart(
                vault,
                Event.ACT_ANNOUNCED,
                who=who,
                now=now,
                subjects=subjects,
                outcome="failed",
                facts=told,
            )
        raise
    _keep(vault, note, now)
    return Announced(receipt.index, note)


def _awaited(vault: RunningVault, act: Weighty) -> str:
    return "checkpoint" if act in WITHOUT_WITNESS else vault.settings.acts_wait_for


def _check_witness_registered(vault: RunningVault, act: Weighty) -> None:
    """Whoever waits for a witness when none is registered is told so at once; raises NotConfirmed."""
    if _awaited(vault, act) == "witness":
        with vault.reading() as db:
            if not vault.has_witness(vault, db):
                raise NotConfirmed.without_any_witness()


def _note_covering(vault: RunningVault, act: Weighty, size: int) -> Checkpoint:
    """The note of notary or witness that counts the first `size` entries; raises NotConfirmed."""
    deadline = time.monotonic() + vault.settings.acts_wait_seconds
    try:
        signed = await_signed(vault, size, vault.settings.acts_wait_seconds)
    except NotaryRefuses as refusal:
        raise NotConfirmed.by_refusal(str(refusal)) from refusal
    except (LedgerUnavailable, OSError) as away:
        raise NotConfirmed.without_notary() from away
    if _awaited(vault, act) == "checkpoint":
        return signed
    while True:
        with vault.reading() as db:
            cosigned = vault.cosigned_covering(vault, db, size)
        if cosigned is not None:
            return cosigned
        if time.monotonic() > deadline:
            raise NotConfirmed.without_witness()
        time.sleep(LOOK_AGAIN_SECONDS)


def _check_counted(vault: RunningVault, announced: Receipt, note: Checkpoint) -> None:
    """Check by hashes that the note's tree holds this announcement as it was made; raises NotConfirmed.

    How many entries a note counts rests on where its volume begins, which is read from the database.
    """
    try:
        entry = Entry.from_canonical(prove_entry(vault, announced.index, note).leaf)
        is_ours = entry.id == announced.entry and is_vouched(entry, announced.index, vault.confirms)
    except LedgerError as error:
        raise NotConfirmed.by_hashes() from error
    if not is_ours:
        raise NotConfirmed.by_hashes()


def _check_not_ended(vault: RunningVault, who: Actor | None) -> None:
    """Whoever's access ended while the act waited does it no more; raises NotConfirmed."""
    if who is None:
        return
    key = select(HolderKey.version).where(
        HolderKey.holder == who.officer,
        HolderKey.version == who.key_version,
        HolderKey.withdrawn_at.is_(None),
    )
    with vault.reading() as db:
        if db.scalars(key).first() is None:
            raise NotConfirmed.by_end_of_access()


def _keep(vault: RunningVault, note: Checkpoint, now: datetime) -> None:
    """Keep the note for good, once: it shows later that the announcement was in the ledger by then."""
    same = select(KeptCheckpoint.note).where(
        KeptCheckpoint.origin == note.origin,
        KeptCheckpoint.size == note.size,
        KeptCheckpoint.witness.is_(None),
    )
    with vault.writing() as db:
        if note.text in db.scalars(same).all():
            return
        db.add(KeptCheckpoint.of(note, None, now))
