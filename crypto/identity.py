"""An officer's or a circle's keys, all grown from one seed, and the certificate that vouches for them."""

import hashlib
import hmac
import os
from dataclasses import dataclass
from functools import cached_property
from typing import Self
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHAKE256, Hash
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey
from typing_extensions import override

from crypto.derivation import KEY_LENGTH, expand
from crypto.encoding import enc
from crypto.errors import Malformed, NotCertified, Refused
from crypto.hidden import Hidden
from crypto.passwords import PasswordCost
from crypto.public import PublicIdentity
from crypto.root import RootKey
from crypto.wraps import (
    OfficerWrap,
    keep_bytes,
    recall_bytes,
    unwrap_by_code,
    unwrap_by_password,
    unwrap_by_session,
    unwrap_either,
    unwrap_nothing,
    wrap_by_code,
    wrap_by_password,
    wrap_by_session,
    wrap_for_duress,
    wrap_of_nothing,
)

__all__ = [
    "Certificate",
    "Decoy",
    "Identity",
    "OfficerWrap",
    "PublicIdentity",
    "certify",
    "check_certificate",
    "keep_secret",
    "recall_secret",
    "unwrap_by_either_password",
    "unwrap_by_recovery_code",
    "unwrap_for_session",
    "unwrap_nothing",
    "unwrap_seed",
    "wrap_decoy",
    "wrap_for_recovery_code",
    "wrap_for_session",
    "wrap_of_nothing",
    "wrap_seed",
]


