"""A key is sealed to a holder: HPKE (RFC 9180) with the suite in use, signed by whoever sealed it."""

import hashlib
import hmac
from dataclasses import dataclass, field
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey

from crypto import suites
from crypto.derivation import KEY_LENGTH, expand
from crypto.encoding import enc
from crypto.errors import Malformed, Refused, Unsealable
from crypto.identity import Identity
from crypto.padding import pad, unpad
from crypto.public import MLKEM_PUBLIC_LENGTH, PublicIdentity

FORMAT = 1
HEADER_LENGTH = 2


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


def _info(suite: int, name: KeyName, holder: Holder) -> bytes:
    """Everything a seal is bound to; HPKE's public interface has no AAD, so it goes into `info`."""
    return enc(
        "vault/seal/v1",
        suite,
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


def _public_key(public: PublicIdentity, suite: int) -> MLKEM768PublicKey | MLKEM768X25519PublicKey:
    mlkem = MLKEM768PublicKey.from_public_bytes(public.sealing[:MLKEM_PUBLIC_LENGTH])
    if suite == suites.MLKEM:
        return mlkem
    x25519 = X25519PublicKey.from_public_bytes(public.sealing[MLKEM_PUBLIC_LENGTH:])
    return MLKEM768X25519PublicKey(mlkem, x25519)


def _private_key(identity: Identity, suite: int) -> MLKEM768PrivateKey | MLKEM768X25519PrivateKey:
    return identity.mlkem_key if suite == suites.MLKEM else identity.sealing_key


def _encrypt(plaintext: bytes, public: PublicIdentity, suite: suites.Sealing, info: bytes) -> bytes:
    try:
        sealed = suite.hpke.encrypt(plaintext, _public_key(public, suite.number), info)
    except ValueError:
        raise Malformed("This is not a public key that anything can be sealed to.") from None
    return bytes((FORMAT, suite.number)) + sealed


def _suite_of(blob: bytes) -> int:
    """The suite that a blob says it was sealed with; raises Malformed when it says nothing."""
    if len(blob) < HEADER_LENGTH or blob[0] != FORMAT:
        raise Malformed("These bytes were not sealed to a public key here.")
    return blob[1]


def _decrypt(blob: bytes, identity: Identity, suite: suites.Sealing, info: bytes) -> bytes:
    try:
        return suite.hpke.decrypt(blob[HEADER_LENGTH:], _private_key(identity, suite.number), info)
    except (InvalidTag, ValueError):
        raise Refused("This was not sealed to this key for this purpose, or it was changed.") from None


def seal_key(key: bytes, name: KeyName, holder: Holder, maker: Identity) -> Seal:
    """Seal a 32-byte key to a holder, signed by its maker; raises Unsealable for another length."""
    if len(key) != KEY_LENGTH:
        raise Unsealable("Only keys of 32 bytes are sealed to holders.")
    suite = suites.to_seal()
    info = _info(suite.number, name, holder)
    blob = _encrypt(key, holder.public, suite, info)
    commitment = _commitment(key, name)
    return Seal(blob, commitment, maker.sign(_statement(info, blob, commitment)))


@lru_cache(maxsize=16384)
def _check_once(maker: PublicIdentity, signature: bytes, statement: bytes) -> None:
    """A signature says the same of the same bytes for ever, so a good one is verified once per process."""
    maker.verify(signature, statement)


def check_seal(seal: Seal, name: KeyName, holder: Holder, maker_public: PublicIdentity) -> None:
    """Raise Refused unless this maker signed this very seal for this holder and name; opens nothing."""
    info = _info(_suite_of(seal.blob), name, holder)
    _check_once(maker_public, seal.signature, _statement(info, seal.blob, seal.commitment))


def commits_to(seal: Seal, key: bytes, name: KeyName) -> bool:
    """Whether this is the key that whoever made the seal committed to; opens nothing."""
    return hmac.compare_digest(_commitment(key, name), seal.commitment)


def open_seal(
    seal: Seal, name: KeyName, holder: Holder, holder_identity: Identity, maker_public: PublicIdentity
) -> bytes:
    """The key, if its maker signed this seal for this holder and this name; raises Refused.

    Raises Unapproved for a suite that the profile in use refuses.
    That `maker_public` belongs to an officer entitled to seal is for the caller to have checked.
    """
    check_seal(seal, name, holder, maker_public)
    suite = suites.to_open(_suite_of(seal.blob))
    key = _decrypt(seal.blob, holder_identity, suite, _info(suite.number, name, holder))
    if len(key) != KEY_LENGTH or not commits_to(seal, key, name):
        raise Refused("The sealed key is not the key that was committed to.")
    return key


def _message_info(suite: int, holder_public: PublicIdentity, context: bytes) -> bytes:
    return enc("vault/message/v1", suite, holder_public.digest(), context)


def seal_message(plaintext: bytes, holder_public: PublicIdentity, context: bytes) -> bytes:
    """Seal a message of any length, padded, to whoever holds the private key, bound to the context.

    Anybody can seal a message: it says nothing of who sent it.
    """
    suite = suites.to_seal()
    info = _message_info(suite.number, holder_public, context)
    return _encrypt(pad(plaintext), holder_public, suite, info)


def open_message(blob: bytes, identity: Identity, context: bytes) -> bytes:
    """The message that was sealed to this identity for this context; raises Refused, or Unapproved."""
    suite = suites.to_open(_suite_of(blob))
    return unpad(_decrypt(blob, identity, suite, _message_info(suite.number, identity.public, context)))
