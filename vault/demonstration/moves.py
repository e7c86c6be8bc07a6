"""What several stories share: cases by how they end, acts with a code, notes, changes of a record."""

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from vault.access.actor import Actor
from vault.access.policy import Compartment
from vault.access.reading import Value
from vault.cases import actions as cases
from vault.cases.models import Case
from vault.database import RecordedSession
from vault.demonstration.plans import CasePlan
from vault.demonstration.script import Next, Turn
from vault.demonstration.world import World
from vault.vocabulary import CaseState, NoteKind

Part = Generator[Next, Turn, None]
"""A part of a story, taken up by `yield from`."""

Given = TypeVar("Given")


def planned(plans: Sequence[CasePlan], target: CaseState) -> list[CasePlan]:
    """The plans that end in one state, in their order."""
    return sorted((plan for plan in plans if plan.target is target), key=lambda plan: plan.rank)


def with_code(turn: Turn, step: Callable[[RecordedSession, Actor, datetime], Given]) -> Given:
    """An act before which the page asks for the code; it has a transaction of its own."""
    who = turn.stepped_up()
    with turn.stage.vault.writing() as db:
        return step(db, who, turn.now())


def case_of(turn: Turn, case: UUID) -> Case:
    """The case, in the transaction of this act."""
    return cases.get(turn.db, turn.who, case)


def move(turn: Turn, case: UUID, to: CaseState) -> None:
    """Move a case on."""
    cases.move(turn.db, turn.who, case_of(turn, case), to, turn.now())


def note(world: World, turn: Turn, case: UUID, kind: NoteKind, text: str) -> None:
    """Add a case note."""
    cases.add_note(turn.db, turn.who, world.trust, case_of(turn, case), kind, text, turn.now())


def change(
    world: World, turn: Turn, case: UUID, row: Any, compartment: Compartment, values: Mapping[str, Value]
) -> None:
    """Seal new values into one compartment."""
    found = case_of(turn, case)
    cases.change_record(turn.db, turn.who, world.trust, found, row, compartment, values, turn.now())
