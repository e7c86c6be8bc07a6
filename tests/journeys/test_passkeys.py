"""Passkeys in a real browser with devices of its own: enrol, sign in, step up, two keys, one of them removed.

The devices are Chromium's, made over its own protocol (WebAuthn.addVirtualAuthenticator).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, CDPSession, expect

from tests.bad_input.served import Served
from tests.journeys import enrolling
from tests.journeys.album import Album
from tests.journeys.at_work import PHONE, AtWork, Authenticator
from tests.journeys.conftest import Staff
from tests.journeys.keyboard import Keyboard
from tests.journeys.test_pages import AXE, RUN, TOO_WIDE
from tests.officers.devices import CODE

KEY = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass
class Keys:
    """The small keys that are plugged into one browser, at most one at a time."""

    browser: CDPSession
    plugged: str = ""

    def plug(self, credentials: list[dict[str, object]]) -> None:
        """Plug in a key with these credentials, or a new one with none."""
        if self.plugged:
            self.browser.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.plugged})
        made = self.browser.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
        self.plugged = made["authenticatorId"]
        for credential in credentials:
            told = {"authenticatorId": self.plugged, "credential": credential}
            self.browser.send("WebAuthn.addCredential", told)

    def held(self) -> list[dict[str, object]]:
        """What is on the key that is plugged in."""
        told = self.browser.send("WebAuthn.getCredentials", {"authenticatorId": self.plugged})
        credentials: list[dict[str, object]] = told["credentials"]
        return credentials


@dataclass
class AtDesk:
    """Vera at a desk whose browser runs scripts, her keys, and where her first one is."""

    vera: AtWork
    keys: Keys
    first: list[dict[str, object]]
    complaints: list[str]


def look(vera: AtWork) -> None:
    """On the open page axe finds nothing, in light and dark, and nothing scrolls sideways at 320 pixels."""
    for width, scheme in ((320, "light"), (1280, "dark")):
        vera.page.set_viewport_size({"width": width, "height": 800})
        vera.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert vera.page.evaluate(TOO_WIDE) <= 0, vera.path
        vera.page.evaluate(AXE)
        assert vera.page.evaluate(RUN, None) == [], vera.path


@pytest.fixture(scope="module")
def desk(browser: Browser, served: Served, staff: Staff) -> Iterator[AtDesk]:
    """Max added Vera, she enrolled with a passkey and no app, and Ada certified her."""
    code = enrolling.add(staff["max"], "vera", "Vera Vole", "Unit clerk")
    origin = f"http://localhost:{served.port}"
    # Nothing moves, so that axe sees no colour halfway.
    vera = AtWork(browser, origin, Album(), "vera", Authenticator(""), reduced_motion="reduce")
    complaints: list[str] = []
    vera.page.on("pageerror", lambda error: complaints.append(str(error)))
    keys = Keys(vera.context.new_cdp_session(vera.page))
    keys.browser.send("WebAuthn.enable")
    keys.plug([])
    vera.go("/enrol")
    asked = {"Name": "vera", "Enrolment code": code}
    vera.write(asked | dict.fromkeys(("New password", "New password again"), enrolling.PASSPHRASE))
    assert vera.press("Go on") == 200
    vera.follow("I have written it down – go on")
    look(vera)
    assert vera.press("Make a passkey and finish") == 200
    assert len(vera.page.locator(".vault-words li").all()) == 8
    enrolling.certify(staff["ada"], "Vera Vole")
    yield AtDesk(vera, keys, keys.held(), complaints)
    vera.leave()


def give_password(officer: AtWork) -> None:
    officer.go("/sign-in")
    officer.write({"Name": "vera", "Password": enrolling.PASSPHRASE})
    officer.tick("I have read this and agree")
    assert officer.press("Go on to the code") == 200


def test_two_keys_one_removed_and_codes_for_the_day_without_either(
    desk: AtDesk, browser: Browser, served: Served
) -> None:
    vera, keys = desk.vera, desk.keys
    give_password(vera)
    look(vera)
    with vera.page.expect_navigation():
        Keyboard(vera.page).enter("button", "Use your passkey")
    vera.sees("Your desk")

    vera.go("/passkeys/add")
    look(vera)
    assert vera.press("Use your passkey") == 200
    keys.plug([])
    vera.write({"Name of the passkey": "blue key"})
    look(vera)
    assert vera.press("Make the passkey") == 200
    second = keys.held()
    vera.sees("The passkey is yours.")
    look(vera)

    vera.follow("Remove First passkey")
    look(vera)
    assert vera.press("Remove the passkey") == 200
    vera.sees("The passkey is gone.")
    vera.sees_nothing_of("First passkey")
    vera.go("/backup-codes")
    look(vera)
    assert vera.press("Make ten new codes") == 200
    look(vera)
    codes = CODE.findall(vera.page.locator("main").inner_text())
    vera.press("Sign out")

    give_password(vera)
    keys.plug(desk.first)
    vera.page.get_by_role("button", name="Use your passkey").click()
    expect(vera.page.get_by_text("No passkey was used.")).to_be_visible()
    keys.plug(second)
    assert vera.press("Sign in") == 200
    vera.sees("Your desk")

    phone = AtWork(browser, vera.origin, Album(), "vera", Authenticator(""), **PHONE)
    give_password(phone)
    phone.sees("A passkey needs a browser that runs scripts")
    expect(phone.page.get_by_role("button", name="Use your passkey")).to_have_count(0)
    phone.page.get_by_text("Use a backup code").click()
    phone.page.get_by_label("Backup code", exact=True).fill(codes[0].lower())
    assert phone.press("Sign in") == 200
    phone.sees("9 codes left")
    phone.leave()
    assert desk.complaints == []
