"""What waits for an officer, gathered from every room in a constant number of queries."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from housing.models import Stay, StayState
from vault.absence.pending import pending as absences_pending
from vault.access.actor import Actor
from vault.access.models import Assignment
from vault.access.policy import Permission, Role
from vault.access_review.pending import pending as review_pending
from vault.cases.models import Case, ThreatAssessment
from vault.cases.models import known_to as cases_known_to
from vault.database import RecordedSession
from vault.desk import clocks
from vault.desk.clocks import Clock
from vault.disclosure.models import DisclosureDecision, Packet
from vault.disclosure.models import known_to as disclosures_known_to
from vault.emergency.pending import pending as emergencies_pending
from vault.expenses.models import PaymentRequest
from vault.expenses.models import known_to as payments_known_to
from vault.expenses.sheets import NextAct, sheets
from vault.keys import renewing
from vault.keys.pending import pending
from vault.officers import admission
from vault.officers.models import Officer, OfficerState
from vault.referrals.models import Referral
from vault.referrals.models import known_to as referrals_known_to
from vault.safehouses.actions import live_stays
from vault.settings import Settings
from vault.vocabulary import CaseState, DisclosureOutcome, DisclosureState, PaymentState, ReferralState

ENDED_PAYMENTS = (PaymentState.DENIED, PaymentState.RECONCILED)


@dataclass(frozen=True)
class Waiting:
    """One thing that waits: where it is done, and its clock if it has one."""

    title: str
    words: str
    endpoint: str
    args: dict[str, Any] = field(default_factory=dict)
    clock: Clock | None = None
    urgent: bool = False
    hand_on: bool = False
    press: str = ""  # what the button beside it says that lets it begin


def _order(item: Waiting) -> tuple[bool, bool, float]:
    by = item.clock.by if item.clock else None
    if by is None:
        return (not item.urgent, True, 0)
    end = by if isinstance(by, datetime) else datetime.combine(by, time.max, UTC)
    return (not item.urgent, False, end.timestamp())


def waiting_for(
    db: RecordedSession,
    settings: Settings,
    who: Actor,
    now: datetime,
    today: date,
    also: Sequence[Waiting],
) -> list[Waiting]:
    """What this officer should look at, with what `also` waits, the most urgent first."""
    found = [
        *also,
        *(_referrals(db, who) if who.may(Permission.SEE_REFERRALS) else ()),
        *(_cases(db, who, today) if who.may(Permission.SEE_CASES) else ()),
        *(_stays(db, who, now, today) if who.may(Permission.SEE_HOUSING) else ()),
        *(_payments(db, who) if who.may(Permission.SEE_EXPENSES) else ()),
        *(_disclosures(db, who) if who.may(Permission.SEE_DISCLOSURE) else ()),
        *(_officers(db, who) if who.certified else ()),
        *(_keys(db, who, now) if who.certified else ()),
        *(_key_acts(db, who, now) if who.certified else ()),
        *(_absences(db, who, today) if who.certified else ()),
        *(_access_review(db, settings, who, now) if who.certified else ()),
        *(_emergencies(db, who, now, today) if who.certified else ()),
    ]
    return sorted(found, key=_order)


def _referrals(db: Session, who: Actor) -> Iterator[Waiting]:
    for referral in db.scalars(referrals_known_to(who)):
        args = {"referral_id": referral.id}
        if referral.is_open and who.may(Permission.DECIDE_REFERRAL):
            fresh = referral.state is ReferralState.RECEIVED
            clock = clocks.acknowledge(referral.received_at) if fresh else clocks.assess(referral.received_at)
            decision = referral.next_decision
            words = f"Next decision: {decision.label.lower()}" if decision else ""
            yield Waiting(f"Referral {referral.code}", words, "referrals.show", args, clock, referral.urgent)
    if who.may(Permission.MANAGE_CASE):
        opened = select(Case.referral).where(Case.referral.is_not(None))
        certified = select(Referral).where(
            Referral.state == ReferralState.CERTIFIED, Referral.id.not_in(opened)
        )
        for referral in db.scalars(certified):
            words = "Certified. Open its case."
            yield Waiting(
                f"Referral {referral.code}", words, "referrals.show", {"referral_id": referral.id}, None, True
            )


def _cases(db: Session, who: Actor, today: date) -> Iterator[Waiting]:
    if who.role not in {Role.COORDINATOR, Role.INSPECTOR}:
        return
    cases = [c for c in db.scalars(cases_known_to(who)) if c.state is not CaseState.CLOSED]
    ids = [case.id for case in cases]
    inspected = set(
        db.scalars(
            select(Assignment.subject_id).where(
                Assignment.kind == "case",
                Assignment.role == Role.INSPECTOR,
                Assignment.ended_at.is_(None),
                Assignment.subject_id.in_(ids),
            )
        )
    )
    newest = select(ThreatAssessment.case, func.max(ThreatAssessment.review_on)).where(
        ThreatAssessment.case.in_(ids)
    )
    reviews = dict(db.execute(newest.group_by(ThreatAssessment.case)).all())
    for case in cases:
        yield from _case(case, who, case.id in inspected, reviews.get(case.id), today)


def _case(case: Case, who: Actor, inspected: bool, review: date | None, today: date) -> Iterator[Waiting]:
    """What one case waits for: everything that is missing in one line, then each clock that is near."""
    args, title = {"case_id": case.id}, f"Case {case.code}"
    coordinates = who.role is Role.COORDINATOR
    missing = ["Name an inspector."] if coordinates and not inspected else []
    if review is None and case.state is not CaseState.DECLINED:
        missing.append("Assess the threat.")
    if missing:
        urgent = case.emergency and not inspected
        yield Waiting(title, " ".join(missing), "cases.show", args, None, urgent)
    clock_list = [clocks.review_threat(review)] if review else []
    if coordinates and case.state is CaseState.ACTIVE:
        clock_list.append(clocks.support_ends(case.period_ends_on))
    for clock in clock_list:
        by = clock.by.date() if isinstance(clock.by, datetime) else clock.by
        if clocks.is_near(by, today):
            yield Waiting(title, f"{clock.what}.", "cases.show", args, clock)


def _stays(db: Session, who: Actor, now: datetime, today: date) -> Iterator[Waiting]:
    cases = [c for c in db.scalars(cases_known_to(who)) if c.state is not CaseState.CLOSED]
    for stay, case in live_stays(db, cases):
        words = _stay_words(stay, now, today)
        if words:
            title = f"{stay.house.code} for {case.code}"
            clock = Clock(stay.hold_expires_at, words, "") if stay.state == StayState.HELD else None
            yield Waiting(
                title, words, "safehouses.show", {"house_id": stay.house_id}, clock, clock is not None
            )


def _stay_words(stay: Stay, now: datetime, today: date) -> str:
    if stay.state == StayState.HELD and stay.hold_expires_at > now:
        return "Held only for now. Confirm it or let it go."
    if stay.state == StayState.CONFIRMED and stay.from_on <= today:
        return "Expected. Record the arrival."
    if stay.state == StayState.ARRIVED and stay.until_on < today:
        return "Stayed past the last day. Record the departure or an overstay."
    if stay.state == StayState.ARRIVED and stay.until_on <= today + timedelta(days=3):
        return "The stay ends soon. Find the next place or extend it."
    return ""


def _payments(db: Session, who: Actor) -> Iterator[Waiting]:
    moving = db.scalars(payments_known_to(who).where(PaymentRequest.state.not_in(ENDED_PAYMENTS))).all()
    for sheet in sheets(db, moving):
        act = sheet.next_act(who)
        if act is not None:
            due = sheet.payment.paid_on if act is NextAct.RECONCILE else None
            yield Waiting(
                f"Payment {sheet.payment.code} for {sheet.case.code}",
                f"{act.label}.",
                "expenses.show_request",
                {"payment_id": sheet.payment.id},
                clocks.reconcile(due) if due else None,
            )


_DISCLOSURE_WORDS = {
    (Role.COORDINATOR, DisclosureState.ASKED): "Take it up and prepare it.",
    (Role.COORDINATOR, DisclosureState.PREPARING): "Finish the worksheet and send it to the deputy.",
    (Role.COORDINATOR, DisclosureState.DECIDED): "Granted. Release the packet.",
    (Role.DEPUTY, DisclosureState.PREPARED): "Decide.",
    (Role.PROSECUTOR, DisclosureState.RELEASED): "The packet is ready for you.",
}


def _disclosures(db: Session, who: Actor) -> Iterator[Waiting]:
    refused = set(
        db.scalars(
            select(DisclosureDecision.request).where(DisclosureDecision.outcome == DisclosureOutcome.REFUSED)
        )
    )
    fetched = set(db.scalars(select(Packet.request).where(Packet.acknowledged_at.is_not(None))))
    for request in db.scalars(disclosures_known_to(who)):
        words = _DISCLOSURE_WORDS.get((who.role, request.state))
        if words and request.id not in refused and request.id not in fetched:
            clock = Clock(request.due_on, "Answer", "Asked by the requester") if request.due_on else None
            args = {"disclosure_id": request.id}
            yield Waiting(f"Disclosure {request.code}", words, "disclosure.show", args, clock)


def _officers(db: RecordedSession, who: Actor) -> Iterator[Waiting]:
    for colleague in admission.waiting_for_circle(db, who.role):
        words = f"{colleague.full_name} cannot open anything until you hand on your role’s key."
        yield Waiting(
            "A colleague waits", words, "officers.keeping.hand_on", {"officer_id": colleague.id}, hand_on=True
        )
    if not who.may(Permission.SEE_OFFICERS):
        return
    for officer in db.scalars(select(Officer).where(Officer.state != OfficerState.REVOKED)):
        args = {"officer_id": officer.id}
        if officer.state is OfficerState.ENROLLED and who.may(Permission.CERTIFY_OFFICERS):
            words = "Enrolled. Meet them and compare the eight words."
            yield Waiting(officer.full_name, words, "officers.keeping.show_officer", args)
        if officer.locked_at and who.may(Permission.KEEP_OFFICERS):
            yield Waiting(
                officer.full_name,
                "Locked after several failures.",
                "officers.keeping.show_officer",
                args,
                None,
                True,
            )


def _keys(db: Session, who: Actor, now: datetime) -> Iterator[Waiting]:
    """Keys that wait to be renewed: a coordinator's work, and after a day an alarm for who can press them."""
    if not who.may(Permission.SEE_KEYS) and not who.may(Permission.KEEP_OFFICERS):
        return
    extent = renewing.extent(db)
    if extent.overdue_at is None:
        return
    title, overdue = "Keys wait to be renewed", extent.is_overdue(now)
    if who.may(Permission.RENEW_KEYS):
        clock = Clock(extent.overdue_at, title, "Programme rule: 24 hours")
        yield Waiting(title, f"Renew {extent.words}.", "keys.show_keys", {}, clock, overdue)
    elif overdue:
        words = "Keys have waited more than 24 hours for a coordinator. Ask one to renew them today."
        where = "keys.show_keys" if who.may(Permission.SEE_KEYS) else "officers.keeping.list_officers"
        yield Waiting(title, words, where, {}, None, True)


