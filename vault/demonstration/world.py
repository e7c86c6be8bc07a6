"""What the stories share: the script, invented facts, and short ways to look at sealed places."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from vault.access.events import Event
from vault.access.policy import STEP_UP, Compartment, Reason
from vault.access.reading import Opening, SealedRow, open_rows
from vault.database import RecordedSession
from vault.demonstration.invented import Inventor
from vault.demonstration.script import Script, Turn
from vault.demonstration.stage import Fortnight, Stage
from vault.running import Trust


@dataclass
class World:
    """Everything that the stories of one demonstration share."""

    script: Script
    invented: Inventor
    houses: list[UUID] = field(default_factory=list)
    used_houses: set[UUID] = field(default_factory=set)
    cases: dict[int, UUID] = field(default_factory=dict)
    compromised: UUID | None = None

    @property
    def stage(self) -> Stage:
        """Everybody at their desk."""
        return self.script.stage

    @property
    def days(self) -> Fortnight:
        """The working days."""
        return self.stage.fortnight

    @property
    def trust(self) -> Trust:
        """The pinned founders."""
        return self.stage.vault.trust

    def officer(self, name: str) -> UUID:
        """The id of one of the cast."""
        return self.stage.seats[name].officer

    def between(self, first: float, last: float) -> float:
        """An hour by chance."""
        return self.stage.chance.uniform(first, last)


def open_places(
    turn: Turn,
    db: RecordedSession,
    compartment: Compartment,
    rows: Sequence[SealedRow],
    about: Sequence[str],
    reason: Reason,
    facts: dict[str, Any],
) -> Opening:
    """Open sealed places as a page would: with step-up where the matrix asks for it, recorded first."""
    who = turn.stepped_up() if compartment in STEP_UP else turn.who
    return open_rows(
        turn.stage.vault,
        db,
        who,
        compartment,
        rows,
        about=about,
        reason=reason,
        now=turn.now(),
        event=Event.OPENED,
        facts=facts,
        details=None,
    )
