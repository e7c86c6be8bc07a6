"""The table of edges names tests that exist, and every edge of the design has some."""

from pathlib import Path

from tests.adversaries.test_table import absent, named

TABLE = Path(__file__).with_name("README.md")
EDGES = (
    "an emptied ledger",
    "the newest entries cut off",
    "the oldest cut off",
    "an entry altered",
    "two entries swapped",
    "an entry duplicated",
    "an entry given a NULL",
    "a head row edited",
    "two heads",
    "a restored older database",
    "a clock set back",
    "a denied act rolled back",
    "the appender failing at each step",
    "kill -9 at each step",
    "two processes at once",
    "a details row deleted",
)


def test_every_edge_has_tests() -> None:
    rows = named(TABLE.read_text())
    assert [edge for edge in EDGES if not rows.get(edge)] == []


def test_every_test_of_the_table_of_edges_exists() -> None:
    assert absent(TABLE.read_text()) == []


def test_an_edge_whose_test_was_renamed_is_found() -> None:
    planted = TABLE.read_text() + "| a new edge | `test_that_nobody_wrote` |\n"
    assert absent(planted) == ["test_that_nobody_wrote"]
