"""All stories of the demonstration, begun in one order and told to the end."""

from collections.abc import Callable
from datetime import datetime

from vault.demonstration.casework import CERTIFYING, decide, invented_referral, read_referral, tell_case
from vault.demonstration.emergencies import tell_reviewed, tell_unreviewed
from vault.demonstration.filing import tell_papers
from vault.demonstration.finding import tell_searches
from vault.demonstration.invented import Inventor
from vault.demonstration.partners import tell_agencies
from vault.demonstration.places import tell_closures, tell_places, tell_separations
from vault.demonstration.plans import WITHOUT_CASE, case_plans
from vault.demonstration.reviewing import tell_this_years_review, tell_unused
from vault.demonstration.safekeeping import tell_destroyed, tell_drill, tell_leaving, tell_waiting
from vault.demonstration.script import Script, Story, act, look
from vault.demonstration.slips import tell_mistypings, tell_refusals
from vault.demonstration.stage import Stage
from vault.demonstration.standing_in import tell_away, tell_holiday
from vault.demonstration.watching import DAILY, tell_looks, tell_night_looks
from vault.demonstration.world import World
from vault.referrals import actions as referrals
from vault.vocabulary import DecisionOutcome, Flag, ReferralState

ENDS_BEFORE_MINUTES = 2
"""So long before the demonstration is asked for the last code was used, and a fresh one signs in."""


def tell(stage: Stage, progress: Callable[[int], None]) -> World:
    """Tell everything. `progress` is told of each working day that is over."""
    world = World(Script(stage), Inventor(stage.chance))
    begin = world.script.begin
    begin(tell_places(world))
    begin(tell_agencies(world))
    plans = case_plans(world.invented, stage.fortnight.today)
    for plan in plans:
        begin(tell_case(world, plan))
    for number, (state, day, decisions) in enumerate(WITHOUT_CASE):
        begin(_tell_referral(world, number, state, day, decisions))
    begin(_tell_urgent(world))
    for name, most in DAILY:
        begin(tell_looks(world, name, most))
    for tell_more in (tell_closures, tell_separations, tell_night_looks, tell_refusals, tell_mistypings):
        begin(tell_more(world))
    for tell_planned in (tell_searches, tell_papers, tell_leaving, tell_drill, tell_destroyed, tell_waiting):
        begin(tell_planned(world, plans))
    for tell_edge in (tell_holiday, tell_unused, tell_this_years_review):
        begin(tell_edge(world))
    for tell_planned_edge in (tell_away, tell_reviewed, tell_unreviewed):
        begin(tell_planned_edge(world, plans))
    over = 0

    def watch(moment: datetime) -> None:
        nonlocal over
        while over < len(stage.fortnight.days) and stage.fortnight.at(over, 18) <= moment:
            over += 1
            progress(1)

    world.script.run(stage.fortnight.ago(ENDS_BEFORE_MINUTES), watch)
    return world


def _tell_referral(world: World, number: int, state: ReferralState, day: int, decisions: int) -> Story:
    """A referral that waits or was declined."""
    invented, asker = world.invented, ("pat", "pru")[number % 2]
    facts = invented_referral(world, invented.name(), invented.name(), 1 + number % 4, (), False)
    turn = yield act(world.days.at(day, world.between(9.0, 15.0)), asker)
    referral = referrals.receive(turn.db, turn.who, world.trust, facts, turn.now()).id
    if not decisions:
        return
    turn = yield look(world.days.at(day, world.between(15.2, 16.0)), "ada")
    read_referral(world, turn, referral)
    outcomes = CERTIFYING[:decisions]
    if state is ReferralState.DECLINED:
        outcomes = (*outcomes[:-1], DecisionOutcome.NO)
    elif state is ReferralState.CERTIFIED:
        outcomes = (*outcomes[:-1], DecisionOutcome.SERVICES)
    turn = yield act(world.days.at(day, 16.4), "ada")
    decide(world, turn, referral, outcomes)


def _tell_urgent(world: World) -> Story:
    """Less than an hour ago a prosecutor wrote that someone is in danger today."""
    invented = world.invented
    facts = invented_referral(world, invented.name(), invented.name(), 3, (Flag.CHILD, Flag.GANG), True)
    turn = yield act(world.days.at_work(41), "pat")
    referrals.receive(turn.db, turn.who, world.trust, facts, turn.now())
