"""What is asked about partner agencies and memoranda."""

from uuid import UUID

from vault.access.policy import Compartment
from vault.forms import Choice, Choices, Day, Line, VaultForm, Version, Words
from vault.vocabulary import AgencyKind


class AgencyForm(VaultForm):
    """A partner agency."""

    name = Line("Name of the agency", 120)
    kind = Choice("Kind", AgencyKind)
    telephone = Line("Main telephone", 40, optional=True)
    address = Words("Postal address", 300, optional=True, hint="Of the office, never of a safe house.")


class ChangeAgencyForm(AgencyForm):
    """The same, of an agency that is kept already."""

    version = Version()


class ContactForm(VaultForm):
    """An official to call. Never a protected person."""

    name = Line("Name", 80, hint="An official of the agency, never a protected person.")
    position = Line("Position", 80, optional=True)
    telephone = Line("Telephone", 40)
    after_hours = Line("Telephone after hours", 40, optional=True)
    email = Line("E-mail", 120, optional=True, hint="Send no case code and no name by e-mail.")


class MemorandumForm(VaultForm):
    """What a memorandum says."""

    title = Line("What it is about", 120, hint="For example: transfer of housing vouchers.")
    parties = Choices("Parties beside the programme", UUID)
    shared = Choices(
        "What may be shared under it",
        Compartment,
        optional=True,
        hint="It opens nothing by itself: each disclosure is still asked for, decided and recorded.",
    )
    terms = Words("Terms", 4000, optional=True, hint="The undertakings in short, or where the paper is kept.")


class ChangeMemorandumForm(MemorandumForm):
    """The same, of a draft that is kept already."""

    version = Version()


class SignForm(VaultForm):
    """When it was signed, and when it must be signed again."""

    signed_on = Day("Signed by all parties on")
    renew_by = Day("Renew by", hint="Within five years.")
    version = Version()
