"""What the review of access asks of an officer now: for the desk."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from vault.access.actor import Actor
from vault.access.policy import Permission
from vault.access_review import actions
from vault.settings import Settings
from vault.templating import counted

TOLD_BEFORE = timedelta(days=30)


@dataclass(frozen=True)
class Pending:
    """One thing in words: `officer` where one officer's page is meant, else the review's; by when."""

    title: str
    words: str
    officer: UUID | None
    by: datetime | None
    is_overdue: bool


def pending(db: Session, settings: Settings, who: Actor, now: datetime) -> Iterator[Pending]:
    """The review that is due or goes on, for who reviews; accesses that it says to end, for who ends them."""
    if who.may(Permission.KEEP_OFFICERS) or who.may(Permission.CERTIFY_OFFICERS):
        for officer in actions.still_to_end(db):
            words = f"The review of access says: end the access of {officer.full_name}."
            yield Pending("Access to end", words, officer.id, None, False)
    if not who.may(Permission.REVIEW_ACCESS):
        return
    review, due = actions.open_review(db), actions.due_at(db, settings)
    title, coordinates = "Review of access", who.may(Permission.CERTIFY_OFFICERS)
    if review is not None:
        given = actions.answers(db, review)
        left = [one for one in actions.in_review(db) if not actions.is_answered(one, given)]
        mine = sum(actions.may_answer(who, one) for one in left)
        if mine:
            words = f"{counted(mine, 'officer')} left for you to answer about."
            yield Pending(title, words, None, due, now > due)
        elif coordinates:
            words = (
                "Everybody is answered about. Finish it." if not left else "Somebody else answers about you."
            )
            yield Pending(title, words, None, due, now > due)
    elif coordinates and now > due - TOLD_BEFORE:
        yield Pending(title, "Begin it: everybody's access is looked at again.", None, due, now > due)
