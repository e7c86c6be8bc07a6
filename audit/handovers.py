"""Hand-overs: how the notary's old keys name its new ones, so that whoever pinned the old can follow.

Each is a signed note (c2sp.org/signed-note) that both the old and the new keys sign, with Ed25519 over the
text and with ML-DSA-44 over `enc("vault/notary-hand-over/v1", text)`. It states the size and root of the tree
at that moment and the digest of the hand-over before it, so that none can be left out, moved or added.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from audit.errors import NotVerified
from audit.exported import read_file
from audit.notes import COSIGNATURE, ED25519, Checkpoint, NotaryKeys, VerifierKey, check_signatures, key_id
from audit.origins import origin_of, parted
from crypto.encoding import enc
from crypto.errors import CryptoError
from crypto.signatures import verify_ed25519, verify_mldsa44

HAND_OVERS = "hand-overs"
"""The name of the file in an export."""
_FIRST_LINE = "vault-notary-hand-over/v1"
_NONE_BEFORE = bytes(32)
_LARGEST = 1 << 24
Keys = tuple[VerifierKey, ...]


@dataclass(frozen=True)
class HandOver:
    """One hand-over as it is written; nothing in it is believed before `check_chain`."""

    origin: str
    number: int
    size: int
    root: bytes
    before: bytes
    old: Keys
    new: Keys
    text: str

    @property
    def body(self) -> str:
        """The signed text, up to and with its last newline."""
        lines = [_FIRST_LINE, self.origin, str(self.number), str(self.size)]
        lines += [b64encode(part).decode() for part in (self.root, self.before)]
        return "".join(f"{line}\n" for line in [*lines, *(key.to_text() for key in (*self.old, *self.new))])

    def check(self) -> None:
        """Check that all four keys signed it. Raises NotVerified."""
        signatures = _signatures(self.text)
        for key in (*self.old, *self.new):
            identifier = key_id(key.name, key.kind, key.public)
            found = [rest for name, start, rest in signatures if (name, start) == (key.name, identifier)]
            try:
                if len(found) != 1:
                    raise NotVerified(f"Hand-over {self.number} lacks an {key.algorithm} signature.")
                _check_one(key, found[0], self.body)
            except CryptoError:
                raise NotVerified(
                    f"Hand-over {self.number} has a forged {key.algorithm} signature."
                ) from None


def _check_one(key: VerifierKey, signature: bytes, body: str) -> None:
    if key.kind == ED25519:
        verify_ed25519(key.public, signature, body.encode())
    else:
        verify_mldsa44(key.public, signature, _for_mldsa44(body))


def _for_mldsa44(body: str) -> bytes:
    return enc("vault/notary-hand-over/v1", body)


def _signatures(text: str) -> list[tuple[str, bytes, bytes]]:
    """Name, key id and signature of each signature line; raises NotVerified."""
    found = []
    for line in text.partition("\n\n")[2].removesuffix("\n").split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        if dash != "\u2014" or not name:
            raise NotVerified("A signature line of a hand-over is malformed.")
        decoded = _decode(encoded)
        found.append((name, decoded[:4], decoded[4:]))
    return found


def _decode(text: str) -> bytes:
    try:
        decoded = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not decoded or b64encode(decoded).decode() != text:
        raise NotVerified("A hand-over is not in its form: something is not base64.")
    return decoded


def sign_hand_over(
    old: NotaryKeys, new: NotaryKeys, size: int, root: bytes, earlier: Sequence[HandOver]
) -> HandOver:
    """The next hand-over, from the old keys to the new, over the tree of this size and root."""
    before = sha256(earlier[-1].text.encode()).digest() if earlier else _NONE_BEFORE
    number = len(earlier) + 1
    unsigned = HandOver(
        old.origin, number, size, root, before, old.verifier_keys(), new.verifier_keys(), text=""
    )
    lines = []
    for keys in (old, new):
        made = (keys.ed25519.sign(unsigned.body.encode()), keys.mldsa44.sign(_for_mldsa44(unsigned.body)))
        for key, signature in zip(keys.verifier_keys(), made, strict=True):
            start = key_id(key.name, key.kind, key.public)
            lines.append(f"\u2014 {key.name} {b64encode(start + signature).decode()}\n")
    return parse_hand_over(unsigned.body + "\n" + "".join(lines))


def parse_hand_over(text: str) -> HandOver:
    """Read one hand-over without believing it; raises NotVerified when it is malformed."""
    lines = text.partition("\n\n")[0].split("\n")
    if len(lines) != 10 or lines[0] != _FIRST_LINE:
        raise NotVerified("A hand-over is not in its form.")
    _, origin, number, size, root, before, *keys = lines
    try:
        counted = int(number), int(size)
    except ValueError:
        raise NotVerified("A hand-over's number or size is malformed.") from None
    named = tuple(VerifierKey.from_text(key) for key in keys)
    found = HandOver(origin, *counted, _decode(root), _decode(before), named[:2], named[2:], text)
    if not text.startswith(found.body + "\n") or any(key.name != origin for key in named):
        raise NotVerified("A hand-over is not in its form.")
    return found


def parse_hand_overs(text: str) -> list[HandOver]:
    """Read a file of hand-overs, which follow each other after an empty line; raises NotVerified."""
    if len(text) > _LARGEST:
        raise NotVerified("The file of hand-overs is too large.")
    parts = text.removesuffix("\n").split("\n\n") if text else []
    if len(parts) % 2:
        raise NotVerified("The file of hand-overs is cut off.")
    bodies, signatures = parts[::2], parts[1::2]
    return [parse_hand_over(f"{body}\n\n{signed}\n") for body, signed in zip(bodies, signatures, strict=True)]


def to_text(hand_overs: Sequence[HandOver]) -> str:
    """The file of these hand-overs."""
    return "\n".join(one.text for one in hand_overs)


def read_hand_overs(path: Path) -> list[HandOver]:
    """The hand-overs in a file, none when there is no file; raises NotVerified."""
    try:
        # Bytes, because reading as text would take other line endings for the ones that were signed.
        return parse_hand_overs(read_file(path).decode())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except UnicodeDecodeError:
        raise NotVerified("The file of hand-overs is not text.") from None


def check_chain(hand_overs: Sequence[HandOver]) -> None:
    """Check every signature, and that none is missing, moved or added. Raises NotVerified."""
    before, size, keys = _NONE_BEFORE, 0, hand_overs[0].old if hand_overs else ()
    for number, one in enumerate(hand_overs, 1):
        one.check()
        if (one.number, one.before, one.old) != (number, before, keys) or one.size < size:
            raise NotVerified(f"Hand-over {number} is missing, or is not in its place.")
        before, size, keys = sha256(one.text.encode()).digest(), one.size, one.new


def check_signed(
    checkpoint: Checkpoint, pinned: Sequence[VerifierKey], hand_overs: Sequence[HandOver]
) -> Keys:
    """Follow the pinned keys to the newest and check that those signed; return them. Raises NotVerified.

    A checkpoint of exactly the tree that the last hand-over states may still bear the old keys' signatures.
    Keys of witnesses among the pinned ones must have cosigned; one of the notary's must be there.
    """
    check_chain(hand_overs)
    witnesses = tuple(key for key in pinned if key.kind == COSIGNATURE)
    keys = _newest(tuple(key for key in pinned if key.kind != COSIGNATURE), hand_overs)
    if not keys:
        raise NotVerified("No key of the notary was given.")
    last = hand_overs[-1] if hand_overs else None
    try:
        check_signatures(checkpoint, keys)
    except NotVerified:
        if last is None or (checkpoint.size, checkpoint.root) != (last.size, last.root):
            raise
        check_signatures(checkpoint, last.old)
        keys = last.old
    for witness in witnesses:
        witness.check(checkpoint)
    return keys + witnesses


def carry_over(pinned: Sequence[VerifierKey], hand_overs: Sequence[HandOver], origin: str) -> Keys:
    """The keys that sign the next volume, `origin`: those that the hand-overs of one volume lead to.

    Raises NotVerified.
    """
    check_chain(hand_overs)
    return tuple(key.named(origin) for key in _newest(tuple(pinned), hand_overs))


def lead_to(pinned: Sequence[VerifierKey], origin: str, hand_overs: Sequence[HandOver]) -> Keys:
    """The pinned keys, followed through the volumes before it, under the name of the volume `origin`.

    `hand_overs` are those of any volumes, in order. Keys of witnesses stay as they are, and so do keys of
    another ledger or of a later volume. Raises NotVerified.
    """
    ledger, number = parted(origin)
    witnesses = tuple(key for key in pinned if key.kind == COSIGNATURE)
    keys = tuple(key for key in pinned if key.kind != COSIGNATURE)
    begins = {parted(key.name) for key in keys}
    if len(begins) == 1 and (ledger, number) not in begins:
        named, first = begins.pop()
        for volume in range(first, number if named == ledger else first):
            own = [one for one in hand_overs if one.origin == origin_of(ledger, volume)]
            keys = carry_over(keys, own, origin_of(ledger, volume + 1))
    return keys + witnesses


def _newest(pinned: Keys, hand_overs: Sequence[HandOver]) -> Keys:
    if not hand_overs or set(pinned) <= set(hand_overs[-1].new):
        return pinned
    if any(set(pinned) <= set(one.old) for one in hand_overs):
        return hand_overs[-1].new
    raise NotVerified("The hand-overs do not begin at the key that was given.")
