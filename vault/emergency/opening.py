"""The places that a grant opens, and what was opened of them as the page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from vault.access.models import EmergencyGrant, Lockbox
from vault.access.policy import Compartment
from vault.access.reading import SealedRow
from vault.cases.models import Case, DangerArea, Note, Person, ThreatAssessment, Whereabouts
from vault.cases.records import Place


@dataclass
class Nothing:
    """A place in which nothing is kept yet: looking at it is a look all the same."""

    id: UUID
    subject: str

    def lockbox_subject(self, compartment: str) -> str:
        """The lockbox of the place."""
        return self.subject


def places_of(db: Session, grant: EmergencyGrant) -> list[Place]:
    """The places of the lockboxes that the grant names, and no others, in the order of the people."""
    case = db.get_one(Case, grant.case)
    named = db.scalars(select(Lockbox.subject).where(Lockbox.id.in_([UUID(box) for box in grant.lockboxes])))
    ids = {UUID(subject.partition(":")[2]) for subject in named if subject.startswith("person:")}
    if ids:
        people = db.scalars(select(Person).where(Person.id.in_(ids)).order_by(Person.number))
        return [Place(case, person, grant.compartment, [person]) for person in people]
    return [Place(case, None, grant.compartment, _rows(db, case, grant.compartment))]


def _rows(db: Session, case: Case, compartment: Compartment) -> Sequence[SealedRow]:
    of = {
        Compartment.LOCATION: (Whereabouts,),
        Compartment.THREAT: (ThreatAssessment, DangerArea),
        Compartment.CASEWORK: (Note,),
    }
    models: tuple[Any, ...] = of.get(compartment, ())
    found: list[Any] = []
    for model in models:
        rows = db.scalars(select(model).where(model.case == case.id))
        found += sorted(rows, key=lambda row: getattr(row, "at", case.opened_at), reverse=True)
    return found


def rows_in(places: Sequence[Place]) -> list[SealedRow]:
    """Every row of the places; one that is empty still names its lockbox in the entry."""
    rows = [row for place in places for row in place.rows]
    return rows or [Nothing(place.case.id, place.case.subject) for place in places]
