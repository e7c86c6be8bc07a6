"""Sealed files: whole, in order, under their own key and name, or refused."""

import io
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import Malformed, Refused
from crypto.files import (
    CAPACITY,
    CHUNK_LENGTH,
    HEADER_LENGTH,
    open_bytes,
    open_chunks,
    open_file,
    seal_bytes,
    seal_file,
)

KEY, NAME = b"f" * 32, b"document 6"
SEALED_CHUNK = CHUNK_LENGTH + 16
EDGES = [0, 1, 28, 29, CAPACITY - 1, CAPACITY, CAPACITY + 1, 2 * CAPACITY, 2 * CAPACITY + 1, 300_000]


def pattern(length: int) -> bytes:
    return (bytes(range(251)) * (length // 251 + 1))[:length]


def in_chunks(blob: bytes) -> list[bytes]:
    body = blob[HEADER_LENGTH:]
    return [body[start : start + SEALED_CHUNK] for start in range(0, len(body), SEALED_CHUNK)]


@pytest.mark.parametrize("length", EDGES)
def test_a_file_of_any_length_comes_back(length: int) -> None:
    assert open_bytes(seal_bytes(pattern(length), KEY, NAME), KEY, NAME) == pattern(length)


@settings(max_examples=20)
@given(st.binary(max_size=3000))
def test_any_content_comes_back(content: bytes) -> None:
    assert open_bytes(seal_bytes(content, KEY, NAME), KEY, NAME) == content


def test_a_file_whose_padding_fills_chunks_of_its_own_comes_back() -> None:
    content = bytes(65 * CAPACITY)
    blob = seal_bytes(content, KEY, NAME)
    assert len(in_chunks(blob)) == 66
    assert open_bytes(blob, KEY, NAME) == content
    with pytest.raises(Refused):
        open_bytes(blob[:-SEALED_CHUNK], KEY, NAME)


def test_the_length_of_a_sealed_file_is_padded() -> None:
    lengths = {len(seal_bytes(bytes(length), KEY, NAME)) for length in range(990_000, 1_000_000, 977)}
    assert len(lengths) <= 2
    assert len(seal_bytes(b"", KEY, NAME)) == len(seal_bytes(b"x" * 28, KEY, NAME)) == HEADER_LENGTH + 48


def test_another_key_or_name_is_refused() -> None:
    blob = seal_bytes(b"content", KEY, NAME)
    for key, name in ((b"g" * 32, NAME), (KEY, b"document 7"), (KEY, b"")):
        with pytest.raises(Refused):
            open_bytes(blob, key, name)


@pytest.mark.parametrize("at", [0, 1, 2, 33, 34, 100, HEADER_LENGTH + SEALED_CHUNK, -1])
def test_a_changed_byte_is_refused(at: int) -> None:
    blob = bytearray(seal_bytes(pattern(200_000), KEY, NAME))
    blob[at] ^= 1
    with pytest.raises(Refused):
        open_bytes(bytes(blob), KEY, NAME)


@pytest.mark.parametrize("length", EDGES)
def test_a_cut_file_is_refused_wherever_it_is_cut(length: int) -> None:
    blob = seal_bytes(pattern(length), KEY, NAME)
    edges = range(HEADER_LENGTH, len(blob), SEALED_CHUNK)
    for cut in {
        0,
        1,
        HEADER_LENGTH - 1,
        HEADER_LENGTH,
        len(blob) - 1,
        len(blob) - 16,
        len(blob) - 17,
        *edges,
    }:
        with pytest.raises(Refused):
            open_bytes(blob[:cut], KEY, NAME)


@pytest.mark.parametrize("length", EDGES)
def test_a_lengthened_file_is_refused(length: int) -> None:
    blob = seal_bytes(pattern(length), KEY, NAME)
    for more in (b"\0", bytes(16), bytes(SEALED_CHUNK), in_chunks(blob)[-1], blob[HEADER_LENGTH:]):
        with pytest.raises(Refused):
            open_bytes(blob + more, KEY, NAME)


def test_chunks_in_another_order_are_refused() -> None:
    blob = seal_bytes(pattern(4 * CAPACITY), KEY, NAME)
    header, chunks = blob[:HEADER_LENGTH], in_chunks(blob)
    assert open_bytes(header + b"".join(chunks), KEY, NAME) == pattern(4 * CAPACITY)
    for first, second in pairwise(range(len(chunks))):
        swapped = list(chunks)
        swapped[first], swapped[second] = chunks[second], chunks[first]
        with pytest.raises(Refused):
            open_bytes(header + b"".join(swapped), KEY, NAME)
        without = chunks[:first] + chunks[second:]
        with pytest.raises(Refused):
            open_bytes(header + b"".join(without), KEY, NAME)
        doubled = [*chunks[:second], chunks[first], *chunks[second:]]
        with pytest.raises(Refused):
            open_bytes(header + b"".join(doubled), KEY, NAME)


def test_chunks_of_two_sealings_of_one_file_do_not_mix() -> None:
    first, second = (seal_bytes(pattern(2 * CAPACITY), KEY, NAME) for _ in range(2))
    mixed = first[: HEADER_LENGTH + SEALED_CHUNK] + second[HEADER_LENGTH + SEALED_CHUNK :]
    assert len(mixed) == len(first)
    with pytest.raises(Refused):
        open_bytes(mixed, KEY, NAME)


def forged(*plaintexts: bytes) -> bytes:
    """A file sealed with the right key by a program that frames its chunks as it likes."""
    from crypto.files import _chunk_cipher, _nonce

    salt, cipher = bytes(32), _chunk_cipher(KEY, bytes(32), NAME)
    last = len(plaintexts) - 1
    sealed = (
        cipher.encrypt(_nonce(number, number == last), chunk, None) for number, chunk in enumerate(plaintexts)
    )
    return b"\x01\x01" + salt + b"".join(sealed)


def chunk(used: int, length: int) -> bytes:
    return used.to_bytes(4, "big") + bytes(length - 4)


def test_the_forger_of_these_tests_frames_files_as_the_vault_does() -> None:
    assert open_bytes(forged(chunk(5, 32)), KEY, NAME) == bytes(5)
    assert open_bytes(forged(chunk(CAPACITY, CHUNK_LENGTH), chunk(1, 2048)), KEY, NAME) == bytes(CAPACITY + 1)


@pytest.mark.parametrize(
    "plaintexts",
    [
        (chunk(29, 32),),
        (chunk(2**32 - 1, 32),),
        (chunk(5, 64),),
        (b"",),
        (bytes(3),),
        ((5).to_bytes(4, "big") + b"x" * 28,),
        (chunk(5, CHUNK_LENGTH), chunk(5, 32)),
        (chunk(5, CHUNK_LENGTH), chunk(5, 2048)),
        (chunk(0, CHUNK_LENGTH), chunk(5, 32)),
        (chunk(CAPACITY, CHUNK_LENGTH), chunk(0, CHUNK_LENGTH)),
    ],
)
def test_authentic_chunks_framed_in_another_way_are_refused(plaintexts: tuple[bytes, ...]) -> None:
    with pytest.raises(Malformed):
        open_bytes(forged(*plaintexts), KEY, NAME)


class Trickle(io.RawIOBase):
    """A source that, like a pipe, gives a few bytes at a time, and remembers the most it was asked for."""

    def __init__(self, length: int) -> None:
        self.left = length
        self.asked = 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0
        self.asked = max(self.asked, size)
        given = min(size, self.left, 1000)
        self.left -= given
        return bytes(given)


def test_a_slow_source_is_read_in_full_and_never_all_at_once() -> None:
    source, sealed, opened = Trickle(500_000), io.BytesIO(), io.BytesIO()
    seal_file(source, sealed, KEY, NAME)  # type: ignore[arg-type]
    assert source.asked <= CHUNK_LENGTH
    sealed.seek(0)
    open_file(sealed, opened, KEY, NAME)
    assert opened.getvalue() == bytes(500_000)


class Endless:
    """So many bytes, made as they are asked for."""

    def __init__(self, length: int) -> None:
        self.left = length

    def read(self, length: int, /) -> bytes:
        given = min(length, self.left)
        self.left -= given
        return b"%" * given


class Counted:
    """Counts what is written, and keeps none of it."""

    def __init__(self) -> None:
        self.length = 0

    def write(self, content: bytes, /) -> None:
        self.length += len(content)


def test_a_file_of_200_megabytes_is_sealed_and_opened_in_less_than_one(tmp_path: Path) -> None:
    length, opened = 200 * 1024 * 1024, Counted()
    tracemalloc.start()
    try:
        with (tmp_path / "sealed").open("wb") as sink:
            seal_file(Endless(length), sink, KEY, NAME)
        with (tmp_path / "sealed").open("rb") as source:
            open_file(source, opened, KEY, NAME)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert opened.length == length
    assert peak < 1024 * 1024


def test_a_file_is_given_part_by_part_and_breaks_off_before_a_changed_one() -> None:
    content = pattern(5 * CAPACITY)
    blob = bytearray(seal_bytes(content, KEY, NAME))
    blob[HEADER_LENGTH + 3 * SEALED_CHUNK + 9] ^= 1
    given = []
    with pytest.raises(Refused):
        given.extend(open_chunks(io.BytesIO(blob), KEY, NAME))
    assert b"".join(given) == content[: 3 * CAPACITY]
