"""What a referral and the decisions on it ask."""

from typing import Any

from wtforms.validators import StopValidation

from vault.forms import Choice, Choices, Day, Line, VaultForm, Version, Whole, Words, Yes
from vault.vocabulary import DecisionOutcome, Flag, Harm, HarmBasis


class ReferralForm(VaultForm):
    """A referral as the prosecutor sends it (Conn. Gen. Stat. 54-82t(a)-(b))."""

    witness = Line("Name of the witness", 120)
    contact = Words(
        "How the unit can reach the witness safely",
        400,
        hint="A number, a place or a person, and what to avoid.",
    )
    household = Whole("People in the household, with the witness", 1, 20, default=1)
    docket = Line("Docket number", 60)
    felony = Line("Serious felony charged", 160)
    defendants = Words(
        "Defendants, and where they are", 600, hint="In custody, on bail, or not yet arrested."
    )
    trial_starts = Day("Expected start of the trial", optional=True)
    harm = Choices("What is feared or has happened", Harm)
    basis = Choice("Has harm happened?", HarmBasis)
    flags = Choices("Special considerations", Flag, optional=True)
    narrative = Words("What happened, and why the witness is at risk", 8000)
    urgent = Yes(
        "Someone is in danger today", hint="The unit is told at once. In immediate danger call 911 first."
    )


class DecisionForm(VaultForm):
    """One of the three decisions, with its reasons."""

    outcome = Choice("Decision", DecisionOutcome)
    reasons = Words(
        "Reasons", 4000, hint="Kept sealed with the referral. Relocation needs a stated compelling need."
    )
    version = Version()

    def validate_outcome(self, field: Any) -> None:
        """The options are those of the decision that is being made; the view sets them."""
        if str(field.data) not in {value for value, _ in field.options}:
            raise StopValidation("Choose one of the answers in the list.")


class OpenCaseForm(VaultForm):
    """What the deputy's programme fixes when a case begins."""

    ceiling = Whole(
        "Support ceiling in dollars",
        0,
        1_000_000,
        default=4000,
        hint="The programme's usual ceiling is $4,000.",
    )
    days = Whole("Support period in days", 1, 365, default=30, hint="The usual period is 30 days.")
