"""What waits for new keys, told so that nobody needs to know cryptography, and its renewal slice by slice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from vault.access import renewal
from vault.access.actor import Actor
from vault.access.models import Assignment, HolderKey, Lockbox, SealRow
from vault.access.policy import Role
from vault.keys.wording import name_subjects
from vault.officers.models import Officer
from vault.running import RunningVault
from vault.templating import counted

ALARM_AFTER = timedelta(hours=24)
"""Who left could open, for so long at most, what is written under the keys that they may have copied."""

AT_ONCE = 10
CAUSES_SHOWN = 12


@dataclass(frozen=True)
class Extent:
    """How much waits for new keys, and since when."""

    roles: tuple[Role, ...]
    lockboxes: int
    oldest: datetime | None

    @property
    def total(self) -> int:
        """Role keys and lockboxes together."""
        return len(self.roles) + self.lockboxes

    def without(self, lockboxes: int) -> "Extent":
        """The same with so many lockboxes fewer, which are somebody else's to renew."""
        return replace(self, lockboxes=max(self.lockboxes - lockboxes, 0))

    @property
    def words(self) -> str:
        """What waits, as "2 role keys and 31 sealed places"."""
        parts = [(len(self.roles), "role key"), (self.lockboxes, "sealed place")]
        return " and ".join(counted(number, word) for number, word in parts if number) or "the last old keys"

    @property
    def overdue_at(self) -> datetime | None:
        """When it is overdue, if anything waits."""
        return self.oldest + ALARM_AFTER if self.oldest else None

    def is_overdue(self, now: datetime) -> bool:
        """Whether it has waited longer than a day."""
        return self.overdue_at is not None and now > self.overdue_at


def extent(db: Session) -> Extent:
    """What waits now, with the lockboxes that will wait as soon as a role's key is renewed."""
    due = renewal.due(db)
    through = select(SealRow.key).where(
        SealRow.key_kind == "lockbox", SealRow.holder.in_([key.holder for key in due.circles])
    )
    soon = select(func.count()).select_from(Lockbox)
    soon = soon.where(Lockbox.id.in_(through), Lockbox.rekey_due_at.is_(None))
    later = (db.scalar(soon) or 0) if due.circles else 0
    return Extent(tuple(Role(key.role) for key in due.circles), due.lockboxes + later, due.oldest)


@dataclass(frozen=True)
class Cause:
    """Why keys wait: whose keys ended, or who was taken off what."""

    officer: str
    at: datetime
    off: str  # empty when all keys of the officer ended


def causes(db: Session, since: datetime) -> Sequence[Cause]:
    """Who left or was taken off something since then, newest first."""
    left = db.execute(
        select(Officer.id, Officer.full_name, HolderKey.withdrawn_at)
        .join(Officer, Officer.id == HolderKey.holder)
        .where(HolderKey.kind == "officer", HolderKey.certified_at.is_not(None))
        .where(HolderKey.withdrawn_at >= since)
    ).all()
    gone = {ident for ident, _, _ in left}
    off = db.execute(
        select(Officer.full_name, Assignment.ended_at, Assignment.kind, Assignment.subject_id)
        .join(Officer, Officer.id == Assignment.officer)
        .where(Assignment.ended_at >= since, Assignment.officer.not_in(gone))
    ).all()
    # What was destroyed gets no new key, so whoever was named there is no cause.
    kept = select(Lockbox.subject).where(
        Lockbox.subject.in_({f"{kind}:{ident}" for _, _, kind, ident in off}), Lockbox.destroyed_at.is_(None)
    )
    words = name_subjects(db, db.scalars(kept.distinct()))
    found = [Cause(name, at, "") for _, name, at in left if at]
    found += [
        Cause(name, at, words[subject])
        for name, at, kind, ident in off
        if at and (subject := f"{kind}:{ident}") in words
    ]
    return sorted(found, key=lambda cause: cause.at, reverse=True)[:CAUSES_SHOWN]


def renew_slice(vault: RunningVault, who: Actor, seconds: float) -> tuple[int, bool]:
    """Renew for about so many seconds; return how much was done, and whether nothing more can be."""
    began, total = monotonic(), 0
    while done := renewal.renew_some(vault, who, vault.now(), AT_ONCE):
        total += done
        if monotonic() - began >= seconds:
            return total, False
    return total, True
