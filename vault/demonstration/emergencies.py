"""Break-glass: twice somebody opened what the matrix does not give them; one use is still to be reviewed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from vault.access.actor import Actor
from vault.access.delegating import unit_day
from vault.access.models import EmergencyGrant
from vault.access.policy import Compartment, Reason
from vault.cases.models import Case
from vault.database import RecordedSession
from vault.demonstration.moves import Part, planned, with_code
from vault.demonstration.plans import CasePlan
from vault.demonstration.script import Story, Turn, look
from vault.demonstration.standing_in import PASSED_ON
from vault.demonstration.world import World, open_places
from vault.emergency import actions
from vault.emergency.actions import Wanted
from vault.emergency.models import Ground, Verdict
from vault.emergency.opening import places_of, rows_in
from vault.emergency.standing import standing
from vault.vocabulary import CaseState

FOR_HOSPITAL = "The hospital called. The child is there alone, and somebody must fetch the mother at once."
FOR_AWAY = "Ivo is away and did not pass this one on. No answer at the agreed hour, twice; I must go there."
FOUND = "Spoke to both, and to the ward. It was needed, and it was closed again within minutes."

ASKED_AGO = 125
"""So many minutes ago the second was asked for."""


@dataclass(frozen=True)
class Call:
    """Who asked for what of which case, and why it could not wait."""

    asker: str
    case: UUID
    ground: Ground
    words: str


def _case(world: World, plans: Sequence[CasePlan], inspector: str) -> UUID:
    """An active case on which one inspector is named alone, and which no colleague has been handed."""
    found = [plan for plan in planned(plans, CaseState.ACTIVE) if plan.inspectors == (inspector,)]
    return world.cases[found[PASSED_ON].number]


def tell_reviewed(world: World, plans: Sequence[CasePlan]) -> Story:
    """A hospital called when only Ivo was in; the next morning the deputy found it justified."""
    days = world.days
    turn = yield look(days.at(6, 17.2), "ivo")
    call = Call("ivo", _case(world, plans, "ines"), Ground.HOSPITAL, FOR_HOSPITAL)
    request = _ask(world, turn, call)
    yield from _use(world, call, request, days.at(6, 17.25), days.at(6, 17.35))
    turn = yield look(days.at(7, 9.6), "dee")

    def review(db: RecordedSession, who: Actor, now: datetime) -> None:
        found = actions.held(db, who, request)
        actions.review(db, who, world.trust, found, Verdict.JUSTIFIED, FOUND, now)

    with_code(turn, review)


def tell_unreviewed(world: World, plans: Sequence[CasePlan]) -> Story:
    """Two hours ago Ines looked where a household of Ivo's is; the deputies have three working days."""
    days = world.days
    turn = yield look(days.at_work(ASKED_AGO), "ines")
    call = Call("ines", _case(world, plans, "ivo"), Ground.AWAY, FOR_AWAY)
    request = _ask(world, turn, call)
    yield from _use(world, call, request, days.at_work(ASKED_AGO - 3), days.at_work(ASKED_AGO - 7))


def _use(world: World, call: Call, request: UUID, given: datetime, opened: datetime) -> Part:
    """The coordinator gives it; who asked opens it, and ends it as soon as they have read."""
    turn = yield look(given, "ada")

    def grant(db: RecordedSession, who: Actor, now: datetime) -> None:
        settings = world.stage.vault.settings
        found, today = actions.held(db, who, request), unit_day(settings, now)
        actions.grant(db, who, world.trust, found, settings.emergency_minutes, today, now)

    with_code(turn, grant)
    turn = yield look(opened, call.asker)
    _open(turn, request)
    with turn.stage.vault.writing() as db:
        actions.end(db, turn.who, world.trust, actions.held(db, turn.who, request), turn.now())


def _ask(world: World, turn: Turn, call: Call) -> UUID:
    with turn.stage.vault.writing() as db:
        now, number = turn.now(), db.get_one(Case, call.case).code
        wanted = Wanted(number, Compartment.LOCATION, call.ground, call.words)
        today = unit_day(turn.stage.vault.settings, now)
        return actions.ask(db, turn.who, world.trust, wanted, today, now).id


def _open(turn: Turn, request: UUID) -> None:
    """Look where the household is, as the page of the emergency does."""
    with turn.reading() as db:
        found = actions.get(db, turn.who, request)
        given: EmergencyGrant | None = standing(db, found, turn.now()).grant
        if given is None:
            raise RuntimeError("the emergency was not given")
        rows, about = rows_in(places_of(db, given)), [f"case:{given.case}"]
        open_places(turn, db, given.compartment, rows, about, Reason.EMERGENCY, {})
