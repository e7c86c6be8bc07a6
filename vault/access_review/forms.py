"""What a review asks about each officer."""

from typing import Any

from wtforms.validators import StopValidation

from vault.access_review.models import ReviewAnswer
from vault.forms import Choice, VaultForm, Words


class AnswerForm(VaultForm):
    """Whether the access stays, and why it shall end."""

    answer = Choice("Does this officer still need this access?", ReviewAnswer)
    reasons = Words("Reasons", 1000, optional=True, hint="Needed for an end. Only auditors read them.")

    def validate_answer(self, field: Any) -> None:
        """An end needs its reason."""
        if field.data is ReviewAnswer.END and not self.reasons.data:
            raise StopValidation("Write below why the access shall end.")
