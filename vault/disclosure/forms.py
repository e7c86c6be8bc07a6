"""What a disclosure asks of the one who requests, prepares, decides and receives it."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from wtforms.validators import StopValidation

from vault.disclosure.selection import MOST_FIELDS
from vault.forms import Choice, Choices, Day, Line, VaultForm, Version, Words, Yes
from vault.officers.asking import StepUpForm
from vault.vocabulary import DisclosureAuthority, DisclosureOutcome, WitnessHeard

NEITHER = "The programme can neither confirm nor deny that it holds anything about this matter."


class AskForm(VaultForm):
    """A request for disclosure; the order's reference is needed when a court orders it."""

    referral = Choice(
        "Your referral",
        UUID,
        as_list=True,
        hint="You can ask only about a referral of your own.",
        ask="Choose the referral that your request is about.",
    )
    authority = Choice("Authority", DisclosureAuthority, as_list=True)
    order_reference = Line(
        "Reference of the order or request", 120, optional=True, hint="Needed for a court order."
    )
    asked = Words(
        "What you ask to be told", 4000, hint="Name each thing. What is not asked for is not given."
    )
    purpose = Words("What you need it for", 2000)
    agency = Line("Your office", 160)
    address = Words("Address of your office", 300, hint="Kept in the accounting of disclosures.")
    due_on = Day("Needed by", optional=True)

    def validate(self, extra_validators: Any = None) -> bool:
        """A court order is named."""
        whole = bool(super().validate(extra_validators))
        if self.authority.data is not DisclosureAuthority.COURT_ORDER or self.order_reference.data:
            return whole
        self.order_reference.errors = ["Enter the reference of the court order."]
        return False


class WorksheetForm(VaultForm):
    """The five factors weighed before a disclosure (Canada, Witness Protection Program Act, s. 12)."""

    verified = Words(
        "How you made sure of who asks", 2000, hint="Whom you called, on which number, and what they showed."
    )
    reasons = Words("1. Reasons for the disclosure", 4000)
    danger = Words("2. Danger to the person or others if it becomes known", 4000)
    sole_purpose = Words("3. How likely it is used only for its purpose", 4000)
    other_means = Words("4. Whether the need can be met in another way", 4000)
    prevention = Words("5. Whether further disclosure can be prevented", 4000)
    witness_heard = Choice("Was the protected person told?", WitnessHeard)
    witness_words = Words("What they said, or why they were not told", 4000)
    version = Version()


class ChooseForm(StepUpForm):
    """Exactly what may be released; what tells where the household is takes a second confirmation."""

    chosen = Choices("Fields to release", str, ask="Choose at least one field.")
    tells_where = Yes(
        "I chose something that can lead to where the household is, and the order requires it",
        hint="Needed only for location and the protected name.",
    )
    return_by = Day("To be returned or destroyed by", optional=True)
    version = Version()

    guarded: Collection[str] = ()

    def validate_chosen(self, field: Any) -> None:
        """As many as one ledger entry can name."""
        if len(field.data) > MOST_FIELDS:
            raise StopValidation(f"Choose at most {MOST_FIELDS} fields.")

    def validate(self, extra_validators: Any = None) -> bool:
        """Choosing location or cover takes a second word."""
        whole = bool(super().validate(extra_validators))
        if self.tells_where.data or not set(self.chosen.data or ()) & set(self.guarded):
            return whole
        self.tells_where.errors = [
            "You chose location or the protected name. Take it out, or confirm that it must be released."
        ]
        return False


class DecideForm(StepUpForm):
    """The deputy's decision, its reasons, and the words that the requester reads."""

    outcome = Choice("Decision", DisclosureOutcome)
    struck_out = Choices("Strike out", str, optional=True, hint="What you tick is not released.")
    reasons = Words("Reasons", 4000, hint="Sealed to the unit. The requester never reads them.")
    answer = Words(
        "Answer to the requester",
        2000,
        default=NEITHER,
        hint="When you refuse, say the same whether there is a case or not.",
    )
    version = Version()

    def validate(self, extra_validators: Any = None) -> bool:
        """The words that stand there for a refusal do not answer a grant."""
        whole = bool(super().validate(extra_validators))
        if self.outcome.data in {None, DisclosureOutcome.REFUSED} or self.answer.data != NEITHER:
            return whole
        self.answer.errors = ["These words are for a refusal. Say what you grant."]
        return False


class ReleaseForm(StepUpForm):
    """The act of releasing asks for the second factor."""

    version = Version()


class AcknowledgeForm(VaultForm):
    """The recipient's word."""

    received = Yes(
        "I have the packet, I will use it only for the stated purpose, and I will not pass it on",
        optional=False,
        ask="Tick the box once you have opened the packet.",
    )
