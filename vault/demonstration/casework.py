"""The story of one case: referred, decided, opened, looked into, moved on, and now and then ended."""

from datetime import timedelta
from uuid import UUID

from housing.places import towns
from vault.access.policy import Compartment, Reason
from vault.access.reading import SealedRow, Value
from vault.cases import actions as cases
from vault.cases import naming
from vault.cases.models import people_known_to
from vault.demonstration.lives import tell_life
from vault.demonstration.moves import Part, move, note
from vault.demonstration.plans import CasePlan
from vault.demonstration.script import Story, Turn, act, look
from vault.demonstration.world import World, open_places
from vault.referrals import actions as referrals
from vault.referrals.actions import ReferralFacts
from vault.referrals.models import Referral
from vault.vocabulary import (
    CaseState,
    DecisionOutcome,
    Flag,
    Harm,
    HarmBasis,
    NoteKind,
    Position,
    ThreatLevel,
)

CERTIFYING = (DecisionOutcome.YES, DecisionOutcome.YES, DecisionOutcome.RELOCATION)
LEVELS = (ThreatLevel.MODERATE, ThreatLevel.HIGH, ThreatLevel.HIGH, ThreatLevel.EXTREME, ThreatLevel.LOW)
QUICK = {CaseState.CLOSED, CaseState.ENDING, CaseState.CERTIFIED}
"""Cases whose referral is decided on the day it comes."""


def invented_referral(
    world: World, witness: str, defendant: str, household: int, flags: tuple[Flag, ...], urgent: bool
) -> ReferralFacts:
    """What a prosecutor writes."""
    invented, chance = world.invented, world.stage.chance
    harm = (Harm.THREAT, chance.choice((Harm.INTIMIDATION, Harm.HARASSMENT, Harm.RETALIATION, Harm.VIOLENCE)))
    return ReferralFacts(
        harm=harm,
        basis=chance.choice((HarmBasis.OCCURRED, HarmBasis.LIKELY)),
        flags=flags,
        household=household,
        urgent=urgent,
        witness=witness,
        docket=invented.docket(),
        felony=invented.felony(),
        defendants=f"{defendant}, {chance.choice(('in custody', 'on bail', 'not yet arrested'))}",
        narrative=invented.narrative(witness, defendant),
        trial_starts=world.days.today + timedelta(days=chance.randint(40, 220)),
        contact=f"{invented.phone()}, mornings only. Leave no message.",
    )


def read_referral(world: World, turn: Turn, referral: UUID) -> None:
    """The one who decides reads what was sent."""
    with turn.reading() as db:
        row = db.get_one(Referral, referral)
        rows: list[SealedRow] = [row, *referrals.decisions_on(db, referral)]
        open_places(turn, db, Compartment.INTAKE, rows, [], Reason.DECISION, {})


def decide(world: World, turn: Turn, referral: UUID, outcomes: tuple[DecisionOutcome, ...]) -> Referral:
    """Record decisions on a referral, in their order."""
    reasons = {
        DecisionOutcome.YES: "The prosecutor's account holds together and the threat is recent and specific.",
        DecisionOutcome.RELOCATION: "The threat reaches the home itself; nothing short of moving answers it.",
        DecisionOutcome.SERVICES: "Visits and an alarm answer what is feared; nobody needs to move.",
        DecisionOutcome.NO: "What is told does not reach the statute; the prosecutor knows who else helps.",
    }
    found = referrals.get(turn.db, turn.who, referral)
    for outcome in outcomes:
        referrals.decide(turn.db, turn.who, world.trust, found, outcome, reasons[outcome], turn.now())
    return found


def tell_case(world: World, plan: CasePlan) -> Story:
    """One case from its referral to where it stands today."""
    days = world.days
    hour = 23.1 if plan.urgent else world.between(8.6, 11.0 if plan.target in QUICK else 16.4)
    turn = yield act(days.at(plan.arrives, hour), plan.prosecutor)
    facts = invented_referral(world, plan.witness, plan.defendant, plan.household, plan.flags, plan.urgent)
    referral = referrals.receive(turn.db, turn.who, world.trust, facts, turn.now()).id
    later = 0 if plan.target in QUICK or plan.urgent else 1
    day = min(plan.arrives + later, 9)
    hour = 23.5 if plan.urgent else world.between(11.1, 13.0)
    turn = yield look(days.at(day, hour), "ada")
    read_referral(world, turn, referral)
    turn = yield act(days.at(day, hour + 0.2), "ada")
    case = _open(world, turn, plan, decide(world, turn, referral, CERTIFYING))
    yield from _follow(world, plan, case, referral, day)


