"""The pages of recovery and destruction: who sees what, what waits on whose desk, and what is asked for."""

import io
from uuid import UUID

import pytest
from sqlalchemy import select

from tests.cast import Cast
from tests.keys.asking import admit_deciders, approve, ask_recovery, closed_case, state_of
from tests.keys.reading import plain
from tests.programme import open_case
from vault.access.policy import Compartment
from vault.keys.holdings import DIRECTORY_SUBJECT
from vault.keys.models import KeyAct

pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
ASK = "/keys/acts/ask-destruction"


def test_a_destruction_goes_from_desk_to_desk_and_each_step_asks_for_the_code(cast: Cast) -> None:
    admit_deciders(cast)
    case = closed_case(cast)
    ada = cast["ada"]
    assert 'name="code"' in ada.get(ASK).text
    asked = {"case": str(case.id), "ground": "court-order", "reasons": "Zqwvxkjyaa, by order"}
    refused = ada.post(ASK, **asked)
    assert refused.status_code == 422
    assert "Zqwvxkjyaa" in refused.text
    refused = ada.post(ASK, code="000000", **asked)
    assert (refused.status_code, "That code was not right" in refused.text) == (422, True)
    answer = ada.post(ASK, code=ada.code(), **asked)
    assert answer.status_code == 303
    act = str(answer.location)
    for name, sees in (("dee", True), ("dora", True), ("abel", True), ("ada", False), ("ines", False)):
        assert ("Destruction of records: a decision" in cast[name].get("/desk").text) is sees, name
    # Nobody reads the reasons but auditors, and nobody decides without the code.
    assert "Zqwvxkjyaa" not in cast["dee"].get(act).text
    assert cast["dee"].post(f"{act}/decide", answer="approve").status_code == 422
    for name in ("dee", "dora"):
        cast[name].get(act)
        answer = cast[name].post(f"{act}/decide", answer="approve", code=cast[name].code())
        assert answer.status_code == 303, answer.text
        assert "a decision" not in cast[name].get("/desk").text
    assert "You can destroy the records now" in ada.get("/desk").text
    cast.stage.clock.forward(minutes=6)
    ada.get(act)
    unsure = ada.post(f"{act}/destroy", code=ada.code())
    assert (unsure.status_code, "Tick the box" in unsure.text) == (422, True)
    assert ada.post(f"{act}/destroy", sure="yes").status_code == 422
    assert ada.post(f"{act}/destroy", sure="yes", code=ada.code()).status_code == 303
    assert "destroy the records now" not in ada.get("/desk").text
    again = ada.post(f"{act}/destroy", sure="yes")
    assert (again.status_code, "settled: done" in again.text) == (409, True)


def test_the_list_says_how_many_approvals_are_still_needed(cast: Cast) -> None:
    admit_deciders(cast)
    case = open_case(cast, ["ines"])
    act = ask_recovery(cast, "dora", f"case:{case.id}", None, "ines")
    for name, state in (
        (None, "Waiting for two approvals"),
        ("dee", "Waiting for one more approval"),
        ("abel", "Approved by two"),
    ):
        if name:
            approve(cast, act, name)
        for path in ("/keys/acts", f"/keys/acts/{act}"):
            assert state in cast["dora"].get(path).text, (name, path)
    assert f'href="/cases/{case.id}"' in cast["dee"].get(f"/keys/acts/{act}").text


def test_only_cases_that_ended_are_offered_and_no_other_is_taken(cast: Cast) -> None:
    case = open_case(cast, [])
    ada = cast["ada"]
    assert "No case has ended." in ada.get(ASK).text
    ada.get("/keys/acts/ask-recovery")
    answer = ada.post(ASK, case=str(case.id), ground="court-order", reasons="So.", code=ada.code())
    assert answer.status_code == 422
    with cast.stage.vault.reading() as db:
        assert db.scalars(select(KeyAct)).all() == []


