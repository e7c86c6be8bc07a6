"""Which algorithms may be used: the two suites of sealing, and the profile that allows one of them or both.

Fields and files are AES-256-GCM under keys from HKDF-SHA-256 in both profiles, so their suite is always 1;
the suites differ in the key encapsulation alone.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from enum import Enum
from typing import NamedTuple

from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from crypto.errors import Malformed, Unapproved

XWING = 1
MLKEM = 2


class Profile(Enum):
    """What the process seals with and consents to open.

    `STANDARD` seals with X-Wing and opens both suites; `FIPS` seals with ML-KEM-768 (FIPS 203) and opens
    nothing else, and stretches passwords with PBKDF2 only.
    """

    STANDARD = "standard"
    FIPS = "fips"


class Sealing(NamedTuple):
    """One suite: the number in a blob's second byte, HPKE (RFC 9180), and the encapsulation's length."""

    number: int
    hpke: Suite
    encapsulated_length: int


SUITES = {
    XWING: Sealing(XWING, Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM), 1120),
    MLKEM: Sealing(MLKEM, Suite(KEM.MLKEM768, KDF.HKDF_SHA256, AEAD.AES_256_GCM), 1088),
}


class _InUse:
    """The profile of this process; None until a vault says which."""

    profile: Profile | None = None


def in_use() -> Profile:
    """The profile of this process, the standard one unless a vault chose."""
    return _InUse.profile or Profile.STANDARD


def use(profile: Profile) -> None:
    """Choose the profile of this process, once; raises Unapproved when another was chosen before."""
    if _InUse.profile not in (None, profile):
        raise Unapproved("This process already works under another profile; start one process for each.")
    _InUse.profile = profile


@contextmanager
def using(profile: Profile) -> Iterator[None]:
    """Work under a profile for a while, as vectors and checks of both profiles do."""
    before, _InUse.profile = _InUse.profile, profile
    try:
        yield
    finally:
        _InUse.profile = before


@contextmanager
def answering(numbers: Iterable[int]) -> Iterator[None]:
    """Seal an answer as what it answers was sealed: by ML-KEM-768 when all of it was, on any machine."""
    asked = set(numbers)
    with using(Profile.FIPS) if asked == {MLKEM} else nullcontext():
        yield


def to_seal() -> Sealing:
    """The suite that the profile in use seals with."""
    return SUITES[MLKEM if in_use() is Profile.FIPS else XWING]


def to_open(number: int) -> Sealing:
    """The suite of this number; raises Malformed for one that is none, Unapproved for one not allowed."""
    if number not in SUITES:
        raise Malformed("These bytes were not sealed to a public key here.")
    if number != MLKEM and in_use() is Profile.FIPS:
        raise Unapproved("This was sealed with X-Wing, which the FIPS profile refuses. Have it sealed again.")
    return SUITES[number]


def check_stretching(is_approved: bool) -> None:
    """Raise Unapproved when the profile in use refuses how a password is stretched."""
    if not is_approved and in_use() is Profile.FIPS:
        raise Unapproved(
            "This password cost is Argon2id, which the FIPS profile refuses. Use pbkdf2-sha256$600000."
        )
