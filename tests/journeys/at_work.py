"""Officers at their own browsers, who use pages as people do: by labels, legends, links and buttons."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Download, Page, Response, expect

from tests.authenticator import Authenticator
from tests.cast import PASSWORD
from tests.journeys.album import Album

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "java_script_enabled": False}
"""A small telephone whose browser runs no scripts."""

# A page may be slow on a busy machine; what it does not say by then it will never say.
expect.set_options(timeout=30_000)
WRITTEN = "textarea, input:not([type=radio], [type=checkbox])"


class AtWork:
    """One officer at one browser of their own."""

    def __init__(
        self, browser: Browser, origin: str, album: Album, name: str, app: Authenticator, **device: Any
    ) -> None:
        self.origin, self.album, self.name, self.app = origin, album, name, app
        self.context = browser.new_context(base_url=origin, **device)
        self.context.set_default_timeout(60_000)
        self.page: Page = self.context.new_page()

    def sign_in(self, password: str | None = None) -> "AtWork":
        """Sign in with name, password and code."""
        self.go("/sign-in")
        self.write({"Name": self.name, "Password": password or PASSWORD.format(self.name)})
        self.tick("I have read this and agree")
        self.press("Go on to the code")
        self.give_code()
        self.press("Sign in")
        self.sees("Your desk")
        return self

    def go(self, path: str) -> int:
        """Go to an address; the status of its page."""
        answer = self.page.goto(path)
        assert answer is not None
        return self._arrived(answer)

    def follow(self, link: str) -> int:
        """Follow the first link of that name."""
        return self._through(self.page.get_by_role("link", name=link, exact=True).first)

    def press(self, button: str) -> int:
        """Press the button of that name."""
        return self._through(self.page.get_by_role("button", name=button, exact=True))

    def _through(self, way: Any) -> int:
        with self.page.expect_navigation() as arriving:
            way.click()
        answer = arriving.value
        assert answer is not None
        return self._arrived(answer)

    def _arrived(self, answer: Response) -> int:
        self.album.keep(self.name, self.page, answer)
        return answer.status

    def download(self, button: str, to: Path) -> Path:
        """Press a button that hands out a file, and keep the file."""
        with self.page.expect_download() as handing:
            self.page.get_by_role("button", name=button, exact=True).click()
        file: Download = handing.value
        path = to / file.suggested_filename
        file.save_as(path)
        return path

    def write(self, answers: dict[str, str]) -> None:
        """Fill in boxes by their labels."""
        for label, words in answers.items():
            box = self.page.get_by_label(label, exact=True)
            box = box.or_(self.page.get_by_label(f"{label} (optional)", exact=True))
            box.and_(self.page.locator(WRITTEN)).fill(words)

    def tick(self, *labels: str) -> None:
        """Tick boxes, or choose answers, whose labels no two questions share."""
        for label in labels:
            self.page.get_by_label(label, exact=True).check()

    def choose(self, legend: str, *labels: str) -> None:
        """Choose answers of one question."""
        group = self.page.get_by_role("group", name=legend)
        for label in labels:
            group.get_by_label(label, exact=True).check()

    def pick(self, label: str, option: str) -> None:
        """Pick from a list that opens."""
        self.page.get_by_label(label, exact=True).select_option(label=option)

    def give_code(self) -> None:
        """Give the second factor, where the page asks for it."""
        box = self.page.get_by_label("Code from your authenticator app")
        if box.count():
            box.fill(self.app.code())

    def sees(self, words: str) -> None:
        """The page says these words."""
        expect(self.page.locator("main")).to_contain_text(words)

    def sees_nothing_of(self, words: str) -> None:
        """The page says nothing of the kind."""
        expect(self.page.locator("main")).not_to_contain_text(words)

    @property
    def path(self) -> str:
        """Where the officer is."""
        return self.page.url.removeprefix(self.origin)

    def leave(self) -> None:
        """Close the browser."""
        self.context.close()
