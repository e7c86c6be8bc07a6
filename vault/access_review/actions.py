"""Beginning a review of everybody's access, answering about each officer, and finishing it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from audit import tables
from audit.entries import Fact
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.policy import Permission, Role
from vault.access_review.models import AccessReview, AccessReviewAnswer, ReviewAnswer
from vault.database import RecordedSession
from vault.decoy import is_empty_house
from vault.errors import NotKnown, RoleMayNot, RuleForbids
from vault.officers.models import Officer, OfficerState, in_order
from vault.settings import Settings


def open_review(db: Session) -> AccessReview | None:
    """The review that was begun and not finished; there is one at most."""
    query = select(AccessReview).where(AccessReview.finished_at.is_(None))
    return db.scalars(query.order_by(AccessReview.begun_at, AccessReview.id).limit(1)).first()


def due_at(db: Session, settings: Settings) -> datetime:
    """When the next review must be finished: so many days after the last one, or after the founding."""
    last = db.scalars(select(func.max(AccessReview.finished_at))).first()
    began = last or db.scalars(select(func.min(Officer.added_at))).one()
    if began is None:
        raise LookupError("the vault was never founded")
    due = began + timedelta(days=settings.access_review_days)
    if is_empty_house(db):
        # Its ledger begins with a sign-in under duress, and nothing was overdue before that.
        first = db.scalars(select(tables.entries.c.at).where(tables.entries.c.index == 0)).first()
        while first is not None and due <= datetime.fromisoformat(first):
            due += timedelta(days=settings.access_review_days)
    return due


def get(db: Session, review: UUID) -> AccessReview:
    """One review. Raises NotKnown."""
    found = db.get(AccessReview, review)
    if found is None:
        raise NotKnown
    return found


def in_review(db: Session) -> list[Officer]:
    """Whose access is reviewed: everybody who has any, or may enrol; who comes meanwhile is one of them."""
    return list(db.scalars(in_order().where(Officer.state != OfficerState.REVOKED)))


def answers(db: Session, review: AccessReview) -> dict[UUID, AccessReviewAnswer]:
    """The answers so far, by the officer."""
    query = select(AccessReviewAnswer).where(AccessReviewAnswer.review == review.id)
    return {answer.officer: answer for answer in db.scalars(query)}


def is_answered(officer: Officer, given: Mapping[UUID, AccessReviewAnswer]) -> bool:
    """Whether there is an answer about the role that the officer has now."""
    return officer.id in given and given[officer.id].role is officer.role


def may_answer(who: Actor, officer: Officer) -> bool:
    """Nobody answers about themselves; a coordinator about all others, a deputy about coordinators."""
    if who.officer == officer.id:
        return False
    return who.role is Role.COORDINATOR or (who.role is Role.DEPUTY and officer.role is Role.COORDINATOR)


def begin(db: RecordedSession, who: Actor, now: datetime) -> AccessReview:
    """Begin a review. Raises RuleForbids while another one is not finished."""
    # Two coordinators who begin at the same moment wait for each other here.
    db.scalars(
        select(Officer.id).where(Officer.role == Role.COORDINATOR).order_by(Officer.id).with_for_update()
    ).all()
    if open_review(db) is not None:
        raise RuleForbids("A review has begun already. Go on with that one.")
    review = AccessReview(id=uuid4(), begun_by=who.officer, begun_at=now)
    db.add(review)
    record(db, Event.ACCESS_REVIEW_BEGUN, who=who, now=now, subjects=[])
    return review


def _held(db: Session, review: UUID) -> AccessReview:
    """The review, held still so that it is not finished meanwhile. Raises RuleForbids once it is."""
    query = select(AccessReview).where(AccessReview.id == review).with_for_update()
    found = db.scalars(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotKnown
    if found.finished_at is not None:
        raise RuleForbids("This review is finished. Its answers stay as they are.")
    return found


def answer(
    db: RecordedSession,
    who: Actor,
    review: UUID,
    officer: Officer,
    said: ReviewAnswer,
    reasons: str,
    now: datetime,
) -> None:
    """Answer about one officer, or answer anew. The reasons are sealed to the auditors.

    Raises RuleForbids about oneself, about one whose access has ended, and for an end without a reason;
    RoleMayNot for a deputy about anybody but a coordinator.
    """
    found = _held(db, review)
    if officer.id == who.officer:
        raise RuleForbids("Nobody reviews themselves. Another coordinator or the deputy answers about you.")
    if not may_answer(who, officer):
        raise RoleMayNot("A deputy answers about coordinators. The coordinator answers about the others.")
    if officer.state is OfficerState.REVOKED:
        raise RuleForbids("The access of this officer has ended already.")
    if said is ReviewAnswer.END and not reasons:
        raise RuleForbids("Say why the access shall end.")
    given = answers(db, found).get(officer.id)
    if given is None:
        given = AccessReviewAnswer(id=uuid4(), review=found.id, officer=officer.id)
        db.add(given)
    given.role, given.answer, given.answered_by, given.answered_at = officer.role, said, who.officer, now
    facts: dict[str, Fact] = {"answer": said, "role": officer.role}
    subjects, details = [f"officer:{officer.id}"], {"reasons": reasons} if reasons else None
    record(db, Event.ACCESS_REVIEWED, who=who, now=now, subjects=subjects, facts=facts, details=details)


def finish(db: RecordedSession, who: Actor, review: UUID, now: datetime) -> None:
    """Finish a review. Raises RuleForbids while an officer is left about whom nobody answered."""
    found = _held(db, review)
    if not who.may(Permission.CERTIFY_OFFICERS):
        raise RoleMayNot("A coordinator finishes the review.")
    given, everybody = answers(db, found), in_review(db)
    left = sum(not is_answered(officer, given) for officer in everybody)
    if left:
        raise RuleForbids(f"Still to answer about: {left}. Then the review can be finished.")
    found.finished_by, found.finished_at = who.officer, now
    ends = sum(given[officer.id].answer is ReviewAnswer.END for officer in everybody)
    facts: dict[str, Fact] = {"officers": len(everybody), "to-end": ends}
    record(db, Event.ACCESS_REVIEW_FINISHED, who=who, now=now, subjects=[], facts=facts)


def still_to_end(db: Session) -> list[Officer]:
    """Officers whose access the last answer about them says to end, and who still have it in that role.

    It is the last answer of any review: a new one that is begun forgets nothing, until it says otherwise.
    """
    newest = (
        select(
            AccessReviewAnswer.officer.label("officer"), func.max(AccessReviewAnswer.answered_at).label("at")
        )
        .group_by(AccessReviewAnswer.officer)
        .subquery()
    )
    is_about = AccessReviewAnswer.officer == newest.c.officer
    is_last = is_about & (AccessReviewAnswer.answered_at == newest.c.at)
    query = (
        in_order()
        .join(AccessReviewAnswer, AccessReviewAnswer.officer == Officer.id)
        .join(newest, is_last)
        .where(AccessReviewAnswer.answer == ReviewAnswer.END)
        .where(Officer.state != OfficerState.REVOKED, Officer.role == AccessReviewAnswer.role)
    )
    return list(db.scalars(query))
