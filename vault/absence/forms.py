"""What is asked about an absence."""

from uuid import UUID

from vault.forms import Choice, Choices, Day, VaultForm
from vault.vocabulary import Labelled


class Extent(Labelled):
    """How much is passed on."""

    EVERYTHING = "everything", "Everything that the officer is named on when it begins"
    CHOSEN = "chosen", "Only what is ticked below"


class AbsenceForm(VaultForm):
    """Who stands in, when, and for what."""

    delegate = Choice("Who stands in?", UUID, as_list=True, hint="A colleague of the same role.")
    from_on = Day("First day away")
    until_on = Day("Last day away", hint="The day after it, nothing opens for the colleague any more.")
    extent = Choice("What is passed on?", Extent)
    subjects = Choices("Cases", str, optional=True)
