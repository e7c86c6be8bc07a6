"""Checkpoints: the size and root of the tree as a C2SP signed note, and the keys that sign and verify it.

Signed twice by the notary: Ed25519 over the note's text (c2sp.org/signed-note, type 0x01), and ML-DSA-44 as a
cosignature over the size, the root and the time (c2sp.org/tlog-cosignature, type 0x06). Witnesses add
Ed25519 cosignatures over the time and the text (c2sp.org/tlog-cosignature, type 0x04).
"""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Self

from audit.durable import write_new
from audit.errors import LedgerError, NotaryRefuses, NotVerified
from crypto.errors import CryptoError
from crypto.signatures import (
    ED25519_PUBLIC_LENGTH,
    MLDSA44_PUBLIC_LENGTH,
    MLDSA44_SIGNATURE_LENGTH,
    SEED_LENGTH,
    Ed25519Key,
    MLDSA44Key,
    verify_ed25519,
    verify_mldsa44,
)

ED25519 = 0x01
COSIGNATURE = 0x04
MLDSA44 = 0x06
_ALGORITHMS = {ED25519: "Ed25519", COSIGNATURE: "Ed25519 cosignature", MLDSA44: "ML-DSA-44"}
_PUBLIC_LENGTH = {
    ED25519: ED25519_PUBLIC_LENGTH,
    COSIGNATURE: ED25519_PUBLIC_LENGTH,
    MLDSA44: MLDSA44_PUBLIC_LENGTH,
}
_ORIGIN = re.compile(r"[!-*,-~]{1,255}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_LARGEST_NOTE = 1 << 20


def _decode(text: str, what: str) -> bytes:
    try:
        decoded = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotVerified(f"The {what} is not base64.") from None
    if b64encode(decoded).decode() != text:
        raise NotVerified(f"The {what} is not base64.")
    return decoded


@dataclass(frozen=True)
class Checkpoint:
    """What the notary vouches for: the origin of the log, its size and root; `text` is the whole note."""

    origin: str
    size: int
    root: bytes
    text: str

    @property
    def body(self) -> str:
        """The signed text, up to and with its last newline."""
        return note_body(self.origin, self.size, self.root)


def note_body(origin: str, size: int, root: bytes) -> str:
    """The three lines of a checkpoint (c2sp.org/tlog-checkpoint)."""
    return f"{origin}\n{size}\n{b64encode(root).decode()}\n"


def parse(text: str) -> Checkpoint:
    """Read a checkpoint without believing it; raises NotVerified when it is malformed."""
    body, separator, signatures = text.partition("\n\n")
    lines = body.split("\n")
    whole = bool(separator) and signatures.endswith("\n") and len(text) <= _LARGEST_NOTE
    if not whole or len(lines) != 3:
        raise NotVerified("The checkpoint is not a signed note of three lines.")
    origin, size, root = lines
    if not _ORIGIN.fullmatch(origin) or not _SIZE.fullmatch(size):
        raise NotVerified("The checkpoint's origin or size is malformed.")
    decoded = _decode(root, "checkpoint's root")
    if len(decoded) != 32:
        raise NotVerified("The checkpoint's root is not 32 bytes long.")
    return Checkpoint(origin, int(size), decoded, text)


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """The four bytes that point from a signature to its key."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


@dataclass(frozen=True)
class VerifierKey:
    """A public key with its name, in text `name+id+base64(type || key)`."""

    name: str
    kind: int
    public: bytes

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a verifier key; raises NotVerified when it is malformed or of an unknown type."""
        name, _, rest = text.strip().partition("+")
        identifier, _, encoded = rest.partition("+")
        material = _decode(encoded, "verifier key")
        if (
            not _ORIGIN.fullmatch(name)
            or _PUBLIC_LENGTH.get(material[0] if material else -1) != len(material) - 1
        ):
            raise NotVerified("The verifier key is of no known kind, or malformed.")
        key = cls(name, material[0], material[1:])
        if identifier != key_id(key.name, key.kind, key.public).hex():
            raise NotVerified("The verifier key's identifier does not fit the key.")
        return key

    @property
    def algorithm(self) -> str:
        """The name of the signature algorithm."""
        return _ALGORITHMS[self.kind]

    @property
    def identifier(self) -> bytes:
        """The four bytes that its signatures begin with."""
        return key_id(self.name, self.kind, self.public)

    def to_text(self) -> str:
        """The key as others configure it."""
        material = b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{key_id(self.name, self.kind, self.public).hex()}+{material}"

    def named(self, origin: str) -> Self:
        """The same key under the name of another log, as of the next volume of a ledger."""
        return replace(self, name=origin)

    def check(self, checkpoint: Checkpoint) -> None:
        """Check that this key signed the checkpoint; raises NotVerified."""
        signatures = signatures_by(self, checkpoint.text)
        if not signatures:
            raise NotVerified(f"The checkpoint bears no {self.algorithm} signature of {self.name}.")
        for signature in signatures:
            try:
                self._check_one(checkpoint, signature)
            except CryptoError:
                raise NotVerified(
                    f"The checkpoint's {self.algorithm} signature is not of {self.name}."
                ) from None

    def _check_one(self, checkpoint: Checkpoint, signature: bytes) -> None:
        if self.kind == ED25519:
            verify_ed25519(self.public, signature, checkpoint.body.encode())
            return
        seconds, signed = int.from_bytes(signature[:8], "big"), signature[8:]
        if self.kind == COSIGNATURE:
            verify_ed25519(self.public, signed, witnessed_message(seconds, checkpoint))
            return
        if len(signed) != MLDSA44_SIGNATURE_LENGTH:
            raise NotVerified("The checkpoint's ML-DSA-44 signature has the wrong length.")
        verify_mldsa44(self.public, signed, cosigned_message(self.name, seconds, checkpoint))


def signatures_by(key: VerifierKey, text: str) -> list[bytes]:
    """What follows the key id in each signature line of this key, not yet believed; raises NotVerified."""
    found = []
    for line in text.partition("\n\n")[2].removesuffix("\n").split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        if dash != "\u2014" or not name or not encoded:
            raise NotVerified("A signature line of the checkpoint is malformed.")
        decoded = _decode(encoded, "checkpoint's signature")
        if name == key.name and decoded[:4] == key.identifier:
            found.append(decoded[4:])
    return found


def cosigned_message(cosigner: str, seconds: int, checkpoint: Checkpoint) -> bytes:
    """What ML-DSA-44 signs: label, cosigner, time, origin, first leaf 0, size and root (tlog-cosignature)."""
    name, origin = cosigner.encode(), checkpoint.origin.encode()
    return b"".join(
        (
            b"subtree/v1\n\x00",
            bytes([len(name)]) + name,
            seconds.to_bytes(8, "big"),
            bytes([len(origin)]) + origin,
            bytes(8),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def witnessed_message(seconds: int, checkpoint: Checkpoint) -> bytes:
    """What a witness signs with Ed25519: a header, the time and the whole text (tlog-cosignature)."""
    return f"cosignature/v1\ntime {seconds}\n{checkpoint.body}".encode()


def signature_line(key: VerifierKey, signature: bytes) -> str:
    """The line of a signed note that says who signed."""
    return f"\u2014 {key.name} {b64encode(key.identifier + signature).decode()}\n"


@dataclass(frozen=True, repr=False)
class NotaryKeys:
    """The notary's two private keys, and the origin that names the log and both keys."""

    origin: str
    ed25519: Ed25519Key
    mldsa44: MLDSA44Key

    def __post_init__(self) -> None:
        if not _ORIGIN.fullmatch(self.origin):
            raise LedgerError("The origin must be a name of visible ASCII characters without a plus sign.")

    @classmethod
    def generate(cls, origin: str) -> Self:
        """New keys."""
        return cls(origin, Ed25519Key.generate(), MLDSA44Key.generate())

    @classmethod
    def load(cls, path: Path, origin: str) -> Self:
        """Read the keys; raises NotaryRefuses when the file is missing, readable by others or malformed."""
        try:
            if path.stat().st_mode & 0o077:
                raise NotaryRefuses("The notary's key file may be read by others; its mode must be 0400.")
            seeds = path.read_bytes()
        except OSError:
            raise NotaryRefuses("The notary's key file cannot be read.") from None
        if len(seeds) != 2 * SEED_LENGTH:
            raise NotaryRefuses("The notary's key file does not hold two seeds of 32 bytes.")
        return cls(origin, Ed25519Key(seeds[:SEED_LENGTH]), MLDSA44Key(seeds[SEED_LENGTH:]))

    def save(self, path: Path) -> None:
        """Write the keys to a new file of mode 0400; raises FileExistsError rather than replace any."""
        write_new(path, self.ed25519.seed + self.mldsa44.seed, 0o400)

    def named(self, origin: str) -> Self:
        """The same keys, to sign the log of another volume."""
        return replace(self, origin=origin)

    def verifier_keys(self) -> tuple[VerifierKey, VerifierKey]:
        """The public halves, Ed25519 first."""
        return (
            VerifierKey(self.origin, ED25519, self.ed25519.public),
            VerifierKey(self.origin, MLDSA44, self.mldsa44.public),
        )

    def sign(self, size: int, root: bytes, now: datetime) -> Checkpoint:
        """A checkpoint with both signatures."""
        unsigned = Checkpoint(self.origin, size, root, "")
        seconds = int(now.timestamp())
        signatures = (
            self.ed25519.sign(unsigned.body.encode()),
            seconds.to_bytes(8, "big") + self.mldsa44.sign(cosigned_message(self.origin, seconds, unsigned)),
        )
        lines = [
            signature_line(key, signature)
            for key, signature in zip(self.verifier_keys(), signatures, strict=True)
        ]
        return Checkpoint(self.origin, size, root, unsigned.body + "\n" + "".join(lines))


def read_verifier_keys(text: str) -> list[VerifierKey]:
    """Verifier keys, one a line; raises NotVerified when there are none."""
    keys = [VerifierKey.from_text(line) for line in text.splitlines() if line.strip()]
    if not keys:
        raise NotVerified("No verifier key was given.")
    return keys


def check_signatures(checkpoint: Checkpoint, keys: Sequence[VerifierKey]) -> None:
    """Check that every one of the keys signed, and that they are of this log; raises NotVerified."""
    for key in keys:
        if key.name != checkpoint.origin:
            raise NotVerified(f"The key of {key.name} is not one of the log {checkpoint.origin}.")
        key.check(checkpoint)
