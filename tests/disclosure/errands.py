"""Short ways, through the pages, from a case with a record in it to a packet in the requester's hands."""

import re
from dataclasses import dataclass
from io import BytesIO
from uuid import UUID

import pikepdf
from werkzeug.test import TestResponse

from audit.entries import Entry
from audit.finding import Filters
from tests.cast import Cast, Officer
from tests.programme import OpenedCase, open_case
from vault.disclosure.models import DisclosureRequest

NAME = "Jane Quillfeather Roe"
ALIAS = "Janie Thistledown"
SOCIAL = "900-12-3456"
NOTE = "She works at the bakery of Osric Plumtree."
STREET = "14 Harbinger Wynd"
ASKED = "The legal name of the witness, for the subpoena Vespertine."
PURPOSE = "To summon the witness to the trial of Balthazar Crumhorn."
DANGER = "The defendant has cousins at Fennimore Yard."
REASONS = "The order of Judge Wintergreen binds us."
ANSWER = "Granted, limited to the name."

REQUEST = {
    "authority": "court-order",
    "order_reference": "Order 26-0117",
    "asked": ASKED,
    "purpose": PURPOSE,
    "agency": "State's Attorney, Hartford",
    "address": "101 Lafayette Street, Hartford",
    "due_on": "2026-12-15",
}
WORKSHEET = {
    "verified": "Called back on the court's number.",
    "reasons": "Trial.",
    "danger": DANGER,
    "sole_purpose": "Likely.",
    "other_means": "None.",
    "prevention": "Protective order.",
    "witness_heard": "told-and-heard",
    "witness_words": "She agrees.",
}


def version_on(page: TestResponse) -> str:
    """The version that a page's form carries."""
    found = re.search(r'name="version" value="(\d+)"', page.text)
    assert found is not None, page.text
    return found[1]


def fill_record(cast: Cast, case: OpenedCase) -> None:
    """Ada writes down who Jane is, where she is, and one note."""
    ada = cast["ada"]
    places = {
        f"/records/person/{case.witness}/identity": {
            "legal_name": NAME,
            "aliases": ALIAS,
            "social_security": SOCIAL,
            "birth_date": "1984-05-01",
        },
        f"/records/case/{case.id}/location": {"address": STREET},
    }
    for place, answers in places.items():
        ada.get(f"{place}/change")
        page = ada.post(f"{place}/change", reason="case-work", code=ada.code())
        saved = ada.post(f"{place}/save", version=version_on(page), **answers)
        assert saved.status_code == 303, saved.text
    ada.get(f"/cases/{case.id}/add/note")
    assert ada.post(f"/cases/{case.id}/add/note", kind="note", text=NOTE).status_code == 303


@dataclass
class Errand:
    """One disclosure on its way, and the cast that carries it."""

    cast: Cast
    case: OpenedCase
    id: UUID

    @property
    def path(self) -> str:
        """The disclosure's page."""
        return f"/disclosure/{self.id}"

    def visit(self, name: str, what: str) -> TestResponse:
        """A page of the disclosure."""
        return self.cast[name].get(f"{self.path}/{what}")

    def give(self, name: str, what: str, **answers: object) -> TestResponse:
        """A form of the disclosure, as its page gave it, with a fresh code."""
        page = self.visit(name, what)
        officer = self.cast[name]
        version = {"version": version_on(page)} if 'name="version"' in page.text else {}
        return officer.post(f"{self.path}/{what}", **{"code": officer.code(), **version, **answers})

    def press(self, name: str, what: str) -> TestResponse:
        """A button of the disclosure."""
        officer = self.cast[name]
        officer.get(self.path)
        return officer.post(f"{self.path}/{what}")

    def prepare(self, *chosen: str, **answers: str) -> "Errand":
        """Ada takes it up, weighs it, chooses these fields and sends it."""
        assert self.press("ada", "take-up").status_code == 303
        done(self.give("ada", "worksheet", **WORKSHEET))
        if chosen:
            done(self.give("ada", "choose", chosen=list(chosen), **answers))
        assert self.press("ada", "send").status_code == 303
        return self

    def decide(self, outcome: str, *struck_out: str) -> "Errand":
        """Dee decides."""
        done(
            self.give(
                "dee", "decide", outcome=outcome, reasons=REASONS, answer=ANSWER, struck_out=list(struck_out)
            )
        )
        return self

    def release(self) -> str:
        """Ada releases; the password that the page shows."""
        page = self.give("ada", "release")
        assert page.status_code == 200, page.text
        found = re.search(r"[A-Z2-7]{4}(?:-[A-Z2-7]{4}){5}", page.text)
        assert found is not None
        return found[0]

    def fetch(self, name: str = "pat") -> TestResponse:
        """Pat downloads the packet."""
        return self.give(name, "fetch")

    def key(self, column: str) -> str:
        """The key of a field of the first person."""
        return f"person-1.{column}"

    def row(self) -> DisclosureRequest:
        """The request as it stands."""
        with self.cast.stage.vault.reading() as db:
            return db.get_one(DisclosureRequest, self.id)


