"""Documents in pieces: sealed as they arrive, opened as they leave, never whole in memory or on a disk.

A document is one sealed file of `crypto.files` under a random key of its own, cut into pieces of a mebibyte.
The key is a sealed field of the document's row and the digest of all pieces is a plain one, so that a piece
that was changed, moved or taken away is noticed before anything is opened.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from crypto.derivation import KEY_LENGTH as KEY_LENGTH  # noqa: PLC0414 - whoever draws a key takes it from here
from crypto.encoding import enc
from crypto.errors import Refused
from crypto.files import Source as Source  # noqa: PLC0414 - features take the type from here
from crypto.files import open_chunks, seal_file

PIECE_LENGTH = 1024 * 1024
"""Bytes of the sealed file in each piece but the last."""


@dataclass(frozen=True)
class SealedPieces:
    """How many pieces a document became, and the SHA-256 of all of them in order."""

    count: int
    digest: bytes


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


def check_pieces(fetch: Callable[[int], bytes], kept: SealedPieces) -> None:
    """Raise Refused unless the pieces are all there, in order and unchanged; opens nothing."""
    digest = hashlib.sha256()
    for number in range(kept.count):
        digest.update(fetch(number))
    if digest.digest() != kept.digest:
        raise Refused("The pieces of the document are not those that were kept.")


def open_pieces(
    fetch: Callable[[int], bytes], kept: SealedPieces, key: bytes, name: bytes
) -> Iterator[bytes]:
    """The document, part by part, each authenticated before it is given. Raises Refused.

    The first part is opened before this returns, so that pieces of another document give nothing at all.
    """
    parts = open_chunks(_Joiner(fetch, kept.count), key, name)
    first = next(parts, b"")
    return _after(first, parts)


def _after(first: bytes, parts: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from parts
