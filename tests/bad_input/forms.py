"""The forms that pages offer, read as a browser reads them: where each is sent, and what it asks."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class OfferedForm:
    """One form of a page: its address and method, its boxes with what stands in them, and its files."""

    action: str
    method: str
    answers: dict[str, list[str]] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    chosen: dict[str, list[str]] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[OfferedForm] = []
        self.links: list[str] = []
        self._select = self._textarea = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.links += [given[name] for name in ("href", "src", "action") if name in given]
        if tag == "form":
            self.forms.append(OfferedForm(given.get("action", ""), given.get("method", "get").lower()))
        elif self.forms and given.get("name"):
            self._box(tag, given)
        elif self.forms and tag == "option" and self._select and given.get("value"):
            self.forms[-1].chosen.setdefault(self._select, []).append(given["value"])

    def _box(self, tag: str, given: dict[str, str]) -> None:
        form, name, kind = self.forms[-1], given["name"], given.get("type", "text")
        if tag == "select":
            self._select = name
            form.answers.setdefault(name, [])
        elif tag == "textarea":
            form.written.append(name)
            form.answers[name] = [""]
        elif kind in {"radio", "checkbox"}:
            form.chosen.setdefault(name, []).append(given.get("value", ""))
        elif tag == "input":
            form.answers.setdefault(name, []).append(given.get("value", ""))
            if kind != "hidden":
                form.written.append(name)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""


def forms_on(page: str) -> list[OfferedForm]:
    """The forms of a page that are sent as bodies."""
    reader = _Reader()
    reader.feed(page)
    return [form for form in reader.forms if form.method == "post"]


def links_on(page: str) -> list[str]:
    """Every address that a page names."""
    reader = _Reader()
    reader.feed(page)
    return reader.links
