"""Asking in an emergency: the answer tells nothing of the number, and no desk is flooded."""

import pytest
from sqlalchemy import event, select

from tests.cast import Cast, Officer
from tests.emergency.errands import WORDS, answer, ask, request_of, sent
from tests.keys.reading import plain
from tests.programme import open_case
from vault.access.custody import KeyCase
from vault.access.models import Lockbox
from vault.access.policy import Compartment
from vault.emergency.models import RequestState
from vault.errors import NotKnown

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
NOBODYS = "WP-2026-0777"


def without_ids(page: str, *ids: object) -> str:
    """A page without what differs from request to request by itself."""
    for ident in ids:
        page = page.replace(str(ident), "")
    return plain(page)


def test_a_number_that_is_no_cases_is_answered_word_for_word_like_one_that_is(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    pat = cast["pat"]
    pages = []
    for number in (case.code, NOBODYS):
        request = ask(cast, "pat", number, "location")
        shown = pat.get(f"/emergency/{request}")
        assert case.code not in shown.text
        pages.append(without_ids(shown.text, request))
    assert pages[0] == pages[1]


@ONLY_SQLITE
def test_both_numbers_cost_as_many_questions_to_the_database(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    counts, asked = [], []
    cast["pat"].get("/emergency/ask")
    event.listen(
        cast.stage.vault.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2])
    )
    for number in (case.code, NOBODYS, case.code, NOBODYS):
        asked.clear()
        assert sent(cast, "pat", number, "location").status_code == 303
        counts.append(len(asked))
    assert counts[2] == counts[3]  # The first two also read what is read once.


@ONLY_SQLITE
def test_a_refusal_looks_to_who_asked_like_a_number_that_is_no_cases_until_the_end(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    refused, unknown = ask(cast, "pat", case.code, "location"), ask(cast, "pat", NOBODYS, "location")
    assert answer(cast, refused, "ada", answer="refuse", words="He could not say why.").status_code == 303
    assert request_of(cast, refused).state is RequestState.REFUSED
    pat = cast["pat"]
    pat.get("/desk")  # Takes the notice that follows a request off the next page.
    for hours in (0, 1, 2):
        cast.stage.clock.forward(hours=hours)
        pat = Officer(cast.stage, "pat").sign_in() if hours else pat
        pages = [without_ids(pat.get(f"/emergency/{i}").text, i) for i in (refused, unknown)]
        assert pages[0] == pages[1]
        assert "could not say" not in pages[0]
        assert ("Not given" in pages[0]) == (hours == 2)


@ONLY_SQLITE
def test_a_request_for_nobodys_number_reaches_no_desk_and_the_auditor_alone_knows_of_it(cast: Cast) -> None:
    request = ask(cast, "pat", NOBODYS, "location")
    for name in ("ada", "dee", "ines"):
        assert "Emergency: an answer" not in cast[name].get("/desk").text
        assert cast[name].get(f"/emergency/{request}").status_code == 404
    shown = cast["aud"].get(f"/emergency/{request}").text
    assert "No such case" in shown
    assert "/ledger?event=emergency-asked" in shown


@ONLY_SQLITE
def test_the_request_is_red_at_once_on_the_desk_of_every_officer_who_holds_the_place(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    cast["ivo"].get("/desk")
    ask(cast, "pat", case.code, "location")
    for name in ("ada", "ines"):
        page = plain(cast[name].get("/desk").text)
        assert "Emergency: an answer Urgent" in page
        assert f"Location of {case.code}" in page
    for name in ("ivo", "dee", "pat", "cal"):
        assert "Emergency: an answer" not in cast[name].get("/desk").text


def test_the_words_open_to_coordinator_deputy_and_named_inspector_and_to_nobody_else(cast: Cast) -> None:
    case = open_case(cast, named=["ines", "cal"])
    request = ask(cast, "pat", case.code, "location")
    for name in ("ada", "dee", "ines"):
        shown = cast[name].post(f"/emergency/{request}/words", reason="emergency")
        assert WORDS in shown.text, name
    assert cast["ivo"].post(f"/emergency/{request}/words", reason="emergency").status_code == 404
    with cast.stage.vault.reading() as db:
        box = db.scalars(select(Lockbox).where(Lockbox.compartment == Compartment.EMERGENCY)).one()
        for name in ("pat", "ivo", "cal", "fin", "aud", "max"):
            with pytest.raises(NotKnown):
                KeyCase(db, cast[name].actor, cast.stage.vault.trust).lockbox(box)


def test_the_sixth_request_of_a_day_is_refused(cast: Cast) -> None:
    for _ in range(5):
        ask(cast, "pat", NOBODYS, "location")
    refused = sent(cast, "pat", NOBODYS, "location")
    assert refused.status_code == 409
    assert "Telephone the coordinator" in refused.text
    assert sent(cast, "cal", NOBODYS, "location").status_code == 303


@ONLY_SQLITE
@pytest.mark.parametrize(
    "part", ["directory", "disclosure", "cover", "finance", "house-address", "emergency"]
)
def test_what_no_emergency_opens_cannot_be_asked_for(cast: Cast, part: str) -> None:
    assert sent(cast, "pat", NOBODYS, part).status_code == 422


@ONLY_SQLITE
def test_who_holds_it_by_role_or_by_name_is_told_to_open_it_as_always(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    assert sent(cast, "dee", case.code, "threat").status_code == 422
    named = sent(cast, "ines", case.code, "location")
    assert named.status_code == 409
    assert "You are named there" in plain(named.text)
    assert sent(cast, "ivo", case.code, "location").status_code == 303


@ONLY_SQLITE
def test_the_number_of_ones_referral_stands_for_its_case_and_the_cases_own_number_is_not_told(
    cast: Cast,
) -> None:
    case = open_case(cast, named=[])
    request = ask(cast, "pat", "r-2026-0001 ", "identity")
    assert request_of(cast, request).case == case.id
    answer(cast, request, "ada", answer="give")
    assert "is open to you" in (shown := cast["pat"].get(f"/emergency/{request}").text)
    assert case.code not in shown
