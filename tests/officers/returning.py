"""How officers enrol again, in short: asked, enrolled, certified, signed in."""

import re
from uuid import UUID

from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.cast import Cast, Officer
from vault.officers.models import Officer as OfficerRow

OWN = "seven quiet lanterns drift"
ONE_TIME = re.compile(r"\b[2-9A-Z]{5}(?:-[2-9A-Z]{5}){3}\b")
LETTERS = re.compile(r"[A-Z2-7]{4}(?: [A-Z2-7]{4}){7}")


def ident(cast: Cast, name: str) -> UUID:
    with cast.stage.vault.reading() as db:
        return db.scalars(select(OfficerRow.id).where(OfficerRow.name == name)).one()


def invite_again(cast: Cast, name: str, role: str) -> str:
    """Max asks the officer to enrol again; the one-time code."""
    keeper, path = cast["max"], f"/officers/{ident(cast, name)}/enrol-again"
    page = keeper.get(path)
    answers = {"code": keeper.code()} if 'name="code"' in page.text else {}
    answer = keeper.post(path, role=role, **answers)
    assert answer.status_code == 200, answer.text
    code = ONE_TIME.search(answer.text)
    assert code is not None
    return code[0]


def end_access(cast: Cast, officer: UUID, by: str, ground: str) -> TestResponse:
    """Somebody ends an officer's access by the page; how it was answered."""
    keeper, path = cast[by], f"/officers/{officer}/end-access"
    answers = {"code": keeper.code()} if 'name="code"' in keeper.get(path).text else {}
    return keeper.post(path, ground=ground, **answers)


def release(cast: Cast, officer: UUID) -> TestResponse:
    """Max releases an account by the page; how it was answered."""
    keeper, path = cast["max"], f"/officers/{officer}/release"
    answers = {"code": keeper.code()} if 'name="code"' in keeper.get(path).text else {}
    return keeper.post(path, **answers)


def enrol(cast: Cast, name: str, code: str) -> list[str]:
    """The officer enrols with the code; the eight words on their screen."""
    visitor = Officer(cast.stage, name)
    visitor.get("/enrol")
    answer = visitor.post("/enrol", name=name, enrolment_code=code, password=OWN, again=OWN)
    assert answer.status_code == 200, answer.text
    letters = LETTERS.search(visitor.get("/enrol/second-factor").text)
    assert letters is not None
    cast.stage.secrets[name] = letters[0].replace(" ", "")
    answer = visitor.post("/enrol/second-factor", code=visitor.code())
    assert answer.status_code == 200, answer.text
    return re.findall(r"<li>([a-z]+)</li>", answer.text)


def certify(cast: Cast, name: str) -> list[str]:
    """Ada compares the words and certifies; the eight words that she was shown."""
    path = f"/officers/{ident(cast, name)}"
    ada = cast["ada"]
    page = ada.get(path)
    assert ada.post(f"{path}/certify", compared="yes", code=ada.code()).status_code == 303
    return re.findall(r"<li>([a-z]+)</li>", page.text)


def sign_in(cast: Cast, name: str) -> Officer:
    """The officer signs in with the new password and the new authenticator."""
    visitor = Officer(cast.stage, name)
    visitor.get("/sign-in")
    assert visitor.post("/sign-in", name=name, password=OWN, banner="yes").status_code == 303
    visitor.get("/sign-in/second-factor")
    assert visitor.post("/sign-in/second-factor", code=visitor.code()).status_code == 303
    return visitor


def come_back(cast: Cast, name: str, role: str) -> Officer:
    """The whole way: asked again, enrolled, certified, signed in."""
    words = enrol(cast, name, invite_again(cast, name, role))
    assert certify(cast, name) == words
    cast[name] = sign_in(cast, name)
    return cast[name]
