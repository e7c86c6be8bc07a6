"""The yearly volumes of the ledger: when one is due, beginning it, and keeping how each earlier one ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.entries import Entry, Fact
from audit.errors import Damaged, InvalidEntry, LedgerUnavailable, NotVerified
from audit.joints import FinalTree, closing_facts, opening_facts
from audit.volumes import Volume, volumes_in
from vault.access.events import Event, compose
from vault.announcing.models import KeptCheckpoint
from vault.errors import RuleForbids
from vault.notarising import checkpoints, final_checkpoint
from vault.running import RunningVault

YOUNGEST = timedelta(days=300)
"""A volume is a year; one that is younger is closed only by somebody who says so."""
DUE_AFTER = timedelta(days=366)


class NotDue(RuleForbids):
    """The current volume is younger than a year, and nobody asked for another all the same."""


@dataclass(frozen=True)
class VolumeTold:
    """A volume, when its first entry was made, and the final root that the ledger itself has of it."""

    volume: Volume
    began_at: datetime
    final_root: bytes | None

    @property
    def size(self) -> int | None:
        """How many entries a closed volume has."""
        end = self.volume.end_index
        return None if end is None else end - self.volume.first_index

    def is_due(self, now: datetime) -> bool:
        """Whether this is the current volume and more than a year old."""
        return self.volume.end_index is None and now - self.began_at > DUE_AFTER


def tell_volumes(vault: RunningVault, db: Session) -> list[VolumeTold]:
    """Every volume, oldest first; raises audit.errors.Damaged."""
    try:
        volumes = volumes_in(db, vault.settings.origin)
    except NotVerified as error:
        raise Damaged(None, str(error)) from None
    roots = vault.ledger.roots_at(db, [volume.end_index for volume in volumes if volume.end_index])
    return [
        VolumeTold(
            volume,
            vault.ledger.entry(db, volume.first_index).entry.at,
            roots.get(volume.end_index) if volume.end_index else None,
        )
        for volume in volumes
    ]


def begin_volume(vault: RunningVault, now: datetime, *, even_if_young: bool) -> Volume:
    """Close the current volume and begin the next; return that. Both entries are made in one step.

    Raises NotDue, audit.errors.NotTheNextVolume when another process began one, and LedgerUnavailable.
    """
    with vault.reading() as db:
        current = tell_volumes(vault, db)[-1]
    age = now - current.began_at
    if age < YOUNGEST and not even_if_young:
        raise NotDue(
            f"Volume {current.volume.number} of the ledger began {age.days} days ago and is not due yet: "
            "a volume is a year. To close it all the same, add --now."
        )
    number, origin = current.volume.number + 1, vault.settings.origin

    def opening(first_index: int, earlier: FinalTree) -> Entry:
        return _entry(vault, Event.LEDGER_VOLUME_OPENED, opening_facts(number, first_index, earlier), now)

    try:
        closing = _entry(vault, Event.LEDGER_VOLUME_CLOSED, closing_facts(origin, number - 1), now)
    except InvalidEntry:
        raise RuleForbids(
            "No entry can name the next volume: the setting origin is longer than 69 characters, "
            "or has others than letters, digits and . _ : / - in it."
        ) from None
    vault.ledger.begin_volume(number, origin, closing, opening, vault.settings.record_timeout_seconds)
    with vault.reading() as db:
        return volumes_in(db, origin)[number - 1]


def _entry(vault: RunningVault, event: Event, facts: dict[str, Fact], now: datetime) -> Entry:
    with vault.reading() as db:
        made = compose(db, vault.trust, vault.vouch, event, who=None, now=now, subjects=[], facts=facts)
    return made[0]


def keep_closed(vault: RunningVault, now: datetime) -> Sequence[KeptCheckpoint]:
    """Keep the notary's final checkpoint of every closed volume in the database too; return what was new.

    Raises audit.errors.LedgerUnavailable while the notary has not signed it.
    """
    signed = checkpoints(vault)
    with vault.reading() as db:
        there = db.scalars(select(KeptCheckpoint).where(KeptCheckpoint.witness.is_(None)))
        kept = {(row.origin, row.size) for row in there}
    new = [KeptCheckpoint.of(one, None, now) for one in signed[:-1] if (one.origin, one.size) not in kept]
    if new:
        with vault.writing() as db:
            db.add_all(new)
    return new


def is_signed(vault: RunningVault, volume: Volume) -> bool:
    """Whether the notary's final checkpoint of a closed volume is where it keeps it, and holds."""
    try:
        final_checkpoint(vault.settings, volume)
    except LedgerUnavailable:
        return False
    return True
