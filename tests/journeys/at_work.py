"""Officers at their own browsers, who use pages as people do: by labels, legends, links and buttons."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Download, Locator, Page, Response, expect

from tests.authenticator import Authenticator
from tests.cast import PASSWORD
from tests.journeys.album import Album

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "java_script_enabled": False}
"""A small telephone whose browser runs no scripts."""

# A page may be slow on a busy machine; what it does not say by then it will never say.
expect.set_options(timeout=30_000)
CODE = "Code from your authenticator app"
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

    def follow(self, link: str, exact: bool = True) -> int:
        """Follow the first link of that name, or with these words in its name."""
        return self._through(self.page.get_by_role("link", name=link, exact=exact).first)

    def press(self, button: str) -> int:
        """Press the button of that name."""
        return self._through(self.page.get_by_role("button", name=button, exact=True))

    def first_of(self, marked: str) -> int:
        """Follow the first link that a selector finds, and see its page by itself."""
        self._through(self.page.locator(marked).first)
        return self.go(self.path)

    def _through(self, way: Locator) -> int:
        with self.page.expect_navigation() as arriving:
            self._use(way)
        answer = arriving.value
        assert answer is not None
        return self._arrived(answer)

    def _use(self, control: Locator) -> None:
        control.click()

    def _arrived(self, answer: Response) -> int:
        self.album.keep(self.name, self.page, answer)
        return answer.status

    def download(self, button: str, to: Path) -> Path:
        """Press a button that hands out a file, and keep the file."""
        with self.page.expect_download() as handing:
            self._use(self.page.get_by_role("button", name=button, exact=True))
        file: Download = handing.value
        path = to / file.suggested_filename
        file.save_as(path)
        return path

    def write(self, answers: dict[str, str]) -> None:
        """Fill in boxes by their labels."""
        for label, words in answers.items():
            self._box(label).fill(words)

    def _box(self, label: str) -> Locator:
        box = self.page.get_by_label(label, exact=True)
        box = box.or_(self.page.get_by_label(f"{label} (optional)", exact=True))
        return box.and_(self.page.locator(WRITTEN))

    def unfold(self, words: str) -> None:
        """Open what is folded away under these words, unless it is open or not folded here."""
        folded = self.page.locator("details:not([open]) > summary", has_text=words).filter(visible=True)
        if folded.count():
            self._use(folded.first)

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
        if self.page.get_by_label(CODE).count():
            self.write({CODE: self.app.code()})

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
