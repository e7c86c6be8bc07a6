"""A person is found by what an officer knows of them, by those who may, and only under two entries."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from audit.errors import LedgerUnavailable
from audit.finding import Filters
from audit.ledger import Woven
from tests.adversaries.searching import spellings
from tests.cast import Cast, Officer, Stage
from tests.programme import OpenedCase, open_case
from vault.access import reading
from vault.access.events import Event
from vault.access.models import DirectoryPage, DirectorySlip
from vault.cases.models import Person

IDENTITY = {
    "legal_name": "Jane Roe",
    "aliases": "Janie Zolpivent\nJ. Row",
    "birth_date": "1990-02-03",
    "social_security": "900-12-3456",
    "documents": "Driving licence SAMPLE-7788",
}


def write(officer: Officer, place: str, **answers: str) -> None:
    """Change a sealed place through the pages."""
    officer.get(f"{place}/change")
    page = officer.post(f"{place}/change", reason="case-work", code=officer.code())
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version is not None, page.text
    saved = officer.post(f"{place}/save", version=version[1], **answers)
    assert saved.status_code == 303, saved.text


def known_case(cast: Cast, named: list[str]) -> OpenedCase:
    """Jane Roe's case, with who she is and her telephone written down by the coordinator."""
    case = open_case(cast, named)
    write(cast["ada"], f"/records/person/{case.witness}/identity", **IDENTITY)
    write(
        cast["ada"], f"/records/case/{case.id}/location", address="3 Elm Street", telephone="(203) 555-0142"
    )
    return case


def find(officer: Officer, way: str, words: str) -> TestResponse:
    """Search, with the code when it is asked for."""
    asked = officer.get("/search")
    answers = {"born": words} if way == "birth-date" else {"words": words}
    answers |= {"code": officer.code()} if 'name="code"' in asked.text else {}
    return officer.post("/search", way=way, reason="case-work", **answers)


def entries(stage: Stage) -> list[Woven]:
    """Every entry of the ledger, in order."""
    with stage.vault.reading() as db:
        found = stage.vault.ledger.find(db, Filters(), before_index=None, limit=10_000)
    return found[::-1]


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("part-of-a-name", "zolpi"),
        ("part-of-a-name", "roe jane"),
        ("whole-name", "janie zolpivent"),
        ("sound-of-a-name", "Jayne Rowe"),
        ("birth-date", "1990-02-03"),
        ("number", "3456"),
        ("number", "sample 7788"),
    ],
)
def test_each_way_finds_the_person_for_coordinator_inspector_and_clerk(
    cast: Cast, way: str, words: str
) -> None:
    case = known_case(cast, ["ines", "cal"])
    by = {"part-of-a-name": "Other name" if "zolpi" in words else "This name", "number": "Number"}
    for name in ("ada", "ines", "cal"):
        page = find(cast[name], way, words)
        assert by.get(way, "Born") in page.text
        assert page.status_code == 200, page.text
        assert "1 person found" in page.text
        assert "Jane Roe" in page.text
        assert case.code in page.text
        assert f"/cases/{case.id}" in page.text


def test_the_telephone_of_a_household_finds_its_case_for_those_who_may_know_where_it_is(cast: Cast) -> None:
    case = known_case(cast, ["ines", "cal"])
    for name in ("ada", "ines"):
        page = find(cast[name], "telephone", "555 0142")
        assert "1 household found" in page.text
        assert case.code in page.text
        assert "Nobody was found" in find(cast[name], "number", "5550142").text
    assert 'value="telephone"' not in cast["cal"].get("/search").text
    assert find(cast["cal"], "telephone", "555 0142").status_code == 422


def test_an_officer_of_another_case_finds_nobody_and_nothing_of_it_is_opened(cast: Cast) -> None:
    known_case(cast, ["ines"])
    page = find(cast["ivo"], "part-of-a-name", "roe")
    assert page.status_code == 200
    assert "Nobody was found" in page.text
    searched = [woven.entry for woven in entries(cast.stage) if woven.entry.event == Event.DIRECTORY_SEARCHED]
    assert [entry.subjects for entry in searched] == [()]


def test_a_changed_name_is_found_and_the_former_one_is_not(cast: Cast) -> None:
    case = known_case(cast, ["ines"])
    ada = cast["ada"]
    assert "1 person found" in find(ada, "part-of-a-name", "zolpi").text
    write(cast["ines"], f"/records/person/{case.witness}/identity", legal_name="Mara Quill")
    assert "Nobody was found" in find(ada, "part-of-a-name", "zolpi").text
    assert "Mara Quill" in find(ada, "part-of-a-name", "quill").text
    write(cast["ines"], f"/records/person/{case.witness}/identity")
    assert "Nobody was found" in find(ada, "part-of-a-name", "quill").text
    with cast.stage.vault.reading() as db:
        assert db.query(DirectorySlip).count() == 0


def test_the_search_and_its_result_are_two_entries_and_only_the_first_holds_the_words_sealed(
    cast: Cast,
) -> None:
    case = known_case(cast, [])
    before = len(entries(cast.stage))
    find(cast["ada"], "part-of-a-name", "zolpi")
    told = [w for w in entries(cast.stage)[before:] if w.entry.event.startswith("directory-")]
    assert [w.entry.event for w in told] == ["directory-searched", "directory-filed", "directory-found"]
    searched, _, found = told
    assert searched.entry.facts["way"] == "part-of-a-name"
    assert searched.entry.reason == "case-work"
    assert found.entry.subjects == (f"person:{case.witness}", f"case:{case.id}")
    assert (found.entry.facts["found"], found.entry.facts["search"]) == (1, searched.index)
    aud = cast["aud"].actor
    with cast.stage.vault.reading() as db:
        opened = reading.open_details(cast.stage.vault, db, aud, searched, cast.stage.clock.now)
    assert opened.words == {"words": "zolpi"}
    assert [w.details is None for w in told] == [False, True, True]


