"""The key schedule of HPKE (RFC 9180, 5.1) written again: base mode, HKDF-SHA-256, hash functions alone."""

import hashlib
import hmac

X25519, MLKEM_768, XWING = 0x0020, 0x0041, 0x647A
AES_128_GCM, AES_256_GCM, CHACHA20_POLY1305 = 1, 2, 3
KEY_LENGTHS = {AES_128_GCM: 16, AES_256_GCM: 32, CHACHA20_POLY1305: 32}
HKDF_SHA256 = 1


def labelled_extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    """LabeledExtract of RFC 9180, 4."""
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + material, hashlib.sha256)


def labelled_expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """LabeledExpand of RFC 9180, 4, for at most 32 bytes: one block suffices."""
    block = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info + b"\x01"
    return hmac.digest(key, block, hashlib.sha256)[:length]


def key_and_nonce(kem: int, aead: int, shared_secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """The key and the first nonce that a shared secret gives for this KEM, this AEAD and this `info`."""
    suite = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (kem, HKDF_SHA256, aead))
    context = (
        b"\x00"
        + labelled_extract(suite, b"", b"psk_id_hash", b"")
        + labelled_extract(suite, b"", b"info_hash", info)
    )
    secret = labelled_extract(suite, shared_secret, b"secret", b"")
    return (
        labelled_expand(suite, secret, b"key", context, KEY_LENGTHS[aead]),
        labelled_expand(suite, secret, b"base_nonce", context, 12),
    )
