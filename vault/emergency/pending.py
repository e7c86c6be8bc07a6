"""What emergencies ask of one officer; only a request that waits for an answer costs questions of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from vault.access.actor import Actor
from vault.access.models import EmergencyGrant
from vault.access.policy import Permission
from vault.cases.models import Case
from vault.emergency.models import EmergencyRequest, RequestState, known_to
from vault.emergency.standing import ANSWERED_WITHIN, Standing, may_answer, may_review, standings


@dataclass(frozen=True)
class Pending:
    """One thing to do about an emergency, by when, and whether it is red."""

    request: UUID
    title: str
    words: str
    by: datetime | date | None
    citation: str
    is_red: bool


def pending(db: Session, who: Actor, now: datetime, today: date) -> Iterator[Pending]:
    """What waits for this officer: answers before anything else, what is open, reviews."""
    if not who.may(Permission.SEE_EMERGENCIES):
        return
    is_live = select(EmergencyGrant.request).where(EmergencyGrant.ended_at.is_(None))
    query = known_to(who).where(
        or_(
            (EmergencyRequest.state == RequestState.ASKED)
            & (EmergencyRequest.asked_at > now - ANSWERED_WITHIN),
            (EmergencyRequest.state == RequestState.GRANTED) & EmergencyRequest.reviewed_at.is_(None),
            EmergencyRequest.id.in_(is_live),
        )
    )
    found = list(db.scalars(query))
    codes = dict(
        db.execute(select(Case.id, Case.code).where(Case.id.in_([r.case for r in found if r.case]))).all()
    )
    for here in standings(db, found, now):
        yield from _of(db, who, here, codes, today)


def _of(db: Session, who: Actor, here: Standing, codes: dict[UUID, str], today: date) -> Iterator[Pending]:
    request = here.request
    part = request.compartment.label
    what = f"{part} of {codes[request.case]}" if request.case in codes else part
    if request.asked_by == who.officer:
        if here.grant is not None and here.is_open:
            words = f"{part} is open to you."
            yield Pending(
                request.id, "Emergency access", words, here.grant.ends_at, "It ends by itself", True
            )
    elif may_answer(db, who, here, today):
        words = f"An officer asks for this: {what}. {request.ground.label}. Answer now."
        yield Pending(request.id, "Emergency: an answer", words, here.lapses_at, "Two hours", True)
    elif who.may(Permission.REVIEW_EMERGENCY) or who.may(Permission.READ_LEDGER):
        yield from _afterwards(who, here, what, today)


def _afterwards(who: Actor, here: Standing, what: str, today: date) -> Iterator[Pending]:
    request, is_late = here.request, here.is_overdue(today)
    if here.is_open:
        words = f"{what} is open to an officer who otherwise may not see it."
        yield Pending(request.id, "Emergency access is open", words, None, "", True)
    elif may_review(who, here):
        words = f"{what} was opened. Say whether it was justified."
        citation = "Three working days"
        yield Pending(request.id, "Emergency: a review", words, request.review_due_on, citation, is_late)
    elif is_late and here.is_over:
        words = f"{what} was opened, and nobody has reviewed it within three working days."
        yield Pending(request.id, "Emergency: review overdue", words, request.review_due_on, "", True)
