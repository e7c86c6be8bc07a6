"""Short ways, through the pages, to places, holds and stays; every fact in them is invented."""

import re
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from tests.cast import Cast, Officer
from tests.programme import OpenedCase

on_sqlite = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
"""For what the engine of the database cannot change: forms, pages, roles and words."""

STREET = "12 Unfindable Way"
SECRETS = (STREET, "Clintonville", "00909", "41.27871", "-72.52761", "Key safe 4471", "Nobody Real LLC")
"""What the address of every place of these tests consists of."""

HOUSE = {
    "kind": "safe-house",
    "rooms": "2",
    "needs": ["kitchen", "children"],
    "nightly_cost": "95.00",
    "area": "Shoreline east",
    "centre": "Clinton",
    "near": "A clinic and a bus line",
    "street": STREET,
    "town": SECRETS[1],
    "postcode": SECRETS[2],
    "latitude": SECRETS[3],
    "longitude": SECRETS[4],
    "access": SECRETS[5],
    "landlord": SECRETS[6],
}
STAY_ID = re.compile(r"/safe-housing/stays/([0-9a-f-]{36})$")


def add_house(cast: Cast, code: str, beds: int, **facts: Any) -> UUID:
    """Ada adds a place and vets it."""
    ada = cast["ada"]
    ada.get("/safe-housing/add")
    answer = ada.post("/safe-housing/add", **(HOUSE | {"code": code, "beds": str(beds)} | facts))
    assert answer.status_code == 303, answer.text
    house = UUID(answer.location.rsplit("/", 1)[1])
    answer = ada.post(f"/safe-housing/{house}/vet")
    assert answer.status_code == 303, answer.text
    return house


def terms(of: OpenedCase, **more: Any) -> dict[str, Any]:
    """A week from Monday for two people of a case."""
    asked = {"case": str(of.id), "from_on": "2026-11-23", "nights": "7", "party": "2"}
    return asked | {"miles": "10"} | more


def search(officer: Officer, case: OpenedCase, **more: Any) -> TestResponse:
    """Search safe housing for a case."""
    officer.get("/safe-housing")
    return officer.post("/safe-housing/search", **terms(case, **more))


def hold(officer: Officer, house: UUID, case: OpenedCase, **more: Any) -> TestResponse:
    """Hold beds for a case."""
    officer.get("/safe-housing")
    return officer.post(f"/safe-housing/{house}/hold", **terms(case, **more))


def held(officer: Officer, house: UUID, case: OpenedCase, **more: Any) -> str:
    """Hold beds for a case; the address of the stay's page."""
    answer = hold(officer, house, case, **more)
    assert answer.status_code == 303, answer.text
    assert STAY_ID.search(answer.location)
    return str(answer.location)


def confirmed(officer: Officer, house: UUID, case: OpenedCase, **more: Any) -> str:
    """Hold beds and confirm the stay; the address of its page."""
    stay = held(officer, house, case, **more)
    answer = officer.post(f"{stay}/confirm")
    assert answer.status_code == 303, answer.text
    return stay


def do(officer: Officer, stay: str, act: str, **answers: Any) -> TestResponse:
    """Ask the page of an act and send it with the version that it shows."""
    page = officer.get(f"{stay}/{act}")
    assert page.status_code == 200, page.text
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version is not None
    return officer.post(f"{stay}/{act}", version=version[1], **answers)
