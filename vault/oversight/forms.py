"""How the ledger is narrowed, and what an export asks. Nothing here takes words into an address."""

from typing import Any
from uuid import UUID

from wtforms.validators import StopValidation

from audit.errors import NotVerified
from audit.notes import VerifierKey
from vault.access.events import Event
from vault.access.policy import Compartment, Reason
from vault.forms import Choice, Day, FilterForm, Line, VaultForm, Whole, Words
from vault.officers.asking import StepUpForm
from vault.oversight.models import Rule
from vault.vocabulary import Labelled

LARGEST_INDEX = 999_999_999_999


class Outcome(Labelled):
    """How an act ended."""

    DONE = "done", "Done"
    REFUSED = "refused", "Refused"
    FAILED = "failed", "Failed"


class LedgerFilter(FilterForm):
    """Which entries are shown; the view lists the officers, and the one case and place that are asked for."""

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

    def validate_until(self, field: Any) -> None:
        """A range runs forward."""
        if field.data and self.since.data and field.data < self.since.data:
            raise StopValidation("Choose a day that is not before the first one.")


class NarrowForm(VaultForm):
    """The same questions for the page, where a case and a place are called by their numbers.

    What is typed is posted and never stands in an address: somebody might type a name.
    """

    officer = Choice("Officer", UUID)
    event = Choice("What happened", Event)
    case_code = Line("Case number", 20, hint="As in WP-2026-0004.")
    house_code = Line("Place", 20, hint="As in H-012.")
    compartment = Choice("Sealed place", Compartment)
    reason = Choice("Reason", Reason)
    outcome = Choice("Outcome", Outcome)
    since = Day("From")
    until = Day("Up to")

    validate_until = LedgerFilter.validate_until

    def __init__(self, **wiring: Any) -> None:
        super().__init__(**wiring)
        for field in self.questions():
            field.optional, field.marks_optional, field.unchosen = True, False, "Any"


class PageFilter(FilterForm):
    """Which page of a list is shown."""

    before = Whole("Before entry", 0, LARGEST_INDEX)


class SubjectForm(VaultForm):
    """Asks of which case or place it shall be told who has ever seen it."""

    code = Line(
        "Number of the case or place",
        20,
        hint="As in WP-2026-0004 or H-012. The people of a case are listed with the case.",
        ask="Enter the number of a case or a place.",
    )


class AlertState(Labelled):
    """Which alerts are listed."""

    OPEN = "open", "Open"
    DISMISSED = "dismissed", "Dismissed"


class AlertFilter(FilterForm):
    """Which alerts are listed; the view lists the officers."""

    state = Choice("State", AlertState)
    rule = Choice("Kind", Rule)
    officer = Choice("Officer", UUID)
    before = Whole("Before entry", 0, LARGEST_INDEX)


class Span(Labelled):
    """How far back figures reach."""

    MONTH = "4", "4 weeks"
    QUARTER = "13", "13 weeks"
    YEAR = "52", "52 weeks"


class SpanFilter(FilterForm):
    """How far back figures reach."""

    span = Choice("How far back", Span)


class WhyForm(VaultForm):
    """The words that go with a decision, sealed to the auditors."""

    why = Words("Reason", 2000, hint="Only auditors can read it. It stays with the entry.")


class ReviewForm(StepUpForm):
    """Signs a week off."""

    remark = Words(
        "Remark", 4000, optional=True, hint="Only auditors can read it. It can never be changed afterwards."
    )


class WitnessForm(VaultForm):
    """Takes in the note that the outside witness cosigned."""

    note = Words("Cosigned checkpoint", 40_000, hint="The whole text of the file, with its signature lines.")


class RegisterWitnessForm(StepUpForm):
    """An outside witness: where it runs, and the key it cosigns with."""

    name = Line("Where it runs", 80, hint="For example: laptop in the audit office. Name no person.")
    key = Line("The witness's key", 400, hint="The one line in the file witness.vkey of its folder.")

    def validate_key(self, field: Any) -> None:
        """A line that is no key at all is told apart from the key of another log."""
        try:
            VerifierKey.from_text(field.data)
        except NotVerified:
            raise StopValidation("Copy the whole line of the file witness.vkey: this is no key.") from None


class EndWitnessForm(StepUpForm):
    """Asks for the second factor again before a witness is no longer believed."""


class ExportForm(StepUpForm):
    """Asks for the second factor again before the ledger leaves the vault."""
