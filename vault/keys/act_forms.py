"""What is asked when keys are recovered or records destroyed."""

from uuid import UUID

from vault.access.policy import Compartment
from vault.forms import Attachment, Choice, Words, Yes
from vault.keys.acts import GROUNDS
from vault.keys.models import Ground, KeyActKind
from vault.officers.asking import StepUpForm
from vault.vocabulary import Labelled

REASONS_HINT = "Only auditors read this. Those who approve hear from you in person why."


class Answer(Labelled):
    """What an officer who decides says."""

    APPROVE = "approve", "Approve it"
    REFUSE = "refuse", "Refuse it, which ends the request"


def limit_grounds(form: "AskRecoveryForm | AskDestructionForm", kind: KeyActKind) -> None:
    """Offer the grounds of this kind of request alone."""
    form.ground.options = [(str(ground.value), ground.label) for ground in GROUNDS[kind]]


class AskRecoveryForm(StepUpForm):
    """Which keys are to be recovered, and for whom."""

    subject = Choice(
        "What can nobody open?", str, as_list=True, ask="Choose the case, the place or everything."
    )
    compartment = Choice(
        "Only one part of it", Compartment, as_list=True, optional=True, hint="Leave empty for all parts."
    )
    for_officer = Choice(
        "Who will hold it",
        UUID,
        as_list=True,
        hint="Their keys must be certified. They hold what the matrix gives their role, and nothing else.",
        ask="Choose the officer.",
    )
    ground = Choice("Why", Ground, ask="Choose why.")
    reasons = Words("What happened", 2000, hint=REASONS_HINT)


class AskDestructionForm(StepUpForm):
    """Whose records are to be destroyed."""

    case = Choice("Case", UUID, as_list=True, hint="Only cases that have ended.", ask="Choose the case.")
    ground = Choice("Why", Ground, ask="Choose why.")
    reasons = Words("Your reasons", 2000, hint=REASONS_HINT)


class DecideForm(StepUpForm):
    """Yes or no to a request."""

    answer = Choice("Your decision", Answer, ask="Choose one of the two.")


class DestroyForm(StepUpForm):
    """The last question before records are destroyed."""

    sure = Yes(
        "I understand that nobody can ever open these records again",
        optional=False,
        ask="Tick the box to show that you have understood.",
    )


class ImportForm(StepUpForm):
    """The file that came back from the offline machine."""

    answer = Attachment(
        "File from the offline machine", ["application/json"], ask="Choose the file that was carried back."
    )
