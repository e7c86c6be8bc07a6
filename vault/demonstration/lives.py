"""The life of an active case: papers, notes, supervision, housing, money, disclosure, and its ending."""

from datetime import timedelta
from uuid import UUID

from vault.access.policy import Compartment
from vault.cases import actions as cases
from vault.cases import naming
from vault.cases.models import people_known_to
from vault.demonstration.disclosing import FATES as DISCLOSURES
from vault.demonstration.disclosing import tell_disclosure
from vault.demonstration.moves import Part, case_of, change, move, note
from vault.demonstration.paying import FATES as PAYMENTS
from vault.demonstration.paying import tell_payment
from vault.demonstration.placing import fate_of, tell_stay
from vault.demonstration.plans import CasePlan
from vault.demonstration.script import Story, Turn, act
from vault.demonstration.world import World
from vault.expenses import treasury
from vault.vocabulary import CaseState, NoteKind

KINDS = (NoteKind.CALL, NoteKind.VISIT, NoteKind.CONTACT, NoteKind.NOTE, NoteKind.SERVICE)


def tell_life(world: World, plan: CasePlan, case: UUID, referral: UUID, day: int) -> Part:
    """Begin everything that runs beside each other in an active case, then end it if the plan says so."""
    begin = world.script.begin
    begin(tell_stay(world, plan, case, fate_of(plan.target, plan.rank), day))
    for fate in PAYMENTS.get(plan.life, ()):
        begin(tell_payment(world, case, fate, day))
    for disclosure in DISCLOSURES.get(plan.life, ()):
        begin(tell_disclosure(world, plan.prosecutor, referral, disclosure, day + 1))
    begin(_tell_notes(world, plan, case, day))
    yield from _papers(world, plan, case, day)
    if plan.is_supervised:
        yield from _supervision(world, plan, case, day)
    if plan.target in {CaseState.ENDING, CaseState.CLOSED}:
        turn = yield act(world.days.at(6 if plan.target is CaseState.CLOSED else 8, 14.3), "dee")
        move(turn, case, CaseState.ENDING)
    elif plan.number % 7 == 2 and day < 8:
        turn = yield act(world.days.at(8, 15.0), "dee")
        found = case_of(turn, case)
        ends = world.days.today + timedelta(days=60)
        ceiling = found.ceiling_cents + 200_000
        treasury.renew(turn.db, turn.who, case, found.version, ceiling, ends, world.stage.zone, turn.now())
    if plan.target is CaseState.CLOSED:
        turn = yield act(world.days.at(9, 13.4), "ada")
        note(world, turn, case, NoteKind.NOTE, "Testified. The trial is over and nothing was heard since.")
        turn = yield act(world.days.at(9, 15.5), "dee")
        move(turn, case, CaseState.CLOSED)


def _papers(world: World, plan: CasePlan, case: UUID, day: int) -> Part:
    """A protected name for those who move, and what a doctor must know."""
    invented = world.invented
    turn = yield act(world.days.at(day, world.between(13.0, 14.5)), "ada")
    for person in turn.db.scalars(people_known_to(turn.who, case)).all():
        if plan.number % 3 == 0:
            papers = f"Library card SAMPLE-{invented.chance.randint(100, 999)}; health card applied for."
            values = {"cover_name": invented.name(), "cover_papers": papers}
            change(world, turn, case, person, Compartment.COVER, values)
        if person.number == 1 and plan.number % 4 == 1:
            values = {
                "medical": "Asthma; carries an inhaler. No known allergies.",
                "treatment": "Counselling once a week, arranged through victim services.",
            }
            change(world, turn, case, person, Compartment.HEALTH, values)


def _supervision(world: World, plan: CasePlan, case: UUID, day: int) -> Part:
    """The liaison is named on the one supervised person and writes down what they know."""
    turn = yield act(world.days.at(day, 14.6), "ada")
    witness = turn.db.scalars(people_known_to(turn.who, case)).all()[0]
    found, sol = case_of(turn, case), world.officer("sol")
    naming.name_officer(turn.db, turn.who, world.trust, found, sol, witness.id, turn.now())
    turn = yield act(world.days.at(day + 1, 10.4), "sol")
    known, person = cases.get_person(turn.db, turn.who, witness.id)
    values = {
        "supervision_terms": "Probation, two years. Monthly report; no contact with the co-defendants.",
        "supervision_contacts": "Reported by telephone as agreed. No violation.",
    }
    change(world, turn, known.id, person, Compartment.SUPERVISION, values)


def _tell_notes(world: World, plan: CasePlan, case: UUID, day: int) -> Story:
    """What inspectors and the clerk write down every few days."""
    chance = world.stage.chance
    last = 6 if plan.target is CaseState.CLOSED else 9
    for on in range(day + 1, last + 1, 1 + plan.number % 3):
        by_clerk = plan.has_clerk and chance.random() < 0.3
        name = "cal" if by_clerk or not plan.inspectors else chance.choice(plan.inspectors)
        turn = yield act(world.days.at(on, world.between(9.2, 16.5)), name)
        write_note(world, turn, case, plan)


def write_note(world: World, turn: Turn, case: UUID, plan: CasePlan) -> None:
    """One of the notes that fit any day."""
    note(world, turn, case, world.stage.chance.choice(KINDS), world.invented.note(plan.witness))