def test_the_searched_words_stand_in_no_address_no_title_and_nothing_that_is_kept(cast: Cast) -> None:
    known_case(cast, ["ines"])
    words = "Unheardofname"
    for name in ("ada", "ines"):
        page = find(cast[name], "part-of-a-name", words)
        assert words not in page.text
        assert words not in str(page.headers) + page.request.path + page.request.query_string.decode()
    kept = b"".join(path.read_bytes() for path in cast.stage.settings.data.rglob("*") if path.is_file())
    for how, spelt in spellings(words):
        assert spelt not in kept, how


@contextmanager
def failing_at(stage: Stage, nth: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The ledger cannot take the nth entry from now on that is woven for a look."""
    weave, woven = stage.vault.ledger.weave, []

    def refuse(*args: object) -> object:
        woven.append(1)
        if len(woven) >= nth:
            raise LedgerUnavailable("the disk is full")
        return weave(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(stage.vault.ledger, "weave", refuse)
        yield


@pytest.mark.parametrize("name", ["ada", "ines"])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_search_that_cannot_be_recorded_opens_nothing_or_shows_nothing(
    cast: Cast, name: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    known_case(cast, ["ines"])
    officer = cast[name]
    find(officer, "part-of-a-name", "nobody")
    opened: list[object] = []
    from crypto.fields import FieldCipher

    real = FieldCipher.open
    monkeypatch.setattr(FieldCipher, "open", lambda *args: opened.append(args) or real(*args))
    with failing_at(cast.stage, nth, monkeypatch):
        page = find(officer, "part-of-a-name", "zolpi")
    assert page.status_code == 503
    assert "Jane" not in page.text
    assert bool(opened) == (nth == 2)


def test_no_code_no_reason_and_nothing_to_compare_are_asked_for_again_and_keep_what_was_typed(
    cast: Cast,
) -> None:
    known_case(cast, [])
    ada = cast["ada"]
    cast.stage.clock.forward(minutes=6)
    ada.get("/search")
    page = ada.post("/search", way="part-of-a-name", words="zolpi", reason="case-work")
    assert page.status_code == 422
    assert 'value="zolpi"' in page.text
    assert "1 person found" not in page.text
    for answers in (
        {"way": "part-of-a-name", "words": " - "},
        {"way": "number", "words": "7"},
        {"way": "birth-date", "words": "zolpi"},
        {"way": "part-of-a-name", "words": "zolpi", "reason": ""},
    ):
        page = ada.post("/search", **{"reason": "case-work", "code": ada.code(), **answers})
        assert page.status_code == 422, answers


def test_a_wrong_code_searches_nothing(cast: Cast) -> None:
    known_case(cast, [])
    ada = cast["ada"]
    cast.stage.clock.forward(minutes=6)
    ada.get("/search")
    page = ada.post("/search", way="part-of-a-name", words="zolpi", reason="case-work", code="000000")
    assert page.status_code == 422
    assert Event.DIRECTORY_SEARCHED not in {woven.entry.event for woven in entries(cast.stage)}


def test_more_than_can_be_shown_is_counted_and_cut(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    case = known_case(cast, [])
    ada = cast["ada"]
    ada.get(f"/cases/{case.id}/people/add")
    ada.post(f"/cases/{case.id}/people/add", position="child", minor="yes")
    with cast.stage.vault.reading() as db:
        child = db.scalars(select(Person).where(Person.case == case.id, Person.number == 2)).one()
    write(ada, f"/records/person/{child.id}/identity", legal_name="June Roe")
    monkeypatch.setattr("vault.search.actions.MOST_SHOWN", 1)
    page = find(ada, "part-of-a-name", "roe").text
    assert "2 people found" in page
    assert "Only the first 1 are shown" in page
    assert "June Roe" not in page
    found = [w.entry for w in entries(cast.stage) if w.entry.event == Event.DIRECTORY_FOUND][-1]
    assert f"person:{child.id}" not in found.subjects


def test_people_of_a_vault_that_had_no_directory_are_listed_by_the_first_search(cast: Cast) -> None:
    case = known_case(cast, [])
    with cast.stage.vault.database.engine.begin() as connection:
        connection.execute(DirectorySlip.__table__.delete())
    page = find(cast["ada"], "part-of-a-name", "zolpi")
    assert case.code in page.text
    assert case.code in find(cast["ada"], "telephone", "5550142").text
    with cast.stage.vault.reading() as db:
        assert db.query(DirectoryPage).count() == 1


def test_a_change_that_nobody_here_can_file_is_told_of_and_does_not_stop_the_search(cast: Cast) -> None:
    case = known_case(cast, [])
    with cast.stage.vault.database.engine.begin() as connection:
        connection.execute(
            DirectorySlip.__table__.insert().values(
                id=case.id, ref=case.witness, row_version=9, made_at=cast.stage.clock.now,
                holder_version=1, blob=b"\x01\x01" + bytes(1200),
            )
        )  # fmt: skip
    page = find(cast["ada"], "part-of-a-name", "zolpi").text
    assert "1 person found" in page
    assert "somebody may be missing here" in page
