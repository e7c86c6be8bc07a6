"""Who may be forced to sign in: what the ledger tells of passwords for duress, until an auditor answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.finding import Filters
from audit.ledger import Woven
from vault.access.events import Event, is_vouched
from vault.officers.models import Officer
from vault.oversight.memory import Finding
from vault.oversight.models import Alert, Rule
from vault.oversight.watching import alert_id
from vault.running import RunningVault

AT_ONCE, MOST_LOOKED_AT = 50, 2000
"""Entries read by one question, and altogether: a password given over and over hides no colleague's alarm."""


@dataclass(frozen=True)
class Forced:
    """An officer whose password for duress was given, the last time that it was."""

    officer: UUID
    name: str
    at: datetime
    index: int

    @property
    def words(self) -> str:
        """What a colleague reads, and does."""
        return (
            f"{self.name} may be forced to sign in: the password for duress was given. "
            "They see an empty vault. Do not telephone their desk and do not write to them. "
            "Follow the plan for duress. "
            "An auditor ends this alarm."
        )


def _given(vault: RunningVault, db: Session) -> Iterator[Woven]:
    """The vault's own entries of passwords for duress, newest first."""
    asked, before = Filters(event=str(Event.DURESS_PASSWORD_GIVEN)), None
    for _ in range(0, MOST_LOOKED_AT, AT_ONCE):
        found = vault.ledger.find(db, asked, before_index=before, limit=AT_ONCE)
        yield from (one for one in found if is_vouched(one.entry, one.index, vault.confirms))
        if len(found) < AT_ONCE:
            return
        before = found[-1].index


def unanswered(vault: RunningVault, db: Session) -> Sequence[Forced]:
    """Officers under duress whose alert no auditor has dismissed yet, the latest first.

    Asked of the ledger itself, so that it is known before anybody has watched the ledger for alerts.
    """
    named = {
        alert_id(Finding(Rule.DURESS, one.index, one.index, one.entry.at, None, None, 1, 0)): one
        for one in _given(vault, db)
    }
    answered = set(db.scalars(select(Alert.id).where(Alert.id.in_(named), Alert.dismissed_at.is_not(None))))
    latest: dict[UUID, Forced] = {}
    for ident, one in named.items():
        subject = next((s for s in one.entry.subjects if s.startswith("officer:")), None)
        if ident in answered or subject is None:
            continue
        officer = db.get(Officer, UUID(subject.partition(":")[2]))
        if officer is not None and officer.id not in latest:
            latest[officer.id] = Forced(officer.id, officer.full_name, one.entry.at, one.index)
    return list(latest.values())
