"""Every page that an officer passed, kept as it was shown, to be looked at in other widths and colours."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Page, Response

IDENT = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)[0-9a-f]{8}(?=$)|(?<=/)[0-9]+(?=$)")


@dataclass(frozen=True)
class Print:
    """One page as it was shown: who saw it, how it was reached, all of it, and where it is."""

    officer: str
    kind: str
    html: str
    path: str

    @property
    def name(self) -> str:
        """What a failure calls it."""
        return f"{self.officer}: {self.kind}"


@dataclass
class Album:
    """The pages in the order in which they were passed; a page that was shown again is kept anew."""

    prints: list[Print] = field(default_factory=list)

    def keep(self, officer: str, page: Page, answer: Response) -> None:
        """Keep what the browser shows now."""
        path = urlsplit(page.url).path
        way = f"{answer.status} {answer.request.method} {IDENT.sub('*', path)}"
        self.prints.append(Print(officer, way, page.content(), path))

    def of(self, officer: str) -> list[Print]:
        """What one officer saw."""
        return [kept for kept in self.prints if kept.officer == officer]

    def find(self, officer: str, kind: str) -> Print:
        """The first page of this kind that the officer saw."""
        return next(kept for kept in self.of(officer) if kept.kind == kind)


SHOW = """html => {
    const kept = new DOMParser().parseFromString(html, "text/html");
    // A page that goes on by itself would leave while it is looked at.
    kept.querySelectorAll("[data-goes-on]").forEach(one => one.removeAttribute("data-goes-on"));
    document.title = kept.title;
    document.body.replaceWith(document.adoptNode(kept.body));
    scrollTo(0, 0);
    const script = document.createElement("script");
    script.src = "/static/vault.js";
    return new Promise((done, failed) => {
        Object.assign(script, {onload: () => done(), onerror: failed});
        document.head.append(script);
    });
}"""


def show(page: Page, kept: Print) -> None:
    """Show a kept page in place of the vault's page that is open, whose styles and policy hold for it too.

    What the script adds to a page is added to it. The styles are not read anew, which saves most of the time.
    """
    page.evaluate(SHOW, kept.html)
