"""Recovery and destruction: asked for by one officer, approved by two others, carried out once.

Two approvals come from two deputies or coordinators, at least one of them a deputy, and never from the
officer who asked or the one to whom recovered keys go. One no ends the request.
"""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.policy import Compartment, Hold, Permission, Role, hold
from vault.cases.models import Case
from vault.database import RecordedSession
from vault.errors import NotKnown, RuleForbids
from vault.keys.models import Ground, KeyAct, KeyActDecision, KeyActKind, KeyActState
from vault.keys.standing import APPROVALS, Standing, approvers, lacks_deputy, may_decide, standing
from vault.officers.models import Officer, OfficerState
from vault.vocabulary import CaseState

GROUNDS = {
    KeyActKind.RECOVERY: (Ground.HOLDERS_GONE, Ground.CREDENTIALS_LOST, Ground.DRILL),
    KeyActKind.DESTRUCTION: (Ground.RETENTION_OVER, Ground.COURT_ORDER, Ground.PERSON_ASKED),
}
EVERYTHING = "vault"
"""The subject of a recovery of all there is, for the day on which no coordinator is left."""

ENDED = (CaseState.CLOSED, CaseState.DECLINED)
"""The states in which the records of a case may be destroyed: nobody is protected under it any more."""

_ASKED = {
    KeyActKind.RECOVERY: Event.RECOVERY_ASKED,
    KeyActKind.DESTRUCTION: Event.DESTRUCTION_ASKED,
}
_DECIDED = {
    KeyActKind.RECOVERY: Event.RECOVERY_DECIDED,
    KeyActKind.DESTRUCTION: Event.DESTRUCTION_DECIDED,
}


def all_acts() -> Select[KeyAct]:
    """Every request, the newest first."""
    return select(KeyAct).order_by(KeyAct.asked_at.desc(), KeyAct.id)


def subjects(act: KeyAct) -> list[str]:
    """What entries say a request is about; the request itself is the fact "act"."""
    found = [act.subject] if act.subject != EVERYTHING else []
    return found + ([f"officer:{act.for_officer}"] if act.for_officer else [])


def get(db: Session, who: Actor, act: UUID) -> KeyAct:
    """The request, for who may see requests and for the officer to whom its keys go. Raises NotKnown."""
    found = db.get(KeyAct, act)
    if found is None or not (who.may(Permission.SEE_KEY_ACTS) or found.for_officer == who.officer):
        raise NotKnown
    return found