def _access_review(db: Session, settings: Settings, who: Actor, now: datetime) -> Iterator[Waiting]:
    for item in review_pending(db, settings, who, now):
        clock = Clock(item.by, item.title, "NIST SP 800-53, AC-2(j)") if item.by else None
        endpoint = "officers.keeping.show_officer" if item.officer else "access_review.show_standing"
        args = {"officer_id": item.officer} if item.officer else {}
        yield Waiting(item.title, item.words, endpoint, args, clock, item.is_overdue)


def _absences(db: Session, who: Actor, today: date) -> Iterator[Waiting]:
    for item in absences_pending(db, who, today):
        clock = Clock(item.by, item.title, "First day away") if item.by else None
        press = "Begin now" if item.may_begin else ""
        args = {"delegation_id": item.delegation}
        yield Waiting(item.title, item.words, "absence.show", args, clock, press=press)


def _key_acts(db: Session, who: Actor, now: datetime) -> Iterator[Waiting]:
    for here, title, words in pending(db, who, now):
        may_see = who.may(Permission.SEE_KEY_ACTS)
        endpoint = "keys.acts.show" if may_see else "keys.carrying.ask_import"
        until = here.valid_until
        clock = Clock(until, title, "Approvals stand for seven days") if until else None
        yield Waiting(title, words, endpoint, {"act_id": here.act.id}, clock)


def _emergencies(db: Session, who: Actor, now: datetime, today: date) -> Iterator[Waiting]:
    for item in emergencies_pending(db, who, now, today):
        clock = Clock(item.by, item.title, item.citation) if item.by else None
        args = {"emergency_id": item.request}
        yield Waiting(item.title, item.words, "emergency.show", args, clock, item.is_red)
