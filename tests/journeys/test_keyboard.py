"""The keyboard alone, at a desk 1,280 pixels wide: signing in, opening a record, holding a bed."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.bad_input.served import Served
from tests.cast import PASSWORD
from tests.journeys import acts
from tests.journeys.conftest import Opened, Staff
from tests.journeys.keyboard import Keyboard


@pytest.fixture(scope="module")
def desk(browser: Browser, served: Served, staff: Staff) -> Iterator[Page]:
    """Ivo at a desk, signed in with the keyboard alone."""
    context = browser.new_context(
        base_url=f"http://127.0.0.1:{served.port}", viewport={"width": 1280, "height": 900}
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    keys = Keyboard(page)
    page.goto("/sign-in")
    keys.type("Name", "ivo")
    keys.type("Password", PASSWORD.format("ivo"))
    keys.tick("I have read this and agree")
    keys.enter("button", "Go on to the code")
    keys.type("Code from your authenticator app", staff.apps["ivo"].code())
    keys.enter("button", "Sign in")
    expect(page.get_by_role("heading", name="Your desk")).to_be_visible()
    yield page
    context.close()


def test_signing_in_ends_at_the_desk(desk: Page) -> None:
    assert desk.url.endswith("/desk")
    expect(desk.get_by_text("Ivo Ironside")).to_be_visible()


def test_the_first_stop_leads_past_the_menu(desk: Page) -> None:
    desk.goto("/desk")
    keys = Keyboard(desk)
    keys.reach("link", "Skip to main content")
    desk.keyboard.press("Enter")
    expect(desk.locator("main")).to_be_focused()
    desk.keyboard.press("Tab")
    assert desk.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_what_is_wrong_with_a_form_has_the_focus_and_leads_to_its_box(desk: Page, other_case: Opened) -> None:
    desk.goto(other_case.path)
    keys = Keyboard(desk)
    keys.enter("link", "Open threat")
    keys.enter("button", "Open")
    expect(desk.get_by_role("alert")).to_be_focused()
    keys.reach("link", "Answer “Why are you opening this?”.")
    desk.keyboard.press("Enter")
    expect(desk.get_by_label("Why are you opening this?")).to_be_focused()


def test_a_record_is_opened(desk: Page, staff: Staff, other_case: Opened) -> None:
    keys = Keyboard(desk)
    desk.goto("/desk")
    keys.enter("link", "Cases")
    keys.enter("link", other_case.code)
    keys.enter("link", "Open identity")
    keys.pick("Why are you opening this?", "Preparing or making a visit")
    keys.type("Code from your authenticator app", staff.apps["ivo"].code())
    keys.enter("button", "Open")
    expect(desk.get_by_role("heading", name="Identity", exact=True)).to_be_visible()
    expect(desk.locator("main")).to_contain_text("Recorded as entry")


def test_a_bed_is_held_and_confirmed(desk: Page, staff: Staff, other_case: Opened) -> None:
    acts.add_house(staff["ada"], "H-002", 1)
    keys = Keyboard(desk)
    desk.goto("/desk")
    keys.enter("link", "Safe housing")
    keys.pick("Case", other_case.code)
    keys.type("Nights", "3")
    keys.tick("Safe house")
    keys.enter("button", "Search safe housing")
    keys.enter("button", "Hold beds for this case in H-002")
    expect(desk.locator("main")).to_contain_text("The beds are held.")
    keys.enter("button", "Confirm the stay")
    expect(desk.locator("main")).to_contain_text("The stay is confirmed.")


def test_a_control_that_the_focus_passes_by_is_found(desk: Page) -> None:
    desk.goto("/cases")
    desk.evaluate("document.querySelector('nav a[href=\"/desk\"]').tabIndex = -1")
    with pytest.raises(AssertionError, match="Tab does not reach"):
        Keyboard(desk).reach("link", "Desk")


def test_a_control_that_hides_its_focus_is_found(desk: Page) -> None:
    desk.goto("/cases")
    desk.evaluate(
        "document.styleSheets[1].insertRule('a:focus-visible { outline: none !important; }',"
        " document.styleSheets[1].cssRules.length)"
    )
    with pytest.raises(AssertionError, match="does not show it"):
        Keyboard(desk).reach("link", "Desk")
