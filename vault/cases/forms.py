"""What a case asks, and the questions of each sealed compartment: their labels are the record's labels."""

from typing import Any
from uuid import UUID

from wtforms.validators import StopValidation

from vault.access.policy import Compartment
from vault.forms import Choice, Day, Line, VaultForm, Version, Whole, Words, Yes
from vault.officers.asking import StepUpForm
from vault.questions import Money
from vault.vocabulary import CaseState, Labelled, NoteKind, Position, ThreatLevel

USUAL_CEILING = 400_000
"""The programme's usual ceiling, in cents (DOJ OIG I-2001-002)."""


class OpenCaseForm(VaultForm):
    """What is fixed when a case begins (DOJ OIG I-2001-002; 501 CMR 10.08)."""

    ceiling = Money(
        "Support ceiling", default=USUAL_CEILING, hint="At most $4,000. More is for the deputy to decide."
    )
    days = Whole("Days of support", 1, 30, default=30, hint="At most 30. The deputy renews.")

    def validate_ceiling(self, field: Any) -> None:
        """More than the usual ceiling is the deputy's to decide, by renewing support later."""
        if field.data is not None and field.data > USUAL_CEILING:
            raise StopValidation(
                "Enter $4,000.00 or less, and ask the deputy to raise it once the case is open."
            )


class PersonForm(VaultForm):
    """A member of the household; who they are is sealed on the next page."""

    position = Choice("Who is this person in the household?", Position, as_list=True)
    minor = Yes("Under 18")


class StandIn(Labelled):
    """Whether who stands in for an officer is named with them."""

    BOTH = "both", "The officer, and who stands in for them"
    ONLY = "only", "The officer alone"


class NameOfficerForm(VaultForm):
    """Who works on the case from now on."""

    officer = Choice(
        "Officer", UUID, as_list=True, hint="Inspectors and clerks work on the case; a liaison on one person."
    )
    person = Choice("Supervised person", UUID, as_list=True, optional=True, hint="Only for a liaison.")
    stand_in = Choice("This officer is away. Who gets the keys?", StandIn)


class MoveForm(VaultForm):
    """Where the case stands next."""

    state = Choice("The case is now", CaseState)
    version = Version()


class IdentityForm(StepUpForm):
    """Legal names, birth, numbers, and how the person looks."""

    legal_name = Line("Legal name", 160, optional=True)
    aliases = Words("Other names used", 600, optional=True, hint="One on a line.")
    birth_date = Day("Date of birth", optional=True)
    social_security = Line("Social Security number", 20, optional=True)
    documents = Words("Documents and their numbers", 1000, optional=True, hint="One on a line.")
    description = Words("Description", 1500, optional=True)
    version = Version()


class CoverForm(StepUpForm):
    """The protected name and the papers for it."""

    cover_name = Line("Protected name", 160, optional=True)
    cover_papers = Words("Papers issued for it", 1000, optional=True)
    version = Version()


class HealthForm(StepUpForm):
    """Medical and mental health, and treatment."""

    medical = Words("Medical and mental health", 4000, optional=True)
    treatment = Words("Treatment and medication", 4000, optional=True)
    version = Version()


class SupervisionForm(StepUpForm):
    """Parole or probation: conditions and contacts, without any location."""

    supervision_terms = Words("Conditions of supervision", 4000, optional=True)
    supervision_contacts = Words(
        "Contacts and violations", 4000, optional=True, hint="Never write where the person is."
    )
    version = Version()


class LocationForm(StepUpForm):
    """Where the household is now."""

    address = Words("Where they are now", 600, optional=True)
    since = Day("Since", optional=True)
    telephone = Line("Telephone there", 40, optional=True)
    movement = Words("Movements and places to avoid", 2000, optional=True)
    version = Version()


class ThreatForm(VaultForm):
    """One officer's judgement of the danger, with its reasons; no score decides it."""

    level = Choice("How grave is the danger?", ThreatLevel)
    who_threatens = Words("Who threatens, and what they know", 2000)
    capability = Words("What they are able to do", 2000)
    rationale = Words("Why you judge it so", 4000)


class DangerAreaForm(VaultForm):
    """A place that the household must stay away from."""

    label = Line("What is there", 160, hint="Such as the home of the accused’s brother.")
    town = Choice("Nearest town", str, as_list=True)
    radius_miles = Whole("Stay away by at least (miles)", 1, 200, default=10)


class NoteForm(VaultForm):
    """A case note, kept as it is written."""

    kind = Choice("What does it tell of?", NoteKind)
    text = Words("Note", 8000)


RECORD_FORMS: dict[Compartment, type[StepUpForm]] = {
    Compartment.IDENTITY: IdentityForm,
    Compartment.COVER: CoverForm,
    Compartment.HEALTH: HealthForm,
    Compartment.SUPERVISION: SupervisionForm,
    Compartment.LOCATION: LocationForm,
}
"""The compartments that are changed as one page."""

HOLDS = {
    Compartment.IDENTITY: "Legal names, other names, date of birth, numbers and documents, description.",
    Compartment.COVER: "The protected name and the papers issued for it.",
    Compartment.HEALTH: "Medical and mental health, treatment.",
    Compartment.SUPERVISION: "Conditions of parole or probation, contacts and violations, without any place.",
    Compartment.LOCATION: "Where the household is now, since when, and what to avoid.",
    Compartment.THREAT: "Who threatens, what they can do, the assessments and the danger areas.",
    Compartment.CASEWORK: "Notes, contacts, services and breaches, in order.",
}
"""What a closed compartment says of itself."""
