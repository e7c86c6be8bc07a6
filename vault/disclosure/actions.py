"""What is done about a disclosure: asked, taken up, weighed, chosen, sent, decided, released, fetched.

Who prepares does not decide, who decides does not release, and who asks does neither.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from crypto.columns import put
from vault.access import custody, seals
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.models import Assignment
from vault.access.policy import Compartment
from vault.access.reading import fields_of
from vault.cases.models import Case
from vault.database import RecordedSession
from vault.disclosure.models import (
    DisclosureDecision,
    DisclosureRequest,
    Selection,
    Worksheet,
    ever_known_to,
)
from vault.errors import NotKnown, RecordsDestroyed, RuleForbids
from vault.referrals import actions as referrals
from vault.running import Trust
from vault.vocabulary import DisclosureAuthority, DisclosureOutcome, DisclosureState

SEALED = ("asked", "purpose", "agency", "address", "order_reference")
"""What the requester tells; the answer is sealed beside it later."""

COMPARTMENT = Compartment.DISCLOSURE


def get(db: Session, who: Actor, disclosure: UUID) -> DisclosureRequest:
    """The request, if this officer may know of it. Raises NotKnown, and RecordsDestroyed."""
    found = db.scalars(ever_known_to(who).where(DisclosureRequest.id == disclosure)).first()
    if found is None:
        raise NotKnown
    if found.destroyed_on is not None:
        raise RecordsDestroyed(found.destroyed_on)
    return found


def worksheets_on(db: Session, request: DisclosureRequest) -> list[Worksheet]:
    """The worksheets written so far; the last one counts."""
    return list(db.scalars(select(Worksheet).where(Worksheet.request == request.id).order_by(Worksheet.at)))


def selection_of(db: Session, request: DisclosureRequest) -> Selection | None:
    """What was chosen for the packet, or None while nothing is."""
    return db.scalars(select(Selection).where(Selection.request == request.id)).first()


def decision_on(db: Session, request: DisclosureRequest) -> DisclosureDecision | None:
    """What the deputy decided, or None."""
    return db.scalars(select(DisclosureDecision).where(DisclosureDecision.request == request.id)).first()


def check_state(request: DisclosureRequest, state: DisclosureState) -> None:
    """Raise RuleForbids unless the request stands where this act finds it."""
    if request.state is not state:
        raise RuleForbids(f"This request is “{request.state.label.lower()}” now, so this cannot be done.")


def ask(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    referral: UUID,
    authority: DisclosureAuthority,
    due_on: date | None,
    values: Mapping[str, str],
    now: datetime,
) -> DisclosureRequest:
    """Take a prosecutor's request about a referral of their own; any other is NotKnown, there or not."""
    named = referrals.get(db, who, referral)
    request = DisclosureRequest(
        id=uuid4(),
        code=referrals.next_code(db, DisclosureRequest, "D", now),
        requester=who.officer,
        referral=named.id,
        authority=authority,
        state=DisclosureState.ASKED,
        version=1,
        asked_at=now,
        due_on=due_on,
    )
    name_recipient(db, f"request:{request.id}", who, now)
    sealer = seals.new_lockbox(db, who, trust, f"request:{request.id}", None, COMPARTMENT, now)
    for name in SEALED:
        put(request, name, values[name], sealer)
    put(request, "answer", None, sealer)
    db.add(request)
    record(
        db,
        Event.DISCLOSURE_ASKED,
        who=who,
        now=now,
        subjects=[request.subject, f"referral:{named.id}"],
        compartment=COMPARTMENT,
        fields=[f"disclosurerequest.{name}" for name in SEALED],
        facts={"code": request.code, "authority": authority, "due-on": due_on},
    )
    return request


def name_recipient(db: RecordedSession, subject: str, who: Actor, now: datetime) -> None:
    """Name the requester on their own new request, before its lockbox is made and sealed to who is named."""
    kind, _, ident = subject.partition(":")
    db.add(
        Assignment(
            id=uuid4(), kind=kind, subject_id=UUID(ident), officer=who.officer, role=who.role, since=now
        )
    )
    db.flush()


def take_up(
    db: RecordedSession, who: Actor, trust: Trust, request: DisclosureRequest, now: datetime
) -> Case | None:
    """Begin to prepare: match the case, if there is one, and make the lockbox the requester never holds."""
    check_state(request, DisclosureState.ASKED)
    case = db.scalars(select(Case).where(Case.referral == request.referral)).first()
    request.case = case.id if case else None
    request.move(DisclosureState.PREPARING)
    seals.new_lockbox(db, who, trust, request.subject, request.case, COMPARTMENT, now)
    record(
        db,
        Event.DISCLOSURE_TAKEN_UP,
        who=who,
        now=now,
        subjects=[request.subject, *([case.subject] if case else [])],
        facts={"code": request.code, "matched": case is not None},
    )
    return case


