"""Searches for a person now and then, and once for somebody whom nobody knows."""

from collections.abc import Sequence

from vault.access.policy import Reason
from vault.demonstration.plans import CasePlan
from vault.demonstration.script import Story, Turn, look
from vault.demonstration.world import World
from vault.search import actions
from vault.search.ways import Way

SEARCHES = (
    (1, "ada", Way.PART, 0),
    (3, "ines", Way.SOUND, 4),
    (5, "cal", Way.BORN, 6),
    (6, "ivo", Way.WHOLE, 9),
    (8, "ada", Way.SOUND, 12),
)
"""On which working day who searches, by what they know, for the witness of which case."""


def tell_searches(world: World, plans: Sequence[CasePlan]) -> Story:
    """What was searched for in the course of the fortnight; the last names are filed this morning."""
    for day, name, way, number in SEARCHES:
        plan = plans[number]
        turn = yield look(world.days.at(day, 14.6), name)
        _search(turn, way, plan.born.isoformat() if way is Way.BORN else plan.witness)
    turn = yield look(world.days.at_work(27), "ada")
    _search(turn, Way.WHOLE, world.invented.name())


def _search(turn: Turn, way: Way, words: str) -> None:
    actions.search(turn.stage.vault, turn.stepped_up(), way, words, Reason.CASE_WORK, turn.now())