def entries(cast: Cast, subject: str, event: str | None) -> list[Entry]:
    """What the ledger tells of a subject, oldest first."""
    vault = cast.stage.vault
    with vault.reading() as db:
        found = vault.ledger.find(db, Filters(subject=subject, event=event), before_index=None, limit=500)
    return [woven.entry for woven in reversed(found)]


def done(answer: TestResponse) -> TestResponse:
    """The answer of an act that went well."""
    assert answer.status_code == 303, answer.text
    return answer


def ask(pat: Officer, referral: UUID, **other: str) -> TestResponse:
    """Send a request about a referral."""
    pat.get("/disclosure/ask")
    return pat.post("/disclosure/ask", **{**REQUEST, "referral": str(referral), **other})


def asked(cast: Cast) -> Errand:
    """A case with a record, and Pat's request about it."""
    case = open_case(cast, named=[])
    fill_record(cast, case)
    answer = done(ask(cast["pat"], case.referral))
    return Errand(cast, case, UUID(answer.location.rsplit("/", 1)[1]))


def text_of(pdf: bytes, password: str) -> str:
    """Every word on the pages of a packet, decoded by the fonts' own tables, with single spaces."""
    with pikepdf.open(BytesIO(pdf), password=password) as document:
        return " ".join(" ".join(_page_text(page) for page in document.pages).split())


def _page_text(page: pikepdf.Page) -> str:
    tables = {str(name): _letters(font) for name, font in page.resources.Font.items()}
    letters: dict[int, str] = {}
    words: list[str] = []
    for instruction in pikepdf.parse_content_stream(page):
        match str(instruction.operator):
            case "Tf":
                letters = tables[str(instruction.operands[0])]
            case "Tj":
                words.append(_decoded(bytes(instruction.operands[0]), letters))
            case "TJ":
                words += [
                    _decoded(bytes(part), letters)
                    for part in instruction.operands[0]
                    if isinstance(part, pikepdf.String)
                ]
            case "ET":
                words.append("\n")
    return "".join(words)


def _decoded(codes: bytes, letters: dict[int, str]) -> str:
    return "".join(letters[int.from_bytes(codes[at : at + 2], "big")] for at in range(0, len(codes), 2))


def _letters(font: pikepdf.Object) -> dict[int, str]:
    """What each glyph stands for, from the font's ToUnicode table (ISO 32000-1, 9.10.3)."""
    table = font.ToUnicode.read_bytes().decode()
    found: dict[int, str] = {}
    for block in re.findall(r"beginbfchar(.*?)endbfchar", table, re.DOTALL):
        for code, text in re.findall(r"<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]+)>", block):
            found[int(code, 16)] = bytes.fromhex(text).decode("utf-16-be")
    for block in re.findall(r"beginbfrange(.*?)endbfrange", table, re.DOTALL):
        for first, last, text in re.findall(r"<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]+)>", block):
            for offset in range(int(last, 16) - int(first, 16) + 1):
                letter = int(text, 16) + offset
                found[int(first, 16) + offset] = chr(letter)
    return found
