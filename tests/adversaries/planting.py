"""A whole programme in which every sealed place holds something that stands nowhere else in the world.

Each text begins with MARK, so that one search finds any of them; each date and coordinate is one that nothing
else of the tests uses.
"""

import base64
import hashlib
import io
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from werkzeug.test import TestResponse

import housing.models
from tests.cast import CAST, Cast, Officer
from vault import migrations
from vault.access.models import Assignment
from vault.database import Base

MARK = "Zqwvxkjy"
HOUSE_LATITUDE, HOUSE_LONGITUDE = "41.98713", "-72.98731"
DANGER_TOWN, HOUSE_TOWN = "Hartford", "Greenwich"
VERSION = re.compile(r'name="version" value="(\d+)"')


def word(label: str) -> str:
    """A text of ten letters that is kept nowhere but in the sealed place of this name."""
    tail = base64.b32encode(hashlib.sha256(label.encode()).digest()).decode().lower()[:2]
    return f"{MARK}{tail}"


def sentence(label: str) -> str:
    """A longer text for the sealed place of this name."""
    return f"{word(label)} of {label.replace('_', ' ')}"


def day(number: int) -> date:
    """A day that nothing else of the tests uses."""
    return date(1903, 7, 19) + timedelta(days=31 * number)


DAYS = {"trial_starts": day(1), "birth_date": day(2), "since": day(3)}
"""The sealed days, by column."""


