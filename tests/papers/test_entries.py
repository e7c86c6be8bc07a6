"""Each act and each look at papers is an entry that names what was opened, and no entry tells a title."""

import pytest

from audit.entries import Entry
from tests.cast import Cast, Stage
from tests.papers.sending import LETTER, fetch, keep, listed
from tests.programme import open_case


def entries(stage: Stage) -> list[Entry]:
    """The ledger's entries, the oldest first."""
    with stage.vault.reading() as db:
        size = stage.vault.ledger.head(db).size
        return [stage.vault.ledger.entry(db, index).entry for index in range(size)]


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_adding_listing_opening_and_removing_are_told_apart(cast: Cast) -> None:
    case, ada, stage = open_case(cast, named=[]), cast["ada"], cast.stage
    before = len(entries(stage))
    paper = keep(ada, case.id, LETTER, title="Order for Jane Roe")
    assert "Order for Jane Roe" in listed(ada, case.id)
    fetch(ada, paper)
    ada.get(f"/cases/{case.id}/papers/{paper.id}/remove")
    ada.post(f"/cases/{case.id}/papers/{paper.id}/remove", reason="correction")
    added, looked, opened, removed = entries(stage)[before:]
    assert [e.event for e in (added, looked, opened, removed)] == [
        "paper-added", "opened", "paper-opened", "paper-removed",
    ]  # fmt: skip
    assert looked.fields == ("paper.length", "paper.media_type", "paper.title")
    assert opened.fields == ("paper.content_key", "paper.length", "paper.media_type")
    assert opened.subjects == (f"case:{case.id}", f"paper:{paper.id}")
    assert (looked.reason, opened.reason, removed.reason) == ("review", "review", "correction")
    assert list(added.rows) == list(removed.rows) == [f"papers/{paper.id}"]
    for entry in (added, looked, opened, removed):
        assert b"Jane" not in entry.canonical()
        assert str(case.id).encode() in entry.canonical()
