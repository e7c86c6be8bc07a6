"""What waits for each officer, most urgent first, in as many queries for many cases as for one."""

import pytest
from sqlalchemy import event

from tests.cast import CAST, Cast
from tests.programme import open_case, send_referral


@pytest.mark.parametrize("name", sorted(CAST))
def test_every_officer_has_a_desk(cast: Cast, name: str) -> None:
    answer = cast[name].get("/desk")
    assert answer.status_code == 200
    assert "Your desk" in answer.text


def test_a_new_referral_stands_at_the_top_of_the_coordinators_desk_with_its_clock(cast: Cast) -> None:
    send_referral(cast)
    page = cast["ada"].get("/desk").text
    assert 'Referral <span class="vault-whole">R-2026-0001</span>' in page
    assert "Next decision: at risk of harm" in page
    assert "due in 2 days" in page or "Due in 2 days" in page or "Due in 3 days" in page


def test_a_case_without_an_inspector_waits_for_the_coordinator_alone(cast: Cast) -> None:
    case = open_case(cast, named=[])
    assert "Name an inspector" in cast["ada"].get("/desk").text
    for name in CAST:
        if name != "ada":
            assert case.code not in cast[name].get("/desk").text


def test_the_desk_asks_the_database_as_often_for_many_cases_as_for_one(cast: Cast) -> None:
    open_case(cast, named=["ines"])
    ada, counts = cast["ada"], []
    queries: list[str] = []
    event.listen(
        cast.stage.vault.database.engine, "before_cursor_execute", lambda *args: queries.append(args[2])
    )
    for _ in range(2):
        ada.get("/desk")
        queries.clear()
        ada.get("/desk")
        counts.append(len(queries))
        for _ in range(3):
            open_case(cast, named=["ines"])
    assert counts[0] == counts[1]
