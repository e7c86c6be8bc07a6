"""The question about notices."""

import re

from wtforms import ValidationError

from vault.forms import Choice, Line, VaultForm
from vault.notices.models import Frequency

ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([a-z0-9]([a-z0-9-]{0,62})\.)*[a-z0-9-]{1,63}", re.IGNORECASE
)


def is_address(_form: VaultForm, line: Line) -> None:
    """One address of plain letters and nothing beside it, so that no header can be slipped in."""
    if line.data and not ADDRESS.fullmatch(line.data):
        raise ValidationError("Enter one address, such as name@example.org.")


class NoticesForm(VaultForm):
    """When to be written to, and where."""

    frequency = Choice("When shall a notice be sent?", Frequency)
    address = Line(
        "Your e-mail address",
        120,
        optional=True,
        hint="Leave it empty to keep the one that is known. It is not shown again.",
        validators=[is_address],
    )
