"""What signing in, enrolling and keeping officers asks."""

from typing import Any, Self

from wtforms.validators import EqualTo, StopValidation

from vault.access.policy import Role
from vault.errors import RuleForbids
from vault.forms import Choice, Code, Line, Proof, Secret, VaultForm, Words, Yes
from vault.officers.asking import StepUpForm
from vault.officers.revoking import Ground
from vault.officers.strength import LEAST, MOST, check_strength


def check_new_password(_form: Any, field: Any) -> None:
    """Say in the form what the rule for passwords says."""
    try:
        check_strength(field.data or "", ())
    except RuleForbids as error:
        raise StopValidation(error.message) from None


class SignInForm(VaultForm):
    """The banner is acknowledged, then the name and the password (CJIS AC-8)."""

    name = Line("Name", 40, ask="Enter the name you sign in with.")
    password = Secret("Password", MOST, new=False, ask="Enter your password.")
    banner = Yes(
        "I have read this and agree",
        optional=False,
        ask="Tick the box to show that you have read the notice.",
    )


SIX_DIGITS = "Six digits that change every 30 seconds."


class CodeForm(VaultForm):
    """The second factor, whichever the officer has."""

    code = Proof("Code from your authenticator app", hint=SIX_DIGITS)


class FirstCodeForm(VaultForm):
    """The first code of an authenticator app that is being set up."""

    code = Code("Code from your authenticator app", hint=SIX_DIGITS)


class MakePasskeyForm(VaultForm):
    """What the officer's browser made; no hand could type it."""

    code = Proof(
        "Passkey",
        ask="Your browser made no passkey. Use a browser that runs scripts, and follow what it asks.",
    )

    def offer(self, url: str) -> Self:
        """The form, with where the browser asks what to make."""
        self.code.passkey_url, self.code.makes_passkey, self.code.app = url, True, False
        return self


class AddPasskeyForm(MakePasskeyForm):
    """A passkey, and what its officer calls it."""

    name = Line(
        "Name of the passkey", 40, hint="Where it is, such as “desk computer” or “blue key on my ring”."
    )


DIFFER = "The two passwords differ. Enter the same one twice."


# A form tells what is wrong in the order of its questions, so each asks for the password in its own place.
def _new_password() -> Secret:
    """A password of the officer's own."""
    return Secret(
        "New password",
        MOST,
        new=True,
        least=LEAST,
        hint="At least 15 characters. A few unrelated words work well; a password manager may paste it.",
        validators=[check_new_password],
    )


def _new_password_again() -> Secret:
    """The same, typed a second time."""
    return Secret("New password again", MOST, new=True, validators=[EqualTo("password", DIFFER)])


class EnrolForm(VaultForm):
    """A new officer's one-time code and their own password."""

    name = Line("Name", 40, ask="Enter the name the administrator gave you.")
    enrolment_code = Line(
        "Enrolment code",
        40,
        ask="Enter the code the administrator gave you.",
        hint="Four groups of five, good once.",
    )
    password = _new_password()
    again = _new_password_again()


class ChangePasswordForm(VaultForm):
    """The password in use, and the next one."""

    old = Secret("Password now", MOST, new=False, ask="Enter the password you use now.")
    password = _new_password()
    again = _new_password_again()


class DuressForm(StepUpForm):
    """The officer's own password, and one for duress or none."""

    own = Secret("Password now", MOST, new=False, ask="Enter the password you use now.")
    password = Secret(
        "Password for duress",
        MOST,
        new=True,
        least=LEAST,
        optional=True,
        hint="At least 15 characters, and not like your own. Leave it empty to have none.",
        validators=[check_new_password, EqualTo("again", DIFFER)],
    )
    again = Secret(
        "Password for duress again", MOST, new=True, optional=True, validators=[EqualTo("password", DIFFER)]
    )


class RecoverForm(VaultForm):
    """The paper code, the authenticator's code, and a new password."""

    name = Line("Name", 40, ask="Enter the name you sign in with.")
    recovery_code = Line(
        "Recovery code",
        60,
        ask="Enter the recovery code from your paper.",
        hint="Eight groups of four. A backup code of four groups is another thing and does not fit here.",
    )
    code = Proof("Code from your authenticator app")
    password = _new_password()
    again = _new_password_again()

    def __init__(self, **wiring: Any) -> None:
        super().__init__(**wiring)
        self.code.backup = True  # Who has some is not told before they are known.


class AddOfficerForm(VaultForm):
    """What the administrator knows of a new officer."""

    full_name = Line("Full name", 80, hint="As colleagues know them.")
    name = Line("Name for signing in", 40, hint="Short, such as “ada”. Letters, digits, dots and hyphens.")
    role = Choice(
        "Role", Role, as_list=True, hint="The coordinator must certify the officer before it counts."
    )

    def validate_name(self, field: Any) -> None:
        """A name that can be typed on any keyboard and never confused."""
        if not all(c.isascii() and (c.isalnum() or c in ".-") for c in field.data or ""):
            raise StopValidation("Use letters, digits, dots and hyphens only.")


class EnrolAgainForm(StepUpForm):
    """In which role an officer enrols again, and the administrator's code."""

    role = Choice("Role from now on", Role, as_list=True)


class EndAccessForm(StepUpForm):
    """Why an officer's access ends, and the code of whoever ends it."""

    ground = Choice("Why does it end?", Ground)
    words = Words(
        "What happened",
        2000,
        optional=True,
        hint="Only the auditors read it. Write no name of anybody protected.",
    )


class CertifyForm(StepUpForm):
    """The coordinator's word that the eight words were compared in person."""

    compared = Yes(
        "I met this officer, and the eight words on their screen are these eight words",
        optional=False,
        ask="Compare the eight words in person first, then tick the box.",
    )
