"""The pages of recovery and destruction in a browser: axe finds nothing, and nothing scrolls sideways."""

import threading
from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from tests.cast import Cast
from tests.keys.asking import admit_deciders, approve, ask_destruction, ask_recovery, close
from tests.keys.test_destruction import destroy
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
    found: dict[str, list[str]] = {}
    for width, scheme in ((320, "light"), (1280, "dark")):
        for name, paths in pages.items():
            page = page_of(browser, cast, name, origin, width, scheme)
            for number, path in enumerate(paths):
                answer = page.goto(path)
                assert answer is not None
                assert answer.status == (410 if path.startswith("/referrals") else 200), path
                page.screenshot(path=tmp_path / f"{name}-{number}-{width}.png", full_page=True)
                page.evaluate(AXE)
                faults = [*page.evaluate(RUN)] + (["too wide"] if page.evaluate(TOO_WIDE) > 0 else [])
                found |= {f"{path} at {width}": faults} if faults else {}
            page.context.close()
    assert found == {}
