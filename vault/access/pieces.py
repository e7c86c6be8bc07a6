"""Documents in pieces: sealed as they arrive, opened as they leave, never whole in memory or on a disk.

A document is one sealed file of `crypto.files` under a random key of its own, cut into pieces of a mebibyte.
A sealed field of the document's row keeps that key and the digest of all pieces, so that a piece that was
changed, moved or taken away is noticed before anything is opened, whatever else was changed with it.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from crypto.derivation import KEY_LENGTH as KEY_LENGTH  # noqa: PLC0414 - whoever draws a key takes it from here
from crypto.encoding import enc
from crypto.errors import Malformed, Refused
from crypto.files import Source as Source  # noqa: PLC0414 - features take the type from here
from crypto.files import open_chunks, seal_file

PIECE_LENGTH = 1024 * 1024
"""Bytes of the sealed file in each piece but the last."""


@dataclass(frozen=True)
class SealedPieces:
    """How many pieces a document became, and the SHA-256 of all of them in order."""

    count: int
    digest: bytes


@dataclass(frozen=True)
class ContentKey:
    """What opens a document: its own key, and what its pieces must be. It is sealed as one field."""

    key: bytes = field(repr=False)
    digest: bytes

    def to_bytes(self) -> bytes:
        """The key, then the digest."""
        return self.key + self.digest

    @classmethod
    def from_bytes(cls, content: object) -> "ContentKey":
        """Raises Malformed for anything but what `to_bytes` gives."""
        if not isinstance(content, bytes) or len(content) != 2 * KEY_LENGTH:
            raise Malformed("What is kept of the document is not its key.")
        return cls(content[:KEY_LENGTH], content[KEY_LENGTH:])


class _Cutter:
    """Takes the sealed file as it is made and hands it on in pieces."""

    def __init__(self, keep: Callable[[int, bytes], None]) -> None:
        self._keep = keep
        self._pending = bytearray()
        self._digest = hashlib.sha256()
        self._count = 0

    def write(self, content: bytes, /) -> None:
        """Take some of the sealed file."""
        self._pending += content
        while len(self._pending) >= PIECE_LENGTH:
            self._cut()

    def finish(self) -> SealedPieces:
        """Hand on what is left and say what there was."""
        if self._pending:
            self._cut()
        return SealedPieces(self._count, self._digest.digest())

    def _cut(self) -> None:
        piece = bytes(self._pending[:PIECE_LENGTH])
        del self._pending[:PIECE_LENGTH]
        self._digest.update(piece)
        self._keep(self._count, piece)
        self._count += 1


class _Joiner:
    """Reads the pieces one after another as the sealed file they were cut from."""

    def __init__(self, fetch: Callable[[int], bytes], count: int) -> None:
        self._fetch, self._count = fetch, count
        self._number, self._piece, self._at = 0, b"", 0

    def read(self, length: int, /) -> bytes:
        """At most so many bytes of the sealed file; none at its end."""
        if self._at == len(self._piece):
            if self._number == self._count:
                return b""
            self._piece, self._at = self._fetch(self._number), 0
            self._number += 1
        given = self._piece[self._at : self._at + length]
        self._at += len(given)
        return given


def name_of(paper: UUID, case: UUID) -> bytes:
    """What a document's pieces are bound to besides its key: which document it is, and whose."""
    return enc("vault/paper/v1", paper, case)


def seal_pieces(source: Source, keep: Callable[[int, bytes], None], key: bytes, name: bytes) -> SealedPieces:
    """Seal what the source gives and hand each piece with its number to `keep` as soon as it is full.

    Two mebibytes at most are in memory. What `source` or `keep` raises passes through.
    """
    cutter = _Cutter(keep)
    seal_file(source, cutter, key, name)
    return cutter.finish()


def digest_of(fetch: Callable[[int], bytes], count: int) -> bytes:
    """The SHA-256 of so many pieces in order; opens nothing."""
    digest = hashlib.sha256()
    for number in range(count):
        digest.update(fetch(number))
    return digest.digest()


def open_pieces(
    fetch: Callable[[int], bytes], count: int, content_key: ContentKey, name: bytes
) -> Iterator[bytes]:
    """The document, part by part, once all pieces were found to be there, in order and unchanged.

    Raises Refused before anything is opened unless they are. Each part is authenticated before it is given;
    one that is altered between the comparing and the giving raises Refused in its place.
    """
    if not hmac.compare_digest(digest_of(fetch, count), content_key.digest):
        raise Refused("The pieces of the document are not those that were kept.")
    return open_chunks(_Joiner(fetch, count), content_key.key, name)
