"""Asking in an emergency, giving or refusing, ending early, and the review that must follow.

Giving does not wait for the notary, as acts that cannot be undone do: somebody may be dying, the entry is
durable before anything opens, and the seal is unmade within the hour.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from crypto.columns import put
from housing.availability import working_days_after
from vault.access import custody, seals
from vault.access.actor import Actor
from vault.access.emergencies import seal_under, unseal
from vault.access.events import Event, record
from vault.access.grants import vouch_for_grant
from vault.access.models import EmergencyGrant, Lockbox
from vault.access.policy import Compartment, Hold, Permission, hold, may
from vault.cases.models import Case
from vault.database import RecordedSession
from vault.emergency.models import EmergencyRequest, Ground, RequestState, Verdict, known_to
from vault.emergency.standing import NOWHERE, Standing, holds, may_answer, may_review, places, standing
from vault.errors import NotKnown, RecordsDestroyed, RuleForbids
from vault.officers.models import Officer, OfficerState
from vault.referrals.models import Referral
from vault.running import Trust

ASKED_FOR = (
    Compartment.LOCATION,
    Compartment.IDENTITY,
    Compartment.THREAT,
    Compartment.HEALTH,
    Compartment.CASEWORK,
    Compartment.SUPERVISION,
)
"""What can be asked for. README.md says why not the rest."""

ASKS_A_DAY = 5
REVIEW_WORKING_DAYS = 3


@dataclass(frozen=True)
class Wanted:
    """What an officer asks for: the number as it was typed, and why."""

    number: str
    compartment: Compartment
    ground: Ground
    words: str


def choices(who: Actor) -> list[Compartment]:
    """What this officer can ask for: not what their role holds anyway."""
    return [compartment for compartment in ASKED_FOR if hold(compartment, who.role) is not Hold.ALL]


def get(db: Session, who: Actor, request: UUID) -> EmergencyRequest:
    """The request, if this officer may know of it. Raises NotKnown."""
    found = db.scalars(known_to(who).where(EmergencyRequest.id == request)).first()
    if found is None:
        raise NotKnown
    return found


def held(db: Session, who: Actor, request: UUID) -> EmergencyRequest:
    """The same, standing still until this act is kept, so that of two answers at once the second waits."""
    query = known_to(who).where(EmergencyRequest.id == request).with_for_update()
    found = db.scalars(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotKnown
    return found


def _case_of(db: Session, number: str) -> UUID | None:
    """The case with this number or that of its referral; one question whatever there is."""
    found = select(Case.id).outerjoin(Referral, Referral.id == Case.referral)
    found = found.where(or_(Case.code == number, Referral.code == number), Case.destroyed_on.is_(None))
    return db.scalars(found.limit(1)).first()


def ask(
    db: RecordedSession, who: Actor, trust: Trust, wanted: Wanted, today: date, now: datetime
) -> EmergencyRequest:
    """Ask the officers on call; a number that is no case's is taken in the same way, and goes to nobody.

    Raises RuleForbids for what this officer opens anyway, and for more than five requests in a day.
    """
    if wanted.compartment not in choices(who):
        raise RuleForbids("You open this without an emergency, or it is never opened by one.")
    _check_pace(db, who, now)
    case = _case_of(db, " ".join(wanted.number.split()).upper())
    boxes = places(db, case or NOWHERE, wanted.compartment)
    if holds(db, who, boxes, wanted.compartment, today):
        raise RuleForbids("You are named there, so open it on the page of the case.")
    request = EmergencyRequest(
        id=uuid4(),
        asked_by=who.officer,
        asked_at=now,
        case=case,
        compartment=wanted.compartment,
        ground=wanted.ground,
        state=RequestState.ASKED,
    )
    sealer = seals.new_lockbox(db, who, trust, request.subject, case, Compartment.EMERGENCY, now)
    for name, value in (("words", wanted.words), ("answer", None), ("review", None)):
        put(request, name, value, sealer)
    db.add(request)
    record(
        db,
        Event.EMERGENCY_ASKED,
        who=who,
        now=now,
        subjects=[f"case:{case}"] if case else [],
        compartment=wanted.compartment,
        facts={"request": request.id, "ground": wanted.ground, "known": case is not None},
        details={"words": wanted.words, "number": wanted.number},
    )
    return request


def _check_pace(db: Session, who: Actor, now: datetime) -> None:
    """Raise RuleForbids for an officer who asked five times within a day: desks must not be flooded."""
    # The officer's row is held, so that two requests at once are counted one after the other.
    db.execute(select(Officer.id).where(Officer.id == who.officer).with_for_update()).one()
    lately = select(func.count()).where(
        EmergencyRequest.asked_by == who.officer, EmergencyRequest.asked_at > now - timedelta(days=1)
    )
    if (db.scalar(lately) or 0) >= ASKS_A_DAY:
        raise RuleForbids(
            f"You have asked {ASKS_A_DAY} times since yesterday. Telephone the coordinator now."
        )


def _check_may_answer(db: Session, who: Actor, here: Standing, today: date) -> None:
    if who.officer == here.request.asked_by:
        raise RuleForbids("You asked for this, so another officer answers.")
    if not here.is_waiting:
        raise RuleForbids("This request is answered already, or has waited for more than two hours.")
    if not may_answer(db, who, here, today):
        raise RuleForbids("Only an officer who holds this part of the record can answer.")


def _check_asker(db: Session, request: EmergencyRequest) -> None:
    """Raise RuleForbids when the officer who asked has left, or has a role by now that may not ask."""
    asker = db.get_one(Officer, request.asked_by)
    if asker.state is not OfficerState.ACTIVE or not may(asker.role, Permission.ASK_EMERGENCY):
        raise RuleForbids("The officer who asked has no access any more. Refuse the request.")


def _grant_of(
    request: EmergencyRequest, boxes: Sequence[Lockbox], who: Actor, minutes: int, now: datetime
) -> EmergencyGrant:
    return EmergencyGrant(
        id=uuid4(),
        request=request.id,
        officer=request.asked_by,
        case=request.case or NOWHERE,
        compartment=request.compartment,
        lockboxes=[str(box.id) for box in boxes],
        granted_by=who.officer,
        granted_at=now,
        ends_at=now + timedelta(minutes=minutes),
    )


def grant(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    request: EmergencyRequest,
    minutes: int,
    today: date,
    now: datetime,
) -> EmergencyGrant:
    """Seal the places that are asked for to the officer who asked, for so many minutes.

    Raises RuleForbids for whoever may not answer, and when the officer who asked has left.
    """
    _check_may_answer(db, who, standing(db, request, now), today)
    _check_asker(db, request)
    wanted = [box.id for box in places(db, request.case or NOWHERE, request.compartment)]
    boxes = [box for box in seals.lock_boxes(db, Lockbox.id.in_(wanted)) if box.destroyed_at is None]
    if not boxes:
        raise RuleForbids("Nothing is kept there, or it was destroyed. Refuse the request.")
    given = _grant_of(request, boxes, who, minutes, now)
    vouch_for_grant(given, trust)
    db.add(given)
    seal_under(db, who, trust, given, boxes, now)
    request.state, request.decided_by, request.decided_at = RequestState.GRANTED, who.officer, now
    request.review_due_on = working_days_after(today, REVIEW_WORKING_DAYS)
    record(
        db,
        Event.EMERGENCY_GRANTED,
        who=who,
        now=now,
        subjects=[f"case:{given.case}", f"officer:{given.officer}"],
        compartment=given.compartment,
        facts={"request": request.id, "ends-at": given.ends_at, "places": len(boxes)},
    )
    return given


def refuse(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    request: EmergencyRequest,
    words: str,
    today: date,
    now: datetime,
) -> None:
    """Refuse, with words that the reviewers read and the officer who asked never does. Raises RuleForbids."""
    _check_may_answer(db, who, standing(db, request, now), today)
    _write(db, who, trust, request, "answer", words)
    request.state, request.decided_by, request.decided_at = RequestState.REFUSED, who.officer, now
    record(
        db,
        Event.EMERGENCY_REFUSED,
        who=who,
        now=now,
        subjects=[f"case:{request.case}", f"officer:{request.asked_by}"],
        compartment=request.compartment,
        facts={"request": request.id},
        details={"words": words},
    )


def may_end(who: Actor, request: EmergencyRequest) -> bool:
    """Whether this officer can end what was given: who asked, who gave it, and who reviews."""
    is_theirs = who.officer in {request.asked_by, request.decided_by}
    return is_theirs or who.may(Permission.REVIEW_EMERGENCY)


def end(db: RecordedSession, who: Actor, trust: Trust, request: EmergencyRequest, now: datetime) -> None:
    """End what was given before its time. Raises RuleForbids for anybody but who asked, gave or reviews."""
    here = standing(db, request, now)
    if here.grant is None or not here.is_open:
        raise RuleForbids("Nothing is open under this request any more.")
    if not may_end(who, request):
        raise RuleForbids("The officer who asked ends it, or the coordinator or deputy.")
    unseal(db, who, trust, here.grant, now)


def review(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    request: EmergencyRequest,
    verdict: Verdict,
    words: str,
    now: datetime,
) -> None:
    """Say afterwards whether it was justified. Raises RuleForbids for who asked and who gave it."""
    if who.officer in {request.asked_by, request.decided_by}:
        raise RuleForbids("You asked for this or gave it, so another coordinator or deputy reviews it.")
    if not may_review(who, standing(db, request, now)):
        raise RuleForbids("It is reviewed once, after it is over.")
    _write(db, who, trust, request, "review", words)
    request.verdict, request.reviewed_by, request.reviewed_at = verdict, who.officer, now
    record(
        db,
        Event.EMERGENCY_REVIEWED,
        who=who,
        now=now,
        subjects=[f"case:{request.case}", f"officer:{request.asked_by}"],
        compartment=request.compartment,
        facts={"request": request.id, "verdict": verdict},
        details={"words": words},
    )


def _write(db: Session, who: Actor, trust: Trust, request: EmergencyRequest, name: str, words: str) -> None:
    # When the lockbox of the words went with the case, the auditors have these in the entry's details.
    with suppress(RecordsDestroyed):
        put(request, name, words, custody.sealer(db, who, trust, request.subject, Compartment.EMERGENCY))
