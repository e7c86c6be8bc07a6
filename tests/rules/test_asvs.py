"""The table of OWASP ASVS 5.0.0 is whole, every test that it names exists, and its numbers are true."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from vault.settings import Settings

TESTS = Path(__file__).resolve().parents[1]
README = TESTS.parent / "vault" / "officers" / "README.md"
REQUIREMENTS = {
    "6.1": 3, "6.2": 12, "6.3": 8, "6.4": 6, "6.5": 8, "6.6": 4, "6.7": 2, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 3, "7.6": 2,
    "8.1": 4, "8.2": 4, "8.3": 3, "8.4": 2,
}  # fmt: skip
"""How many requirements each section of chapters V6, V7 and V8 has, numbered from one."""
NUMBERS = [f"{section}.{number + 1}" for section, count in REQUIREMENTS.items() for number in range(count)]
WHOLE_CHAPTERS = ("6.", "7.", "8.")
STATES = {"met", "partly", "not met", "does not apply"}
ROW = re.compile(r"^\| v5\.0\.0-([\d.]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def faults(text: str) -> list[str]:
    """What is wrong with a table: a number missing or told twice, a state or a test that is none."""
    rows = ROW.findall(text)
    told = [number for number, *_ in rows]
    whole = [number for number in told if number.startswith(WHOLE_CHAPTERS)]
    found = [f"{number} is missing" for number in NUMBERS if number not in told]
    found += [f"{number} is no requirement" for number in whole if number not in NUMBERS]
    found += [f"{number} is told twice" for number in sorted({one for one in told if told.count(one) > 1})]
    if len(rows) != text.count("\n| v5.0.0-"):
        found.append("a row cannot be read")
    for number, _words, level, state, shown in rows:
        tests = NAMED.findall(shown)
        if state not in STATES or level not in {"1", "2", "3"}:
            found.append(f"{number} has no state or no level")
        if state == "met" and not tests:
            found.append(f"{number} is met and shown by no test")
        if state in {"partly", "not met"} and len(NAMED.sub("", shown).split()) < 10:
            found.append(f"{number} does not say what is lacking")
        found += [f"{number} names {path}::{test}" for path, test in tests if not is_there(path, test)]
    return found


def is_there(path: str, test: str) -> bool:
    """Whether the file has a test of this name."""
    file = TESTS / path
    return file.is_file() and re.search(rf"^def {test}\(", file.read_text(), re.MULTILINE) is not None


def wrong_numbers(text: str) -> list[str]:
    """Settings of the table of numbers that are delivered with another number."""
    told = re.findall(r"^\| [^|]+ \| (\d+) \| `(\w+)` \|$", text, re.MULTILINE)
    delivered = {one.name: one.default for one in fields(Settings)}
    assert len(told) >= 9
    return [name for number, name in told if delivered.get(name) != int(number)]


def test_every_requirement_of_the_three_chapters_is_told_once_and_truly_named() -> None:
    assert len(NUMBERS) == 79
    assert faults(README.read_text()) == []


def test_the_numbers_told_are_those_of_the_settings() -> None:
    assert wrong_numbers(README.read_text()) == []


MET = "| v5.0.0-7.2.2 | tokens are made for each session | 1 | met |"


@pytest.mark.parametrize(
    ("written", "instead", "fault"),
    [
        ("| v5.0.0-7.2.2 |", "| v5.0.0-7.2.9 |", "7.2.2 is missing"),
        ("| v5.0.0-7.2.2 |", "| v5.0.0-7.2.9 |", "7.2.9 is no requirement"),
        ("| v5.0.0-7.2.2 |", "| v5.0.0-7.2.3 |", "7.2.3 is told twice"),
        (MET, MET.replace("| 1 | met |", "| 1 | surely |"), "7.2.2 has no state or no level"),
        (MET, MET + " trust us |\n|", "7.2.2 is met and shown by no test"),
        (MET, MET.replace("| met |", "| partly |"), "7.2.2 does not say what is lacking"),
        (MET, MET.replace(" |", "", 1), "a row cannot be read"),
        ("::test_a_forged_cookie_signs_nobody_in", "::test_nobody_wrote_this", "7.2.1 names "),
        (
            "`adversaries/test_credentials.py::test_a_forged",
            "`nowhere/test_it.py::test_a_forged",
            "7.2.1 names ",
        ),
    ],
)
def test_a_planted_fault_of_the_table_is_found(written: str, instead: str, fault: str) -> None:
    text = README.read_text()
    assert written in text
    assert any(found.startswith(fault) for found in faults(text.replace(written, instead, 1)))


def test_a_number_that_is_no_longer_true_is_found() -> None:
    text = README.read_text()
    assert "| 15 | `idle_minutes` |" in text
    assert wrong_numbers(text.replace("| 15 | `idle_minutes` |", "| 20 | `idle_minutes` |")) == [
        "idle_minutes"
    ]
