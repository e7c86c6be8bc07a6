"""What is asked in an emergency: few questions, because there is no time."""

from typing import Any

from wtforms.validators import StopValidation

from vault.access.policy import Compartment
from vault.emergency.models import Ground, Verdict
from vault.forms import Choice, Line, VaultForm, Words
from vault.officers.asking import StepUpForm
from vault.vocabulary import Labelled


class Answer(Labelled):
    """What an officer on call says."""

    GIVE = "give", "Open it to this officer"
    REFUSE = "refuse", "Refuse it"


class AskForm(VaultForm):
    """What must be seen, and why it cannot wait."""

    number = Line("Case number or referral number", 20, hint="Such as WP-2026-0004 or R-2026-0004.")
    compartment = Choice("What must you see?", Compartment, ask="Choose the one thing that you must see.")
    ground = Choice("Why can it not wait?", Ground)
    words = Words(
        "What has happened, and what will you do with it?",
        2000,
        hint="Sealed to the officers on call, the coordinator, the deputy and the auditors.",
    )


class AnswerForm(StepUpForm):
    """Yes or no from an officer on call."""

    answer = Choice("Your answer", Answer)
    words = Words(
        "If you refuse: why", 1000, optional=True, hint="Sealed. The officer who asked does not read it."
    )

    # Asked of the answer, because what is optional and empty is asked nothing more.
    def validate_answer(self, field: Any) -> None:
        """A refusal has its reasons."""
        if field.data is Answer.REFUSE and not self.words.data:
            raise StopValidation("Write below in a few words why you refuse.")


class ReviewForm(StepUpForm):
    """What another officer finds afterwards."""

    verdict = Choice("Was it justified?", Verdict)
    words = Words("What you looked at, and what follows from it", 2000)
