"""A key is sealed to a holder: HPKE (RFC 9180) over X-Wing, signed by whoever sealed it."""

import hashlib
import hmac
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PublicKey, Suite

from crypto.derivation import KEY_LENGTH, expand
from crypto.encoding import enc
from crypto.errors import Malformed, Refused, Unsealable
from crypto.identity import Identity
from crypto.padding import pad, unpad
from crypto.public import MLKEM_PUBLIC_LENGTH, PublicIdentity

FORMAT = 1
SUITE = 1
HEADER = bytes([FORMAT, SUITE])
HPKE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
ENCAPSULATED_LENGTH = 1120
SEAL_LENGTH = len(HEADER) + ENCAPSULATED_LENGTH + KEY_LENGTH + 16


@dataclass(frozen=True)
class Holder:
    """Somebody a key can be sealed to: "officer", "circle" or "recovery", in one version of its keys."""

    kind: str
    id: UUID
    key_version: int
    public: PublicIdentity


@dataclass(frozen=True)
class KeyName:
    """Which key is sealed: a "circle" or a "lockbox", its epoch, and what it opens."""

    kind: str
    id: UUID
    epoch: int
    subject: str
    compartment: str


@dataclass(frozen=True)
class Seal:
    """A key sealed to one holder, a commitment to the key, and the signature of whoever sealed it."""

    blob: bytes = field(repr=False)
    commitment: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def _info(name: KeyName, holder: Holder) -> bytes:
    """Everything a seal is bound to; HPKE's public interface has no AAD, so it goes into `info`."""
    return enc(
        "vault/seal/v1",
        SUITE,
        name.kind,
        name.id,
        name.epoch,
        name.subject,
        name.compartment,
        holder.kind,
        holder.id,
        holder.key_version,
        holder.public.digest(),
    )


def _commitment(key: bytes, name: KeyName) -> bytes:
    """Binds the sealer to one key, which AES-GCM alone does not."""
    return expand(key, enc("vault/seal-commitment/v1", name.kind, name.id, name.epoch), 32)


def _statement(info: bytes, blob: bytes, commitment: bytes) -> bytes:
    """The bytes that whoever seals a key signs."""
    digests = (hashlib.sha256(info).digest(), hashlib.sha256(blob).digest())
    return enc("vault/seal-signature/v1", *digests, commitment)


def _encrypt(plaintext: bytes, public: PublicIdentity, info: bytes) -> bytes:
    try:
        key = MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public.sealing[:MLKEM_PUBLIC_LENGTH]),
            X25519PublicKey.from_public_bytes(public.sealing[MLKEM_PUBLIC_LENGTH:]),
        )
        return HEADER + HPKE.encrypt(plaintext, key, info)
    except ValueError:
        raise Malformed("This is not a public key that anything can be sealed to.") from None


def _decrypt(blob: bytes, identity: Identity, info: bytes) -> bytes:
    if blob[: len(HEADER)] != HEADER:
        raise Malformed("These bytes were not sealed to a public key here.")
    try:
        return HPKE.decrypt(blob[len(HEADER) :], identity.sealing_key, info)
    except (InvalidTag, ValueError):
        raise Refused("This was not sealed to this key for this purpose, or it was changed.") from None


def seal_key(key: bytes, name: KeyName, holder: Holder, maker: Identity) -> Seal:
    """Seal a 32-byte key to a holder, signed by its maker; raises Unsealable for another length."""
    if len(key) != KEY_LENGTH:
        raise Unsealable("Only keys of 32 bytes are sealed to holders.")
    info = _info(name, holder)
    blob = _encrypt(key, holder.public, info)
    commitment = _commitment(key, name)
    return Seal(blob, commitment, maker.sign(_statement(info, blob, commitment)))


def check_seal(seal: Seal, name: KeyName, holder: Holder, maker_public: PublicIdentity) -> None:
    """Raise Refused unless this maker signed this very seal for this holder and name; opens nothing."""
    maker_public.verify(seal.signature, _statement(_info(name, holder), seal.blob, seal.commitment))


def open_seal(
    seal: Seal, name: KeyName, holder: Holder, holder_identity: Identity, maker_public: PublicIdentity
) -> bytes:
    """The key, if its maker signed this seal for this holder and this name; raises Refused.

    That `maker_public` belongs to an officer entitled to seal is for the caller to have checked.
    """
    check_seal(seal, name, holder, maker_public)
    key = _decrypt(seal.blob, holder_identity, _info(name, holder))
    if len(key) != KEY_LENGTH or not hmac.compare_digest(_commitment(key, name), seal.commitment):
        raise Refused("The sealed key is not the key that was committed to.")
    return key


def _message_info(holder_public: PublicIdentity, context: bytes) -> bytes:
    return enc("vault/message/v1", SUITE, holder_public.digest(), context)


def seal_message(plaintext: bytes, holder_public: PublicIdentity, context: bytes) -> bytes:
    """Seal a message of any length, padded, to whoever holds the private key, bound to the context.

    Anybody can seal a message: it says nothing of who sent it.
    """
    return _encrypt(pad(plaintext), holder_public, _message_info(holder_public, context))


def open_message(blob: bytes, identity: Identity, context: bytes) -> bytes:
    """The message that was sealed to this identity for this context; raises Refused."""
    return unpad(_decrypt(blob, identity, _message_info(identity.public, context)))
