"""How a new officer joins: added by the administrator, enrolled, certified by the coordinator."""

import re

from tests.journeys.at_work import AtWork, Authenticator

PASSPHRASE = "four quiet herons wade"
LETTERS = re.compile(r"[A-Z2-7]{4}( [A-Z2-7]{4}){7}")


def add(administrator: AtWork, name: str, full_name: str, role: str) -> str:
    """The administrator opens an account; the one-time code that is shown."""
    administrator.go("/officers")
    administrator.follow("Add an officer")
    administrator.write({"Full name": full_name, "Name for signing in": name})
    administrator.pick("Role", role)
    assert administrator.press("Add the officer") == 200
    return administrator.page.locator(".vault-code").inner_text()


def enrol(newcomer: AtWork, code: str) -> list[str]:
    """The new officer sets a password and an authenticator app; the eight words to be compared."""
    newcomer.go("/sign-in")
    newcomer.follow("Enrol with the code from your administrator")
    newcomer.write(
        {
            "Name": newcomer.name,
            "Enrolment code": code,
            "New password": PASSPHRASE,
            "New password again": PASSPHRASE,
        }
    )
    assert newcomer.press("Go on") == 200
    newcomer.follow("I have written it down – go on")
    letters = LETTERS.search(newcomer.page.locator("main").inner_text())
    assert letters is not None
    newcomer.app = Authenticator(letters[0].replace(" ", ""))
    newcomer.give_code()
    assert newcomer.press("Finish enrolling") == 200
    return newcomer.page.locator(".vault-words li").all_inner_texts()


def certify(coordinator: AtWork, full_name: str) -> list[str]:
    """The coordinator certifies the officer; the eight words that the coordinator was shown."""
    coordinator.go("/officers")
    coordinator.follow(full_name)
    words = coordinator.page.locator(".vault-words li").all_inner_texts()
    coordinator.tick("I met this officer, and the eight words on their screen are these eight words")
    coordinator.give_code()
    assert coordinator.press("Certify") == 200
    return words
