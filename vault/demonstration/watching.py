"""Looks at the records for a reason, day by day and now and then at night."""

from uuid import UUID

from vault.access.policy import Compartment, Reason, Role
from vault.cases import records
from vault.cases.models import Case, known_to, people_known_to
from vault.demonstration.script import Story, Turn, look
from vault.demonstration.world import World, open_places
from vault.expenses.models import PaymentRequest
from vault.expenses.models import known_to as payments_known_to
from vault.vocabulary import CaseState

DAILY = (("ines", 4), ("ivo", 4), ("ada", 3), ("dee", 1), ("cal", 2), ("fin", 1))
"""Who opens something on every working day, and how many places at most."""

_OF_CASE = {
    Role.INSPECTOR: (Compartment.THREAT, Compartment.CASEWORK, Compartment.LOCATION),
    Role.COORDINATOR: (Compartment.THREAT, Compartment.CASEWORK, Compartment.LOCATION),
    Role.CLERK: (Compartment.CASEWORK,),
    Role.DEPUTY: (Compartment.THREAT,),
}
_OF_PERSON = {
    Role.INSPECTOR: (Compartment.IDENTITY, Compartment.COVER, Compartment.HEALTH),
    Role.COORDINATOR: (Compartment.IDENTITY, Compartment.COVER),
    Role.CLERK: (Compartment.IDENTITY,),
}
_REASONS = {
    Role.INSPECTOR: (Reason.CASE_WORK, Reason.VISIT, Reason.CASE_WORK, Reason.COURT),
    Role.COORDINATOR: (Reason.CASE_WORK, Reason.REVIEW, Reason.CORRECTION),
    Role.CLERK: (Reason.CASE_WORK, Reason.COURT),
    Role.DEPUTY: (Reason.REVIEW, Reason.DECISION),
    Role.FINANCE: (Reason.PAYMENT,),
}


def tell_looks(world: World, name: str, most: int) -> Story:
    """What one officer opens in the course of the fortnight."""
    for day in range(len(world.days.days)):
        turn = yield look(world.days.at(day, world.between(9.0, 16.8)), name)
        for _ in range(world.stage.chance.randint(1, most)):
            look_somewhere(world, turn, None)


def tell_night_looks(world: World) -> Story:
    """Something happens at night, on a weekend too, and this morning everybody is at work again."""
    for back, name in ((9, "ines"), (3, "ivo"), (2, "ada")):
        day = world.days.today.fromordinal(world.days.today.toordinal() - back)
        turn = yield look(world.days.on(day, world.between(1.2, 3.4)), name)
        look_somewhere(world, turn, Reason.EMERGENCY)
        look_somewhere(world, turn, Reason.EMERGENCY)
    for minutes, name in ((96, "ada"), (88, "ines"), (75, "cal"), (52, "ines"), (33, "ada")):
        turn = yield look(world.days.at_work(minutes), name)
        look_somewhere(world, turn, None)


def look_somewhere(world: World, turn: Turn, reason: Reason | None) -> None:
    """Open one place that the officer may open, if there is any."""
    chance, who = world.stage.chance, turn.who
    reason = reason or chance.choice(_REASONS[who.role])
    if who.role is Role.FINANCE:
        _look_at_payment(world, turn, reason)
        return
    with turn.reading() as db:
        found = db.scalars(
            known_to(who).where(Case.state != CaseState.CERTIFIED).order_by(None).order_by(Case.code)
        ).all()
        if not found:
            return
        case = chance.choice(found)
        of_person = _OF_PERSON.get(who.role, ())
        compartment = chance.choice(_OF_CASE[who.role] + of_person)
        kind, subject = "case", case.id
        if compartment in of_person:
            people = db.scalars(people_known_to(who, case.id)).all()
            kind, subject = "person", chance.choice(people).id
    _open(turn, kind, subject, compartment, reason)


def _open(turn: Turn, kind: str, subject: UUID, compartment: Compartment, reason: Reason) -> None:
    who = turn.who
    with turn.reading() as db:
        place = records.find(db, who, kind, subject, compartment)
        if place.rows:
            open_places(turn, db, compartment, place.rows, [place.case.subject], reason, {})


def _look_at_payment(world: World, turn: Turn, reason: Reason) -> None:
    with turn.reading() as db:
        query = payments_known_to(turn.who).order_by(None).order_by(PaymentRequest.code)
        payments = db.scalars(query).all()
        if payments:
            payment = world.stage.chance.choice(payments)
            open_places(turn, db, Compartment.FINANCE, [payment], [payment.subject], reason, {})
