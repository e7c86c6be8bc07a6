"""A removed paper opens no more, its pieces are gone, and the ledger still tells that it was there."""

import pytest

from tests.cast import Cast
from tests.papers.sending import LETTER, fetch, keep, listed, pieces, rows
from tests.programme import open_case
from vault.verification import verify


def test_a_removed_paper_is_gone_for_good_and_its_number_is_not_given_again(cast: Cast) -> None:
    case, ines, stage = open_case(cast, named=["ines"]), cast["ines"], cast.stage
    first, second = (keep(ines, case.id, LETTER * 60_000, title=f"Letter {turn}") for turn in "AB")
    before = pieces(stage)
    assert before == first.pieces + second.pieces > 2
    page = f"/cases/{case.id}/papers/{second.id}/remove"
    assert "Letter B" not in ines.get(page).text
    assert ines.post(page, reason="").status_code == 422
    assert ines.post(page, reason="correction").status_code == 303
    assert pieces(stage) == first.pieces
    for act in ("open", "remove"):
        assert ines.post(f"/cases/{case.id}/papers/{second.id}/{act}", reason="review").status_code == 404
    shown = listed(ines, case.id)
    assert "Letter A" in shown
    assert "Letter B" not in shown
    assert keep(ines, case.id, LETTER).number == 3
    assert fetch(ines, first).get_data() == LETTER * 60_000
    assert verify(stage.vault, lambda _count: None).findings == ()


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_only_who_added_a_paper_or_the_coordinator_removes_it(cast: Cast) -> None:
    case = open_case(cast, named=["ines", "cal"])
    paper = keep(cast["ines"], case.id, LETTER)
    page, cal = f"/cases/{case.id}/papers/{paper.id}/remove", cast["cal"]
    assert page not in listed(cal, case.id)
    cal.get(page)
    refused = cal.post(page, reason="correction")
    assert refused.status_code == 409
    assert "Whoever added a paper removes it, or the coordinator." in refused.text
    assert fetch(cal, paper).get_data() == LETTER
    ada = cast["ada"]
    assert page in listed(ada, case.id)
    ada.get(page)
    assert ada.post(page, reason="correction").status_code == 303
    (row,) = rows(cast.stage)
    assert row.removed_at is not None
