"""A key sealed to a holder opens for that holder, under that name, from that maker, and not otherwise."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import CryptoError, Malformed, Refused, Unsealable
from crypto.identity import Identity, PublicIdentity
from crypto.public import NO_SIGNING
from crypto.recovery import recovery_public
from crypto.sealing import (
    Holder,
    KeyName,
    Seal,
    open_message,
    open_seal,
    seal_key,
    seal_message,
)
from crypto.suites import XWING

KEY = b"k" * 32


@pytest.fixture(scope="module")
def seal(key_name: KeyName, holder: Holder, ada: Identity) -> Seal:
    return seal_key(KEY, key_name, holder, ada)


def test_the_holder_opens_the_key(
    seal: Seal, key_name: KeyName, holder: Holder, ada: Identity, ines: Identity
) -> None:
    assert open_seal(seal, key_name, holder, ines, ada.public) == KEY
    assert len(seal.blob) == 1170


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "circle"},
        {"id": UUID(int=10)},
        {"epoch": 4},
        {"epoch": 2},
        {"subject": "case:00000000-0000-0000-0000-00000000000c"},
        {"subject": ""},
        {"compartment": "location"},
    ],
)
def test_a_seal_under_another_name_is_refused(
    seal: Seal, key_name: KeyName, holder: Holder, ada: Identity, ines: Identity, change: dict[str, object]
) -> None:
    with pytest.raises(Refused):
        open_seal(seal, replace(key_name, **change), holder, ines, ada.public)  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"kind": "circle"}, {"id": UUID(int=8)}, {"key_version": 2}])
def test_a_seal_moved_to_another_holder_is_refused(
    seal: Seal, key_name: KeyName, holder: Holder, ada: Identity, ines: Identity, change: dict[str, object]
) -> None:
    with pytest.raises(Refused):
        open_seal(seal, key_name, replace(holder, **change), ines, ada.public)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "circle"},
        {"id": UUID(int=10)},
        {"epoch": 4},
        {"subject": ""},
        {"compartment": "location"},
    ],
)
def test_hpke_itself_is_bound_to_the_name_even_if_the_maker_signs_again(
    seal: Seal, key_name: KeyName, holder: Holder, ada: Identity, ines: Identity, change: dict[str, object]
) -> None:
    from crypto.sealing import _info, _statement

    other = replace(key_name, **change)  # type: ignore[arg-type]
    signed = ada.sign(_statement(_info(XWING, other, holder), seal.blob, seal.commitment))
    with pytest.raises(Refused):
        open_seal(replace(seal, signature=signed), other, holder, ines, ada.public)


def test_a_swapped_public_key_of_the_holder_is_refused(
    seal: Seal, key_name: KeyName, holder: Holder, ada: Identity, ines: Identity
) -> None:
    thief = Identity.from_seed(b"t" * 32)
    with pytest.raises(Refused):
        open_seal(seal, key_name, replace(holder, public=thief.public), thief, ada.public)
    mixed = PublicIdentity(ines.public.sealing, thief.public.signing)
    with pytest.raises(Refused):
        open_seal(seal, key_name, replace(holder, public=mixed), ines, ada.public)


def test_another_officers_seed_opens_nothing(
    seal: Seal, key_name: KeyName, holder: Holder, ada: Identity
) -> None:
    with pytest.raises(Refused):
        open_seal(seal, key_name, holder, Identity.from_seed(b"t" * 32), ada.public)


def test_an_unsigned_seal_and_one_signed_by_another_are_refused(
    seal: Seal, key_name: KeyName, holder: Holder, ada: Identity, ines: Identity
) -> None:
    thief = Identity.from_seed(b"t" * 32)
    planted = seal_key(KEY, key_name, holder, thief)
    unsigned = replace(seal, signature=b"")
    silent = PublicIdentity(ada.public.sealing, NO_SIGNING)
    for forged, maker in (
        (planted, ada.public),
        (unsigned, ada.public),
        (seal, thief.public),
        (seal, silent),
    ):
        with pytest.raises(Refused):
            open_seal(forged, key_name, holder, ines, maker)


def test_a_commitment_to_another_key_is_refused_even_when_it_is_signed(
    seal: Seal, key_name: KeyName, holder: Holder, ada: Identity, ines: Identity
) -> None:
    from crypto.sealing import _commitment, _info, _statement

    wrong = _commitment(b"K" * 32, key_name)
    lie = Seal(seal.blob, wrong, ada.sign(_statement(_info(XWING, key_name, holder), seal.blob, wrong)))
    with pytest.raises(Refused, match="committed"):
        open_seal(lie, key_name, holder, ines, ada.public)


@settings(max_examples=40)
@given(data=st.data())
def test_any_changed_byte_of_a_seal_is_refused(
    seal: Seal, key_name: KeyName, holder: Holder, ada: Identity, ines: Identity, data: st.DataObject
) -> None:
    part = data.draw(st.sampled_from(["blob", "commitment", "signature"]))
    content: bytes = getattr(seal, part)
    at = data.draw(st.integers(0, len(content) - 1))
    flipped = content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :]
    with pytest.raises(Refused):
        open_seal(replace(seal, **{part: flipped}), key_name, holder, ines, ada.public)


def test_a_changed_blob_is_refused_by_hpke_even_when_it_is_signed(
    seal: Seal, key_name: KeyName, holder: Holder, ada: Identity, ines: Identity
) -> None:
    from crypto.sealing import _info, _statement

    info = _info(XWING, key_name, holder)
    for at in (0, 1, 2, 500, 1089, 1090, 1121, 1122, 1153, 1154, 1169):
        blob = seal.blob[:at] + bytes([seal.blob[at] ^ 1]) + seal.blob[at + 1 :]
        signed = ada.sign(_statement(info, blob, seal.commitment))
        with pytest.raises(Refused):
            open_seal(Seal(blob, seal.commitment, signed), key_name, holder, ines, ada.public)
    for cut in (0, 1, 2, 1121, 1122, 1138, 1169):
        signed = ada.sign(_statement(info, seal.blob[:cut], seal.commitment))
        short = Seal(seal.blob[:cut], seal.commitment, signed)
        with pytest.raises(Refused):
            open_seal(short, key_name, holder, ines, ada.public)


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_only_keys_of_32_bytes_are_sealed(
    key_name: KeyName, holder: Holder, ada: Identity, length: int
) -> None:
    with pytest.raises(Unsealable):
        seal_key(bytes(length), key_name, holder, ada)


def test_the_recovery_key_holds_what_is_sealed_to_its_public_half(key_name: KeyName, ada: Identity) -> None:
    recovery = Identity.from_seed(b"r" * 32)
    holder = Holder("recovery", UUID(int=3), 1, recovery_public(recovery))
    seal = seal_key(KEY, key_name, holder, ada)
    assert open_seal(seal, key_name, holder, recovery, ada.public) == KEY


def test_two_seals_of_one_key_to_one_holder_differ(key_name: KeyName, holder: Holder, ada: Identity) -> None:
    first, second = (seal_key(KEY, key_name, holder, ada) for _ in range(2))
    assert first.blob != second.blob
    assert first.commitment == second.commitment


@pytest.mark.parametrize("sealing", [b"\xff" * 1216, b"\xff" * 1184 + bytes(32), bytes(1216)])
def test_nothing_is_sealed_to_a_public_key_that_is_none(
    key_name: KeyName, ada: Identity, sealing: bytes
) -> None:
    holder = Holder("officer", UUID(int=7), 1, PublicIdentity(sealing, ada.public.signing))
    with pytest.raises(CryptoError):
        open_seal(
            seal_key(KEY, key_name, holder, ada), key_name, holder, Identity.from_seed(b"t" * 32), ada.public
        )


@settings(max_examples=20)
@given(st.binary(max_size=2000), st.binary(max_size=40))
def test_a_message_opens_for_its_holder_in_its_context_only(message: bytes, context: bytes) -> None:
    auditors, thief = Identity.from_seed(b"d" * 32), Identity.from_seed(b"t" * 32)
    blob = seal_message(message, auditors.public, context)
    assert open_message(blob, auditors, context) == message
    for identity, other in ((thief, context), (auditors, context + b"x")):
        with pytest.raises(Refused):
            open_message(blob, identity, other)


def test_a_message_hides_its_length(ada: Identity) -> None:
    lengths = {len(seal_message(b"x" * length, ada.public, b"")) for length in range(29)}
    assert len(lengths) == 1


def test_a_changed_or_cut_message_is_refused(ada: Identity) -> None:
    blob = seal_message(b"message", ada.public, b"context")
    for at in range(0, len(blob), 37):
        with pytest.raises(Refused):
            open_message(blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :], ada, b"context")
        with pytest.raises(Refused):
            open_message(blob[:at], ada, b"context")


def test_a_seal_is_not_a_message(
    seal: Seal, key_name: KeyName, holder: Holder, ines: Identity, ada: Identity
) -> None:
    with pytest.raises(Refused):
        open_message(seal.blob, ines, b"")
    message = seal_message(KEY, ines.public, b"")
    with pytest.raises(Refused):
        open_seal(replace(seal, blob=message), key_name, holder, ines, ada.public)
    with pytest.raises(Malformed):
        open_message(b"\x01\x03" + message[2:], ines, b"")
