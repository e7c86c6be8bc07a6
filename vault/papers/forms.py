"""What officers are asked of a paper."""

from vault.access.policy import Reason
from vault.forms import Attachment, Choice, Line, VaultForm
from vault.papers.kinds import OFFERED


class PaperForm(VaultForm):
    """A document for the case. The file comes last, so that what stands before it is checked first."""

    title = Line("Title", 160, hint="What it is, such as “Protective order”. It is sealed with the paper.")
    file = Attachment("File", OFFERED, ask="Choose the file.")


class RemovalForm(VaultForm):
    """Why a paper is taken out of the case."""

    reason = Choice("Why are you removing it?", Reason, as_list=True)
