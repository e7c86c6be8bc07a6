"""Keeping partner agencies, their contacts and their memoranda: by the coordinator, each act recorded."""

import re
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import event

from audit.finding import Filters
from tests.cast import Cast
from vault.access.policy import Compartment
from vault.agencies.models import Agency, Contact, Memorandum, Party
from vault.vocabulary import AgencyKind, MemorandumState

# What asks the database in words of its own is tried on both engines; a page is the same over either.
ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
HARTFORD = {"name": "Hartford Housing Authority", "kind": "housing", "telephone": "555-0140"}


def add_agency(cast: Cast, **answers: str) -> UUID:
    ada = cast["ada"]
    ada.get("/agencies/add")
    answer = ada.post("/agencies/add", **(HARTFORD | answers))
    assert answer.status_code == 303, answer.text
    return UUID(answer.location.rsplit("/", 1)[1])


def draft(cast: Cast, agency: UUID, shared: list[str]) -> UUID:
    ada = cast["ada"]
    ada.get(f"/agencies/{agency}/memoranda/draft")
    answer = ada.post(
        f"/agencies/{agency}/memoranda/draft", title="Housing vouchers", parties=[str(agency)], shared=shared
    )
    assert answer.status_code == 303, answer.text
    return UUID(answer.location.rsplit("/", 1)[1])


def sign(cast: Cast, memorandum: UUID, signed_on: str, renew_by: str, version: str) -> int:
    ada = cast["ada"]
    ada.get(f"/memoranda/{memorandum}")
    answer = ada.post(
        f"/memoranda/{memorandum}/sign", signed_on=signed_on, renew_by=renew_by, version=version
    )
    return answer.status_code


def events_about(cast: Cast, subject: str) -> list[str]:
    vault = cast.stage.vault
    with vault.reading() as db:
        found = vault.ledger.find(db, Filters(subject=subject), before_index=None, limit=50)
    return [woven.entry.event for woven in reversed(found)]


@ON_SQLITE
def test_an_agency_with_its_contact_is_found_by_every_role_that_works_with_agencies(cast: Cast) -> None:
    agency, ada = add_agency(cast), cast["ada"]
    ada.get(f"/agencies/{agency}/contacts/add")
    answer = ada.post(f"/agencies/{agency}/contacts/add", name="Hal Hopper", telephone="555-0141")
    assert answer.status_code == 303, answer.text
    for name in ("ada", "ines", "cal", "dee"):
        assert "Hartford Housing Authority" in cast[name].get("/agencies").text
        assert "Hal Hopper" in cast[name].get(f"/agencies/{agency}").text


@ON_SQLITE
def test_roles_without_agencies_are_refused_and_the_refusal_is_recorded(cast: Cast) -> None:
    agency = add_agency(cast)
    names = ("fin", "pat", "sol", "aud", "max")
    for name in names:
        assert cast[name].get("/agencies").status_code == 403
        assert cast[name].get(f"/agencies/{agency}").status_code == 403
    assert events_about(cast, f"agency:{agency}") == ["agency-added", *("refused" for _ in names)]


@ON_SQLITE
def test_only_the_coordinator_keeps_agencies(cast: Cast) -> None:
    agency = add_agency(cast)
    for name in ("ines", "cal", "dee"):
        officer = cast[name]
        assert officer.post("/agencies/add", **HARTFORD).status_code == 403
        assert officer.post(f"/agencies/{agency}/change", **HARTFORD, version="1").status_code == 403
        assert "Add an agency" not in officer.get("/agencies").text
    with cast.stage.vault.reading() as db:
        assert [row.version for row in db.query(Agency).all()] == [1]


@ON_SQLITE
def test_a_name_that_is_taken_is_refused_and_what_was_typed_stays(cast: Cast) -> None:
    add_agency(cast)
    answer = cast["ada"].post("/agencies/add", **(HARTFORD | {"name": "HARTFORD housing authority"}))
    assert answer.status_code == 409
    assert "here already" in answer.text
    assert "HARTFORD housing authority" in answer.text


@ON_SQLITE
def test_the_second_of_two_tabs_is_told_and_keeps_its_words(cast: Cast) -> None:
    agency, ada = add_agency(cast), cast["ada"]
    path = f"/agencies/{agency}/change"
    assert 'value="Hartford Housing Authority"' in ada.get(path).text
    assert ada.post(path, **(HARTFORD | {"telephone": "555-0150"}), version="1").status_code == 303
    second = ada.post(path, **(HARTFORD | {"telephone": "555-0160"}), version="1")
    assert second.status_code == 409
    assert "555-0160" in second.text
    with cast.stage.vault.reading() as db:
        assert db.get_one(Agency, agency).telephone == "555-0150"


@ON_SQLITE
def test_a_contact_who_left_is_shown_no_longer_and_kept(cast: Cast) -> None:
    agency, ada = add_agency(cast), cast["ada"]
    ada.post(f"/agencies/{agency}/contacts/add", name="Hal Hopper", telephone="555-0141")
    page = ada.get(f"/agencies/{agency}").text
    end = re.search(r"/agencies/[0-9a-f-]+/contacts/[0-9a-f-]+/end", page)
    assert end is not None
    assert ada.post(end[0]).status_code == 303
    assert "Hal Hopper" not in ada.get(f"/agencies/{agency}").text
    assert ada.post(end[0]).status_code == 404
    with cast.stage.vault.reading() as db:
        assert db.query(Contact).one().name == "Hal Hopper"


