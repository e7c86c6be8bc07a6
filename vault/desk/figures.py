"""The programme at a glance, counted only over what the officer may know of."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from housing.models import Stay, StayState
from vault.access.actor import Actor
from vault.access.policy import Permission, Role
from vault.cases.models import Person, known_to
from vault.vocabulary import CaseState


@dataclass(frozen=True)
class Glance:
    """Counts of current cases, their people, and how many of the cases sleep in a safe house tonight."""

    cases: int
    people: int
    housed: int
    emergencies: int


def at_a_glance(db: Session, who: Actor) -> Glance | None:
    """The counts, or None for an officer who works on no cases."""
    if not who.may(Permission.SEE_CASES) or who.role is Role.LIAISON:
        return None
    cases = [case for case in db.scalars(known_to(who)) if case.state is not CaseState.CLOSED]
    ids = [case.id for case in cases]
    people = db.scalar(select(func.count()).select_from(Person).where(Person.case.in_(ids))) or 0
    housed = db.scalar(
        select(func.count(func.distinct(Stay.occupant))).where(
            Stay.occupant.in_([case.subject for case in cases]), Stay.state == StayState.ARRIVED
        )
    )
    early = {CaseState.CERTIFIED, CaseState.OFFERED}
    emergencies = sum(case.emergency and case.state in early for case in cases)
    return Glance(len(cases), people, housed or 0, emergencies)
