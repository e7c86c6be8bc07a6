"""Short ways, through the pages, to the states of an emergency that tests begin from."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from werkzeug.test import TestResponse

from audit.entries import Entry
from audit.tables import entries as table
from tests.cast import Cast, Officer
from tests.programme import OpenedCase
from vault.access.models import EmergencyGrant
from vault.emergency.models import EmergencyRequest

ADDRESS = "12 Harbour Lane, Mystic"
WORDS = "The witness was followed home and does not answer."


def write_address(cast: Cast, case: OpenedCase) -> None:
    """Ada writes down where the household is."""
    ada, place = cast["ada"], f"/records/case/{case.id}/location"
    ada.get(f"{place}/change")
    boxes = ada.post(f"{place}/change", reason="case-work", code=ada.code())
    assert boxes.status_code == 200, boxes.text
    assert ada.post(f"{place}/save", address=ADDRESS, version="1").status_code == 303


def sent(cast: Cast, name: str, number: str, part: str) -> TestResponse:
    """An officer sends a request; what the vault answers."""
    officer = cast[name]
    officer.get("/emergency/ask")
    return officer.post(
        "/emergency/ask", number=number, compartment=part, ground="danger-to-life", words=WORDS
    )


def ask(cast: Cast, name: str, number: str, part: str) -> UUID:
    """An officer asks; the request's id."""
    answer = sent(cast, name, number, part)
    assert answer.status_code == 303, answer.text
    return UUID(answer.location.rsplit("/", 1)[1])


def answer(cast: Cast, request: UUID, name: str, **answers: str) -> TestResponse:
    """An officer answers or reviews a request, with the code when it is asked for."""
    officer, page = cast[name], f"/emergency/{request}"
    shown = officer.get(page)
    if 'name="code"' in shown.text or 'name="answer"' not in shown.text:
        answers["code"] = officer.code()
    return officer.post(f"{page}/{'review' if 'verdict' in answers else 'answer'}", **answers)


def give(cast: Cast, request: UUID, name: str) -> EmergencyGrant:
    """An officer on call gives what was asked for."""
    assert answer(cast, request, name, answer="give").status_code == 303
    found = grant_of(cast, request)
    assert found is not None
    return found


def open_it(cast: Cast, request: UUID, name: str) -> TestResponse:
    """The officer who asked opens what was given."""
    officer, page = cast[name], f"/emergency/{request}/open"
    shown = officer.get(page)
    given = {"code": officer.code()} if 'name="code"' in shown.text else {}
    return officer.post(page, **given)


def later(cast: Cast, moment: datetime, *names: str) -> None:
    """It is so late, and these officers have signed in again shortly before."""
    cast.stage.clock.now = max(moment - timedelta(minutes=5), cast.stage.clock.now)
    for name in names:
        cast[name] = Officer(cast.stage, name).sign_in()
    assert cast.stage.clock.now <= moment
    cast.stage.clock.now = moment


def grant_of(cast: Cast, request: UUID) -> EmergencyGrant | None:
    """The grant that a request led to."""
    with cast.stage.vault.reading() as db:
        return db.scalars(select(EmergencyGrant).where(EmergencyGrant.request == request)).first()


def request_of(cast: Cast, request: UUID) -> EmergencyRequest:
    """The request as it is kept."""
    with cast.stage.vault.reading() as db:
        return db.get_one(EmergencyRequest, request)


@dataclass(frozen=True)
class LetIn:
    """A case, and what Pat was given of it."""

    case: OpenedCase
    request: UUID
    grant: EmergencyGrant


def entries(cast: Cast, event: str) -> list[Entry]:
    """The ledger's entries of one event, in order."""
    with cast.stage.vault.reading() as db:
        leaves = db.execute(select(table.c.leaf).where(table.c.event == event).order_by(table.c.index))
        return [Entry.from_canonical(leaf) for leaf in leaves.scalars()]