@ON_SQLITE
def test_a_contact_of_another_agency_cannot_be_ended_through_this_one(cast: Cast) -> None:
    agency, ada = add_agency(cast), cast["ada"]
    other = add_agency(cast, name="State Police Troop H", kind="state-police")
    ada.post(f"/agencies/{agency}/contacts/add", name="Hal Hopper", telephone="555-0141")
    with cast.stage.vault.reading() as db:
        contact = db.query(Contact).one().id
    assert ada.post(f"/agencies/{other}/contacts/{contact}/end").status_code == 404


def test_a_memorandum_is_drafted_signed_and_runs_out_by_its_clock(cast: Cast) -> None:
    agency = add_agency(cast)
    memorandum = draft(cast, agency, ["location", "casework"])
    page = cast["ines"].get(f"/memoranda/{memorandum}").text
    assert "Draft" in page
    assert Compartment.LOCATION.label in page
    assert sign(cast, memorandum, "2026-11-20", "2026-12-20", "1") == 303
    assert "due in 27 days" in cast["ada"].get("/agencies").text.lower()
    with cast.stage.vault.reading() as db:
        kept = db.get_one(Memorandum, memorandum)
        assert kept.state_on(date(2026, 12, 20)) is MemorandumState.SIGNED
        assert kept.state_on(date(2026, 12, 21)) is MemorandumState.EXPIRED
    assert events_about(cast, f"memorandum:{memorandum}") == ["memorandum-drafted", "memorandum-signed"]
    assert "memorandum-signed" in events_about(cast, f"agency:{agency}")


@ON_SQLITE
def test_what_was_signed_stays_as_it_was_and_can_be_signed_again(cast: Cast) -> None:
    agency = add_agency(cast)
    memorandum = draft(cast, agency, ["location"])
    assert sign(cast, memorandum, "2026-11-20", "2026-12-20", "1") == 303
    answer = cast["ada"].post(
        f"/memoranda/{memorandum}/change", title="Other words", parties=[str(agency)], version="2"
    )
    assert answer.status_code == 409
    assert "Other words" in answer.text
    assert sign(cast, memorandum, "2026-11-23", "2027-11-23", "2") == 303
    with cast.stage.vault.reading() as db:
        kept = db.get_one(Memorandum, memorandum)
        assert (kept.title, kept.renew_by) == ("Housing vouchers", date(2027, 11, 23))


@ON_SQLITE
def test_days_that_make_no_sense_are_refused(cast: Cast) -> None:
    memorandum = draft(cast, add_agency(cast), [])
    for signed_on, renew_by in (
        ("2026-11-24", "2027-11-24"),
        ("2026-11-20", "2026-11-20"),
        ("2026-11-20", "2031-12-20"),
    ):
        assert sign(cast, memorandum, signed_on, renew_by, "1") == 409
    with cast.stage.vault.reading() as db:
        assert db.get_one(Memorandum, memorandum).signed_on is None


def test_a_draft_changes_its_parties_and_the_second_tab_is_told(cast: Cast) -> None:
    agency, ada = add_agency(cast), cast["ada"]
    other = add_agency(cast, name="State Police Troop H", kind="state-police")
    memorandum = draft(cast, agency, ["location"])
    assert 'value="Housing vouchers"' in ada.get(f"/memoranda/{memorandum}/change").text
    answers = {"title": "Housing vouchers", "shared": ["location"], "version": "1"}
    assert ada.post(f"/memoranda/{memorandum}/change", parties=[str(other)], **answers).status_code == 303
    assert ada.post(f"/memoranda/{memorandum}/change", parties=[str(agency)], **answers).status_code == 409
    with cast.stage.vault.reading() as db:
        assert [row.agency for row in db.query(Party).all()] == [other]


@ON_SQLITE
def test_a_party_that_is_no_agency_here_is_not_taken(cast: Cast) -> None:
    agency = add_agency(cast)
    answer = cast["ada"].post(
        f"/agencies/{agency}/memoranda/draft", title="Housing vouchers", parties=[str(UUID(int=7))]
    )
    assert answer.status_code == 422


@ON_SQLITE
def test_what_is_not_there_is_not_found(cast: Cast) -> None:
    for path in ("/agencies/{}", "/memoranda/{}", "/memoranda/{}/change"):
        assert cast["ada"].get(path.format(UUID(int=7))).status_code == 404


def queries_of(cast: Cast, path: str) -> int:
    statements: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        statements.append(statement)

    engine = cast.stage.vault.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert cast["ada"].get(path).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len([s for s in statements if s.startswith("SELECT")])


@ON_SQLITE
def test_the_list_asks_as_often_for_eight_agencies_as_for_two(cast: Cast) -> None:
    def grow(start: int, end: int) -> None:
        for number in range(start, end):
            draft(cast, add_agency(cast, name=f"Agency {number}", kind=AgencyKind.OTHER), ["location"])

    grow(0, 2)
    few = queries_of(cast, "/agencies")
    grow(2, 8)
    assert queries_of(cast, "/agencies") == few