def _open(world: World, turn: Turn, plan: CasePlan, referral: Referral) -> UUID:
    """Open the case, write down its household and name who works on it."""
    db, trust, invented = turn.db, world.trust, world.invented
    ends = world.days.day_of(turn.now()) + timedelta(days=16 if plan.number % 7 == 2 else 30)
    ceiling = 600_000 if plan.household > 3 else 400_000
    case = cases.open_case(db, turn.who, trust, referral, ceiling, ends, turn.now())
    world.cases[plan.number] = case.id
    members = [(plan.witness, plan.born)] + [(kin.name, kin.born) for kin in plan.kin]
    for kin in plan.kin:
        cases.add_person(db, turn.who, trust, case, kin.position, kin.minor, turn.now())
    for person, (name, born) in zip(db.scalars(people_known_to(turn.who, case.id)), members, strict=True):
        values = {
            "legal_name": name,
            "aliases": f"{name.split()[0]}ie" if person.position is Position.WITNESS else None,
            "birth_date": born,
            "social_security": invented.social_security(),
            "documents": f"Driving licence SAMPLE-{invented.chance.randint(1000, 9999)}",
            "description": None,
        }
        cases.change_record(db, turn.who, trust, case, person, Compartment.IDENTITY, values, turn.now())
    for name in (*plan.inspectors, *(("cal",) if plan.has_clerk else ())):
        naming.name_officer(db, turn.who, trust, case, world.officer(name), None, turn.now())
    return case.id


def _follow(world: World, plan: CasePlan, case: UUID, referral: UUID, day: int) -> Part:
    """What happens after the opening, as far as the plan goes."""
    if plan.inspectors and not (plan.target is CaseState.CERTIFIED and plan.number % 4 == 0):
        yield from _assess(world, plan, case, day)
    if plan.target is CaseState.CERTIFIED:
        return
    day += plan.urgent
    turn = yield act(world.days.at(day, world.between(15.2, 16.6)), "ada")
    move(turn, case, CaseState.OFFERED)
    if plan.target is CaseState.OFFERED:
        return
    day += 1
    turn = yield act(world.days.at(day, world.between(9.0, 11.0)), "ada")
    if plan.target is CaseState.DECLINED:
        move(turn, case, CaseState.DECLINED)
        text = "Services were offered and explained. Declined for now; knows the number that answers always."
        note(world, turn, case, NoteKind.CONTACT, text)
        if plan.arrives == 1:
            turn = yield act(world.days.at(day + 4, 14.0), "dee")
            move(turn, case, CaseState.CLOSED)
        return
    move(turn, case, CaseState.AGREED)
    if plan.target is CaseState.AGREED:
        return
    turn = yield act(world.days.at(day, world.between(11.5, 12.5)), "ada")
    move(turn, case, CaseState.ACTIVE)
    yield from tell_life(world, plan, case, referral, day)


def _assess(world: World, plan: CasePlan, case: UUID, day: int) -> Part:
    """The inspector reads who it is about, judges the danger and marks where not to go."""
    name, days, chance = plan.inspectors[0], world.days, world.stage.chance
    start = 24.3 if plan.urgent else world.between(13.2, 14.2)
    turn = yield look(days.at(day, start), name)
    with turn.reading() as db:
        found = cases.get(db, turn.who, case)
        witness = db.scalars(people_known_to(turn.who, case)).first()
        if witness is not None:
            open_places(turn, db, Compartment.IDENTITY, [witness], [found.subject], Reason.CASE_WORK, {})
    turn = yield act(days.at(day, start + 0.5), name)
    db, trust = turn.db, world.trust
    known = cases.get(db, turn.who, case)
    values = {
        "who_threatens": f"{plan.defendant} and people close to the accused.",
        "capability": world.invented.capability(),
        "rationale": "Judged on the statement, the visit to the home and what the police know today.",
    }
    cases.assess_threat(db, turn.who, trust, known, chance.choice(LEVELS), values, turn.now())
    for label in ("Home of the accused", "Where a brother of the accused works")[: 1 + plan.number % 2]:
        latitude, longitude = towns()[chance.choice(sorted(towns()))]
        area: dict[str, Value] = {
            "label": label,
            "latitude": latitude,
            "longitude": longitude,
            "radius_miles": chance.choice((3, 5, 8)),
        }
        cases.add_danger_area(db, turn.who, trust, known, area, turn.now())
    note(world, turn, case, NoteKind.VISIT, world.invented.note(plan.witness))
