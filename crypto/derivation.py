"""HKDF-SHA256 (RFC 5869) and AES-256-GCM (SP 800-38D) as every format of this package uses them."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from crypto.errors import Malformed, Refused

KEY_LENGTH = 32
NONCE_LENGTH = 12
TAG_LENGTH = 16


def extract(salt: bytes, material: bytes) -> bytes:
    """HKDF-Extract: a 32-byte key from material that need not be uniform."""
    return HKDF.extract(SHA256(), salt, material)


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand: `length` bytes for one purpose, from a key that is already uniform."""
    return HKDFExpand(SHA256(), length, info).derive(key)


def encrypt(key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    """A random nonce, the ciphertext and the tag."""
    nonce = os.urandom(NONCE_LENGTH)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated)


def decrypt(key: bytes, blob: bytes, associated: bytes) -> bytes:
    """What `encrypt` was given; raises Malformed when too short, Refused when anything differs."""
    if len(blob) < NONCE_LENGTH + TAG_LENGTH:
        raise Malformed("These bytes are too short to have been encrypted here.")
    try:
        return AESGCM(key).decrypt(blob[:NONCE_LENGTH], blob[NONCE_LENGTH:], associated)
    except InvalidTag:
        raise Refused("The key or the place does not fit these bytes, or they were changed.") from None
