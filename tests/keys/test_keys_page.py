"""A coordinator renews what an officer who left could open, and the page says in words how far it is."""

import re
from itertools import pairwise

import pytest
from sqlalchemy import select

from tests.cast import Cast, Officer
from tests.keys.reading import plain
from tests.officers.returning import come_back, end_access, ident
from tests.programme import open_case
from vault.access import renewal
from vault.access.comparing import audit_seals
from vault.access.models import Lockbox, SealRow
from vault.keys import views

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def leave(cast: Cast, name: str) -> None:
    """Max ends the officer's access."""
    assert end_access(cast, ident(cast, name), "max", "left").status_code == 303


def press(officer: Officer) -> str:
    """Press the button once; where the answer leads."""
    page = officer.get("/keys").text
    answers = {"code": officer.code()} if 'name="code"' in page else {}
    answer = officer.post("/keys/renew", **answers)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def renew_all(officer: Officer) -> None:
    """Press until the vault leads back to the page of keys."""
    where = press(officer)
    while where != "/keys":
        officer.get(where)
        where = str(officer.post(where.replace("renewal", "renew")).location)


def test_what_an_officer_who_left_could_open_is_listed_renewed_and_gone(cast: Cast) -> None:
    ada = cast["ada"]
    assert "Every key is up to date" in ada.get("/keys").text
    case = open_case(cast, named=["ines"])
    # The prosecutor's access to the referral ended with its decision, which gave it a new key at once.
    assert "Every key is up to date" in ada.get("/keys").text
    with cast.stage.vault.reading() as db:
        before = {box.id: box.epoch for box in db.scalars(select(Lockbox))}
    leave(cast, "ines")
    page = plain(ada.get("/keys").text)
    assert "The keys of Ines Inkpen ended" in page
    told = re.search(r"Renew 1 role key and (\d+) sealed places", page)
    assert told is not None
    renew_all(ada)
    page = plain(ada.get("/keys").text)
    assert "Every key is renewed" in page
    assert "Every key is up to date" in page
    with cast.stage.vault.reading() as db:
        assert audit_seals(db) == ([], [])
        # What the page promised is what was done: each lockbox once.
        renewed = [box for box in db.scalars(select(Lockbox)) if box.epoch == before[box.id] + 1]
        assert len(renewed) == int(told[1])
        assert {box.case for box in renewed} == {case.id}
    path = f"/records/person/{case.witness}/identity/open"
    ada.get(path)
    assert ada.post(path, reason="case-work", code=ada.code()).status_code == 200


