"""The notary's two signatures: Ed25519 (RFC 8032) and ML-DSA-44 (FIPS 204).

Each key grows from a 32-byte seed. Verifying raises Refused; it never answers with a bool.
"""

import os
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from crypto.errors import Malformed, Refused
from crypto.hidden import Hidden

SEED_LENGTH = 32
ED25519_PUBLIC_LENGTH = 32
ED25519_SIGNATURE_LENGTH = 64
MLDSA44_PUBLIC_LENGTH = 1312
MLDSA44_SIGNATURE_LENGTH = 2420


class Ed25519Key(Hidden):
    """A private Ed25519 key."""

    __slots__ = ("_key", "public", "seed")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_LENGTH:
            raise Malformed("A signing seed has 32 bytes.")
        self.seed = seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> Self:
        """A new key."""
        return cls(os.urandom(SEED_LENGTH))

    def sign(self, message: bytes) -> bytes:
        """A signature of 64 bytes; the same for the same message."""
        return self._key.sign(message)


class MLDSA44Key(Hidden):
    """A private ML-DSA-44 key, which a quantum computer does not break."""

    __slots__ = ("_key", "public", "seed")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_LENGTH:
            raise Malformed("A signing seed has 32 bytes.")
        self.seed = seed
        self._key = MLDSA44PrivateKey.from_seed_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> Self:
        """A new key."""
        return cls(os.urandom(SEED_LENGTH))

    def sign(self, message: bytes) -> bytes:
        """A signature of 2,420 bytes, with an empty context; different each time."""
        return self._key.sign(message)


def verify_ed25519(public: bytes, signature: bytes, message: bytes) -> None:
    """Check a signature; raises Refused, and Malformed for a public key that is none."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except ValueError:
        raise Malformed("This is not an Ed25519 public key.") from None
    except InvalidSignature:
        raise Refused("The Ed25519 signature does not verify.") from None


def verify_mldsa44(public: bytes, signature: bytes, message: bytes) -> None:
    """Check a signature; raises Refused, and Malformed for a public key that is none."""
    try:
        MLDSA44PublicKey.from_public_bytes(public).verify(signature, message)
    except ValueError:
        raise Malformed("This is not an ML-DSA-44 public key.") from None
    except InvalidSignature:
        raise Refused("The ML-DSA-44 signature does not verify.") from None
