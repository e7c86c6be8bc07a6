"""Every page that an officer passed, kept as it was shown, to be looked at in other widths and colours."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, Response, Route

IDENT = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)[0-9a-f]{8}(?=$)|(?<=/)[0-9]+(?=$)")


@dataclass(frozen=True)
class Print:
    """One page as it was shown: who saw it, how it was reached, and all of it."""

    officer: str
    kind: str
    html: str
    policy: str

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
        way = f"{answer.status} {answer.request.method} {IDENT.sub('*', urlsplit(page.url).path)}"
        policy = answer.header_value("content-security-policy") or ""
        self.prints.append(Print(officer, way, page.content(), policy))

    def of(self, officer: str) -> list[Print]:
        """What one officer saw."""
        return [kept for kept in self.prints if kept.officer == officer]

    def find(self, officer: str, kind: str) -> Print:
        """The first page of this kind that the officer saw."""
        return next(kept for kept in self.of(officer) if kept.kind == kind)


def show(page: Page, origin: str, kept: Print) -> None:
    """Show a kept page again with the styles of the running vault, under the policy it came with."""
    headers: dict[str, Any] = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": kept.policy,
    }
    address = f"{origin}/kept-page"

    def answer(route: Route) -> None:
        route.fulfill(status=200, headers=headers, body=kept.html)

    page.route(address, answer)
    page.goto(address)
    page.unroute(address)
