"""Encodings that authenticate: no two different statements give the same bytes."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.encoding import enc
from crypto.errors import Unsealable

items = st.one_of(
    st.binary(max_size=20), st.text(max_size=20), st.uuids(), st.integers(min_value=0, max_value=2**64 - 1)
)


def decoded(encoded: bytes) -> list[bytes]:
    """What a reader who knows only the format takes the bytes apart into."""
    found = []
    while encoded:
        length = int.from_bytes(encoded[:4], "big")
        assert len(encoded) >= 4 + length
        found.append(encoded[4 : 4 + length])
        encoded = encoded[4 + length :]
    return found


def written(item: bytes | str | int | UUID) -> bytes:
    if isinstance(item, bytes):
        return item
    if isinstance(item, str):
        return item.encode()
    return item.bytes if isinstance(item, UUID) else item.to_bytes(8, "big")


@given(st.text(max_size=10), st.lists(items, max_size=6))
def test_an_encoding_is_taken_apart_into_exactly_its_items(label: str, values: list[bytes]) -> None:
    assert decoded(enc(label, *values)) == [label.encode(), *map(written, values)]


@given(st.lists(st.binary(max_size=6), max_size=5), st.lists(st.binary(max_size=6), max_size=5))
def test_different_items_never_encode_alike(first: list[bytes], second: list[bytes]) -> None:
    assert (enc("x", *first) == enc("x", *second)) == (first == second)


def test_moving_a_byte_from_one_item_to_its_neighbour_changes_the_encoding() -> None:
    assert enc("x", "ab", "c") != enc("x", "a", "bc")
    assert enc("x", "ab", "") != enc("x", "", "ab")
    assert enc("x", "a") != enc("x", "a", "")


def test_the_encoding_is_the_one_that_is_written_down() -> None:
    expected = "00000001 7800000002 c3bc00000008 000000000000010200000010 " + "00" * 15 + "05"
    assert enc("x", "ü", 258, UUID(int=5)) == bytes.fromhex(expected)


@pytest.mark.parametrize("item", [-1, 2**64, True, 1.0, None, "\ud800", bytearray(b"x")])
def test_what_has_no_one_encoding_is_refused(item: object) -> None:
    with pytest.raises(Unsealable):
        enc("x", item)  # type: ignore[arg-type]
