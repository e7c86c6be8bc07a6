"""The life of keys: an officer leaves, a drill is held, one case is destroyed and another may be."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from crypto.recovery import THRESHOLD, combine
from crypto.recovery_files import RecoveryRequest
from vault.access import renewal
from vault.access.actor import Actor
from vault.access.policy import Compartment
from vault.cases import actions as cases
from vault.cases import naming
from vault.database import RecordedSession
from vault.demonstration.cast import GONE
from vault.demonstration.moves import case_of, note, planned, with_code
from vault.demonstration.plans import CasePlan
from vault.demonstration.script import Story, Turn, act, look
from vault.demonstration.world import World
from vault.keys import acts, recoveries, shredding
from vault.keys.models import Ground
from vault.officers import admission, revoking
from vault.vocabulary import CaseState, NoteKind

FOR_DESTROYED = "They moved abroad, want no contact, and asked in writing that nothing be kept about them."
FOR_WAITING = "The trial is over, the appeal was withdrawn, and the prosecutor needs nothing more of it."
FOR_DRILL = "The yearly drill. Nothing was lost."
FOR_LEAVING = "Goes to the bureau of another county today. Everything was handed over last week."
HANDED_OVER = "Went through everything with the inspector who stays. Nothing is open."


def _asked(world: World, plan: CasePlan, turn: Turn, ground: Ground, reasons: str) -> UUID:
    """The coordinator asks that the records of a case be destroyed."""
    subject = world.cases[plan.number]

    def ask(db: RecordedSession, who: Actor, now: datetime) -> UUID:
        return acts.ask_destruction(db, who, cases.get(db, who, subject), ground, reasons, now).id

    return with_code(turn, ask)


def _approve(turn: Turn, asked: UUID) -> None:
    """One of the two approvals."""
    with_code(turn, lambda db, who, now: acts.decide(db, who, acts.held(db, who, asked), True, now))


def tell_leaving(world: World, plans: Sequence[CasePlan]) -> Story:
    """An inspector is taken off one case, whose keys are renewed, and leaves this morning.

    Nobody has renewed the keys of the other two cases since: it waits on the coordinator's desk.
    """
    leaver, days = GONE.name, world.days
    numbers = [plan.number for plan in planned(plans, CaseState.ACTIVE)[:3]]
    turn = yield act(days.at(5, 9.3), "ada")
    for number in numbers:
        found = case_of(turn, world.cases[number])
        naming.name_officer(turn.db, turn.who, world.trust, found, world.officer(leaver), None, turn.now())
    turn = yield act(days.at(6, 10.7), leaver)
    note(world, turn, world.cases[numbers[0]], NoteKind.NOTE, HANDED_OVER)
    turn = yield act(days.at(7, 9.1), "ada")
    found = case_of(turn, world.cases[numbers[2]])
    named = naming.named_officers(turn.db, turn.who, found)
    assignment = next(row.id for row, officer in named if officer.id == world.officer(leaver))
    naming.unname_officer(turn.db, turn.who, found, assignment, turn.now())
    turn = yield look(days.at(7, 10.2), "ada")
    renewal.renew(turn.stage.vault, turn.stepped_up(), lambda _done: None)
    turn = yield look(days.at_work(170), "max")

    def end(db: RecordedSession, who: Actor, now: datetime) -> None:
        officer = admission.get(db, world.officer(leaver))
        revoking.revoke(db, who, officer, revoking.Ground.LEFT, FOR_LEAVING, now)

    with_code(turn, end)


def tell_drill(world: World, plans: Sequence[CasePlan]) -> Story:
    """The yearly drill: three shares bring the keys of one case's notes back, for its inspector."""
    days = world.days
    plan = next(plan for plan in planned(plans, CaseState.ACTIVE) if "ines" in plan.inspectors)

    def ask(db: RecordedSession, who: Actor, now: datetime) -> UUID:
        subject, ines = f"case:{world.cases[plan.number]}", world.officer("ines")
        part, ground = Compartment.CASEWORK, Ground.DRILL
        return acts.ask_recovery(db, who, subject, part, ines, ground, FOR_DRILL, now).id

    def take_in(db: RecordedSession, who: Actor, now: datetime) -> None:
        recoveries.take_in(db, who, world.trust, acts.held(db, who, asked), answer, now)

    turn = yield look(days.at(6, 9.4), "ada")
    asked = with_code(turn, ask)
    for hour, name in ((10.1, "dee"), (10.6, "dan")):
        turn = yield look(days.at(6, hour), name)
        _approve(turn, asked)
    turn = yield look(days.at(6, 11.2), "ada")
    who = turn.stepped_up()
    request = RecoveryRequest.from_text(recoveries.export(turn.stage.vault, who, asked, turn.now())[0])
    answer = request.answer(combine(world.stage.shares[:THRESHOLD], request.recovery.public))
    turn = yield look(days.at(6, 13.8), "ines")
    with_code(turn, take_in)


def tell_destroyed(world: World, plans: Sequence[CasePlan]) -> Story:
    """The first of those who declined asks that nothing be kept: two deputies approve, and it is gone."""
    days, plan = world.days, planned(plans, CaseState.DECLINED)[0]
    turn = yield look(days.at(8, 9.3), "ada")
    asked = _asked(world, plan, turn, Ground.PERSON_ASKED, FOR_DESTROYED)
    for hour, name in ((10.1, "dan"), (11.4, "dee")):
        turn = yield look(days.at(8, hour), name)
        _approve(turn, asked)
    turn = yield look(days.at(8, 13.6), "ada")
    shredding.destroy(turn.stage.vault, turn.stepped_up(), asked, turn.now())


def tell_waiting(world: World, plans: Sequence[CasePlan]) -> Story:
    """This morning a destruction was asked for and one deputy approved; it waits for the other."""
    days, plan = world.days, planned(plans, CaseState.CLOSED)[0]
    turn = yield look(days.at_work(66), "ada")
    asked = _asked(world, plan, turn, Ground.RETENTION_OVER, FOR_WAITING)
    turn = yield look(days.at_work(45), "dee")
    _approve(turn, asked)
