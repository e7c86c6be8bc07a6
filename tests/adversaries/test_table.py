"""The table of thieves names tests that exist, and every thief of the design has some."""

import re
from pathlib import Path

TABLE = Path(__file__).with_name("README.md")
TESTS = Path(__file__).resolve().parents[1]
THIEVES = (
    "the database file",
    "the database and the root key file",
    "an encrypted backup",
    "logs",
    "a session cookie",
    "the sessions table",
    "an officer's password",
    "an inspector's account",
    "the administrator's account",
    "the auditor's account",
    "write access: a swapped public key",
    "write access: a forged or moved seal",
    "write access: a transplanted field",
    "write access: a rolled-back row",
    "write access: a planted or removed record",
    "write access: the ledger",
)


def named(table: str) -> dict[str, list[str]]:
    """Each thief of the table, and the tests named beside them."""
    rows = re.findall(r"^\| ([^|]+?) \| ([^|]+) \|$", table, re.MULTILINE)
    return {thief: re.findall(r"`(test_\w+)`", tests) for thief, tests in rows if thief != "the thief has"}


def defined() -> set[str]:
    """Every test of the tree."""
    return {
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }


def absent(table: str) -> list[str]:
    """The tests that a table names and the tree does not have."""
    known = defined()
    return [test for tests in named(table).values() for test in tests if test not in known]


def test_every_test_of_the_table_exists() -> None:
    assert absent(TABLE.read_text()) == []


def test_every_thief_has_tests() -> None:
    rows = named(TABLE.read_text())
    for thief in THIEVES:
        assert any(row.startswith(thief) and tests for row, tests in rows.items()), thief


def test_a_test_that_was_renamed_is_found() -> None:
    planted = TABLE.read_text() + "| a new thief | `test_that_nobody_wrote` |\n"
    assert absent(planted) == ["test_that_nobody_wrote"]