@dataclass
class Programme:
    """The cast at work, and the ids of everything that they made, by the name of a route's parameter."""

    cast: Cast
    known: dict[str, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    answers: list[TestResponse] = field(default_factory=list)

    def see(self, name: str, path: str) -> TestResponse:
        """An officer looks at a page."""
        answer = self.cast[name].get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        self.answers.append(answer)
        return answer

    def send(self, who: str, page: str, action: str, /, status: int = 303, **answers: Any) -> TestResponse:
        """An officer opens a page and sends its form, with version and code where the page asks them."""
        officer, shown = self.cast[who], self.see(who, page)
        found = VERSION.search(shown.text)
        carried = {"version": found[1]} if found else {}
        carried |= {"code": officer.code()} if 'name="code"' in shown.text else {}
        answer = officer.post(action, **(carried | answers))
        assert answer.status_code == status, answer.text
        self.answers.append(answer)
        return answer

    def press(self, name: str, action: str) -> None:
        """An officer presses a button that asks nothing."""
        answer = self.cast[name].post(action)
        assert answer.status_code == 303, answer.text

    def made(self, answer: TestResponse) -> UUID:
        """The id of what an answer leads to."""
        return UUID(str(answer.location).rsplit("/", 1)[1])

    def open_place(self, name: str, place: str) -> TestResponse:
        """An officer opens a sealed place, for a reason."""
        return self.send(name, f"{place}/open", f"{place}/open", status=200, reason="review")

    def write_place(self, name: str, place: str, **answers: str) -> None:
        """An officer writes into a sealed place."""
        boxes = self.send(name, f"{place}/change", f"{place}/change", status=200, reason="case-work")
        version = VERSION.search(boxes.text)
        assert version is not None
        saved = self.cast[name].post(f"{place}/save", version=version[1], **answers)
        assert saved.status_code == 303, saved.text


def live(cast: Cast) -> Programme:
    """Pat refers, Ada opens, places, pays and discloses: every sealed column is filled through the pages."""
    programme = Programme(cast)
    case = _refer_and_open(programme)
    _write_record(programme, case)
    _search(programme)
    _house(programme, case)
    _pay(programme, case)
    _disclose(programme)
    _break_glass(programme)
    _agree(programme)
    _collect(programme)
    return programme


def _refer_and_open(programme: Programme) -> UUID:
    texts = ("witness", "contact", "docket", "felony", "defendants", "narrative")
    referral = programme.made(
        programme.send(
            "pat", "/referrals/send", "/referrals/send",
            **{name: sentence(name) for name in texts},
            trial_starts=DAYS["trial_starts"].isoformat(),
            household="2", harm=["threat", "intimidation"], basis="has-occurred", flags=["gang"],
        )
    )  # fmt: skip
    page = f"/referrals/{referral}"
    programme.open_place("pat", page)
    for outcome in ("yes", "yes", "services-with-relocation"):
        programme.send("ada", page, f"{page}/decide", outcome=outcome, reasons=sentence("decision_reasons"))
    action = f"{page}/open-case"
    case = programme.made(programme.send("ada", action, action, ceiling="4000", days="30"))
    naming = f"/cases/{case}/officers/name"
    for name in ("ines", "cal"):
        programme.send("ada", naming, naming, officer=str(programme.cast[name].actor.officer))
    return case


def _write_record(programme: Programme, case: UUID) -> None:
    page = programme.see("ada", f"/cases/{case}").text
    found = re.search(r"/records/person/([0-9a-f-]{36})", page)
    assert found is not None
    person, naming = f"/records/person/{found[1]}", f"/cases/{case}/officers/name"
    programme.send("ada", naming, naming, officer=str(programme.cast["sol"].actor.officer), person=found[1])
    written = {
        f"{person}/identity": ("legal_name", "aliases", "social_security", "documents", "description"),
        f"{person}/cover": ("cover_name", "cover_papers"),
        f"{person}/health": ("medical", "treatment"),
        f"{person}/supervision": ("supervision_terms", "supervision_contacts"),
        f"/records/case/{case}/location": ("address", "telephone", "movement"),
    }
    for place, names in written.items():
        days = {"identity": ("birth_date",), "location": ("since",)}.get(place.rsplit("/", 1)[1], ())
        texts = {name: word(name) for name in names}
        programme.write_place("ada", place, **texts, **{name: DAYS[name].isoformat() for name in days})
    add = f"/cases/{case}/add"
    threat = {name: sentence(name) for name in ("who_threatens", "capability", "rationale")}
    programme.send("ines", f"{add}/threat-assessment", f"{add}/threat-assessment", level="high", **threat)
    area = {"label": sentence("label"), "town": DANGER_TOWN, "radius_miles": "17"}
    programme.send("ines", f"{add}/danger-area", f"{add}/danger-area", **area)
    programme.send("cal", f"{add}/note", f"{add}/note", kind="note", text=sentence("note_text"))
    _keep_papers(programme, case)


def _keep_papers(programme: Programme, case: UUID) -> None:
    """Ines keeps two papers, one as plain text, and takes another out again; Cal opens the list and one."""
    page = f"/cases/{case}/papers"
    for number in (1, 2, 3):
        words = f"{sentence('paper_content')} in number {number}\n".encode() * 3000
        file = (io.BytesIO(words), f"{word('paper_name')}.txt")
        title = sentence("paper_title")
        programme.send("ines", f"{page}/add", f"{page}/add", title=title, file=file)
    listed = programme.send("cal", page, page, status=200, reason="review")
    papers = re.findall(r"/papers/([0-9a-f-]{36})/open", listed.text)
    assert len(papers) == 3
    fetched = programme.send(
        "cal", f"{page}/{papers[1]}/open", f"{page}/{papers[1]}/open", status=200, reason="visit"
    )
    assert MARK in fetched.text
    programme.known["paper_id"] = [UUID(paper) for paper in papers[1:]]
    programme.send("ines", f"{page}/{papers[0]}/remove", f"{page}/{papers[0]}/remove", reason="correction")


def _search(programme: Programme) -> None:
    """The coordinator's search files the names into the directory; the inspector's opens her own people."""
    sought = {"way": "part-of-a-name", "words": word("legal_name"), "reason": "case-work"}
    for name in ("ada", "ines"):
        found = programme.send(name, "/search", "/search", status=200, **sought)
        assert "1 person found" in found.text


def _house(programme: Programme, case: UUID) -> None:
    texts = ("area", "near", "street", "town", "postcode", "access", "landlord")
    house = programme.made(
        programme.send(
            "ada", "/safe-housing/add", "/safe-housing/add",
            **{name: word(f"house_{name}") for name in texts},
            code="H-014", kind="safe-house", beds="3", rooms="2", needs=["kitchen"], nightly_cost="95.00",
            centre=HOUSE_TOWN, latitude=HOUSE_LATITUDE, longitude=HOUSE_LONGITUDE,
        )
    )  # fmt: skip
    page = f"/safe-housing/{house}"
    programme.press("ada", f"{page}/vet")
    terms = {"case": str(case), "from_on": "2026-11-23", "nights": "7", "party": "2", "miles": "5"}
    found = programme.send("ines", "/safe-housing", "/safe-housing/search", status=200, **terms)
    assert "H-014" in found.text
    stay = programme.send("ines", f"{page}/hold", f"{page}/hold", **terms).location
    programme.press("ines", f"{stay}/confirm")
    programme.send("ines", f"{page}/open-address", f"{page}/open-address", status=200, reason="placement")


def _pay(programme: Programme, case: UUID) -> None:
    action = f"/cases/{case}/payments/new"
    texts = {name: word(name) for name in ("payee", "payee_alias", "bank_details")}
    claim = {"category": "rent", "amount": "900.00", "first_day": "2026-11-23", "last_day": "2026-12-22"}
    payment = programme.send("cal", action, action, justification=sentence("justification"), **texts, **claim)
    page = str(payment.location)
    programme.send("cal", page, f"{page}/submit")
    programme.send(
        "dee", f"{page}/decision", f"{page}/decision",
        line_1="900.00", answer="approve", reasons=sentence("payment_reasons"),
    )  # fmt: skip
    programme.open_place("fin", page)
    paid = {"number": "TR-004417", "paid_on": "2026-11-23"}
    programme.send("fin", f"{page}/payment", f"{page}/payment", **paid)
    programme.send("fin", page, f"{page}/receipt", receipt_number=word("receipt_number"))


def _disclose(programme: Programme) -> None:
    with programme.cast.stage.vault.reading() as db:
        (referral,) = [
            row.subject_id for row in db.scalars(select(Assignment).where(Assignment.kind == "referral"))
        ]
    asked = ("asked", "purpose", "agency", "order_reference")
    request = programme.send(
        "pat", "/disclosure/ask", "/disclosure/ask", referral=str(referral), authority="court-order",
        address=word("office_address"), due_on="2026-12-15", **{name: sentence(name) for name in asked},
    )  # fmt: skip
    page = str(request.location)
    programme.press("ada", f"{page}/take-up")
    factors = ("verified", "reasons", "danger", "sole_purpose", "other_means", "prevention", "witness_words")
    texts = {name: sentence(f"worksheet_{name}") for name in factors}
    heard = {"witness_heard": "told-and-heard"}
    programme.send("ada", f"{page}/worksheet", f"{page}/worksheet", **texts, **heard)
    programme.send(
        "ada", f"{page}/choose", f"{page}/choose", chosen=["person-1.legal_name", "person-1.birth_date"]
    )
    programme.press("ada", f"{page}/send")
    decided = {"reasons": sentence("disclosure_reasons"), "answer": sentence("disclosure_answer")}
    programme.send("dee", f"{page}/decide", f"{page}/decide", outcome="granted", **decided)
    programme.send("ada", f"{page}/release", f"{page}/release", status=200)
    programme.send("pat", f"{page}/fetch", f"{page}/fetch", status=200)
    for part in ("request", "worksheet"):
        programme.send("dee", f"{page}/open/{part}", f"{page}/open/{part}", status=200, reason="disclosure")
    programme.send("ada", "/disclosure/accounting", "/disclosure/accounting", status=200, reason="disclosure")


def _break_glass(programme: Programme) -> None:
    """Pat asks twice: Ada refuses the first, gives the second, and Dee reviews that when Pat has ended it."""
    asked = {"number": "R-2026-0001", "compartment": "threat", "ground": "danger-to-life"}
    pages = [
        programme.send(
            "pat", "/emergency/ask", "/emergency/ask", **asked, words=sentence("emergency_words")
        ).location
        for _ in range(2)
    ]
    answers = {"answer": "refuse", "words": sentence("emergency_answer")}
    programme.send("ada", str(pages[0]), f"{pages[0]}/answer", **answers)
    page = str(pages[1])
    programme.send("ada", page, f"{page}/answer", answer="give")
    programme.send("pat", f"{page}/open", f"{page}/open", status=200)
    programme.press("pat", f"{page}/end")
    review = {"verdict": "justified", "words": sentence("emergency_review")}
    programme.send("dee", page, f"{page}/review", **review)
    programme.send("dee", f"{page}/words", f"{page}/words", status=200, reason="review")


def _agree(programme: Programme) -> None:
    agency = programme.send(
        "ada", "/agencies/add", "/agencies/add", name="Hartford Police", kind="police", telephone="555-0100"
    )
    page = str(agency.location)
    contact = {"name": "Sergeant Nobody", "telephone": "555-0199"}
    programme.send("ada", f"{page}/contacts/add", f"{page}/contacts/add", **contact)
    draft = f"{page}/memoranda/draft"
    programme.send("ada", draft, draft, title="Escorts", parties=[page.rsplit("/", 1)[1]])


def _collect(programme: Programme) -> None:
    """Take the ids of every row, by the parameter that routes call them by."""
    tables = {
        "cases": "case_id", "people": "person_id", "referrals": "referral_id", "officers": "officer_id",
        "sessions": "session_id", "assignments": "assignment_id", "houses": "house_id", "stays": "stay_id",
        "house_voids": "void_id", "separations": "separation_id", "payment_requests": "payment_id",
        "payment_lines": "line_id", "disclosure_requests": "disclosure_id", "agencies": "agency_id",
        "agency_contacts": "contact_id", "memoranda": "memorandum_id", "alerts": "alert_id",
        "delegations": "delegation_id", "access_reviews": "review_id",
        "emergency_requests": "emergency_id",
        "key_acts": "act_id", "passkeys": "passkey_id", "witnesses": "witness_id",
    }  # fmt: skip
    migrations.metadatas()
    with programme.cast.stage.vault.reading() as db:
        for base in (Base, housing.models.Base):
            for table in base.metadata.sorted_tables:
                if table.name in tables:
                    programme.known[tables[table.name]] += db.scalars(select(table.c.id)).all()
    programme.known["house_id"] = programme.known["house_id"][:1]


def one_each(known: dict[str, list[UUID]]) -> dict[str, list[UUID]]:
    """The same with one id for each parameter, and one that is nowhere where nothing was made."""
    return {name: ids[:1] or [UUID(int=7)] for name, ids in known.items()}


def officers(programme: Programme) -> list[Officer]:
    """The whole cast, signed in."""
    return [programme.cast[name] for name in CAST]
