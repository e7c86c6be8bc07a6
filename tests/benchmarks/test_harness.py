"""Every row of the benchmarks still measures, and the harness refuses what would make a number a lie."""

import itertools
import json
import math
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.benchmarks import exports, fields, ledger, lockboxes, names, pages, renewal, sign_in  # noqa: F401 - each brings its rows
from tests.benchmarks.harness import BRIEF, ROWS, Measured, Run, alternate
from tests.benchmarks.house import NotAnswered

PEERS_ARE_HERE = find_spec("sqlalchemy_utils") is not None


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """One brief run, whose vault and servers its rows share."""
    with Run(BRIEF) as brief:
        yield brief


LEDGERS = (ledger.__name__, exports.__name__)
# The rows of pages stay together, so that parallel tests do not each found a vault for one of them.
GROUPS = {
    "bare": [
        row
        for row in ROWS
        if row.__module__ not in (*LEDGERS, pages.__name__) and "columns" not in row.__name__
    ],
    "columns": [row for row in ROWS if "columns" in row.__name__],
    "ledgers": [row for row in ROWS if row.__module__ in LEDGERS],
    "pages": [row for row in ROWS if row.__module__ == pages.__name__],
}


@pytest.mark.parametrize("group", GROUPS)
def test_each_row_gives_its_numbers_in_the_six_words_of_a_line(group: str, run: Run) -> None:
    if group == "columns" and not PEERS_ARE_HERE:
        pytest.skip("NO PEERS: SQLAlchemy-Utils comes with `make bench` alone")
    measured = [number for row in GROUPS[group] for number in row(run)]
    assert len(measured) >= len(GROUPS[group]) > 0
    for number in measured:
        line = json.loads(number.line())
        assert list(line) == ["name", "ours", "peer", "peer_name", "ratio", "unit"]
        assert line["ratio"] == pytest.approx(line["ours"] / line["peer"], rel=0.01)
        assert all(math.isfinite(line[word]) and line[word] > 0 for word in ("ours", "peer", "ratio"))


def test_both_sides_are_called_equally_often_and_begin_in_turns() -> None:
    called: list[str] = []
    ticks = itertools.count()
    ours, peer = alternate(
        lambda: called.append("ours"), lambda: called.append("peer"), 2, 1, lambda: next(ticks)
    )
    assert called == ["ours", "peer", "peer", "ours", "ours", "peer"]
    assert (ours, peer) == (1, 1)


@pytest.mark.parametrize(
    ("ours", "highest_ratio", "highest", "reached"),
    [
        (2.0, 2.0, None, True),
        (2.1, 2.0, None, False),
        (2.1, None, None, True),
        (150.0, None, 150.0, True),
        (150.5, 200.0, 150.0, False),
    ],
)
def test_a_goal_is_met_up_to_its_limit_only(
    ours: float, highest_ratio: float | None, highest: float | None, reached: bool
) -> None:
    measured = Measured("a thing", ours, 1.0, "another", "ms", highest_ratio, highest)
    assert measured.reaches_goal is reached
    assert measured.words().startswith("MISSED") is not reached


def test_pages_that_do_not_say_the_same_are_not_compared() -> None:
    sealed = '<input name="csrf_token" value="a"> Recorded as entry 1,204. Jane Roe'
    pages.check_same(sealed, '<input name="csrf_token" value="b"> Recorded as entry 7. Jane Roe')
    with pytest.raises(NotAnswered):
        pages.check_same(sealed, '<input name="csrf_token" value="b"> Recorded as entry 7. John Doe')
