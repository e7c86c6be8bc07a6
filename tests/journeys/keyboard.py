"""A person who uses the keyboard alone: Tab, Enter, Space, arrows and letters, and never a mouse."""

from datetime import date

from playwright.sync_api import Locator, Page, expect

from tests.journeys.at_work import AtWork

MOST_STOPS = 200
"""More stops than any page has: a control that Tab does not reach by then cannot be reached."""

IS_FOCUSED = "element => element === document.activeElement"
HOLDS_RADIO = "group => group.contains(document.activeElement) && document.activeElement.type === 'radio'"
SHOWS_FOCUS = """() => {
    const here = document.activeElement;
    const group = here.closest(".usa-input-group");
    const drawn = [[here, null], [group, null], [here.nextElementSibling, "::before"]];
    return drawn.some(([element, part]) => {
        if (!element) return false;
        const style = getComputedStyle(element, part);
        return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    });
}"""


class Keyboard:
    """The keys, and what stands under the focus."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def reach(self, role: str, name: str) -> Locator:
        """Press Tab until the control has the focus, and see that it shows."""
        control = self.page.get_by_role(role, name=name, exact=True).first  # type: ignore[arg-type]
        self.reach_this(control, IS_FOCUSED, f"{role} “{name}”")
        return control

    def reach_this(self, control: Locator, is_there: str, called: str) -> None:
        """Press Tab until `is_there` says of the control that the focus is there, and see that it shows."""
        expect(control).to_be_visible()
        for _ in range(MOST_STOPS):
            if control.evaluate(is_there):
                assert self.page.evaluate(SHOWS_FOCUS), f"{called} has the focus and does not show it"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {called}")

    def type(self, label: str, words: str) -> None:
        """Reach a box and replace what stands in it."""
        self.reach("textbox", label)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(words)

    def tick(self, label: str) -> None:
        """Reach a check box and tick it with Space."""
        box = self.reach("checkbox", label)
        self.page.keyboard.press("Space")
        expect(box).to_be_checked()

    def pick(self, label: str, option: str) -> None:
        """Reach a list and go down it to an option."""
        box = self.reach("combobox", label)
        self.page.keyboard.press("Home")
        for _ in range(MOST_STOPS):
            if box.evaluate("list => list.selectedOptions[0].label") == option:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"the arrows do not reach “{option}” in “{label}”")

    def enter(self, role: str, name: str) -> None:
        """Reach a link or a button and press Enter; the next page is there."""
        self.reach(role, name)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")


class ByKeyboard(AtWork):
    """An officer at a desk who goes every way of theirs with the keyboard alone."""

    def _use(self, control: Locator) -> None:
        self._reach(control, f"{control}")
        self.page.keyboard.press("Enter")

    def _reach(self, control: Locator, called: str) -> None:
        Keyboard(self.page).reach_this(control, IS_FOCUSED, called)

    def write(self, answers: dict[str, str]) -> None:
        """Reach boxes and replace what stands in them; a day is typed as the browser asks for it."""
        for label, words in answers.items():
            box = self._box(label)
            self._reach(box, f"“{label}”")
            if box.get_attribute("type") == "date":
                self.page.keyboard.type(f"{date.fromisoformat(words):%m%d%Y}")
            else:
                self.page.keyboard.press("Control+A")
                self.page.keyboard.type(words)
            expect(box).to_have_value(words)

    def tick(self, *labels: str) -> None:
        """Reach boxes and tick them with Space."""
        for label in labels:
            self._tick(self.page.get_by_label(label, exact=True), label)

    def _tick(self, box: Locator, label: str) -> None:
        self._reach(box, f"“{label}”")
        if not box.is_checked():
            self.page.keyboard.press("Space")
        expect(box).to_be_checked()

    def choose(self, legend: str, *labels: str) -> None:
        """Tick boxes of a group, or reach its answers and go on to one with the arrows."""
        group = self.page.get_by_role("group", name=legend)
        for label in labels:
            answer = group.get_by_label(label, exact=True)
            if answer.get_attribute("type") == "checkbox":
                self._tick(answer, label)
            else:
                self._go_on_to(group, answer, legend)

    def _go_on_to(self, group: Locator, answer: Locator, legend: str) -> None:
        Keyboard(self.page).reach_this(group, HOLDS_RADIO, f"the answers of “{legend}”")
        for _ in range(MOST_STOPS):
            if answer.evaluate(IS_FOCUSED):
                self.page.keyboard.press("Space")
                expect(answer).to_be_checked()
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"the arrows do not reach every answer of “{legend}”")

    def pick(self, label: str, option: str) -> None:
        """Reach a list and go down it."""
        Keyboard(self.page).pick(label, option)
