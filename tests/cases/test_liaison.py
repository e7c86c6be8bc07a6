"""A liaison learns of the one person they are named on, and of nobody else in the household."""

from uuid import uuid4

import pytest

from tests.cast import Cast
from tests.programme import open_case
from vault.access.events import Event, record
from vault.access.models import Assignment
from vault.access.policy import Role
from vault.cases.models import Person

pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def test_neither_the_size_of_the_household_nor_who_is_named_on_the_others_is_shown(cast: Cast) -> None:
    case, ada, sol, now = open_case(cast, named=[]), cast["ada"], cast["sol"], cast.stage.clock.now
    ada.get(f"/cases/{case.id}/people/add")
    assert ada.post(f"/cases/{case.id}/people/add", position="partner").status_code == 303
    with cast.stage.vault.reading() as db:
        other = db.query(Person).filter_by(case=case.id, number=2).one().id
    officer, naming = str(sol.actor.officer), f"/cases/{case.id}/officers/name"
    ada.get(naming)
    assert ada.post(naming, officer=officer, person=str(other)).status_code == 303
    theirs = Assignment(id=uuid4(), kind="person", subject_id=case.witness, since=now)
    theirs.officer, theirs.role = cast["ivo"].actor.officer, Role.LIAISON
    with cast.stage.vault.writing() as db:
        db.add(theirs)
        record(db, Event.OFFICER_NAMED, who=None, now=now, subjects=[f"person:{case.witness}"])
    assert "2 people" in ada.get("/cases").text
    assert "Ivo Ironside" in ada.get(f"/cases/{case.id}").text
    assert "1 person" in sol.get("/cases").text
    page = sol.get(f"/cases/{case.id}").text
    assert f"/records/person/{other}/" in page
    assert "Ivo Ironside" not in page
