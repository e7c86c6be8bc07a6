"""Short ways, through the pages, to payments in every state."""

import re
from typing import Any
from uuid import UUID

from werkzeug.test import TestResponse

from audit.entries import Entry
from audit.finding import Filters
from tests.cast import Cast, Officer
from vault.expenses.models import PaymentLine, PaymentRequest
from vault.expenses.sheets import Sheet, sheets

RENT = {
    "category": "rent",
    "amount": "900.00",
    "first_day": "2026-11-23",
    "last_day": "2026-12-22",
    "payee": "Juniper Lane Apartments",
    "payee_alias": "J L Services",
    "bank_details": "021000021 900155501",
    "justification": "A roof before the trial; the lease begins on Monday.",
}
VERSION = re.compile(r'name="version" value="(\d+)"')


def send(officer: Officer, page: str, action: str, **answers: Any) -> TestResponse:
    """Open a page and send one of its forms, with the version that the page carried."""
    shown = officer.get(page)
    found = VERSION.search(shown.text)
    version = {"version": found[1]} if found else {}
    return officer.post(action, **(version | answers))


def draft(officer: Officer, case: UUID, **answers: Any) -> UUID:
    """Draft a request for rent, or with other answers; its id."""
    page = f"/cases/{case}/payments/new"
    answer = send(officer, page, page, **(RENT | answers))
    assert answer.status_code == 303, answer.text
    return UUID(answer.location.rsplit("/", 1)[1])


def submit(officer: Officer, payment: UUID) -> TestResponse:
    """Submit a draft."""
    return send(officer, f"/payments/{payment}", f"/payments/{payment}/submit")


def ask(officer: Officer, case: UUID, **answers: Any) -> UUID:
    """Draft a request and submit it; its id."""
    payment = draft(officer, case, **answers)
    answer = submit(officer, payment)
    assert answer.status_code == 303, answer.text
    return payment


def decide(officer: Officer, payment: UUID, answer: str, **answers: Any) -> TestResponse:
    """Decide on a request, with the code when the page asks for it; every line as asked unless said."""
    path = f"/payments/{payment}/decision"
    shown = officer.get(path)
    found = dict(re.findall(r'name="(line_\d+)"[^>]*?value="([^"]*)"', shown.text, re.DOTALL))
    found |= {"version": version[1]} if (version := VERSION.search(shown.text)) else {}
    found |= {"code": officer.code()} if 'name="code"' in shown.text else {}
    return officer.post(path, **(found | {"answer": answer, "reasons": "As the agreement says."} | answers))


def approve(officer: Officer, payment: UUID, **answers: Any) -> None:
    """Approve a request."""
    answer = decide(officer, payment, "approve", **answers)
    assert answer.status_code == 303, answer.text


def pay(officer: Officer, payment: UUID, **answers: Any) -> TestResponse:
    """Record that a request was paid."""
    path = f"/payments/{payment}/payment"
    return send(officer, path, path, **({"number": "TR-004417", "paid_on": "2026-11-23"} | answers))


def sheet(cast: Cast, payment: UUID) -> Sheet:
    """What is kept of a request."""
    with cast.stage.vault.reading() as db:
        return sheets(db, [db.get_one(PaymentRequest, payment)])[0]


def lines(cast: Cast, payment: UUID) -> list[PaymentLine]:
    """The lines that are kept of a request."""
    return list(sheet(cast, payment).lines)


def told(cast: Cast, payment: UUID, outcome: str) -> list[Entry]:
    """What the ledger tells of a request, the oldest first."""
    with cast.stage.vault.reading() as db:
        found = cast.stage.vault.ledger.find(
            db, Filters(subject=f"payment:{payment}", outcome=outcome), before_index=None, limit=100
        )
    return [woven.entry for woven in reversed(found)]
