"""Every piece of the look, in a real browser, light and dark, wide and narrow."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

VIEWS = [(width, scheme) for width in (320, 1280) for scheme in ("light", "dark")]


@pytest.fixture(params=VIEWS, ids=lambda view: f"{view[0]}-{view[1]}")
def view(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page of one width in one colour scheme."""
    width: int
    scheme: Literal["light", "dark"]
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    yield context.new_page()
    context.close()


@pytest.fixture
def scriptless(browser: Browser) -> Iterator[Page]:
    """A phone with its scripts switched off."""
    context = browser.new_context(viewport={"width": 320, "height": 640}, java_script_enabled=False)
    yield context.new_page()
    context.close()


def found_by_axe(page: Page) -> list[str]:
    """Return what axe finds, as the rule and the first place of each."""
    violations: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [f"{found['id']}: {found['nodes'][0]['html'][:200]}" for found in violations]


def send_empty(page: Page, gallery: str) -> None:
    """Send the gallery's form without a single answer, so that every error shows."""
    page.goto(gallery)
    page.get_by_label("People in the household").fill("none")
    page.get_by_label("Amount").fill("much")
    page.get_by_role("button", name="Send the referral").click()
    expect(page).to_have_title("Error: Gallery – Vault")


def test_axe_finds_nothing_on_the_gallery_with_its_errors(view: Page, gallery: str) -> None:
    send_empty(view, gallery)
    assert found_by_axe(view) == []


def test_axe_finds_nothing_on_the_gallery_before_it_is_sent(page: Page, gallery: str) -> None:
    page.goto(gallery)
    assert found_by_axe(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_error_page(
    page: Page, gallery: str, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{gallery}/wrong")
    assert found_by_axe(page) == []


@pytest.mark.parametrize(("planted", "rule"), [("unlabelled", "label"), ("pale", "color-contrast")])
def test_axe_finds_a_planted_breach(page: Page, gallery: str, planted: str, rule: str) -> None:
    page.goto(f"{gallery}/planted/{planted}")
    # A rule for the words is added to the sheet itself, as a careless change would.
    page.evaluate("document.styleSheets[1].insertRule('.planted-pale { color: var(--line); }')")
    assert [found.split(":")[0] for found in found_by_axe(page)] == [rule]


def test_nothing_scrolls_sideways(view: Page, gallery: str) -> None:
    for path in ("/", "/wrong"):
        view.goto(gallery + path)
        assert view.evaluate("document.documentElement.scrollWidth - window.innerWidth") == 0


def test_the_pages_break_no_policy_and_miss_no_file(page: Page, gallery: str) -> None:
    missing: list[str] = []
    page.on("response", lambda response: missing.append(response.url) if response.status >= 400 else None)
    page.on("requestfailed", lambda request: missing.append(request.url))
    page.goto(gallery)
    expect(page.get_by_role("button", name="Show password")).to_be_visible()
    page.emulate_media(color_scheme="dark")
    page.wait_for_load_state("networkidle")
    assert missing == []


def test_an_inline_script_a_style_and_a_data_picture_are_blocked(browser: Browser, gallery: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{gallery}/planted/script")
    expect(page.locator("#told")).to_have_text("Untouched")
    expect(page.locator("#styled")).not_to_have_css("color", "rgb(1, 2, 3)")
    assert len([words for words in complaints if "Content Security Policy" in words]) == 3
    context.close()


def test_the_phone_s_menu_opens_without_a_script(scriptless: Page, gallery: str) -> None:
    scriptless.goto(gallery)
    expect(scriptless.get_by_role("link", name="Safe housing")).to_be_hidden()
    scriptless.get_by_text("Menu", exact=True).click()
    expect(scriptless.get_by_role("link", name="Safe housing")).to_be_visible()


def test_the_keyboard_reaches_the_content_first_and_then_the_act(page: Page, gallery: str) -> None:
    page.goto(gallery)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Edit")).to_be_focused()


def test_keys_reach_a_table_that_may_scroll_sideways(page: Page, gallery: str) -> None:
    page.goto(gallery)
    page.get_by_role("search").get_by_role("link", name="Clear").focus()
    page.keyboard.press("Tab")
    expect(page.locator(".vault-table:has(caption:text-is('Open cases'))")).to_be_focused()


def test_the_list_of_errors_takes_the_focus_and_leads_to_the_box(page: Page, gallery: str) -> None:
    send_empty(page, gallery)
    summary = page.get_by_role("alert").filter(has_text="There is a problem")
    expect(summary).to_be_focused()
    summary.get_by_role("link", name="Enter the docket number.").click()
    box = page.get_by_label("Docket number")
    expect(box).to_be_focused()
    expect(box).to_have_accessible_description(
        "As it stands on the information, for example HHD-CR26-0001. Error: Enter the docket number."
    )
    summary.get_by_role("link", name="Answer “What was done to the witness?”.").click()
    expect(page.get_by_label("Intimidation")).to_be_focused()


def test_what_was_typed_is_still_there_after_an_error_but_no_secret_is(page: Page, gallery: str) -> None:
    page.goto(gallery)
    page.get_by_label("Docket number").fill("HHD-CR26-0007")
    page.get_by_label("Threat", exact=True).check()
    page.get_by_label("Password").fill("fifteen letters or more")
    page.get_by_label("Code from your authenticator").fill("123456")
    page.get_by_role("button", name="Send the referral").click()
    expect(page.get_by_label("Docket number")).to_have_value("HHD-CR26-0007")
    expect(page.get_by_label("Threat", exact=True)).to_be_checked()
    expect(page.get_by_label("Password")).to_have_value("")
    expect(page.get_by_label("Code from your authenticator")).to_have_value("")


def test_a_password_can_be_looked_at_and_is_sent_hidden(page: Page, gallery: str) -> None:
    page.goto(gallery)
    box = page.get_by_label("Password", exact=True)
    page.get_by_role("button", name="Show password").click()
    expect(box).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide password").click()
    expect(box).to_have_attribute("type", "password")


def test_how_far_a_new_password_has_come_is_told_in_words(page: Page, gallery: str) -> None:
    page.goto(gallery)
    box = page.get_by_label("Password", exact=True)
    for typed, words in (
        ("eleven gre", "10 of at least 15 characters."),
        ("eleven green te", "Long enough. One more word would make it stronger."),
        ("eleven green teapots sing", "Long enough, and strong if its words are unrelated."),
    ):
        box.fill(typed)
        expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()
    box.fill("")
    expect(page.get_by_role("status").filter(has_text="enough")).to_have_count(0)
