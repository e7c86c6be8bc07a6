"""Pages that wait for others or for time: axe finds nothing on them, and nothing scrolls sideways."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from tests.cast import Cast
from tests.keys.asking import admit_deciders, approve, ask_destruction, ask_recovery, close
from tests.keys.test_destruction import destroy
from tests.oversight.test_review import FIRST, REMARK, later, review
from tests.programme import open_case

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
RUN = """() => axe.run(document, {resultTypes: ["violations"]}).then(
    found => found.violations.map(({id, nodes}) => id + ": " + nodes[0].html.slice(0, 200)))"""
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def origin(cast: Cast) -> Iterator[str]:
    """The vault of this test on a port of its own."""
    server = make_server("127.0.0.1", 0, cast.stage.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def page_of(browser: Browser, cast: Cast, name: str, origin: str, width: int, scheme: str) -> Page:
    """An officer's browser, signed in already."""
    officer = cast[name]
    context = browser.new_context(
        base_url=origin,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    for part in ("vault", "page"):
        cookie = officer.client.get_cookie(part)
        if cookie is not None:
            context.add_cookies([{"name": part, "value": cookie.value, "url": origin}])
    return context.new_page()


def look(
    browser: Browser,
    cast: Cast,
    origin: str,
    pages: Mapping[str, Sequence[str]],
    answers: Mapping[str, int],
    folder: Path,
) -> dict[str, list[str]]:
    """What is wrong with the pages of each officer; they answer with 200 unless `answers` says otherwise."""
    found: dict[str, list[str]] = {}
    for width, scheme in ((320, "light"), (1280, "dark")):
        for name, paths in pages.items():
            page = page_of(browser, cast, name, origin, width, scheme)
            for number, path in enumerate(paths):
                answer = page.goto(path)
                assert answer is not None
                assert answer.status == answers.get(path, 200), path
                page.screenshot(path=folder / f"{name}-{number}-{width}.png", full_page=True)
                page.evaluate(AXE)
                faults = [*page.evaluate(RUN)] + (["too wide"] if page.evaluate(TOO_WIDE) > 0 else [])
                found |= {f"{path} at {width}": faults} if faults else {}
            page.context.close()
    return found


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_every_page_of_recovery_and_destruction_reads_well(
    cast: Cast, browser: Browser, origin: str, tmp_path: Path
) -> None:
    admit_deciders(cast)
    ended, going, gone = open_case(cast, ["ines"]), open_case(cast, []), open_case(cast, [])
    close(cast, ended.id)
    close(cast, gone.id)
    destroy(cast, gone.id)
    asked = ask_destruction(cast, ended.id, "ada")
    recovery = ask_recovery(cast, "ada", f"case:{going.id}", None, "ada")
    approve(cast, recovery, "dee", "dora")
    pages = {
        "ada": [
            *("/keys/acts", "/keys/acts/ask-recovery", "/keys/acts/ask-destruction"),
            *(f"/keys/acts/{recovery}", f"/keys/acts/{recovery}/import", f"/keys/acts/{asked}"),
            *("/cases/destroyed", f"/cases/{gone.id}", f"/referrals/{gone.referral}"),
        ],
        "dora": [f"/keys/acts/{asked}"],
    }
    gone_with_it = {f"/referrals/{gone.referral}": 410}
    assert look(browser, cast, origin, pages, gone_with_it, tmp_path) == {}


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_the_pages_of_a_week_that_has_ended_read_well(
    cast: Cast, browser: Browser, origin: str, tmp_path: Path
) -> None:
    later(cast, days=8)
    waits = [f"/ledger/weeks/{FIRST}", f"/ledger/weeks/{FIRST}/review", "/ledger/weeks"]
    assert look(browser, cast, origin, {"aud": waits}, {}, tmp_path) == {}
    assert review(cast, FIRST, REMARK) == 303
    assert look(browser, cast, origin, {"aud": [waits[0], waits[2]]}, {}, tmp_path) == {}
