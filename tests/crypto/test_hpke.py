"""What seals keys here is HPKE as published, not only as our library understands it.

Three witnesses: the published vectors of RFC 9180 and of draft-ietf-hpke-pq; pyhpke, which has neither X-Wing
nor ML-KEM, for the key schedule and AES-256-GCM over curves; and for both encapsulations the key schedule and
the combiner of X-Wing, written down again with hash functions and checked against those vectors.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

from crypto.identity import Identity
from crypto.sealing import _message_info, open_message, seal_message
from crypto.suites import SUITES, XWING
from tests.crypto import hpke_schedule
from tests.crypto.hpke_schedule import AES_256_GCM, key_and_nonce

VECTORS = Path(__file__).parent / "vectors"
DRAFT = json.loads((VECTORS / "xwing-draft.json").read_text())
# From the test vectors of RFC 9180 and of draft-ietf-hpke-pq, base mode and HKDF-SHA-256 only.
PUBLISHED: list[dict[str, Any]] = json.loads((VECTORS / "hpke-published.json").read_text())
PYHPKE_KEMS = {0x0010: KEMId.DHKEM_P256_HKDF_SHA256, 0x0020: KEMId.DHKEM_X25519_HKDF_SHA256}
PYHPKE_AEADS = {1: AEADId.AES128_GCM, 2: AEADId.AES256_GCM}
# A picture of an X-wing: \./ over /^\.
XWING_LABEL = bytes.fromhex("5c2e2f2f5e5c")


def expand_seed(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    expanded = hashlib.shake_256(seed).digest(96)
    return (
        MLKEM768PrivateKey.from_seed_bytes(expanded[:64]),
        X25519PrivateKey.from_private_bytes(expanded[64:]),
    )


def combine(mlkem_secret: bytes, x25519_secret: bytes, ephemeral: bytes, public: bytes) -> bytes:
    return hashlib.sha3_256(mlkem_secret + x25519_secret + ephemeral + public + XWING_LABEL).digest()


def decapsulate(mlkem: MLKEM768PrivateKey, x25519: X25519PrivateKey, ciphertext: bytes) -> bytes:
    ephemeral = ciphertext[1088:]
    return combine(
        mlkem.decapsulate(ciphertext[:1088]),
        x25519.exchange(X25519PublicKey.from_public_bytes(ephemeral)),
        ephemeral,
        x25519.public_key().public_bytes_raw(),
    )


def encapsulate(public: bytes) -> tuple[bytes, bytes]:
    mlkem_secret, mlkem_ciphertext = MLKEM768PublicKey.from_public_bytes(public[:1184]).encapsulate()
    own = X25519PrivateKey.generate()
    ephemeral = own.public_key().public_bytes_raw()
    x25519_secret = own.exchange(X25519PublicKey.from_public_bytes(public[1184:]))
    return combine(mlkem_secret, x25519_secret, ephemeral, public[1184:]), mlkem_ciphertext + ephemeral


def xwing_schedule(shared_secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    return key_and_nonce(hpke_schedule.XWING, AES_256_GCM, shared_secret, info)


def test_our_second_xwing_agrees_with_the_drafts_vector() -> None:
    mlkem, x25519 = expand_seed(bytes.fromhex(DRAFT["seed"]))
    begins = bytes.fromhex(DRAFT["public_key_begins"])
    assert mlkem.public_key().public_bytes_raw()[: len(begins)] == begins
    shared = decapsulate(mlkem, x25519, bytes.fromhex(DRAFT["ciphertext"]))
    assert shared.hex() == DRAFT["shared_secret"]


def test_hpke_opens_what_was_encapsulated_in_the_drafts_vector() -> None:
    mlkem, x25519 = expand_seed(bytes.fromhex(DRAFT["seed"]))
    key, nonce = key_and_nonce(
        hpke_schedule.XWING, AES_256_GCM, bytes.fromhex(DRAFT["shared_secret"]), b"info"
    )
    sealed = bytes.fromhex(DRAFT["ciphertext"]) + AESGCM(key).encrypt(nonce, b"plaintext", b"")
    assert (
        SUITES[XWING].hpke.decrypt(sealed, MLKEM768X25519PrivateKey(mlkem, x25519), b"info") == b"plaintext"
    )


@settings(max_examples=20)
@given(st.binary(max_size=500), st.binary(max_size=100))
def test_what_we_seal_the_second_implementation_opens(message: bytes, context: bytes) -> None:
    ines = Identity.from_seed(b"i" * 32)
    sealed = seal_message(message, ines.public, context)[2:]
    mlkem, x25519 = ines._sealing_halves
    shared = decapsulate(mlkem, x25519, sealed[:1120])
    key, nonce = key_and_nonce(
        hpke_schedule.XWING, AES_256_GCM, shared, _message_info(XWING, ines.public, context)
    )
    padded = AESGCM(key).decrypt(nonce, sealed[1120:], b"")
    assert padded[4 : 4 + int.from_bytes(padded[:4], "big")] == message


@settings(max_examples=20)
@given(st.binary(max_size=27), st.binary(max_size=100))
def test_what_the_second_implementation_seals_we_open(message: bytes, context: bytes) -> None:
    ines = Identity.from_seed(b"i" * 32)
    shared, encapsulated = encapsulate(ines.public.sealing)
    key, nonce = key_and_nonce(
        hpke_schedule.XWING, AES_256_GCM, shared, _message_info(XWING, ines.public, context)
    )
    padded = (len(message).to_bytes(4, "big") + message).ljust(32, b"\0")
    sealed = b"\x01\x01" + encapsulated + AESGCM(key).encrypt(nonce, padded, b"")
    assert open_message(sealed, ines, context) == message


def test_the_seed_of_an_identity_expands_as_the_draft_says() -> None:
    ines = Identity.from_seed(b"i" * 32)
    label = b"vault/identity/sealing/v1"
    block = len(label).to_bytes(4, "big") + label + b"\x01"
    mlkem, x25519 = expand_seed(hmac.digest(ines.seed, block, hashlib.sha256))
    public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
    assert public == ines.public.sealing


PRIVATE_X25519 = X25519PrivateKey.from_private_bytes(b"p" * 32)
PRIVATE_P256 = derive_private_key(7**80, SECP256R1())
# Our library's and pyhpke's name of one suite, and a private key for it.
BOTH_HAVE = [
    pytest.param(
        Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
        CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM),
        PRIVATE_X25519,
        32,
        id="X25519",
    ),
    pytest.param(
        Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
        CipherSuite.new(KEMId.DHKEM_P256_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM),
        PRIVATE_P256,
        65,
        id="P-256",
    ),
]


@pytest.mark.parametrize(("ours", "theirs", "private", "encapsulated_length"), BOTH_HAVE)
@settings(max_examples=20)
@given(message=st.binary(max_size=500), info=st.binary(max_size=200))
def test_our_librarys_hpke_and_pyhpke_open_each_others_seals(
    ours: Suite, theirs: CipherSuite, private: Any, encapsulated_length: int, message: bytes, info: bytes
) -> None:
    public = KEMKey.from_pyca_cryptography_key(private.public_key())
    encapsulated, sender = theirs.create_sender_context(public, info)
    assert ours.decrypt(encapsulated + sender.seal(message), private, info) == message

    sealed = ours.encrypt(message, private.public_key(), info)
    recipient = theirs.create_recipient_context(
        sealed[:encapsulated_length], KEMKey.from_pyca_cryptography_key(private), info
    )
    assert recipient.open(sealed[encapsulated_length:]) == message


AEADS = {1: AEAD.AES_128_GCM, 2: AEAD.AES_256_GCM, 3: AEAD.CHACHA20_POLY1305}
KEMS = {
    0x0010: KEM.P256,
    hpke_schedule.X25519: KEM.X25519,
    hpke_schedule.MLKEM_768: KEM.MLKEM768,
    hpke_schedule.XWING: KEM.MLKEM768_X25519,
}


def private_key(kem: int, content: bytes) -> Any:
    """The private key of a published vector."""
    if kem == 0x0010:
        return derive_private_key(int.from_bytes(content, "big"), SECP256R1())
    if kem == hpke_schedule.X25519:
        return X25519PrivateKey.from_private_bytes(content)
    if kem == hpke_schedule.MLKEM_768:
        return MLKEM768PrivateKey.from_seed_bytes(content)
    return MLKEM768X25519PrivateKey(*expand_seed(content))


@pytest.mark.parametrize("vector", PUBLISHED, ids=[vector["name"] for vector in PUBLISHED])
def test_our_library_opens_the_published_vectors(vector: dict[str, Any]) -> None:
    suite = Suite(KEMS[vector["kem_id"]], KDF.HKDF_SHA256, AEADS[vector["aead_id"]])
    private = private_key(vector["kem_id"], bytes.fromhex(vector["skRm"]))
    first = {name: bytes.fromhex(content) for name, content in vector["encryptions"][0].items()}
    # The public interface has no associated data, which every published vector has.
    opened = openssl.hpke._decrypt_with_aad(
        suite,
        bytes.fromhex(vector["enc"]) + first["ct"],
        private,
        bytes.fromhex(vector["info"]),
        first["aad"],
    )
    assert opened == first["pt"]


@pytest.mark.parametrize("vector", PUBLISHED, ids=[vector["name"] for vector in PUBLISHED])
def test_our_second_key_schedule_agrees_with_the_published_vectors(vector: dict[str, Any]) -> None:
    shared, info = bytes.fromhex(vector["shared_secret"]), bytes.fromhex(vector["info"])
    key, nonce = key_and_nonce(vector["kem_id"], vector["aead_id"], shared, info)
    assert (key.hex(), nonce.hex()) == (vector["key"], vector["base_nonce"])


@pytest.mark.parametrize("vector", [one for one in PUBLISHED if one["kem_id"] in PYHPKE_KEMS])
def test_pyhpke_opens_the_published_vectors_of_the_curves(vector: dict[str, Any]) -> None:
    kem, aead = PYHPKE_KEMS[vector["kem_id"]], PYHPKE_AEADS[vector["aead_id"]]
    private = private_key(vector["kem_id"], bytes.fromhex(vector["skRm"]))
    recipient = CipherSuite.new(kem, KDFId.HKDF_SHA256, aead).create_recipient_context(
        bytes.fromhex(vector["enc"]),
        KEMKey.from_pyca_cryptography_key(private),
        bytes.fromhex(vector["info"]),
    )
    for number in vector["encryptions"]:
        opened = recipient.open(bytes.fromhex(number["ct"]), bytes.fromhex(number["aad"]))
        assert opened.hex() == number["pt"]


def test_the_published_vectors_hold_both_of_our_encapsulations_and_our_cipher() -> None:
    assert {hpke_schedule.XWING, hpke_schedule.MLKEM_768} <= {vector["kem_id"] for vector in PUBLISHED}
    assert AES_256_GCM in {vector["aead_id"] for vector in PUBLISHED}


def test_our_second_xwing_agrees_with_the_published_vector_of_hpke() -> None:
    (vector,) = (one for one in PUBLISHED if one["kem_id"] == hpke_schedule.XWING)
    mlkem, x25519 = expand_seed(bytes.fromhex(vector["skRm"]))
    assert decapsulate(mlkem, x25519, bytes.fromhex(vector["enc"])).hex() == vector["shared_secret"]
