"""Identities: keys from a seed, fingerprints, certificates."""

import copy
import pickle
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import Malformed, NotCertified, Refused
from crypto.identity import Certificate, Identity, PublicIdentity, certify, check_certificate
from crypto.lockbox import LockboxKey
from crypto.public import NO_SIGNING, SMALL_ORDER
from crypto.root import FileRootKey

FIELD = 2**255 - 19


def test_a_seed_always_gives_the_same_keys_and_another_seed_others(ada: Identity) -> None:
    assert Identity.from_seed(ada.seed).public == ada.public
    changed = Identity.from_seed(bytes([ada.seed[0] ^ 1]) + ada.seed[1:]).public
    assert changed.sealing != ada.public.sealing
    assert changed.signing != ada.public.signing


def test_generated_identities_differ() -> None:
    assert Identity.generate().seed != Identity.generate().seed


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_seed_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(Malformed):
        Identity.from_seed(bytes(length))


def test_a_signature_holds_for_its_message_and_signer_only(ada: Identity, ines: Identity) -> None:
    signature = ada.sign(b"message")
    ada.public.verify(signature, b"message")
    for public, said, signed in (
        (ada.public, b"messagE", signature),
        (ines.public, b"message", signature),
        (ada.public, b"message", signature[:-1]),
        (ada.public, b"message", bytes(64)),
        (ada.public, b"message", b""),
    ):
        with pytest.raises(Refused):
            public.verify(signed, said)


def test_the_recovery_key_that_never_signs_verifies_nothing(ada: Identity) -> None:
    public = PublicIdentity(ada.public.sealing, NO_SIGNING)
    # Under the all-zero key OpenSSL takes this forgery for about one message in four.
    forged = (1).to_bytes(32, "little") + bytes(32)
    for number in range(20):
        with pytest.raises(Refused):
            public.verify(forged, b"message %d" % number)


@pytest.mark.parametrize("sign_bit", [0, 0x80])
@pytest.mark.parametrize("y", sorted(SMALL_ORDER))
def test_a_signing_key_under_which_anybody_can_forge_is_refused(
    ada: Identity, y: bytes, sign_bit: int
) -> None:
    signing = y[:-1] + bytes([y[-1] | sign_bit])
    if signing != NO_SIGNING:
        with pytest.raises(Malformed):
            PublicIdentity(ada.public.sealing, signing)


def test_the_listed_points_of_small_order_are_all_there_are() -> None:
    d = -121665 * pow(121666, -1, FIELD) % FIELD

    def double(x: int, y: int) -> tuple[int, int]:
        k = d * x * x * y * y % FIELD
        return 2 * x * y * pow(1 + k, -1, FIELD) % FIELD, (y * y + x * x) * pow(1 - k, -1, FIELD) % FIELD

    def on_curve(y: int) -> tuple[int, int]:
        square = (y * y - 1) * pow(d * y * y + 1, -1, FIELD) % FIELD
        root = pow(square, (FIELD + 3) // 8, FIELD)
        if root * root % FIELD != square:
            root = root * pow(2, (FIELD - 1) // 4, FIELD) % FIELD
        assert root * root % FIELD == square
        return root, y

    listed = {int.from_bytes(y, "little") % FIELD for y in SMALL_ORDER}
    # The torsion subgroup is cyclic of order eight: five values of y among its eight points.
    assert len(listed) == 5
    for y in listed:
        point = on_curve(y)
        for _ in range(3):
            point = double(*point)
        assert point == (0, 1)


def test_public_keys_survive_being_stored(ada: Identity) -> None:
    stored = ada.public.to_bytes()
    assert len(stored) == 1248
    assert PublicIdentity.from_bytes(stored) == ada.public
    for damaged in (stored[:-1], stored + b"\0", b""):
        with pytest.raises(Malformed):
            PublicIdentity.from_bytes(damaged)


@settings(max_examples=30)
@given(at=st.integers(0, 1247))
def test_any_changed_byte_of_the_public_keys_changes_the_digest_and_the_fingerprint(at: int) -> None:
    stored = Identity.from_seed(b"a" * 32).public.to_bytes()
    changed = PublicIdentity.from_bytes(stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :])
    public = PublicIdentity.from_bytes(stored)
    assert changed.digest() != public.digest()
    assert changed.fingerprint() != public.fingerprint()


def test_a_fingerprint_is_the_first_80_bits_of_the_digest_in_eight_words(ada: Identity) -> None:
    from shamir_mnemonic.wordlist import WORDLIST

    bits = "".join(f"{WORDLIST.index(word):010b}" for word in ada.public.fingerprint())
    assert int(bits, 2).to_bytes(10, "big") == ada.public.digest()[:10]
    assert len(bits) == 80


def test_secrets_for_different_purposes_differ(ada: Identity, ines: Identity) -> None:
    assert len({ada.secret_for("totp"), ada.secret_for("other"), ines.secret_for("totp"), ada.seed}) == 4


def test_key_material_is_never_shown_pickled_or_copied(
    ada: Identity, lockbox: LockboxKey, root: FileRootKey
) -> None:
    for hidden in (ada, lockbox, lockbox.sealer(), root):
        assert repr(hidden) == str(hidden) == f"<{type(hidden).__name__}>"
        for take in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                take(hidden)


def issued(ada: Identity, ines: Identity) -> Certificate:
    return certify(ada, UUID(int=1), "officer", UUID(int=7), "inspector", 1, ines.public)


def test_a_certificate_holds_for_the_keys_and_the_issuer_it_names(ada: Identity, ines: Identity) -> None:
    certificate = issued(ada, ines)
    check_certificate(certificate, ines.public, ada.public)
    with pytest.raises(NotCertified):
        check_certificate(certificate, ada.public, ada.public)
    with pytest.raises(NotCertified):
        check_certificate(certificate, ines.public, ines.public)


@pytest.mark.parametrize(
    "change",
    [
        {"holder_kind": "circle"},
        {"holder": UUID(int=8)},
        {"role": "coordinator"},
        {"key_version": 2},
        {"public_digest": bytes(32)},
        {"issued_by": UUID(int=2)},
        {"signature": bytes(64)},
        {"signature": b""},
    ],
)
def test_a_certificate_with_anything_changed_is_refused(
    ada: Identity, ines: Identity, change: dict[str, object]
) -> None:
    with pytest.raises(NotCertified):
        check_certificate(replace(issued(ada, ines), **change), ines.public, ada.public)  # type: ignore[arg-type]


def test_a_public_key_swapped_together_with_its_digest_is_refused(ada: Identity, ines: Identity) -> None:
    swapped = Identity.from_seed(b"x" * 32).public
    forged = replace(issued(ada, ines), public_digest=swapped.digest())
    with pytest.raises(NotCertified):
        check_certificate(forged, swapped, ada.public)
