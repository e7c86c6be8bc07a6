"""From a referral to a sealed record, opened by the named inspector and by nobody else."""

import re
from uuid import UUID

from tests.cast import TOKEN, Cast
from tests.programme import open_case, send_referral
from vault.cases.models import Person


def test_a_referral_becomes_a_case_whose_named_inspector_opens_what_the_coordinator_wrote(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ada, ines = cast["ada"], cast["ines"]
    place = f"/records/person/{case.witness}/identity"
    ada.get(f"{place}/change")
    page = ada.post(f"{place}/change", reason="case-work", code=ada.code())
    assert page.status_code == 200, page.text
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version is not None
    saved = ada.post(f"{place}/save", legal_name="Jane Roe", aliases="Janie", version=version[1])
    assert saved.status_code == 303, saved.text
    ines.get(f"{place}/open")
    shown = ines.post(f"{place}/open", reason="visit", code=ines.code())
    assert shown.status_code == 200
    assert "Jane Roe" in shown.text
    assert "Recorded as entry" in shown.text


def test_an_unassigned_inspector_finds_no_such_case_and_no_such_person(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ivo = cast["ivo"]
    missing = UUID(int=7)
    for path in (f"/cases/{case.id}", f"/records/person/{case.witness}/identity/open"):
        not_yours = ivo.get(path)
        not_there = ivo.get(path.replace(str(case.id), str(missing)).replace(str(case.witness), str(missing)))
        assert not_yours.status_code == not_there.status_code == 404
        assert TOKEN.sub("", not_yours.text) == TOKEN.sub("", not_there.text)


def test_an_opening_without_its_code_is_asked_for_again_and_shows_nothing(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ines = cast["ines"]
    ines.get(f"/records/person/{case.witness}/identity/open")
    answer = ines.post(f"/records/person/{case.witness}/identity/open", reason="visit")
    assert answer.status_code == 422
    assert "Recorded as entry" not in answer.text


def test_the_clerk_is_shown_only_what_the_matrix_allows(cast: Cast) -> None:
    case = open_case(cast, named=["cal"])
    page = cast["cal"].get(f"/cases/{case.id}").text
    assert f"/records/person/{case.witness}/identity/open" in page
    assert "casework/open" in page
    for never in ("cover", "health", "location", "threat"):
        assert f"/{never}/open" not in page


def test_the_second_of_two_tabs_is_told_and_keeps_its_words(cast: Cast) -> None:
    case = open_case(cast, named=[])
    ada = cast["ada"]
    place = f"/records/person/{case.witness}/health"
    ada.get(f"{place}/change")
    ada.post(f"{place}/change", reason="case-work")
    assert ada.post(f"{place}/save", medical="asthma", version="1").status_code == 303
    second = ada.post(f"{place}/save", medical="asthma and a bad knee", version="1")
    assert second.status_code == 409
    assert "asthma and a bad knee" in second.text
    assert "Nothing you wrote is lost" in second.text or "Nothing of yours was lost" in second.text


def test_an_officer_taken_off_the_case_opens_nothing_of_it(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ada, ines = cast["ada"], cast["ines"]
    page = ada.get(f"/cases/{case.id}").text
    remove = re.search(r"/cases/[0-9a-f-]+/officers/[0-9a-f-]+/remove", page)
    assert remove is not None
    assert ada.post(remove[0]).status_code == 303
    assert ines.get(f"/cases/{case.id}").status_code == 404
    with cast.stage.vault.reading() as db:
        from vault.access.models import SealRow

        held = db.query(SealRow).filter_by(holder=ines.actor.officer, key_kind="lockbox").count()
    assert held == 0


def test_a_household_member_added_later_is_sealed_to_the_named_inspector(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ada = cast["ada"]
    ada.get(f"/cases/{case.id}/people/add")
    assert ada.post(f"/cases/{case.id}/people/add", position="child", minor="yes").status_code == 303
    with cast.stage.vault.reading() as db:
        child = db.query(Person).filter_by(case=case.id, number=2).one()
        from vault.access.comparing import audit_seals

        assert audit_seals(db) == ([], [])
    ines = cast["ines"]
    ines.get(f"/records/person/{child.id}/health/open")
    assert ines.post(f"/records/person/{child.id}/health/open", reason="visit").status_code == 200


def test_the_prosecutor_reads_a_referral_until_it_is_decided_and_never_after(cast: Cast) -> None:
    referral = send_referral(cast)
    pat, ada = cast["pat"], cast["ada"]
    pat.get(f"/referrals/{referral}/open")
    assert "Jane Roe" in pat.post(f"/referrals/{referral}/open", reason="court").text
    ada.get(f"/referrals/{referral}")
    answer = ada.post(f"/referrals/{referral}/decide", outcome="no", reasons="Not at risk.", version="1")
    assert answer.status_code == 303, answer.text
    refused = pat.post(f"/referrals/{referral}/open", reason="court")
    assert refused.status_code == 404
    assert "Jane Roe" not in refused.text
