"""Every page that was passed, looked at again: axe finds nothing, and nothing scrolls sideways on a phone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page

from tests.bad_input.served import Served
from tests.journeys import overseeing
from tests.journeys.album import Album, Print, show
from tests.journeys.conftest import Disclosed, Opened, Staff

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
RUN = """rules => axe.run(document, {resultTypes: ["violations"], ...(rules && {runOnly: rules})}).then(
    found => found.violations.map(({id, nodes}) => id + ": " + nodes[0].html.slice(0, 200)))"""
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

Scheme = Literal["light", "dark"]
VIEWS: list[tuple[int, Scheme]] = [(320, "light"), (1280, "dark"), (320, "dark"), (1280, "light")]
WHOLE = 2
"""In so many of the views every rule is asked; the later ones differ from them in their colours alone."""

IN_EVERY_VIEW = frozenset(
    {
        "200 GET /sign-in",
        "422 POST /sign-in",
        "200 GET /enrol/second-factor",
        "200 GET /desk",
        "200 GET /referrals/*",
        "200 GET /cases",
        "200 GET /cases/*",
        "200 POST /records/person/*/identity/open",
        "200 POST /records/person/*/identity/change",
        "200 GET /search",
        "200 POST /search",
        "200 GET /safe-housing",
        "200 POST /safe-housing/search",
        "200 GET /safe-housing/*",
        "200 POST /safe-housing/*/open-address",
        "409 POST /safe-housing/*/hold",
        "200 GET /safe-housing/stays/*",
        "200 GET /payments",
        "200 GET /payments/*",
        "200 GET /payments/*/decision",
        "200 GET /disclosure",
        "200 GET /disclosure/*",
        "200 GET /ledger",
        "200 GET /ledger/*",
        "200 GET /officers",
        "200 GET /officers/*",
        "404 GET /cases/*",
    }
)
"""The kinds of page that officers have before them most; each other kind is looked at in one view in turn."""


@pytest.fixture(scope="module")
def toured(staff: Staff, everything: None, house: str, record: Opened, disclosed: Disclosed) -> Album:
    """The album, with the pages that no errand led to."""
    case = record.path.removeprefix("/cases/")
    tours = {
        "ada": [
            *(
                "/cases",
                "/referrals",
                "/payments",
                "/payments/new",
                "/agencies",
                "/agencies/add",
                "/officers",
            ),
            *("/keys", "/keys/seals", "/keys/renewal"),
            *("/disclosure", "/disclosure/accounting", "/safe-housing", "/safe-housing/separations", house),
            *(f"{house}/{act}" for act in ("confirm", "close", "compromise", "address/change")),
            *(f"{record.path}/{act}" for act in ("people/add", "support")),
        ],
        "ines": [
            *("/cases", record.path, "/safe-housing", "/agencies", "/sessions", "/password"),
            *("/account", "/passkeys/add", "/backup-codes", "/notices"),
        ],
        "dee": ["/cases", record.path, f"{record.path}/support", "/payments", "/disclosure", "/referrals"],
        "fin": ["/payments", f"{record.path}/support"],
        "pat": ["/referrals", "/disclosure", disclosed.path],
        "aud": [
            *("/ledger", "/ledger?outcome=refused", "/ledger/30", "/ledger/checkpoint", "/ledger/export"),
            *("/ledger/seals", "/ledger/matrix", f"/ledger/subjects/case/{case}", "/disclosure", "/keys"),
            *("/ledger/alerts?state=", "/ledger/weeks", "/ledger/figures", "/ledger?since=tomorrow"),
            *("/ledger/subjects", f"/ledger?case={case}", "/ledger/alerts"),
            *("/ledger/witnesses", "/ledger/witnesses/register", "/ledger/witnesses/take-in"),
        ],
        "max": [
            *("/officers", "/officers/add", "/cases", "/administration", "/administration/sessions"),
            *("/administration/roles", "/administration/settings"),
        ],
    }
    for name, paths in tours.items():
        for path in paths:
            staff[name].go(path)
    staff["max"].go("/officers")
    staff["max"].follow("Ivo Ironside")
    staff["max"].follow("Enrol again")
    overseeing.try_doors(staff["ivo"])
    overseeing.dismiss(staff["aud"])
    overseeing.flag(staff["aud"], case)
    for way in ("/ledger/weeks", "/ledger/figures"):
        staff["aud"].go(way)
        staff["aud"].page.locator("tbody a").first.click()
        staff["aud"].go(staff["aud"].path)
    staff["aud"].go("/ledger?event=signed-in")
    staff["aud"].page.locator("tbody a").first.click()
    staff["aud"].go(staff["aud"].path)
    staff["aud"].page.get_by_role("link", name="as a story").click()
    visitor = staff.another("nobody")
    for path, button in (
        ("/recover", "Set the new password"),
        ("/enrol", "Go on"),
        ("/sign-in", "Go on to the code"),
    ):
        visitor.go(path)
        visitor.press(button)
    visitor.leave()
    return staff.album


@pytest.fixture(scope="module")
def viewer(browser: Browser, served: Served) -> Iterator[Page]:
    """A browser in which kept pages are shown again; nothing moves, so that no colour is caught halfway."""
    context = browser.new_context(base_url=f"http://127.0.0.1:{served.port}", reduced_motion="reduce")
    page = context.new_page()
    page.goto("/sign-in")
    page.evaluate(AXE)
    yield page
    context.close()


def of_each_kind(album: Album) -> list[Print]:
    """One print of each kind of page, and every role's own where the roles' pages differ most."""
    own = {"200 GET /desk", "200 GET /cases/*", "200 GET /disclosure/*", "200 GET /payments/*"}
    chosen: dict[tuple[str, str], Print] = {}
    for kept in album.prints:
        chosen[kept.officer if kept.kind in own else "", kept.kind] = kept
    return list(chosen.values())


@dataclass
class Looked:
    """What was found on the pages, by the name of the page."""

    faults: dict[str, list[str]] = field(default_factory=dict)
    too_wide: dict[str, int] = field(default_factory=dict)


def faults(page: Page, width: int, scheme: Scheme, rules: list[str] | None) -> list[str]:
    """What axe finds on the page that is shown, in one width and colour scheme."""
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    found: list[str] = page.evaluate(RUN, rules)
    return [f"{width} {scheme}: {words}" for words in found]


@pytest.fixture(scope="module")
def looked(toured: Album, viewer: Page) -> Looked:
    """Every kind of page, looked at: the ones that officers have before them most in every view."""
    looked, thorough = Looked(), set(IN_EVERY_VIEW)
    for number, kept in enumerate(of_each_kind(toured)):
        viewer.set_viewport_size({"width": 320, "height": 640})
        show(viewer, kept)
        if over := viewer.evaluate(TOO_WIDE):
            looked.too_wide[kept.name] = over
        if kept.kind in thorough:
            thorough.remove(kept.kind)
            found = [words for view in VIEWS[:WHOLE] for words in faults(viewer, *view, None)]
            found += [words for view in VIEWS[WHOLE:] for words in faults(viewer, *view, ["color-contrast"])]
        else:
            found = faults(viewer, *VIEWS[number % len(VIEWS)], None)
        if found:
            looked.faults[kept.name] = found
    return looked


def test_axe_finds_nothing_on_any_page(looked: Looked) -> None:
    assert looked.faults == {}


def test_nothing_scrolls_sideways_on_a_small_phone(looked: Looked) -> None:
    assert looked.too_wide == {}


def test_the_kinds_that_are_looked_at_in_every_view_were_all_passed(toured: Album) -> None:
    # A refusal is kept only where its own test ran before this one.
    must = {kind for kind in IN_EVERY_VIEW if not kind.startswith("4")}
    assert {kept.kind for kept in toured.prints} >= must


def test_a_planted_fault_and_a_planted_overflow_are_found(toured: Album, viewer: Page) -> None:
    kept = toured.find("ada", "200 GET /desk")
    broken = kept.html.replace("<h1", '<input name="planted"><h1').replace("Your desk", "x" * 80)
    show(viewer, Print("ada", kept.kind, broken))
    assert [words for words in faults(viewer, 320, "light", None) if "label: " in words]
    viewer.evaluate("document.querySelector('h1').style.whiteSpace = 'nowrap'")
    assert viewer.evaluate(TOO_WIDE) > 0
