"""A document goes into a case and comes out again on a telephone without scripts."""

from pathlib import Path

from tests.journeys import acts
from tests.journeys.conftest import Opened, Staff


def test_a_paper_is_listed_opened_and_removed(
    staff: Staff, record: Opened, papers: Path, tmp_path: Path
) -> None:
    ines = staff["ines"]
    assert acts.list_papers(ines, record.path) == 200
    for words in ("Statement of the brother", "Plain text", "Protective order", "90.0 kB", "Ines Inkpen"):
        ines.sees(words)
    ines.sees("Recorded as entry")
    ines.follow("Open paper 2")
    ines.sees_nothing_of("Statement of the brother")
    ines.pick("Why are you opening this?", "Court appearance or order")
    fetched = ines.download("Open", tmp_path)
    assert fetched.name == f"{record.code}-2.txt"
    assert fetched.read_bytes() == (papers / "order.txt").read_bytes()
    assert acts.list_papers(ines, record.path) == 200
    ines.follow("Remove paper 1")
    ines.pick("Why are you removing it?", "Correcting the record")
    assert ines.press("Remove paper 1") == 200
    ines.sees("The paper is removed and can no longer be opened.")
    assert acts.list_papers(ines, record.path) == 200
    ines.sees_nothing_of("Protective order")


def test_the_clerk_on_the_case_opens_the_list_and_removes_nothing_of_others(
    staff: Staff, record: Opened, papers: Path
) -> None:
    cal = staff["cal"]
    assert acts.list_papers(cal, record.path) == 200
    cal.sees("Statement of the brother")
    cal.sees_nothing_of("Remove paper")
