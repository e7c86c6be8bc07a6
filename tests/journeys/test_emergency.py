"""An emergency from the request to the review, in a browser: every page reads well, narrow and wide."""

from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.cast import Cast
from tests.emergency.errands import ADDRESS, WORDS, give, later, open_it, write_address
from tests.journeys.test_key_acts import AXE, RUN, TOO_WIDE, page_of
from tests.journeys.test_key_acts import origin as origin  # noqa: PLC0414 - a fixture is taken by its name
from tests.programme import OpenedCase, open_case

VIEWS = ((320, "light"), (1280, "dark"))


def faults(page: Page) -> list[str]:
    """What axe finds on this page, and whether it scrolls sideways."""
    page.evaluate(AXE)
    wide = page.evaluate(TOO_WIDE)
    return [*page.evaluate(RUN), *([f"{wide} pixels too wide"] if wide > 0 else [])]


def ask(page: Page, case: OpenedCase) -> UUID:
    """Pat asks, with what the page offers; the request's id."""
    page.goto("/emergency")
    page.get_by_role("link", name="Ask now").click()
    page.get_by_label("Case number or referral number").fill(case.code)
    page.get_by_label("Location").check(force=True)
    page.get_by_label("Someone’s life is in danger now").check(force=True)
    page.get_by_label("What has happened").fill(WORDS)
    page.get_by_role("button", name="Send to the officers on call").click()
    expect(page.get_by_text("Your request was sent to the officers on call")).to_be_visible()
    return UUID(page.url.rsplit("/", 1)[1])


@pytest.mark.soak
@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_every_page_of_an_emergency_reads_well_from_the_request_to_the_review(
    cast: Cast, browser: Browser, origin: str
) -> None:
    case = open_case(cast, ["ines"])
    write_address(cast, case)
    for name in ("pat", "dee"):
        cast[name].get("/desk")
    found: dict[str, list[str]] = {}

    def look(name: str, *paths: str) -> None:
        for width, scheme in VIEWS:
            page = page_of(browser, cast, name, origin, width, scheme)
            for path in paths:
                page.goto(path)
                found[f"{name} {path} {width}"] = faults(page)
            page.context.close()

    page = page_of(browser, cast, "pat", origin, 320, "light")
    request = ask(page, case)
    here = f"/emergency/{request}"
    look("pat", here, "/emergency", "/emergency/ask")
    look("ada", "/desk", here, f"{here}/words")
    grant = give(cast, request, "ada")
    look("pat", here, f"{here}/open", "/desk")
    assert ADDRESS in open_it(cast, request, "pat").text
    page.goto(f"{here}/open")
    page.get_by_role("button", name="Open it now").click()
    expect(page.get_by_text(ADDRESS)).to_be_visible()
    found["opened"] = faults(page)
    page.context.close()
    look("dee", "/desk", here)
    later(cast, grant.ends_at, "pat", "dee", "aud")
    look("pat", here)
    look("dee", "/desk", here)
    look("aud", "/emergency", here)
    page = page_of(browser, cast, "dee", origin, 320, "dark")
    page.goto(here)
    page.get_by_label("Justified", exact=True).check(force=True)
    page.get_by_label("What you looked at").fill("He was found in time.")
    if page.get_by_label("Code from your authenticator app").count():
        page.get_by_label("Code from your authenticator app").fill(cast["dee"].code())
    page.get_by_role("button", name="Record the review").click()
    expect(page.get_by_text("Your review is recorded.")).to_be_visible()
    found["reviewed"] = faults(page)
    page.context.close()
    assert {name: faults for name, faults in found.items() if faults} == {}
