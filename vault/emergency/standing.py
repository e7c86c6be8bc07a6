"""Where a request stands, who may answer it and who may review it. Nothing here changes anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from vault.access.actor import Actor
from vault.access.holders import NAMED_ON, is_named_holder, named_on
from vault.access.models import EmergencyGrant, Lockbox
from vault.access.policy import Compartment, Hold, Permission, hold
from vault.emergency.models import EmergencyRequest, RequestState

ANSWERED_WITHIN = timedelta(hours=2)
"""So long a request waits for an answer; who still needs it asks again."""

NOWHERE = UUID(int=0)
"""The case of a number that is no case's: it is asked about like any other, so that the work is the same."""


@dataclass(frozen=True)
class Standing:
    """A request and the grant that it led to, at one moment."""

    request: EmergencyRequest
    grant: EmergencyGrant | None
    now: datetime

    @property
    def lapses_at(self) -> datetime:
        """When it waits no longer."""
        return self.request.asked_at + ANSWERED_WITHIN

    @property
    def is_waiting(self) -> bool:
        """Whether it can still be answered."""
        is_asked = self.request.state is RequestState.ASKED and self.request.case is not None
        return is_asked and self.now < self.lapses_at

    @property
    def is_open(self) -> bool:
        """Whether the officer who asked may open the places now, as far as time goes."""
        return self.grant is not None and self.grant.ended_at is None and self.now < self.grant.ends_at

    @property
    def open_until(self) -> datetime | None:
        """When it ends or has ended for the officer: a seal that is unmade later opened nothing meanwhile."""
        if self.grant is None:
            return None
        return min(self.grant.ended_at or self.grant.ends_at, self.grant.ends_at)

    @property
    def is_over(self) -> bool:
        """Whether it was given and has ended."""
        return self.grant is not None and not self.is_open

    def is_overdue(self, today: date) -> bool:
        """Whether it should have been reviewed by now."""
        due = self.request.review_due_on
        return due is not None and self.request.reviewed_at is None and due < today

    @property
    def words_for_asker(self) -> str:
        """What the officer who asked is told: a refusal looks like a number that is no case's."""
        if self.grant is not None:
            return "Open to you now" if self.is_open else "Over"
        return "Sent to the officers on call" if self.now < self.lapses_at else "Not given"

    @property
    def words(self) -> str:
        """What everybody else is told."""
        if self.request.case is None:
            return "No such case"
        if self.request.state is RequestState.ASKED and not self.is_waiting:
            return "Not answered in time"
        if self.grant is not None:
            return "Open now" if self.is_open else "Over"
        return self.request.state.label


def standing(db: Session, request: EmergencyRequest, now: datetime) -> Standing:
    """A request with its grant."""
    grant = db.scalars(select(EmergencyGrant).where(EmergencyGrant.request == request.id)).first()
    return Standing(request, grant, now)


def standings(db: Session, requests: Sequence[EmergencyRequest], now: datetime) -> list[Standing]:
    """The same for many, in one question."""
    ids = [request.id for request in requests]
    grants = db.scalars(select(EmergencyGrant).where(EmergencyGrant.request.in_(ids)))
    by_request = {grant.request: grant for grant in grants}
    return [Standing(request, by_request.get(request.id), now) for request in requests]


def places(db: Session, case: UUID, compartment: Compartment) -> list[Lockbox]:
    """The lockboxes of this compartment that the case and its people have, and that were not destroyed."""
    query = select(Lockbox).where(Lockbox.case == case, Lockbox.compartment == compartment)
    boxes = db.scalars(query.where(Lockbox.destroyed_at.is_(None)).order_by(Lockbox.subject))
    return [box for box in boxes if box.subject.startswith(("case:", "person:"))]


def holds(db: Session, who: Actor, boxes: Sequence[Lockbox], compartment: Compartment, today: date) -> bool:
    """Whether the matrix gives this officer every one of these today, by their role or by being named."""
    if hold(compartment, who.role) is Hold.ALL:
        return True
    subjects = {subject for box in boxes for subject in named_on(box)} or {NOWHERE}
    live = db.scalars(NAMED_ON, {"subjects": list(subjects)}).all()
    # Who stands in for another counts until the last day, as at the gate.
    live = [naming for naming in live if naming.ends_on is None or today <= naming.ends_on]
    named = [naming for naming in live if naming.officer == who.officer]
    return bool(boxes) and all(any(is_named_holder(naming, box) for naming in named) for box in boxes)


def may_answer(db: Session, who: Actor, here: Standing, today: date) -> bool:
    """Whether this officer can give or refuse it: another one, on call, who holds what is asked for."""
    request = here.request
    if not (who.may(Permission.GRANT_EMERGENCY) and here.is_waiting) or who.officer == request.asked_by:
        return False
    boxes = places(db, request.case or NOWHERE, request.compartment)
    return holds(db, who, boxes, request.compartment, today)


def may_review(who: Actor, here: Standing) -> bool:
    """Whether this officer can review it: neither who asked nor who gave it, once it is over."""
    request = here.request
    is_other = who.officer not in {request.asked_by, request.decided_by}
    is_due = here.is_over and request.reviewed_at is None
    return who.may(Permission.REVIEW_EMERGENCY) and is_other and is_due
