"""One field opens in its own row and column, under its lockbox and epoch, and nowhere else."""

import math
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import Malformed, Refused, Unsealable
from crypto.fields import Value, open_field, seal_field
from crypto.lockbox import LockboxKey, Place, new_parts
from crypto.padding import padded_length
from crypto.places import KINDS, SHORTEST_BLOB, epoch_of

KEY = b"f" * 32
BOX, ROW = UUID(int=5), UUID(int=6)
HERE = Place("people", ROW, "legal_name", "text")
OVERHEAD = 6 + 12 + 16

unicode_text = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | unicode_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(unicode_text, inner, max_size=3),
    max_leaves=8,
)
fields = st.one_of(
    st.tuples(st.just("text"), unicode_text),
    st.tuples(st.just("date"), st.dates()),
    st.tuples(st.just("int"), st.integers()),
    st.tuples(
        st.just("json"), st.lists(json_values, max_size=3) | st.dictionaries(unicode_text, json_values)
    ),
    st.tuples(st.just("bytes"), st.binary(max_size=2000)),
    st.tuples(st.just("real"), st.floats(allow_nan=False, allow_infinity=False)),
    st.tuples(st.sampled_from(KINDS), st.none()),
)


@given(fields, st.integers(0, 2**32 - 1), st.uuids())
def test_every_value_of_every_kind_comes_back_as_it_was(
    field: tuple[str, Any], epoch: int, row: UUID
) -> None:
    kind, value = field
    place = Place("people", row, "column", kind)
    blob = seal_field(KEY, value, place, BOX, epoch)
    opened = open_field(KEY, blob, place, BOX, epoch)
    assert opened == value
    assert type(opened) is type(value)
    assert epoch_of(blob) == epoch


@given(st.binary(max_size=5000))
def test_a_blob_is_as_long_as_its_padding_says(value: bytes) -> None:
    blob = seal_field(KEY, value, Place("people", ROW, "column", "bytes"), BOX, 1)
    assert len(blob) == OVERHEAD + padded_length(5 + len(value))


def test_an_absent_an_empty_and_a_short_value_look_alike() -> None:
    lengths = {len(seal_field(KEY, value, HERE, BOX, 1)) for value in (None, "", "Jane Roe", "x" * 27)}
    assert lengths == {SHORTEST_BLOB}


@given(st.sampled_from(KINDS))
def test_an_absent_value_is_sealed_and_bound_to_its_place_too(kind: str) -> None:
    place = Place("people", ROW, "column", kind)
    blob = seal_field(KEY, None, place, BOX, 1)
    assert open_field(KEY, blob, place, BOX, 1) is None
    with pytest.raises(Refused):
        open_field(KEY, blob, place._replace(row=UUID(int=7)), BOX, 1)


@pytest.mark.parametrize(
    "elsewhere",
    [
        HERE._replace(table="cases"),
        HERE._replace(row=UUID(int=7)),
        HERE._replace(column="alias"),
        HERE._replace(kind="bytes"),
        # The boundary between two names may not slide.
        HERE._replace(table="peoplel", column="egal_name"),
    ],
)
def test_a_blob_moved_to_another_place_is_refused(elsewhere: Place) -> None:
    blob = seal_field(KEY, "Jane Roe", HERE, BOX, 1)
    with pytest.raises(Refused):
        open_field(KEY, blob, elsewhere, BOX, 1)


names = st.text(alphabet="abc_", max_size=4)
places = st.builds(Place, names, st.uuids(version=4), names, st.sampled_from(KINDS))


@given(places, places, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_a_blob_opens_exactly_where_it_was_sealed(
    here: Place, there: Place, box: int, other_box: int, epoch: int, other_epoch: int
) -> None:
    blob = seal_field(KEY, None, here, UUID(int=box), epoch)
    if (here, box, epoch) == (there, other_box, other_epoch):
        assert open_field(KEY, blob, there, UUID(int=other_box), other_epoch) is None
    else:
        with pytest.raises(Refused):
            open_field(KEY, blob, there, UUID(int=other_box), other_epoch)


def test_a_blob_moved_to_another_lockbox_epoch_or_key_is_refused() -> None:
    blob = seal_field(KEY, "Jane Roe", HERE, BOX, 1)
    next_epoch = blob[:2] + (2).to_bytes(4, "big") + blob[6:]
    for key, moved, box, epoch in (
        (KEY, blob, UUID(int=6), 1),
        (KEY, blob, BOX, 2),
        (KEY, next_epoch, BOX, 2),
        (b"g" * 32, blob, BOX, 1),
    ):
        with pytest.raises(Refused):
            open_field(key, moved, HERE, box, epoch)


def test_every_changed_byte_and_every_cut_of_a_blob_is_refused() -> None:
    blob = seal_field(KEY, "Jane Roe", HERE, BOX, 1)
    for at in range(len(blob)):
        with pytest.raises(Refused):
            open_field(KEY, blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :], HERE, BOX, 1)
        with pytest.raises(Refused):
            open_field(KEY, blob[:at], HERE, BOX, 1)
    with pytest.raises(Refused):
        open_field(KEY, blob + b"\0", HERE, BOX, 1)


