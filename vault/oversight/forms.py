"""How the ledger is narrowed, and what an export asks. Nothing here takes words into an address."""

from typing import Any
from uuid import UUID

from wtforms.validators import StopValidation

from vault.access.events import Event
from vault.access.policy import Compartment, Reason
from vault.forms import Choice, Day, FilterForm, Whole
from vault.officers.asking import StepUpForm
from vault.vocabulary import Labelled

LARGEST_INDEX = 999_999_999_999


class Outcome(Labelled):
    """How an act ended."""

    DONE = "done", "Done"
    REFUSED = "refused", "Refused"
    FAILED = "failed", "Failed"


class LedgerFilter(FilterForm):
    """Which entries are shown; the view lists the officers, cases and places."""

    officer = Choice("Officer", UUID)
    event = Choice("What happened", Event)
    case = Choice("Case", UUID)
    house = Choice("Place", UUID)
    compartment = Choice("Sealed place", Compartment)
    reason = Choice("Reason", Reason)
    outcome = Choice("Outcome", Outcome)
    since = Day("From")
    until = Day("Up to")
    before = Whole("Before entry", 0, LARGEST_INDEX)

    def validate_house(self, field: Any) -> None:
        """One subject at a time."""
        if field.data and self.case.data:
            raise StopValidation("Choose a case or a place, not both.")

    def validate_until(self, field: Any) -> None:
        """A range runs forward."""
        if field.data and self.since.data and field.data < self.since.data:
            raise StopValidation("Choose a day that is not before the first one.")


class ExportForm(StepUpForm):
    """Asks for the second factor again before the ledger leaves the vault."""
