"""What an absence asks of an officer today, or tells them: for the desk."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from vault.absence.actions import known_to, told
from vault.absence.showing import Shown, shown
from vault.access.actor import Actor
from vault.access.models import Delegation, DelegationState
from vault.access.policy import Permission


@dataclass(frozen=True)
class Pending:
    """One thing: in words, of which delegation, by when, and whether a button beside it lets it begin."""

    title: str
    words: str
    delegation: UUID
    by: date | None
    may_begin: bool


def pending(db: Session, who: Actor, today: date) -> Iterator[Pending]:
    """What a coordinator has to arrange or begin; for others, whom they stand in for or who does for them."""
    if not who.may(Permission.SEE_ABSENCES):
        return
    current = db.scalars(known_to(who).where(Delegation.ended_at.is_(None))).all()
    for one in shown(db, current):
        found = _to_do(one, today) if who.may(Permission.ARRANGE_ABSENCE) else _to_know(one, who)
        if found is not None:
            yield found


def _days(delegation: Delegation) -> str:
    return f"From {told(delegation.from_on)} to {told(delegation.until_on)}."


def _to_do(one: Shown, today: date) -> Pending | None:
    delegation = one.delegation
    if one.state is DelegationState.ASKED:
        title, words = f"{one.officer} asks for a stand-in", f"{_days(delegation)} Arrange it, or decline."
        return Pending(title, words, delegation.id, delegation.from_on, False)
    if one.state is DelegationState.ARRANGED and delegation.from_on <= today:
        title, words = f"{one.delegate} stands in for {one.officer}", f"{_days(delegation)} Let it begin."
        return Pending(title, words, delegation.id, delegation.from_on, True)
    return None


def _to_know(one: Shown, who: Actor) -> Pending | None:
    if one.state is not DelegationState.RUNNING:
        return None
    mine = one.delegation.officer == who.officer
    title = f"{one.delegate} stands in for you" if mine else f"You stand in for {one.officer}"
    return Pending(title, _days(one.delegation), one.delegation.id, None, False)
