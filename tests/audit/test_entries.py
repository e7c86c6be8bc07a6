"""An entry, its canonical bytes and what it refuses to hold."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.entries import Entry, Fact, new_entry_id
from audit.errors import InvalidEntry
from tests.audit.writing import ADA, NOON, an_entry

REFERENCES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,79}", fullmatch=True)
FACTS = st.one_of(
    REFERENCES,
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.booleans(),
    st.none(),
    st.dates(),
    st.uuids(),
    st.datetimes(timezones=st.just(UTC)),
)
ENTRIES = st.builds(
    Entry,
    id=st.uuids(),
    at=st.datetimes(timezones=st.just(UTC)),
    event=REFERENCES,
    officer=st.none() | st.uuids(),
    session=st.none() | REFERENCES,
    subjects=st.lists(REFERENCES, max_size=4, unique=True).map(tuple),
    compartment=st.none() | REFERENCES,
    fields=st.lists(REFERENCES, max_size=4).map(tuple),
    reason=st.none() | REFERENCES,
    outcome=st.sampled_from(["done", "refused", "failed"]),
    rows=st.dictionaries(REFERENCES, st.from_regex(r"[0-9a-f]{64}", fullmatch=True), max_size=3),
    facts=st.dictionaries(REFERENCES, FACTS, max_size=4),
    details=st.none() | st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
)


def test_the_canonical_bytes_are_these_for_ever() -> None:
    entry = an_entry(
        id=UUID("0191d5a0-0000-7000-8000-000000000001"),
        rows={"people/0191d5a0-0000-7000-8000-00000000f001": "ab" * 32},
        facts={
            "until": date(2026, 12, 1),
            "amount-cents": 125000,
            "again": False,
            "officer": ADA,
            "none": None,
        },
    )
    assert entry.canonical() == (
        b'{"at":"2026-11-22T12:00:00.000Z","compartment":"identity","details":null,'
        b'"event":"compartment-opened","facts":{"again":false,"amount-cents":125000,"none":null,'
        b'"officer":"0191d5a0-0000-7000-8000-00000000ada0","until":"2026-12-01"},'
        b'"fields":["legal_name","birth_date"],"id":"0191d5a0-0000-7000-8000-000000000001",'
        b'"officer":"0191d5a0-0000-7000-8000-00000000ada0","outcome":"done","reason":"court-date",'
        b'"rows":{"people/0191d5a0-0000-7000-8000-00000000f001":'
        b'"abababababababababababababababababababababababababababababababab"},"session":"5f2c9a10",'
        b'"subjects":["case:0191d5a0-0000-7000-8000-00000000c001",'
        b'"person:0191d5a0-0000-7000-8000-00000000f001"],"v":1}'
    )


@given(ENTRIES)
def test_a_leaf_reads_back_as_the_entry_that_was_written(entry: Entry) -> None:
    read = Entry.from_canonical(entry.canonical())
    assert read == replace(entry, facts=json.loads(entry.canonical())["facts"])
    assert read.canonical() == entry.canonical()


@pytest.mark.parametrize(
    "fact",
    [
        "Jane Roe",
        "",
        "naïve",
        "a" * 81,
        "-leading",
        "line\n",
        'quote"',
        0.5,
        2**53,
        ["list"],
        b"bytes",
        {"a": 1},
    ],
)
def test_a_fact_that_is_free_text_a_fraction_or_a_structure_is_refused(fact: Any) -> None:
    with pytest.raises(InvalidEntry):
        an_entry(facts={"fact": fact})


@pytest.mark.parametrize(
    "changes",
    [
        {"event": "opened by Jane"},
        {"subjects": ("case:1", "case:1")},
        {"subjects": ("Jane Roe",)},
        {"fields": ("legal name",)},
        {"reason": "because she asked"},
        {"session": ""},
        {"compartment": "house address"},
        {"outcome": "perhaps"},
        {"rows": {"people/1": "abc"}},
        {"rows": {"people of 1": "ab" * 32}},
        {"facts": {"a name": 1}},
        {"details": "abc"},
        {"officer": "ada"},
        {"at": datetime(2026, 11, 22)},  # noqa: DTZ001
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_an_entry_holds_only_references(changes: dict[str, Any]) -> None:
    with pytest.raises((InvalidEntry, AttributeError)):
        replace(an_entry(), **changes)


def test_a_refused_entry_never_repeats_what_was_written() -> None:
    with pytest.raises(InvalidEntry) as refusal:
        an_entry(facts={"searched": "Jane Roe"})
    assert "Jane" not in str(refusal.value)


def test_an_entry_above_8_kib_is_refused() -> None:
    just_fits = an_entry(fields=tuple(f"{number:079d}" for number in range(93)))
    assert 8000 < len(just_fits.canonical()) <= 8192
    with pytest.raises(InvalidEntry, match="8 KiB"):
        an_entry(fields=tuple(f"{number:079d}" for number in range(99))).canonical()


def test_a_moment_is_written_in_utc_to_the_millisecond() -> None:
    there = datetime(2026, 11, 22, 7, 30, 0, 123999, tzinfo=timezone(timedelta(hours=-5)))
    entry = an_entry(at=there)
    assert b'"at":"2026-11-22T12:30:00.123Z"' in entry.canonical()
    assert entry.at == datetime(2026, 11, 22, 12, 30, 0, 123000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b'"v":1', b'"v":2'),
        (b'"v":1', b'"v": 1'),
        (b'"v":1', b'"v":1.0'),
        (b'"v":1', b'"v":1,"w":1'),
        (b'"v":1', b'"v":1,"v":1'),
        (b'"outcome":"done"', b'"outcome":"\\u0064one"'),
        (b'"facts":{}', b'"facts":{"b":1,"a":2}'),
        (b'"facts":{}', b'"facts":{"a":1,"a":1}'),
        (b'"facts":{}', b'"facts":{"a":-0}'),
        (b'"facts":{}', b'"facts":{"a":NaN}'),
        (b'"facts":{}', b'"facts":{"a":1e3}'),
        (b'"facts":{}', b'"facts":[]'),
        (b'"at":"2026-11-22T12', b'"at":"2026-11-22T24'),
        (b'"at":"2026-11-22T12', b'"at":"2026-02-30T12'),
        (b'"officer":"0191d5a0', b'"officer":"0191D5A0'),
        (b'{"at"', b' {"at"'),
    ],
)
def test_a_leaf_that_we_would_not_have_written_is_refused(was: bytes, becomes: bytes) -> None:
    leaf = an_entry().canonical()
    assert was in leaf
    with pytest.raises(InvalidEntry):
        Entry.from_canonical(leaf.replace(was, becomes, 1))


@pytest.mark.parametrize("leaf", [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 5000])
def test_bytes_that_are_no_entry_are_refused(leaf: bytes) -> None:
    with pytest.raises(InvalidEntry):
        Entry.from_canonical(leaf)


def test_an_entry_id_is_a_uuid_of_version_7_with_its_moment_in_front() -> None:
    ids = [new_entry_id(NOON) for _ in range(200)]
    assert {(name.version, name.variant) for name in ids} == {(7, "specified in RFC 4122")}
    assert {name.int >> 80 for name in ids} == {int(NOON.timestamp() * 1000)}
    assert len(set(ids)) == 200
    later = new_entry_id(NOON + timedelta(milliseconds=1))
    assert all(str(name) < str(later) for name in ids)


def test_what_an_entry_holds_cannot_be_changed_from_outside() -> None:
    facts: dict[str, Fact] = {"number": 1}
    entry = an_entry(facts=facts)
    facts["number"] = 2
    assert entry.facts["number"] == 1
    with pytest.raises(TypeError):
        entry.facts["number"] = 3  # type: ignore[index]
