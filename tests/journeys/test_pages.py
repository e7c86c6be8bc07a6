"""Every page that was passed, looked at again: axe finds nothing, and nothing scrolls sideways on a phone."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page

from tests.bad_input.served import Served
from tests.journeys import touring
from tests.journeys.album import Album, Print, show
from tests.journeys.conftest import Disclosed, Opened, Staff
from tests.journeys.keyboard import SHOWS_FOCUS

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
RUN = """() => axe.run(document, {resultTypes: ["violations"]}).then(
    found => found.violations.map(({id, nodes}) => id + ": " + nodes[0].html.slice(0, 200)))"""
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
HIDES_FOCUS = f"""controls => {{
    const shows = {SHOWS_FOCUS};
    const shown = [...document.querySelectorAll(controls)].filter(one => one.checkVisibility());
    return shown.filter(one => {{
        one.focus();
        return document.activeElement === one && !shows();
    }}).map(one => one.outerHTML.slice(0, 200));
}}"""

Scheme = Literal["light", "dark"]
VIEWS: list[tuple[int, Scheme]] = [(320, "light"), (1280, "dark"), (320, "dark"), (1280, "light")]
WHOLE = 2
"""So many of the views show both widths and both colours; the others are looked at in the long run."""

IN_BOTH_VIEWS = frozenset(
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


ROUTES = Path(__file__).resolve().parents[1] / "rules" / "access-matrix.txt"
"""Every route of the vault; the test of the matrix fails where one is missing there."""

ELSEWHERE = {
    "/": "it leads on at once",
    "/healthz": "it answers machines",
    "/ledger/<int(max=999999999999):index>/proof": "it is a file",
    "/ledger/log/checkpoint": "it answers witnesses",
    "/ledger/log/volumes/<int(max=999999999999):volume>/<any('checkpoint','hand-overs','opening'):part>": (
        "it answers witnesses"
    ),
    "/ledger/log/volumes/<int(max=999999999999):volume>/tile/<tile:tile>": "it answers witnesses",
    "/keys/acts/<uuid:act_id>/import": "test_key_acts.py looks at it, after two approved",
    "/ledger/weeks/<int(max=999999999999):week>/review": "test_key_acts.py looks at it, after a week",
    "/passkeys/<uuid:passkey_id>/remove": "test_passkeys.py looks at it, where there is a passkey",
}
"""The routes whose pages are not passed here, and why."""


@pytest.fixture(scope="module")
def toured(
    staff: Staff,
    everything: None,
    house: str,
    record: Opened,
    other_case: Opened,
    disclosed: Disclosed,
    tmp_path_factory: pytest.TempPathFactory,
) -> Album:
    """The album, with the pages that no errand led to."""
    touring.tour(staff, record, other_case, house, disclosed, tmp_path_factory.mktemp("toured"))
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


def faults(page: Page, width: int, scheme: Scheme) -> list[str]:
    """What axe finds on the page that is shown, in one width and colour scheme."""
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    found: list[str] = page.evaluate(RUN)
    return [f"{width} {scheme}: {words}" for words in found]


def hidden_focus(page: Page) -> list[str]:
    """The controls of the page that is shown which do not show when they have the focus."""
    page.keyboard.press("Tab")  # From now on the browser takes the officer for one who uses the keyboard.
    hidden: list[str] = page.evaluate(HIDES_FOCUS, CONTROLS)
    return [f"hides its focus: {words}" for words in hidden]


def unseen(routes: Iterable[str], album: Album) -> set[str]:
    """The routes of which the album has no page; the way of one route is never taken for that of another."""
    left, named = set(routes), {route for route in routes if "<" not in route}
    paths = {kept.path for kept in album.prints if kept.kind.startswith("200 GET ")}
    for route in routes:
        form = re.compile(re.sub(r"<[^<>]*>", "[^/]+", route))
        if any(form.fullmatch(path) and (route in named or path not in named) for path in paths):
            left.discard(route)
    return left


@pytest.fixture(scope="module")
def looked(toured: Album, viewer: Page) -> Looked:
    """Every kind of page, looked at: the ones that officers have before them most in two views."""
    looked, thorough = Looked(), set(IN_BOTH_VIEWS)
    for number, kept in enumerate(of_each_kind(toured)):
        viewer.set_viewport_size({"width": 320, "height": 640})
        show(viewer, kept)
        if over := viewer.evaluate(TOO_WIDE):
            looked.too_wide[kept.name] = over
        if kept.kind in thorough:
            thorough.remove(kept.kind)
            found = [words for view in VIEWS[:WHOLE] for words in faults(viewer, *view)]
        else:
            found = faults(viewer, *VIEWS[number % len(VIEWS)])
        found += hidden_focus(viewer)
        if found:
            looked.faults[kept.name] = found
    return looked


def test_axe_finds_nothing_on_any_page_and_every_control_shows_its_focus(looked: Looked) -> None:
    assert looked.faults == {}


def test_a_page_of_every_route_was_looked_at(toured: Album) -> None:
    routes = [line.split()[1] for line in ROUTES.read_text().splitlines() if line.startswith("GET ")]
    assert unseen(routes, toured) == set(ELSEWHERE)
    assert unseen([*routes, "/planted", "/cases/<uuid:case_id>/planted"], toured) - set(ELSEWHERE) == {
        "/planted",
        "/cases/<uuid:case_id>/planted",
    }


@pytest.mark.soak
def test_axe_finds_nothing_on_any_officers_page_in_any_width_and_colours(toured: Album, viewer: Page) -> None:
    each = {(kept.officer, kept.kind): kept for kept in toured.prints}
    found: dict[str, list[str]] = {}
    for kept in each.values():
        show(viewer, kept)
        words = [fault for view in VIEWS for fault in faults(viewer, *view)] + hidden_focus(viewer)
        found |= {kept.name: words} if words else {}
    assert found == {}


def test_nothing_scrolls_sideways_on_a_small_phone(looked: Looked) -> None:
    assert looked.too_wide == {}


def test_the_kinds_that_are_looked_at_in_both_views_were_all_passed(toured: Album) -> None:
    # A refusal is kept only where its own test ran before this one.
    must = {kind for kind in IN_BOTH_VIEWS if not kind.startswith("4")}
    assert {kept.kind for kept in toured.prints} >= must


def test_a_planted_fault_and_a_planted_overflow_are_found(toured: Album, viewer: Page) -> None:
    kept = toured.find("ada", "200 GET /desk")
    broken = kept.html.replace("<h1", '<input name="planted"><h1').replace("Your desk", "x" * 80)
    show(viewer, replace(kept, html=broken))
    assert [words for words in faults(viewer, 320, "light") if "label: " in words]
    viewer.evaluate("document.querySelector('h1').style.whiteSpace = 'nowrap'")
    assert viewer.evaluate(TOO_WIDE) > 0
    assert hidden_focus(viewer) == []
    viewer.evaluate(
        "document.styleSheets[1].insertRule('main a:focus-visible { outline: none !important; }',"
        " document.styleSheets[1].cssRules.length)"
    )
    assert hidden_focus(viewer)
    viewer.reload()
    viewer.evaluate(AXE)
