"""Who is asking in this request, and asking them for their second factor again."""

from dataclasses import replace
from typing import Any, Self
from uuid import UUID

from flask import flash, g, request, url_for

from vault.access.actor import Actor
from vault.access.guard import actor, now, running
from vault.access.policy import STEP_UP, Compartment, Reason
from vault.access.reading import is_stepped_up
from vault.errors import NotSignedIn
from vault.forms import Choice, Proof, VaultForm
from vault.officers import admission, passkeys, recovery_codes, second_factors, signing_in
from vault.officers.failing import Caller
from vault.officers.sessions import Found
from vault.templating import counted


class StepUpForm(VaultForm):
    """A form whose act asks for the second factor again; the question leaves when it was given lately."""

    code = Proof(
        "Code from your authenticator app", hint="Asked again because of what this act opens or decides."
    )

    @classmethod
    def ask(cls, needs_code: bool, **wiring: Any) -> Self:
        """The form, with the code only when it is needed."""
        form = cls(**wiring)
        if needs_code:
            offer_factors(form.code, actor().officer, url_for("officers.passkeys.ask_use"))
        else:
            del form.code
        return form

    @property
    def failures(self) -> list[tuple[str, str]]:
        """What is wrong, in the order of the page: the code is asked last everywhere."""
        return sorted(super().failures, key=lambda wrong: wrong[0] == "code")

    def prove(self) -> Actor:
        """Take the code when one was asked and return the officer as stepped up. Raises ProofRefused."""
        if "code" not in self:
            return actor()
        signing_in.step_up(running(), actor(), found().row.id, self.code.data, caller(), now())
        tell_codes_left(self.code.data, actor().officer)
        return replace(actor(), stepped_up_at=now())


def offer_factors(question: Proof, officer: UUID, passkey_url: str) -> None:
    """Show this officer only the second factors that they have, and that count for their role."""
    vault = running()
    with vault.reading() as db:
        row = admission.get(db, officer)
        own = passkeys.own(db, vault.trust, row)
        has_app = second_factors.has_app(db, officer) and second_factors.takes_app(vault.settings, row, own)
        question.backup = recovery_codes.left(db, officer) > 0
    if own and passkeys.site_of(vault.settings):
        question.passkey_url = passkey_url
    question.app = has_app or not (question.backup or question.passkey_url)


def tell_codes_left(given: str, officer: UUID) -> None:
    """Tell an officer who used up a backup code how many are left."""
    if recovery_codes.letters_of(given) is None:
        return
    with running().reading() as db:
        left = recovery_codes.left(db, officer)
    flash(f"A backup code is used up: {counted(left, 'code')} left. Strike it out on your paper.", "warning")


class OpeningForm(StepUpForm):
    """Why a sealed place is opened, and the code where the matrix asks for it."""

    reason = Choice("Why are you opening this?", Reason, as_list=True)


def needs_code(compartment: Compartment | None) -> bool:
    """Whether opening this compartment (or, with None, deciding) asks this officer for the code now."""
    guarded = compartment is None or compartment in STEP_UP
    return guarded and not is_stepped_up(running(), actor(), now())


def caller() -> Caller:
    """Where this request comes from; the browser in two words, never its whole signature."""
    agent = request.user_agent.string
    browsers = {"Firefox": "Firefox", "Edg": "Edge", "Chrome": "Chrome", "Safari": "Safari"}
    systems = {
        "Android": "Android",
        "iPhone": "iPhone",
        "Windows": "Windows",
        "Mac": "a Mac",
        "Linux": "Linux",
    }
    browser = next((words for mark, words in browsers.items() if mark in agent), "A browser")
    system = next((words for mark, words in systems.items() if mark in agent), "an unknown device")
    return Caller(request.remote_addr or "unknown", f"{browser} on {system}")


def found() -> Found:
    """The session of this request's cookie at any stage. Raises NotSignedIn."""
    if g.get("found") is None:
        raise NotSignedIn("Start by entering your name and password.")
    return g.found  # type: ignore[no-any-return]