class Identity(Hidden):
    """The key pairs grown from one seed: X-Wing to open what is sealed to it, Ed25519 to sign.

    The keys are derived when first asked for. Raises Malformed if the seed is not 32 bytes.
    """

    def __init__(self, seed: bytes) -> None:
        if len(seed) != KEY_LENGTH:
            raise Malformed("The seed of an identity is 32 bytes long.")
        self._seed = seed

    @classmethod
    def generate(cls) -> Self:
        """A new identity from the operating system's randomness."""
        return cls(os.urandom(KEY_LENGTH))

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """The identity of a seed: the same seed always gives the same keys."""
        return cls(seed)

    @property
    def seed(self) -> bytes:
        """The 32 bytes that are all of this identity."""
        return self._seed

    @cached_property
    def sealing_key(self) -> MLKEM768X25519PrivateKey:
        """The X-Wing private key that opens what was sealed to this identity."""
        mlkem, x25519 = self._sealing_halves
        return MLKEM768X25519PrivateKey(mlkem, x25519)

    @property
    def mlkem_key(self) -> MLKEM768PrivateKey:
        """The ML-KEM-768 half alone, which opens what was sealed under the FIPS profile."""
        return self._sealing_halves[0]

    @cached_property
    def public(self) -> PublicIdentity:
        """What others may know of this identity."""
        mlkem, x25519 = self._sealing_halves
        sealing = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        return PublicIdentity(sealing, self._signing_key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature of 64 bytes (RFC 8032)."""
        return self._signing_key.sign(message)

    def secret_for(self, label: str) -> bytes:
        """A 32-byte key of this identity for one purpose, for example "totp"."""
        return expand(self._seed, enc("vault/identity/secret/v1", label), KEY_LENGTH)

    @cached_property
    def _sealing_halves(self) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
        """Both halves of the X-Wing key, expanded as draft-connolly-cfrg-xwing-kem says."""
        shake = Hash(SHAKE256(96))
        shake.update(expand(self._seed, enc("vault/identity/sealing/v1"), KEY_LENGTH))
        expanded = shake.finalize()
        return (
            MLKEM768PrivateKey.from_seed_bytes(expanded[:64]),
            X25519PrivateKey.from_private_bytes(expanded[64:]),
        )

    @cached_property
    def _signing_key(self) -> Ed25519PrivateKey:
        seed = expand(self._seed, enc("vault/identity/signing/v1"), KEY_LENGTH)
        return Ed25519PrivateKey.from_private_bytes(seed)


class Decoy(Identity):
    """An identity to which nothing was ever sealed: what a password for duress unlocks.

    The second half of its seed is a digest of the first, so that it is known wherever the seed is unlocked,
    and nowhere else: neither a row nor a cookie tells. Its 128 random bits guard an empty house.
    """

    def __init__(self, seed: bytes) -> None:
        super().__init__(seed)
        if not _is_decoys(seed):
            raise Malformed("This seed is not a decoy's.")

    @classmethod
    @override
    def generate(cls) -> Self:
        """A new decoy from the operating system's randomness."""
        half = os.urandom(KEY_LENGTH // 2)
        return cls(half + _second_half(half))


def _second_half(half: bytes) -> bytes:
    return hashlib.sha256(enc("vault/identity/decoy/v1", half)).digest()[: KEY_LENGTH // 2]


def _is_decoys(seed: bytes) -> bool:
    half = KEY_LENGTH // 2
    return hmac.compare_digest(seed[half:], _second_half(seed[:half]))


def _grown(seed: bytes) -> Identity:
    """The identity of an unlocked seed, and a decoy where the seed says so."""
    return Decoy(seed) if _is_decoys(seed) else Identity(seed)


@dataclass(frozen=True)
class Certificate:
    """One officer's signed word that these public keys are this holder's, in this role."""

    holder_kind: str
    holder: UUID
    role: str
    key_version: int
    public_digest: bytes
    issued_by: UUID
    signature: bytes

    def statement(self) -> bytes:
        """The bytes that the issuer signs."""
        return enc(
            "vault/certificate/v1",
            self.holder_kind,
            self.holder,
            self.role,
            self.key_version,
            self.public_digest,
            self.issued_by,
        )


def certify(
    issuer: Identity,
    issuer_id: UUID,
    holder_kind: str,
    holder: UUID,
    role: str,
    key_version: int,
    public: PublicIdentity,
) -> Certificate:
    """Vouch for a holder's public keys, after their fingerprint was compared in person."""
    said = Certificate(holder_kind, holder, role, key_version, public.digest(), issuer_id, b"")
    signature = issuer.sign(said.statement())
    return Certificate(holder_kind, holder, role, key_version, public.digest(), issuer_id, signature)


def check_certificate(
    certificate: Certificate, public: PublicIdentity, issuer_public: PublicIdentity
) -> None:
    """Check that the issuer vouched for exactly these keys; raises NotCertified.

    Whether the issuer was entitled to, and whether the certificate names the expected holder, role and
    key version, is for the caller to compare.
    """
    if certificate.public_digest != public.digest():
        raise NotCertified("The certificate is for other public keys.")
    try:
        issuer_public.verify(certificate.signature, certificate.statement())
    except Refused:
        raise NotCertified("The certificate was not signed by its issuer.") from None


def wrap_seed(
    identity: Identity, password: str, officer: UUID, key_version: int, root: RootKey, cost: PasswordCost
) -> OfficerWrap:
    """Lock an officer's seed with the password inside and the root key outside."""
    return wrap_by_password(identity.seed, password, officer, key_version, root, cost)


def unwrap_seed(wrap: OfficerWrap, password: str, officer: UUID, key_version: int, root: RootKey) -> Identity:
    """Unlock an officer's identity; raises WrongPassword, or Refused if the row is not this officer's."""
    return Identity(unwrap_by_password(wrap, password, officer, key_version, root))


def wrap_decoy(
    decoy: Decoy, password: str, wrap: OfficerWrap, officer: UUID, key_version: int, root: RootKey
) -> bytes:
    """Lock a decoy with a password for duress, beside the wrap of the officer's own seed."""
    return wrap_for_duress(decoy.seed, password, wrap, officer, key_version, root)


def unwrap_by_either_password(
    wrap: OfficerWrap, duress: bytes, password: str, officer: UUID, key_version: int, root: RootKey
) -> Identity:
    """Unlock an officer's identity, or a Decoy with the password for duress, with the same work for both.

    Raises WrongPassword, or Refused if the officer's wrap is not theirs.
    """
    return _grown(unwrap_either(wrap, duress, password, officer, key_version, root))


def wrap_for_recovery_code(
    identity: Identity, officer: UUID, key_version: int, root: RootKey
) -> tuple[str, OfficerWrap]:
    """A new recovery code for paper, eight groups of four, and the seed locked with it."""
    return wrap_by_code(identity.seed, officer, key_version, root)


def unwrap_by_recovery_code(
    wrap: OfficerWrap, code: str, officer: UUID, key_version: int, root: RootKey
) -> Identity:
    """Unlock an identity with its recovery code; raises WrongPassword or Refused."""
    return Identity(unwrap_by_code(wrap, code, officer, key_version, root))


def wrap_for_session(
    seed: bytes, secret: bytes, sid: bytes, officer: UUID, auth_epoch: int, root: RootKey
) -> bytes:
    """Lock an unlocked seed for the session row, with the cookie's secret and the root key together."""
    return wrap_by_session(seed, secret, sid, officer, auth_epoch, root)


def unwrap_for_session(
    blob: bytes, secret: bytes, sid: bytes, officer: UUID, auth_epoch: int, root: RootKey
) -> Identity:
    """The identity of a live session, or its Decoy; raises Refused."""
    return _grown(unwrap_by_session(blob, secret, sid, officer, auth_epoch, root))


def keep_secret(identity: Identity, label: str, secret: bytes, officer: UUID, root: RootKey) -> bytes:
    """Lock a small secret, such as a TOTP secret, with a key of the identity, then with the root key."""
    return keep_bytes(identity.secret_for(f"kept/{label}"), label, secret, officer, root)


def recall_secret(identity: Identity, label: str, blob: bytes, officer: UUID, root: RootKey) -> bytes:
    """The secret that `keep_secret` locked; raises Refused."""
    return recall_bytes(identity.secret_for(f"kept/{label}"), label, blob, officer, root)
