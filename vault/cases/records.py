"""The sealed records of a case and of its people: what each compartment shows once it is opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from vault.access.actor import Actor
from vault.access.policy import Compartment, Hold, hold
from vault.access.reading import Opening, SealedRow
from vault.cases import actions
from vault.cases.forms import RECORD_FORMS
from vault.cases.models import Case, DangerArea, Note, Person, ThreatAssessment
from vault.errors import NotKnown
from vault.officers.models import Officer

SHOWN_OF_CASE = (Compartment.LOCATION, Compartment.THREAT, Compartment.CASEWORK)


@dataclass(frozen=True)
class Place:
    """A sealed place on the page of a case: whose it is, what it holds, and the rows in it."""

    case: Case
    person: Person | None
    compartment: Compartment
    rows: Sequence[SealedRow]

    @property
    def kind(self) -> str:
        """Whether this is the case's own or one person's."""
        return "person" if self.person else "case"

    @property
    def subject_id(self) -> UUID:
        """The case or the person."""
        return self.person.id if self.person else self.case.id

    @property
    def whose(self) -> str:
        """In plain words, by code alone."""
        return f"{self.case.code}, {position_of(self.person)}" if self.person else self.case.code

    @property
    def is_page(self) -> bool:
        """Whether it is changed as one page, rather than added to."""
        return self.compartment in RECORD_FORMS

    @property
    def row(self) -> Any:
        """The one row of a place that is changed as a page."""
        return self.rows[0]


def position_of(person: Person) -> str:
    """A person as plain pages name them."""
    return f"person {person.number} ({person.position.label.lower()})"


def shown_of_person(who: Actor) -> list[Compartment]:
    """The compartments of a person that this officer's role may ever open."""
    return [c for c in actions.OF_PERSON if hold(c, who.role) is not Hold.NEVER]


def shown_of_case(who: Actor) -> list[Compartment]:
    """The compartments of a case that this officer's role may ever open."""
    return [c for c in SHOWN_OF_CASE if hold(c, who.role) is not Hold.NEVER]


def find(db: Session, who: Actor, kind: str, subject: UUID, compartment: Compartment) -> Place:
    """The place, with its rows. Raises NotKnown when it is not there or not this officer's to know of."""
    if kind == "person":
        case, person = actions.get_person(db, who, subject)
        if compartment not in actions.OF_PERSON:
            raise NotKnown
        return Place(case, person, compartment, [person])
    case = actions.get(db, who, subject)
    match compartment:
        case Compartment.LOCATION:
            return Place(case, None, compartment, [actions.whereabouts_of(db, case)])
        case Compartment.THREAT:
            assessments = select(ThreatAssessment).where(ThreatAssessment.case == case.id)
            areas = select(DangerArea).where(DangerArea.case == case.id)
            rows = [
                *db.scalars(assessments.order_by(ThreatAssessment.at.desc())),
                *db.scalars(areas.order_by(DangerArea.at)),
            ]
            return Place(case, None, compartment, rows)
        case Compartment.CASEWORK:
            notes = select(Note).where(Note.case == case.id).order_by(Note.at.desc())
            return Place(case, None, compartment, list(db.scalars(notes)))
        case _:
            raise NotKnown


def page_fields(place: Place, opening: Opening) -> list[tuple[str, Any]]:
    """Labels and opened values of a place that is changed as a page."""
    values = opening.of(place.row)
    form = RECORD_FORMS[place.compartment]
    labels = [(name, field.args[0]) for name, field in vars(form).items() if name in values]
    return [(label, values[name]) for name, label in labels]


def authors(db: Session, rows: Sequence[Any]) -> dict[UUID, str]:
    """The names of the officers who wrote these rows, in one query."""
    ids = {row.author for row in rows if hasattr(row, "author")}
    found = db.execute(select(Officer.id, Officer.full_name).where(Officer.id.in_(ids)))
    return dict(found.all())
