"""The notary's two keys: the same seed, the same public key; what one signed the other does not verify."""

import hashlib

import pytest

from crypto.errors import Malformed, Refused
from crypto.signatures import (
    ED25519_PUBLIC_LENGTH,
    ED25519_SIGNATURE_LENGTH,
    MLDSA44_PUBLIC_LENGTH,
    MLDSA44_SIGNATURE_LENGTH,
    SEED_LENGTH,
    Ed25519Key,
    MLDSA44Key,
    verify_ed25519,
    verify_mldsa44,
)

# RFC 8032, 7.1, test 2.
RFC8032_SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
RFC8032_PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
RFC8032_SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)

BOTH = [
    pytest.param(Ed25519Key, verify_ed25519, ED25519_PUBLIC_LENGTH, ED25519_SIGNATURE_LENGTH, id="Ed25519"),
    pytest.param(MLDSA44Key, verify_mldsa44, MLDSA44_PUBLIC_LENGTH, MLDSA44_SIGNATURE_LENGTH, id="ML-DSA-44"),
]


def test_ed25519_agrees_with_rfc_8032() -> None:
    key = Ed25519Key(RFC8032_SEED)
    assert key.public == RFC8032_PUBLIC
    assert key.sign(b"\x72") == RFC8032_SIGNATURE
    verify_ed25519(RFC8032_PUBLIC, RFC8032_SIGNATURE, b"\x72")


def test_the_mldsa_key_of_a_seed_is_the_one_it_always_was() -> None:
    digest = hashlib.sha256(MLDSA44Key(b"s" * 32).public).hexdigest()
    assert digest == "2af68da84f92630b4fc3a28c5cb4e27081b0a4709bedff45496d1baa19d7ff25"


@pytest.mark.parametrize(("kind", "verify", "public_length", "signature_length"), BOTH)
def test_what_a_key_signed_verifies_and_nothing_else_does(
    kind: type[Ed25519Key | MLDSA44Key],
    verify: object,
    public_length: int,
    signature_length: int,
) -> None:
    assert callable(verify)
    key, other = kind(b"s" * SEED_LENGTH), kind.generate()
    signature = key.sign(b"checkpoint")
    assert (len(key.public), len(signature), key.seed) == (
        public_length,
        signature_length,
        b"s" * SEED_LENGTH,
    )
    verify(key.public, signature, b"checkpoint")
    changed = bytes([signature[0] ^ 1]) + signature[1:]
    for public, given, message in (
        (key.public, signature, b"checkpoinT"),
        (key.public, changed, b"checkpoint"),
        (key.public, signature[:-1], b"checkpoint"),
        (key.public, b"", b"checkpoint"),
        (other.public, signature, b"checkpoint"),
    ):
        with pytest.raises(Refused):
            verify(public, given, message)


@pytest.mark.parametrize(("kind", "verify", "public_length", "signature_length"), BOTH)
def test_generated_keys_have_seeds_of_their_own_and_bad_ones_are_refused(
    kind: type[Ed25519Key | MLDSA44Key],
    verify: object,
    public_length: int,
    signature_length: int,
) -> None:
    first, second = kind.generate(), kind.generate()
    assert len(first.seed) == SEED_LENGTH
    assert first.seed != second.seed
    assert kind(first.seed).public == first.public
    for length in (0, SEED_LENGTH - 1, SEED_LENGTH + 1):
        with pytest.raises(Malformed):
            kind(bytes(length))
    assert callable(verify)
    with pytest.raises(Malformed):
        verify(first.public[:-1], bytes(signature_length), b"")
    assert repr(first) == f"<{kind.__name__}>"