@ONLY_SQLITE
def test_each_slice_goes_on_where_the_last_one_ended(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    open_case(cast, named=["ines"])
    leave(cast, "ines")
    ada = cast["ada"]
    monkeypatch.setattr(views, "SLICE_SECONDS", 0.0)
    where = press(ada)
    assert where == "/keys/renewal?done=1"
    seen = []
    while where != "/keys":
        page = plain(ada.get(where).text)
        told = re.search(r"(\d+) done, (\d+) left", page)
        assert told is not None
        seen.append((int(told[1]), int(told[2])))
        assert "Go on" in page
        assert "Stop here" in page
        where = str(ada.post(where.replace("renewal", "renew")).location)
    assert len(seen) >= 2
    assert all(after[0] > before[0] and after[1] <= before[1] for before, after in pairwise(seen))
    assert "Every key is renewed" in ada.get("/keys").text


@ONLY_SQLITE
def test_a_step_up_is_asked_and_a_wrong_code_renews_nothing(cast: Cast) -> None:
    leave(cast, "ines")
    ada = cast["ada"]
    cast.stage.clock.forward(minutes=6)
    assert 'name="code"' in ada.get("/keys").text
    for wrong in ({}, {"code": "000000"}):
        answer = ada.post("/keys/renew", **wrong)
        assert answer.status_code == 422
        assert "There is a problem" in answer.text
    with cast.stage.vault.reading() as db:
        assert len(renewal.due(db).circles) == 1


@ONLY_SQLITE
def test_after_a_day_everybody_who_must_know_is_told_and_nobody_else_learns_of_whom(cast: Cast) -> None:
    open_case(cast, named=["ines"])
    leave(cast, "ines")
    alarm = "Keys have waited for more than 24 hours"
    assert alarm not in plain(cast["ada"].get("/keys").text)
    assert "Renew 1 role key" in plain(cast["ada"].get("/desk").text)
    assert "Keys" not in re.findall(r"<strong>([^<]+)</strong>", cast["max"].get("/desk").text)
    cast.clear()
    cast.stage.clock.forward(hours=25)
    assert alarm in plain(cast["ada"].get("/keys").text)
    for name in ("ada", "max", "aud"):
        page = plain(cast[name].get("/desk").text)
        assert "Keys wait to be renewed Urgent" in page.replace("\xa0", " "), name
    assert "Ines" not in plain(cast["max"].get("/desk").text).replace("Ines Inkpen, waiting", "")
    assert "Keys wait to be renewed" not in plain(cast["ivo"].get("/desk").text)


@ONLY_SQLITE
def test_what_a_coordinator_cannot_open_is_named_with_what_to_do(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ada = cast["ada"]
    with cast.stage.vault.writing() as db:
        box = db.scalars(select(Lockbox).where(Lockbox.subject == f"person:{case.witness}")).first()
        assert box is not None
        place = box.compartment.label
        for seal in db.scalars(select(SealRow).where(SealRow.key == box.id, SealRow.holder_kind == "circle")):
            db.delete(seal)
    leave(cast, "ines")
    renew_all(ada)
    page = plain(ada.get("/keys").text)
    assert "Not yours to renew" in page
    assert f"Case {case.code}, person 1 {place}" in page
    assert "ask for a recovery" in page
    assert re.search(r"Renew [0-9]", page) is None


@ONLY_SQLITE
def test_a_naming_that_ended_is_a_reason_of_its_own(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    page = cast["ada"].get(f"/cases/{case.id}").text
    remove = re.search(rf"/cases/{case.id}/officers/[0-9a-f-]+/remove", page)
    assert remove is not None
    assert cast["ada"].post(remove[0]).status_code == 303
    assert f"Ines Inkpen was taken off Case {case.code}" in plain(cast["ada"].get("/keys").text)


@ONLY_SQLITE
def test_deputies_see_no_renewal_and_auditors_no_button(cast: Cast) -> None:
    leave(cast, "ines")
    assert "Renewal" not in plain(cast["dee"].get("/keys").text)
    page = plain(cast["aud"].get("/keys").text)
    assert "A coordinator renews them." in page
    assert "Renew 1 role key" not in page
    assert cast["aud"].post("/keys/renew").status_code == 403


@ONLY_SQLITE
def test_the_comparison_names_a_planted_and_a_missing_seal(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ada = cast["ada"]
    assert "Every key is where the matrix says" in ada.get("/keys/seals").text
    with cast.stage.vault.writing() as db:
        seal = db.query(SealRow).filter_by(holder=ident(cast, "ines"), key_kind="lockbox").first()
        assert seal is not None
        seal.holder = ident(cast, "ivo")
    page = plain(ada.get("/keys/seals").text)
    assert "1 key too many" in page
    assert "1 key missing" in page
    assert f"Case {case.code}" in page
    assert "Ivo Ironside" in page
    assert "Ines Inkpen" in page


@ONLY_SQLITE
def test_a_coordinator_with_a_pinned_key_and_no_role_keys_is_led_to_recovery(cast: Cast) -> None:
    open_case(cast, named=[])
    with cast.stage.vault.reading() as db:
        before = {box.id: box.epoch for box in db.scalars(select(Lockbox))}
    come_back(cast, "cal", "coordinator")
    leave(cast, "ada")
    cal = cast["cal"]
    renew_all(cal)
    assert "Every key is up to date" in cal.get("/keys").text
    with cast.stage.vault.reading() as db:
        assert {box.id: box.epoch - 1 for box in db.scalars(select(Lockbox))} == before