def held(db: Session, who: Actor, act: UUID) -> KeyAct:
    """The request, standing still until this act of ours is kept, so that of two at once the second waits."""
    found = db.scalars(
        select(KeyAct).where(KeyAct.id == act).with_for_update().execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise NotKnown
    return get(db, who, found.id)


def ask_recovery(
    db: RecordedSession,
    who: Actor,
    subject: str,
    compartment: Compartment | None,
    for_officer: UUID,
    ground: Ground,
    reasons: str,
    now: datetime,
) -> KeyAct:
    """Ask that keys nobody reaches be recovered for one officer. Raises RuleForbids."""
    officer = db.get(Officer, for_officer)
    if officer is None or officer.state is not OfficerState.ACTIVE:
        raise RuleForbids("Choose an officer whose access is active and whose keys are certified.")
    wanted = [compartment] if compartment else list(Compartment)
    if all(hold(each, officer.role) is Hold.NEVER for each in wanted):
        raise RuleForbids("This officer’s role never opens that part of the record. Choose another officer.")
    return _ask(db, who, KeyActKind.RECOVERY, subject, compartment, for_officer, ground, reasons, now)


def ask_destruction(
    db: RecordedSession, who: Actor, case: Case, ground: Ground, reasons: str, now: datetime
) -> KeyAct:
    """Ask that the records of a case that has ended be destroyed. Raises RuleForbids.

    A coordinator asks, who also carries it out: the same act takes the case out of the directory of names.
    """
    if who.role is not Role.COORDINATOR:
        raise RuleForbids("A coordinator asks for the destruction of records. Ask one to begin.")
    check_ended(case)
    return _ask(db, who, KeyActKind.DESTRUCTION, case.subject, None, None, ground, reasons, now)


def check_ended(case: Case) -> None:
    """Raise RuleForbids unless nobody is protected under the case any more."""
    if case.state is CaseState.DESTROYED:
        raise RuleForbids("The records of this case were destroyed already.")
    if case.state not in ENDED:
        raise RuleForbids("Only the records of a closed case are destroyed. Close the case first.")


def _ask(
    db: RecordedSession,
    who: Actor,
    kind: KeyActKind,
    subject: str,
    compartment: Compartment | None,
    for_officer: UUID | None,
    ground: Ground,
    reasons: str,
    now: datetime,
) -> KeyAct:
    if ground not in GROUNDS[kind]:
        raise RuleForbids("Choose one of the grounds in the list.")
    _check_not_asked(db, kind, subject, compartment)
    act = KeyAct(
        id=uuid4(),
        kind=kind,
        subject=subject,
        compartment=compartment,
        for_officer=for_officer,
        ground=ground,
        state=KeyActState.ASKED,
        asked_by=who.officer,
        asked_at=now,
    )
    db.add(act)
    record(
        db,
        _ASKED[kind],
        who=who,
        now=now,
        subjects=subjects(act),
        compartment=compartment,
        facts={"act": act.id, "ground": ground},
        details={"reasons": reasons},
    )
    return act


def _check_not_asked(db: Session, kind: KeyActKind, subject: str, compartment: Compartment | None) -> None:
    part = KeyAct.compartment.is_(None) if compartment is None else KeyAct.compartment == compartment
    waiting = all_acts().where(KeyAct.state == KeyActState.ASKED, KeyAct.kind == kind)
    if db.scalars(waiting.where(KeyAct.subject == subject, part)).first() is not None:
        raise RuleForbids("The same is asked for already and waits for approvals.")


def decide(db: RecordedSession, who: Actor, act: KeyAct, approves: bool, now: datetime) -> None:
    """Say yes or no. Two yeses approve, one no refuses. Raises RuleForbids for whoever may not decide."""
    here = standing(db, act)
    if not may_decide(who, here):
        raise RuleForbids(_why_not(who, here))
    if approves and lacks_deputy(who, here, now):
        raise RuleForbids("One of the two approvals must be a deputy’s. Ask a deputy to decide.")
    db.add(KeyActDecision(id=uuid4(), act=act.id, officer=who.officer, approved=approves, at=now))
    if not approves:
        act.state = KeyActState.REFUSED
    elif len(approvers(here, now)) + 1 >= APPROVALS:
        act.state = KeyActState.APPROVED
    db.flush()
    record(
        db,
        _DECIDED[act.kind],
        who=who,
        now=now,
        subjects=subjects(act),
        facts={"act": act.id, "approved": approves, "state": act.state},
    )


def _why_not(who: Actor, standing: Standing) -> str:
    act = standing.act
    if act.state is not KeyActState.ASKED:
        return f"This request is settled: {act.state.label.lower()}."
    if who.officer == act.asked_by:
        return "You asked for this, so two others decide."
    if who.officer == act.for_officer:
        return "The keys would come to you, so two others decide."
    return "You have decided already. Another officer decides next."


def withdraw(db: RecordedSession, who: Actor, act: KeyAct, now: datetime) -> None:
    """Take a request back that was not carried out. Raises RuleForbids for anybody but who asked."""
    if who.officer != act.asked_by:
        raise RuleForbids("Only the officer who asked for it can take it back.")
    if act.state not in {KeyActState.ASKED, KeyActState.APPROVED}:
        raise RuleForbids(f"This request is settled: {act.state.label.lower()}.")
    act.state = KeyActState.WITHDRAWN
    record(
        db,
        Event.KEY_ACT_WITHDRAWN,
        who=who,
        now=now,
        subjects=subjects(act),
        facts={"act": act.id, "kind": act.kind},
    )


def check_approved(db: Session, act: KeyAct, kind: KeyActKind, now: datetime) -> None:
    """Raise RuleForbids unless it was not done yet and two approvals stand.

    Each must be no older than seven days, and of somebody who is still there in that role.
    """
    here = standing(db, act)
    if act.kind is not kind or act.state is KeyActState.ASKED:
        raise RuleForbids("Two approvals are needed first.")
    if act.state is not KeyActState.APPROVED:
        raise RuleForbids(f"This request is settled: {act.state.label.lower()}.")
    if sum(decision.approved for decision, _ in here.decisions) < APPROVALS:
        raise RuleForbids("Two approvals are needed first.")
    if here.has_lapsed(now):
        raise RuleForbids(
            "The approvals do not stand any more: one is more than seven days old, or somebody who gave one "
            "has left. Ask for it again."
        )


def check_asker(who: Actor, act: KeyAct) -> None:
    """Raise RuleForbids for anybody but the officer who asked."""
    if who.officer != act.asked_by:
        raise RuleForbids("The officer who asked for it carries it out.")


def done(act: KeyAct, now: datetime) -> None:
    """Mark a request as carried out: it never is again."""
    act.state, act.done_at = KeyActState.DONE, now