def weigh(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    request: DisclosureRequest,
    values: Mapping[str, str],
    now: datetime,
) -> Worksheet:
    """Write the worksheet: who asks was verified, the five factors, and whether the person was heard."""
    check_state(request, DisclosureState.PREPARING)
    worksheet = Worksheet(id=uuid4(), request=request.id, author=who.officer, at=now)
    sealer = custody.sealer(db, who, trust, request.subject, COMPARTMENT)
    names = fields_of(worksheet, COMPARTMENT)
    for name in names:
        put(worksheet, name, values[name], sealer)
    db.add(worksheet)
    request.move(DisclosureState.PREPARING)
    record(
        db,
        Event.DISCLOSURE_WEIGHED,
        who=who,
        now=now,
        subjects=[request.subject],
        compartment=COMPARTMENT,
        fields=[f"worksheet.{name}" for name in names],
    )
    return worksheet


def choose(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    request: DisclosureRequest,
    chosen: Sequence[str],
    snapshot: dict[str, Any],
    return_by: date | None,
    now: datetime,
) -> Selection:
    """Freeze what was chosen as it stood when it was read; choosing again replaces it until it is sent."""
    check_state(request, DisclosureState.PREPARING)
    selection = selection_of(db, request) or Selection(id=uuid4(), request=request.id)
    selection.prepared_by, selection.prepared_at = who.officer, now
    selection.chosen, selection.return_by = list(chosen), return_by
    put(selection, "snapshot", snapshot, custody.sealer(db, who, trust, request.subject, COMPARTMENT))
    db.add(selection)
    request.move(DisclosureState.PREPARING)
    record(
        db,
        Event.DISCLOSURE_CHOSEN,
        who=who,
        now=now,
        subjects=[request.subject, f"case:{request.case}"],
        compartment=COMPARTMENT,
        fields=list(chosen),
        facts={"fields": len(chosen)},
    )
    return selection


def send(db: RecordedSession, who: Actor, request: DisclosureRequest, now: datetime) -> None:
    """Lay the request before the deputy; from now on nothing in it changes."""
    check_state(request, DisclosureState.PREPARING)
    if not worksheets_on(db, request):
        raise RuleForbids("Write the worksheet first: the deputy decides on the five factors.")
    selection = selection_of(db, request)
    request.move(DisclosureState.PREPARED)
    record(
        db,
        Event.DISCLOSURE_PREPARED,
        who=who,
        now=now,
        subjects=[request.subject],
        facts={"code": request.code, "fields": len(selection.chosen) if selection else 0},
    )


def check_may_decide(db: Session, who: Actor, request: DisclosureRequest) -> None:
    """Raise RuleForbids when this officer asked for the disclosure or had a hand in preparing it."""
    selection = selection_of(db, request)
    hands = {request.requester, *(sheet.author for sheet in worksheets_on(db, request))}
    hands |= {selection.prepared_by} if selection else set()
    if who.officer in hands:
        raise RuleForbids("You had a hand in this request, so another officer decides on it.")


def check_outcome(
    db: Session, request: DisclosureRequest, outcome: DisclosureOutcome, struck_out: Sequence[str]
) -> None:
    """Raise RuleForbids unless the outcome agrees with what is left of the chosen fields."""
    selection = selection_of(db, request)
    chosen = selection.chosen if selection else []
    if outcome is not DisclosureOutcome.REFUSED and not set(chosen) - set(struck_out):
        raise RuleForbids("Nothing would be left to release. Refuse the request, or strike out less.")
    if outcome is DisclosureOutcome.GRANTED and struck_out:
        raise RuleForbids("You struck fields out, so this is granted in part. Choose that answer.")


def decide(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    request: DisclosureRequest,
    outcome: DisclosureOutcome,
    struck_out: Sequence[str],
    reasons: str,
    answer: str,
    now: datetime,
) -> DisclosureDecision:
    """Decide. The reasons are sealed to the unit, the answer to the requester; nothing is released by it."""
    check_state(request, DisclosureState.PREPARED)
    check_may_decide(db, who, request)
    check_outcome(db, request, outcome, struck_out)
    decision = DisclosureDecision(
        id=uuid4(),
        request=request.id,
        decided_by=who.officer,
        at=now,
        outcome=outcome,
        struck_out=sorted(struck_out),
    )
    put(decision, "reasons", reasons, custody.sealer(db, who, trust, request.subject, COMPARTMENT))
    put(request, "answer", answer, custody.sealer(db, who, trust, f"request:{request.id}", COMPARTMENT))
    db.add(decision)
    request.move(DisclosureState.DECIDED)
    record(
        db,
        Event.DISCLOSURE_DECIDED,
        who=who,
        now=now,
        subjects=[request.subject],
        compartment=COMPARTMENT,
        fields=["disclosuredecision.reasons", "disclosurerequest.answer"],
        facts={"code": request.code, "outcome": outcome, "struck-out": len(struck_out)},
    )
    return decision


def withdraw(db: RecordedSession, who: Actor, request: DisclosureRequest, now: datetime) -> None:
    """Take the request back, by the one who asked, while no packet is out."""
    if who.officer != request.requester:
        raise NotKnown
    if request.state in {DisclosureState.RELEASED, DisclosureState.ACKNOWLEDGED, DisclosureState.WITHDRAWN}:
        raise RuleForbids("It is too late to withdraw this request.")
    request.move(DisclosureState.WITHDRAWN)
    record(
        db,
        Event.DISCLOSURE_WITHDRAWN,
        who=who,
        now=now,
        subjects=[request.subject],
        facts={"code": request.code},
    )
