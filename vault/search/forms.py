"""What is asked of somebody who looks for a person."""

from typing import Any

from vault.access.listings import has_words
from vault.access.policy import Compartment, Hold, Reason, Role, hold
from vault.forms import Choice, Day, Line, Question
from vault.officers.asking import StepUpForm
from vault.search.ways import Way


class SearchForm(StepUpForm):
    """What the officer knows of the person, and why they look for them."""

    way = Choice("What do you know of the person?", Way)
    words = Line(
        "Name or number",
        160,
        optional=True,
        hint="Former and other names count too. Of a number, the last four characters are enough.",
    )
    born = Day("Date of birth", optional=True, hint="Only when you search by the date of birth.")
    reason = Choice("Why are you searching?", Reason, as_list=True, ask="Choose why you are searching.")

    def offer(self, role: Role) -> None:
        """Leave out the household's telephone where the matrix keeps its location shut."""
        # Which of the two boxes must be filled follows from the answer above them.
        self.words.marks_optional = self.born.marks_optional = False
        if hold(Compartment.LOCATION, role) is Hold.NEVER:
            self.way.options = [pair for pair in self.way.options if pair[0] != Way.TELEPHONE]

    @property
    def sought(self) -> str:
        """What is compared."""
        if self.way.data is Way.BORN:
            return self.born.data.isoformat() if self.born.data else ""
        return self.words.data or ""

    def validate(self, extra_validators: Any = None) -> bool:
        """Something of the person must be known, and it stands in the box of its way."""
        is_valid: bool = super().validate(extra_validators)
        field: Question = self.words
        ask = ""
        match self.way.data:
            case Way.BORN if self.born.data is None:
                field, ask = self.born, "Enter the date of birth to search for."
            case Way.PART | Way.WHOLE | Way.SOUND if not has_words(self.sought, "substring"):
                ask = "Enter at least two letters of the name to search for."
            case Way.NUMBER | Way.TELEPHONE if not has_words(self.sought, "number"):
                ask = "Enter at least two letters or digits of the number to search for."
        if ask and not field.errors:
            field.errors = [ask]
        return is_valid and not ask
