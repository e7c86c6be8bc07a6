"""Lengths that tell little."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import Malformed
from crypto.padding import pad, padded_length, unpad


@pytest.mark.parametrize(
    ("length", "padded"),
    [(0, 32), (1, 32), (32, 32), (33, 64), (255, 256), (256, 256), (257, 272), (272, 272), (273, 288),
     (512, 512), (513, 544), (1000, 1024), (1025, 1088), (65_537, 67_584), (1_000_000, 1_015_808)],
)  # fmt: skip
def test_lengths_grow_in_steps_of_32_and_above_256_as_padme_does(length: int, padded: int) -> None:
    assert padded_length(length) == padded


@given(st.integers(min_value=0, max_value=2**40))
def test_a_padded_length_holds_the_length_wastes_under_an_eighth_and_stays(length: int) -> None:
    padded = padded_length(length)
    assert padded >= length
    assert padded_length(padded) == padded
    assert length <= 256 or padded < length * 1.125


@given(st.integers(min_value=0, max_value=2**40))
def test_a_longer_value_is_never_padded_to_less(length: int) -> None:
    assert padded_length(length) <= padded_length(length + 1)


@given(st.binary(max_size=600))
def test_padding_comes_off_again(plaintext: bytes) -> None:
    assert unpad(pad(plaintext)) == plaintext


@given(st.binary(max_size=600), st.data())
def test_padding_that_pad_did_not_make_is_refused(plaintext: bytes, data: st.DataObject) -> None:
    padded = pad(plaintext)
    for changed in (padded + bytes(32), padded[:-1], padded[:3], padded + b"\0"):
        with pytest.raises(Malformed):
            unpad(changed)
    slack = range(4 + len(plaintext), len(padded))
    if slack:
        at = data.draw(st.sampled_from(slack))
        with pytest.raises(Malformed):
            unpad(padded[:at] + b"\x01" + padded[at + 1 :])