def test_an_inspector_takes_in_what_was_recovered_for_her_and_sees_no_other_request(cast: Cast) -> None:
    admit_deciders(cast)
    case = open_case(cast, ["ines"])
    act = ask_recovery(cast, "dora", f"case:{case.id}", Compartment.HEALTH, "ines")
    other = ask_recovery(cast, "dora", DIRECTORY_SUBJECT, None, "ada")
    approve(cast, act, "dee", "abel")
    ines = cast["ines"]
    assert "Recovery: keys for you" in ines.get("/desk").text
    assert ines.get(f"/keys/acts/{act}").status_code == 403
    assert ines.get(f"/keys/acts/{act}/import").status_code == 200
    assert ines.get(f"/keys/acts/{other}/import").status_code == 404
    file = {"answer": (io.BytesIO(b"\xff{}"), "answer.json")}
    wrong = ines.post(f"/keys/acts/{act}/import", code=ines.code(), **file)
    assert wrong.status_code == 422
    assert "not the answer that the offline machine wrote" in wrong.text
    assert ines.post(f"/keys/acts/{act}/import").status_code == 422
    assert state_of(cast, act) == "approved"


def test_the_file_goes_to_the_asker_alone_and_lapses_with_the_approvals(cast: Cast) -> None:
    admit_deciders(cast)
    case = open_case(cast, [])
    act = ask_recovery(cast, "dora", f"case:{case.id}", Compartment.HEALTH, "ada")
    page = f"/keys/acts/{act}"
    dora, dee = cast["dora"], cast["dee"]
    dora.get(page)
    early = dora.post(f"{page}/export", code=dora.code())
    assert (early.status_code, "Two approvals are needed first" in early.text) == (409, True)
    approve(cast, act, "dee", "abel")
    dee.get(page)
    answer = dee.post(f"{page}/export", code=dee.code())
    assert (answer.status_code, "The officer who asked" in answer.text) == (409, True)
    answer = dora.post(f"{page}/export")
    assert answer.status_code == 200
    assert (
        answer.headers["Content-Disposition"]
        == f'attachment; filename="recovery-request-{str(act)[:8]}.json"'
    )
    assert "no-store" in answer.headers["Cache-Control"]
    # Sessions end long before the approvals do; the officer signs in again and finds that they lapsed.
    cast.stage.clock.forward(days=7, minutes=1)
    cast.pop("dora")
    dora = cast["dora"]
    assert "more than seven days old" in plain(dora.get(page).text)
    late = dora.post(f"{page}/export", code=dora.code())
    assert (late.status_code, "more than seven days old" in late.text) == (409, True)
    assert "Not done in time" in dora.get("/keys/acts").text


def test_whoever_tries_what_two_others_must_do_is_on_the_ledger(cast: Cast) -> None:
    admit_deciders(cast)
    act = ask_recovery(cast, "dora", DIRECTORY_SUBJECT, None, "ada")
    page, dora, ada = f"/keys/acts/{act}", cast["dora"], cast["ada"]
    dora.get(page)
    assert dora.post(f"{page}/decide", code=dora.code(), answer="approve").status_code == 409
    assert dora.post(f"{page}/export").status_code == 409
    ada.get(f"{page}/import")
    file = {"answer": (io.BytesIO(b"{}"), "answer.json")}
    assert ada.post(f"{page}/import", code=ada.code(), **file).status_code == 409
    approve(cast, act, "dee", "abel")
    ada.get(f"{page}/import")
    file = {"answer": (io.BytesIO(b"{}"), "answer.json")}
    assert ada.post(f"{page}/import", **file).status_code == 422
    assert _refusals(cast, act) == [
        ("dora", "keys.acts.decide"),
        ("dora", "keys.carrying.export"),
        ("ada", "keys.carrying.take-in"),
        ("ada", "keys.carrying.take-in"),
    ]


def _refusals(cast: Cast, act: UUID) -> list[tuple[str, object]]:
    """Who was refused which route of a request, in order."""
    vault = cast.stage.vault
    names = {cast[name].actor.officer: name for name in ("dora", "ada")}
    with vault.reading() as db:
        entries = [vault.ledger.entry(db, index).entry for index in range(vault.ledger.head(db).size)]
    return [
        (names[entry.officer], entry.facts["route"])
        for entry in entries
        if entry.event == "refused" and entry.officer and f"act:{act}" in entry.subjects
    ]


def test_a_request_that_is_nowhere_is_not_found_by_anybody(cast: Cast) -> None:
    nowhere = UUID(int=5)
    for name in ("ada", "dee", "aud"):
        assert cast[name].get(f"/keys/acts/{nowhere}").status_code == 404
    assert cast["ada"].post(f"/keys/acts/{nowhere}/withdraw").status_code == 404
