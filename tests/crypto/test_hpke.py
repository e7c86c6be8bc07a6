"""What seals keys here is HPKE over X-Wing as published, not only as our library understands it.

Two independent witnesses: pyhpke, which has no X-Wing, for the key schedule and AES-256-GCM over X25519;
and for X-Wing the RFC 9180 key schedule and the draft's combiner, written down again below with the
standard library's hash functions and checked against the draft's own vector.
"""

import hashlib
import hmac
import json
from pathlib import Path

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

DRAFT = json.loads((Path(__file__).parent / "vectors" / "xwing-draft.json").read_text())
XWING_ID = 0x647A
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


def labelled_extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + material, hashlib.sha256)


def labelled_expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    block = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info + b"\x01"
    return hmac.digest(key, block, hashlib.sha256)[:length]


def key_and_nonce(shared_secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """The key schedule of RFC 9180, section 5.1, in base mode; one HMAC block suffices for each length."""
    suite = b"HPKE" + XWING_ID.to_bytes(2, "big") + (1).to_bytes(2, "big") + (2).to_bytes(2, "big")
    context = (
        b"\x00"
        + labelled_extract(suite, b"", b"psk_id_hash", b"")
        + labelled_extract(suite, b"", b"info_hash", info)
    )
    secret = labelled_extract(suite, shared_secret, b"secret", b"")
    return (
        labelled_expand(suite, secret, b"key", context, 32),
        labelled_expand(suite, secret, b"base_nonce", context, 12),
    )


def test_our_second_xwing_agrees_with_the_drafts_vector() -> None:
    mlkem, x25519 = expand_seed(bytes.fromhex(DRAFT["seed"]))
    begins = bytes.fromhex(DRAFT["public_key_begins"])
    assert mlkem.public_key().public_bytes_raw()[: len(begins)] == begins
    shared = decapsulate(mlkem, x25519, bytes.fromhex(DRAFT["ciphertext"]))
    assert shared.hex() == DRAFT["shared_secret"]


def test_hpke_opens_what_was_encapsulated_in_the_drafts_vector() -> None:
    mlkem, x25519 = expand_seed(bytes.fromhex(DRAFT["seed"]))
    key, nonce = key_and_nonce(bytes.fromhex(DRAFT["shared_secret"]), b"info")
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
    key, nonce = key_and_nonce(shared, _message_info(XWING, ines.public, context))
    padded = AESGCM(key).decrypt(nonce, sealed[1120:], b"")
    assert padded[4 : 4 + int.from_bytes(padded[:4], "big")] == message


@settings(max_examples=20)
@given(st.binary(max_size=27), st.binary(max_size=100))
def test_what_the_second_implementation_seals_we_open(message: bytes, context: bytes) -> None:
    ines = Identity.from_seed(b"i" * 32)
    shared, encapsulated = encapsulate(ines.public.sealing)
    key, nonce = key_and_nonce(shared, _message_info(XWING, ines.public, context))
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


@settings(max_examples=20)
@given(st.binary(max_size=500), st.binary(max_size=200))
def test_our_librarys_hpke_and_pyhpke_open_each_others_seals_over_x25519(message: bytes, info: bytes) -> None:
    ours = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    theirs = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)
    private = X25519PrivateKey.from_private_bytes(b"p" * 32)

    encapsulated, sender = theirs.create_sender_context(
        KEMKey.from_pyca_cryptography_key(private.public_key()), info
    )
    assert ours.decrypt(encapsulated + sender.seal(message), private, info) == message

    sealed = ours.encrypt(message, private.public_key(), info)
    recipient = theirs.create_recipient_context(sealed[:32], KEMKey.from_pyca_cryptography_key(private), info)
    assert recipient.open(sealed[32:]) == message
