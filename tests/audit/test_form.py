"""The quick answer to "is this leaf in canonical form?" is the slow one's, on good and on spoilt leaves."""

import json
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import form
from audit.entries import Entry
from audit.errors import InvalidEntry
from audit.form import check_form
from tests.audit.test_entries import ENTRIES
from tests.audit.writing import an_entry


def slowly(leaf: bytes) -> tuple[bytes, bytes] | None:
    try:
        return str(Entry.from_canonical(leaf).id).encode(), leaf[7:31]
    except InvalidEntry:
        return None


def quickly(leaf: bytes) -> tuple[bytes, bytes] | None:
    try:
        return check_form(leaf)
    except InvalidEntry:
        return None


@given(ENTRIES)
def test_every_leaf_that_is_written_passes(entry: Entry) -> None:
    leaf = entry.canonical()
    assert check_form(leaf) == (str(entry.id).encode(), leaf[7:31])


@given(ENTRIES, st.data())
def test_a_leaf_with_bytes_changed_is_judged_alike(entry: Entry, data: st.DataObject) -> None:
    leaf = bytearray(entry.canonical())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(leaf) - 1))
        leaf[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from([b'"', b",", b"0", b"a", b"}", b""])
        )
    assert quickly(bytes(leaf)) == slowly(bytes(leaf))


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b'"facts":{}', b'"facts":{"b":1,"a":1}'),
        (b'"facts":{}', b'"facts":{"a":1,"a":1}'),
        (b'"facts":{}', b'"facts":{"a":1,"a.b":1}'),
        (b'"facts":{}', b'"facts":{"a.b":1,"a":1}'),
        (b'"facts":{}', b'"facts":{"a":9007199254740991}'),
        (b'"facts":{}', b'"facts":{"a":9007199254740992}'),
        (b'"facts":{}', b'"facts":{"a":-0}'),
        (b'"facts":{}', b'"facts":{"a":01}'),
        (b'"rows":{}', b'"rows":{"b":"%s","a":"%s"}' % (b"a" * 64, b"a" * 64)),
        (b'"rows":{}', b'"rows":{"a":"%s","b":"%s"}' % (b"a" * 64, b"a" * 64)),
        (b'"fields":["legal_name"', b'"fields":["legal_name","legal_name"'),
        (b'"subjects":[', b'"subjects":["a","a",'),
        (b"2026-11-22T", b"2026-02-29T"),
        (b"2026-11-22T", b"2024-02-29T"),
        (b"2026-11-22T", b"2100-02-29T"),
        (b"2026-11-22T", b"0000-01-01T"),
        (b"2026-11-22T", b"2026-13-01T"),
        (b"T12:00:00", b"T12:60:00"),
        (b"T12:00:00", b"T12:00:60"),
        (b'"v":1}', b'"v":1}\n'),
        (b'"fields":[', b'"fields":["%s",' % b'","'.join([b"a" * 80] * 99)),
    ],
)
def test_a_leaf_spoilt_on_purpose_is_judged_alike(was: bytes, becomes: bytes) -> None:
    leaf = an_entry().canonical()
    assert was in leaf
    changed = leaf.replace(was, becomes, 1)
    assert quickly(changed) == slowly(changed)


@pytest.mark.parametrize("year", ["0000", "0001", "1900", "2000", "2024", "2026"])
def test_every_day_is_judged_alike(year: str) -> None:
    leaf = an_entry().canonical()
    for month, day in product(range(14), range(33)):
        changed = leaf.replace(b"2026-11-22T", f"{year}-{month:02d}-{day:02d}T".encode())
        assert quickly(changed) == slowly(changed)


def test_every_list_of_subjects_is_judged_alike() -> None:
    leaf = an_entry(subjects=()).canonical()
    for length in range(5):
        for subjects in product(("a", "a.b", "b"), repeat=length):
            changed = leaf.replace(b'"subjects":[]', b'"subjects":%s' % written(subjects))
            assert quickly(changed) == slowly(changed)


def written(subjects: tuple[str, ...]) -> bytes:
    return json.dumps(subjects, separators=(",", ":")).encode()


def test_an_ordinary_leaf_needs_no_slow_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"people/1": "ab" * 32, "people/2": "ab" * 32}
    last_day = datetime(2028, 2, 29, 12, 0, tzinfo=UTC)
    leaf = an_entry(at=last_day, facts={"a": 1, "b": "x"}, rows=rows, subjects=("a", "b", "c")).canonical()
    monkeypatch.delattr(form, "Entry")
    assert check_form(leaf)[1] == b"2028-02-29T12:00:00.000Z"
