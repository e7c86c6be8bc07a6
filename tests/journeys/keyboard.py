"""A person who uses the keyboard alone: Tab, Enter, Space, arrows and letters, and never a mouse."""

from playwright.sync_api import Locator, Page, expect

MOST_STOPS = 90
"""More stops than any page has: a control that Tab does not reach by then cannot be reached."""

IS_FOCUSED = "element => element === document.activeElement"
SHOWS_FOCUS = """() => {
    const here = document.activeElement;
    const drawn = [[here, null], [here.nextElementSibling, "::before"]];
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
        expect(control).to_be_visible()
        for _ in range(MOST_STOPS):
            if control.evaluate(IS_FOCUSED):
                assert self.page.evaluate(SHOWS_FOCUS), f"{role} “{name}” has the focus and does not show it"
                return control
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {role} “{name}”")

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
