"""What signing in, enrolling and keeping officers asks."""

from importlib.resources import files
from typing import Any

from wtforms.validators import EqualTo, StopValidation

from vault.access.policy import Role
from vault.forms import Choice, Code, Line, Secret, VaultForm, Yes

LEAST_PASSWORD, MOST_PASSWORD = 15, 128


def blocked_passwords() -> frozenset[str]:
    """Words and runs that guessers try first, in lower case."""
    text = files("vault.officers").joinpath("blocked-passwords.txt").read_text()
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def check_new_password(_form: Any, field: Any) -> None:
    """Length and a block list, and no rule about kinds of letters (NIST SP 800-63B-4, 3.1.1.2)."""
    password = field.data or ""
    if len(password) < LEAST_PASSWORD:
        raise StopValidation(f"Use at least {LEAST_PASSWORD} characters. A few unrelated words work well.")
    plain = password.lower()
    if len(set(plain)) < 5 or any(
        word in plain and len(word) * 2 > len(plain) for word in blocked_passwords()
    ):
        raise StopValidation("Guessers try that password first. Choose a few unrelated words.")


class SignInForm(VaultForm):
    """The banner is acknowledged, then the name and the password (CJIS AC-8)."""

    name = Line("Name", 40, ask="Enter the name you sign in with.")
    password = Secret("Password", MOST_PASSWORD, new=False, ask="Enter your password.")
    banner = Yes(
        "I have read this and agree",
        optional=False,
        ask="Tick the box to show that you have read the notice.",
    )


class CodeForm(VaultForm):
    """The second factor."""

    code = Code("Code from your authenticator app", hint="Six digits that change every 30 seconds.")


class EnrolForm(VaultForm):
    """A new officer's one-time code and their own password."""

    name = Line("Name", 40, ask="Enter the name the administrator gave you.")
    enrolment_code = Line(
        "Enrolment code",
        40,
        ask="Enter the code the administrator gave you.",
        hint="Four groups of five, good once.",
    )
    password = Secret(
        "New password",
        MOST_PASSWORD,
        new=True,
        hint="At least 15 characters. A few unrelated words work well. You can paste it from a password manager.",
        validators=[check_new_password],
    )
    again = Secret(
        "New password again",
        MOST_PASSWORD,
        new=True,
        validators=[EqualTo("password", "The two passwords differ. Enter the same one twice.")],
    )


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


class CertifyForm(VaultForm):
    """The coordinator's word that the eight words were compared in person."""

    compared = Yes(
        "I met this officer, and the eight words on their screen are these eight words",
        optional=False,
        ask="Compare the eight words in person first, then tick the box.",
    )
