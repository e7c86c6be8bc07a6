"""Who is asking in this request, and asking them for their second factor again."""

from dataclasses import replace
from typing import Any, Self

from flask import g, request

from vault.access.actor import Actor
from vault.access.guard import actor, now, running
from vault.access.policy import STEP_UP, Compartment, Reason
from vault.access.reading import is_stepped_up
from vault.errors import NotSignedIn
from vault.forms import Choice, Code, VaultForm
from vault.officers import signing_in
from vault.officers.sessions import Found
from vault.officers.signing_in import Caller


class StepUpForm(VaultForm):
    """A form whose act asks for the second factor again; the question leaves when it was given lately."""

    code = Code(
        "Code from your authenticator app", hint="Asked again because of what this act opens or decides."
    )

    @classmethod
    def ask(cls, needs_code: bool, **wiring: Any) -> Self:
        """The form, with the code only when it is needed."""
        form = cls(**wiring)
        if not needs_code:
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
        return replace(actor(), stepped_up_at=now())


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
