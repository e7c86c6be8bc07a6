"""Opened fields leave the page when the officer does."""

from playwright.sync_api import Page, expect

NAME = "Jane Roe"


def open_page(page: Page, gallery: str) -> None:
    page.clock.install()
    page.goto(f"{gallery}/short")
    expect(page.get_by_text(NAME)).to_be_visible()
    expect(page.get_by_text("Recorded as entry 18,204.")).to_be_visible()


def expect_hidden(page: Page) -> None:
    expect(page.get_by_text("Hidden because you were away.")).to_be_visible()
    expect(page.get_by_role("link", name="Open it again.")).to_have_attribute("href", "/short")
    assert NAME not in page.content()


def test_opened_fields_leave_the_page_after_five_minutes_without_a_sign_of_the_officer(
    page: Page, gallery: str
) -> None:
    open_page(page, gallery)
    page.clock.fast_forward("04:59")
    expect(page.get_by_text(NAME)).to_be_visible()
    page.clock.fast_forward("00:02")
    expect_hidden(page)


def test_the_officer_is_told_how_long_opened_fields_stay_and_is_warned_a_minute_before(
    page: Page, gallery: str
) -> None:
    open_page(page, gallery)
    expect(page.get_by_text("Hides itself after 5 quiet minutes.")).to_be_visible()
    page.clock.fast_forward("03:59")
    warning = page.get_by_role("status").filter(has_text="Press any key to keep it open.")
    expect(warning).to_have_count(0)
    page.clock.fast_forward("00:02")
    expect(warning).to_be_visible()
    page.keyboard.press("Shift")
    expect(warning).to_have_count(0)
    expect(page.get_by_text("Hides itself after 5 quiet minutes.")).to_be_visible()
    page.clock.fast_forward("04:59")
    expect(page.get_by_text(NAME)).to_be_visible()


def test_a_key_press_keeps_opened_fields_for_five_more_minutes(page: Page, gallery: str) -> None:
    open_page(page, gallery)
    page.clock.fast_forward("04:59")
    page.keyboard.press("Shift")
    page.clock.fast_forward("04:59")
    expect(page.get_by_text(NAME)).to_be_visible()


def test_opened_fields_leave_the_page_when_the_tab_is_hidden(page: Page, gallery: str) -> None:
    open_page(page, gallery)
    page.evaluate(
        """() => {
            Object.defineProperty(document, "visibilityState", { value: "hidden" });
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    expect_hidden(page)


def test_the_back_button_brings_no_opened_fields_from_the_browser_s_memory(page: Page, gallery: str) -> None:
    open_page(page, gallery)
    page.evaluate("() => window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    expect_hidden(page)


def test_opened_fields_are_not_printed(page: Page, gallery: str) -> None:
    open_page(page, gallery)
    page.emulate_media(media="print")
    expect(page.get_by_text(NAME)).to_be_hidden()


def test_the_officer_is_told_two_minutes_before_being_signed_out(page: Page, gallery: str) -> None:
    open_page(page, gallery)
    warning = page.get_by_role("alert").filter(has_text="You will be signed out in two minutes.")
    page.clock.fast_forward("12:59")
    expect(warning).to_have_count(0)
    page.clock.fast_forward("00:02")
    expect(warning).to_be_visible()
