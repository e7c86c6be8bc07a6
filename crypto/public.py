"""The public half of an identity: what others seal to and check signatures with."""

import hashlib
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from shamir_mnemonic.wordlist import WORDLIST

from crypto.encoding import enc
from crypto.errors import Malformed, Refused

MLKEM_PUBLIC_LENGTH = 1184
SEALING_LENGTH = MLKEM_PUBLIC_LENGTH + 32
SIGNING_LENGTH = 32
FINGERPRINT_WORDS = 8
BITS_OF_A_WORD = 10

# The recovery key signs nothing, so that its public half carries no signing key.
NO_SIGNING = bytes(SIGNING_LENGTH)

# Under a point of small order (RFC 8032, the torsion subgroup) forged signatures verify: always under
# the neutral element, one time in four under the all-zero key. OpenSSL accepts them, so we refuse them.
# They are listed by the y coordinate, the sign bit cleared; the last two are non-canonical forms.
SMALL_ORDER = frozenset(
    bytes.fromhex(y)
    for y in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


def is_small_order(signing: bytes) -> bool:
    """Whether an Ed25519 public key is one under which anybody can forge."""
    return signing[:-1] + bytes([signing[-1] & 0x7F]) in SMALL_ORDER


def eight_words(digest: bytes) -> tuple[str, ...]:
    """The first 80 bits of a digest as eight words of the SLIP-39 list, to be compared aloud."""
    length = FINGERPRINT_WORDS * BITS_OF_A_WORD
    number = int.from_bytes(digest[: length // 8], "big")
    shifts = range(length - BITS_OF_A_WORD, -1, -BITS_OF_A_WORD)
    return tuple(WORDLIST[number >> shift & (2**BITS_OF_A_WORD - 1)] for shift in shifts)


@dataclass(frozen=True)
class PublicIdentity:
    """A sealing key of 1,216 bytes (ML-KEM-768, then X25519) and an Ed25519 signing key of 32.

    Raises Malformed for other lengths, and for a signing key under which anybody can forge; thirty-two
    zero bytes say that this identity never signs.
    """

    sealing: bytes
    signing: bytes

    def __post_init__(self) -> None:
        if len(self.sealing) != SEALING_LENGTH or len(self.signing) != SIGNING_LENGTH:
            raise Malformed("These are not the public keys of an identity.")
        if self.signing != NO_SIGNING and is_small_order(self.signing):
            raise Malformed("This signing key is one under which anybody can forge.")

    def to_bytes(self) -> bytes:
        """The sealing key, then the signing key: 1,248 bytes."""
        return self.sealing + self.signing

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What `to_bytes` wrote; raises Malformed."""
        return cls(data[:SEALING_LENGTH], data[SEALING_LENGTH:])

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check an Ed25519 signature (RFC 8032); raises Refused."""
        if self.signing == NO_SIGNING:
            raise Refused("This identity signs nothing.")
        try:
            Ed25519PublicKey.from_public_bytes(self.signing).verify(signature, message)
        except InvalidSignature:
            raise Refused("The signature does not fit.") from None

    def digest(self) -> bytes:
        """SHA-256 over both public keys."""
        return hashlib.sha256(enc("vault/public-identity/v1", self.sealing, self.signing)).digest()

    def fingerprint(self) -> tuple[str, ...]:
        """Eight words of the SLIP-39 list, 80 bits of the digest, for two people to compare aloud."""
        return eight_words(self.digest())
