"""Absences: an inspector is away until a day next week, and his colleague has a holiday coming."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from vault.absence import actions
from vault.absence.actions import Terms
from vault.access.delegating import unit_day
from vault.demonstration.moves import planned
from vault.demonstration.plans import CasePlan
from vault.demonstration.script import Story, Turn, act
from vault.demonstration.world import World
from vault.vocabulary import CaseState

PASSED_ON = 2
"""Of so many cases, his first ones, Ines takes care while Ivo is away."""
BEGINS_AGO = 140
"""So many minutes ago the coordinator let it begin."""
WEDNESDAY_OF_NEXT_WEEK = 9
"""Days from a Monday."""
HOLIDAY = (20, 26)
"""First and last day of the holiday, counted from today."""


def _day(turn: Turn, now: datetime) -> date:
    return unit_day(turn.stage.vault.settings, now)


def tell_away(world: World, plans: Sequence[CasePlan]) -> Story:
    """Ivo asked, the coordinator arranged it and let it begin: Ines sees to two of his cases meanwhile."""
    days, most = world.days, world.stage.vault.settings.delegation_days
    ivos = [plan.number for plan in planned(plans, CaseState.ACTIVE) if plan.inspectors == ("ivo",)]
    until = days.today + timedelta(days=WEDNESDAY_OF_NEXT_WEEK - days.today.weekday())
    turn = yield act(days.at(8, 15.2), "ivo")
    terms = Terms(
        world.officer("ivo"),
        world.officer("ines"),
        days.day_of(days.at_work(BEGINS_AGO)),
        until,
        tuple(f"case:{world.cases[number]}" for number in ivos[:PASSED_ON]),
    )
    now = turn.now()
    asked = actions.ask(turn.db, turn.who, terms, most, _day(turn, now), now).id
    turn = yield act(days.at(8, 16.1), "ada")
    now, found = turn.now(), actions.get(turn.db, turn.who, asked)
    actions.agree(turn.db, turn.who, world.trust, found, most, _day(turn, now), now)
    turn = yield act(days.at_work(BEGINS_AGO), "ada")
    _begin(world, turn, asked)


def _begin(world: World, turn: Turn, delegation: UUID) -> None:
    """The card on the coordinator's desk, on the first day."""
    now, found = turn.now(), actions.get(turn.db, turn.who, delegation)
    actions.begin(turn.db, turn.who, world.trust, found, _day(turn, now), now)


def tell_holiday(world: World) -> Story:
    """Ines has a week off before long, and Ivo will stand in on everything."""
    days, most = world.days, world.stage.vault.settings.delegation_days
    first, last = (days.today + timedelta(days=ahead) for ahead in HOLIDAY)
    turn = yield act(days.at(9, 11.3), "ada")
    now = turn.now()
    terms = Terms(world.officer("ines"), world.officer("ivo"), first, last, None)
    actions.arrange(turn.db, turn.who, world.trust, terms, most, _day(turn, now), now)
