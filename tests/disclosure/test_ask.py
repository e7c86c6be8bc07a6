"""A prosecutor asks by their own referral, and learns of nothing else."""

import re
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tests.cast import TOKEN, Cast
from tests.disclosure.errands import ASKED, PURPOSE, REQUEST, ask, asked, done
from tests.programme import send_referral
from vault.disclosure import actions
from vault.disclosure.models import DisclosureRequest
from vault.errors import NotKnown
from vault.vocabulary import DisclosureAuthority

pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def test_a_request_gets_its_code_and_its_words_are_open_to_who_asked(cast: Cast) -> None:
    pat = cast["pat"]
    answer = done(ask(pat, send_referral(cast)))
    page = pat.get(answer.location)
    assert "D-2026-0001" in page.text
    assert ASKED not in page.text
    opened = pat.post(f"{answer.location}/open/request", reason="court")
    assert opened.status_code == 200
    assert ASKED in opened.text
    assert PURPOSE in opened.text
    assert "Recorded as entry" in opened.text


def test_anothers_referral_and_one_that_is_not_there_are_refused_alike(cast: Cast) -> None:
    theirs, pat, vault = send_referral(cast), cast["pat"], cast.stage.vault
    with vault.database.engine.begin() as plain:
        plain.execute(text("UPDATE referrals SET prosecutor_id = :other"), {"other": uuid4().hex})
    values = {name: REQUEST.get(name, "") for name in actions.SEALED}
    pages, order = [], DisclosureAuthority.COURT_ORDER
    for referral in (theirs, uuid4()):
        answer = ask(pat, referral)
        assert answer.status_code == 422
        pages.append(re.sub(r'name="csrf_token"[^>]*>', "", answer.text.replace(str(referral), "")))
        with vault.writing() as db, pytest.raises(NotKnown):
            actions.ask(db, pat.actor, vault.trust, referral, order, None, values, vault.now())
    assert pages[0] == pages[1]
    with vault.reading() as db:
        assert db.query(DisclosureRequest).count() == 0


def test_a_request_of_another_prosecutor_and_one_that_is_not_there_look_alike(cast: Cast) -> None:
    errand, pat, vault = asked(cast), cast["pat"], cast.stage.vault
    assert "D-2026-0001" in pat.get("/disclosure").text
    with vault.database.engine.begin() as plain:
        plain.execute(text("UPDATE disclosure_requests SET requester_id = :other"), {"other": uuid4().hex})
    for what in ("", "/open/request", "/fetch", "/acknowledge"):
        theirs, nothing = pat.get(errand.path + what), pat.get(f"/disclosure/{UUID(int=7)}{what}")
        assert theirs.status_code == nothing.status_code == 404
        assert TOKEN.sub("", theirs.text) == TOKEN.sub("", nothing.text)
    assert "D-2026" not in pat.get("/disclosure").text


def test_a_request_about_a_referral_without_a_case_looks_like_any_other(cast: Cast) -> None:
    with_case = asked(cast)
    pat = cast["pat"]
    without_case = done(ask(pat, send_referral(cast))).location
    cast["ada"].get(without_case)
    done(cast["ada"].post(f"{without_case}/take-up"))
    assert with_case.press("ada", "take-up").status_code == 303
    pages = [pat.get(path).text for path in (with_case.path, without_case)]
    for page in pages:
        assert "With the unit" in page
        assert "Case" not in page
        assert with_case.case.code not in page


def test_a_court_order_is_named(cast: Cast) -> None:
    answer = ask(cast["pat"], send_referral(cast), order_reference="")
    assert answer.status_code == 422
    assert "Enter the reference of the court order." in answer.text
    assert ASKED in answer.text


@pytest.mark.parametrize("name", ["ines", "cal", "fin", "sol", "max"])
def test_officers_without_a_part_in_disclosure_reach_no_page_of_it(cast: Cast, name: str) -> None:
    errand = asked(cast)
    for path in ("/disclosure", errand.path, f"{errand.path}/open/request", "/disclosure/accounting"):
        assert cast[name].get(path).status_code == 403


def test_a_withdrawn_request_is_worked_on_no_more(cast: Cast) -> None:
    errand = asked(cast)
    assert errand.press("pat", "withdraw").status_code == 303
    assert errand.press("ada", "take-up").status_code == 409