def test_two_sealings_of_one_value_share_no_nonce_and_no_ciphertext() -> None:
    first, second = (seal_field(KEY, "Jane Roe", HERE, BOX, 1) for _ in range(2))
    assert first[6:18] != second[6:18]
    assert first[18:] != second[18:]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", b"Jane"), ("text", 1), ("text", "Jane\ud800"), ("date", "2026-11-22"),
        ("date", datetime(2026, 11, 22, tzinfo=UTC)), ("int", True), ("int", 1.0), ("json", "Jane"),
        ("json", {1: "Jane"}), ("json", [("Jane",)]), ("json", [math.nan]), ("json", [b"Jane"]),
        ("json", ["Jane\ud800"]), ("bytes", "Jane"), ("bytes", bytearray(b"Jane")), ("real", 1),
        ("real", math.nan), ("real", math.inf), ("money", "Jane"), ("", None),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused_without_being_quoted(kind: str, value: Value) -> None:
    with pytest.raises(Unsealable) as refused:
        seal_field(KEY, value, HERE._replace(kind=kind), BOX, 1)
    assert "Jane" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize(
    "plaintext",
    [
        bytes(31),
        bytes(64),
        b"\x00\x00\x00\x00\x01" + bytes(27),
        b"\x02\x00\x00\x00\x04Jane".ljust(32, b"\0"),
        b"\x01\x00\x00\x00\x20Jane".ljust(32, b"\0"),
        b"\x01\xff\xff\xff\xffJane".ljust(32, b"\0"),
        b"\x01\x00\x00\x00\x01\xff".ljust(32, b"\0"),
        b"\x01\x00\x00\x00\x04Jane".ljust(64, b"\0"),
    ],
)
def test_authentic_bytes_of_another_format_are_refused(plaintext: bytes) -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from crypto.encoding import enc

    associated = enc("vault/field/v1", 1, "people", ROW, "legal_name", BOX, 1, "text")
    blob = b"\x01\x01\0\0\0\x01" + bytes(12) + AESGCM(KEY).encrypt(bytes(12), plaintext, associated)
    with pytest.raises(Malformed):
        open_field(KEY, blob, HERE, BOX, 1)


def test_an_integer_too_long_to_write_is_refused() -> None:
    with pytest.raises(Unsealable):
        seal_field(KEY, 10**5000, HERE._replace(kind="int"), BOX, 1)


def test_a_lockbox_seals_what_its_parts_open_again(lockbox: LockboxKey) -> None:
    blob = lockbox.sealer().seal("Jane Roe", HERE)
    again = LockboxKey(lockbox.lockbox, lockbox.epoch, b"s" * 32, b"h" * 32)
    assert again.open(blob, HERE) == "Jane Roe"
    assert again.commitment == lockbox.commitment


@pytest.mark.parametrize(
    "other",
    [
        LockboxKey(UUID(int=6), 3, b"s" * 32, b"h" * 32),
        LockboxKey(UUID(int=5), 4, b"s" * 32, b"h" * 32),
        LockboxKey(UUID(int=5), 3, b"S" * 32, b"h" * 32),
        LockboxKey(UUID(int=5), 3, b"s" * 32, b"H" * 32),
        LockboxKey(UUID(int=5), 3, b"h" * 32, b"s" * 32),
    ],
)
def test_without_either_part_or_under_another_name_nothing_opens(
    lockbox: LockboxKey, other: LockboxKey
) -> None:
    blob = lockbox.seal("Jane Roe", HERE)
    with pytest.raises(Refused):
        other.open(blob, HERE)
    assert other.commitment != lockbox.commitment
    assert other.files_key != lockbox.files_key


def test_the_keys_of_a_lockbox_are_four_different_ones(lockbox: LockboxKey) -> None:
    assert len({lockbox.commitment, lockbox.files_key, b"s" * 32, b"h" * 32}) == 4
    with pytest.raises(Refused):
        open_field(lockbox.files_key, lockbox.seal(None, HERE), HERE, lockbox.lockbox, lockbox.epoch)


def test_a_sealer_cannot_open(lockbox: LockboxKey) -> None:
    assert not hasattr(lockbox.sealer(), "open")
    assert (lockbox.sealer().lockbox, lockbox.sealer().epoch) == (lockbox.lockbox, lockbox.epoch)


def test_new_parts_are_two_different_keys_each_time() -> None:
    parts = {*new_parts(), *new_parts()}
    assert [len(part) for part in parts] == [32] * 4


@pytest.mark.parametrize(("sealed", "shred"), [(31, 32), (32, 31), (33, 32), (0, 0)])
def test_a_part_of_another_length_is_refused(sealed: int, shred: int) -> None:
    with pytest.raises(Malformed):
        LockboxKey(BOX, 1, bytes(sealed), bytes(shred))


@pytest.mark.parametrize("epoch", [-1, 2**32])
def test_an_epoch_that_the_header_cannot_hold_is_refused(epoch: int) -> None:
    with pytest.raises(Unsealable):
        LockboxKey(BOX, epoch, bytes(32), bytes(32))


@pytest.mark.parametrize("length", [250, 251, 252, 253, 507, 508, 512, 1019, 1024, 4096, 70_000])
def test_a_long_text_is_read_back_at_every_step_of_its_padding(length: int) -> None:
    place = Place("person", UUID(int=1), "name", "text")
    blob = seal_field(b"k" * 32, "x" * length, place, UUID(int=5), 3)
    assert open_field(b"k" * 32, blob, place, UUID(int=5), 3) == "x" * length
