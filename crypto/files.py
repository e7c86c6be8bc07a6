"""Attachments and backups in chunks, after STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015).

A sealed file is `01 ‖ suite ‖ salt32`, then chunks of 65,536 bytes, each with its tag. A chunk says in
its first four bytes how many bytes of the file it holds; the rest of it is zeros, and whole chunks of
zeros may follow, so that the length of the sealed file is padded as a field's is.
"""

import os
from collections.abc import Iterator
from io import BytesIO
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.derivation import KEY_LENGTH, TAG_LENGTH, expand, extract
from crypto.encoding import enc
from crypto.errors import Malformed, Refused
from crypto.padding import padded_length

FORMAT = 1
SUITE = 1
SALT_LENGTH = 32
HEADER_LENGTH = 2 + SALT_LENGTH
CHUNK_LENGTH = 64 * 1024
PREFIX = 4
CAPACITY = CHUNK_LENGTH - PREFIX


class Source(Protocol):
    """What bytes are read from, in order: a file, a pipe, an upload that is still arriving."""

    def read(self, length: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        ...


class Sink(Protocol):
    """What bytes are written to, in order."""

    def write(self, content: bytes, /) -> object:
        """Take these bytes."""
        ...


def _chunk_cipher(key: bytes, salt: bytes, name: bytes) -> AESGCM:
    """The cipher of one file: no two files share a key, so that chunk numbers may be nonces."""
    return AESGCM(expand(extract(salt, key), enc("vault/file/v1", SUITE, name), KEY_LENGTH))


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _read_fully(source: Source, length: int) -> bytes:
    """As many bytes as asked for unless the source ends; a pipe may give fewer at a time."""
    parts: list[bytes] = []
    while length and (part := source.read(length)):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _chunks(source: Source) -> Iterator[bytes]:
    """The plaintext chunks of a file, padding included."""
    content, framed_length = _read_fully(source, CAPACITY), 0
    while len(content) == CAPACITY and (following := _read_fully(source, CAPACITY)):
        yield CAPACITY.to_bytes(PREFIX, "big") + content
        framed_length += CHUNK_LENGTH
        content = following
    left = padded_length(framed_length + PREFIX + len(content)) - framed_length
    while left:
        length = min(left, CHUNK_LENGTH)
        yield (len(content).to_bytes(PREFIX, "big") + content).ljust(length, b"\0")
        content, left = b"", left - length


def seal_file(source: Source, sink: Sink, key: bytes, name: bytes) -> None:
    """Seal everything the source gives under a lockbox's files key, bound to the file's name.

    `name` is any bytes that say which file this is. Two chunks at most are in memory.
    """
    salt = os.urandom(SALT_LENGTH)
    sink.write(bytes((FORMAT, SUITE)) + salt)
    cipher = _chunk_cipher(key, salt, name)
    chunks = _chunks(source)
    number, chunk = 0, next(chunks)
    for following in chunks:
        sink.write(cipher.encrypt(_nonce(number, False), chunk, None))
        number, chunk = number + 1, following
    sink.write(cipher.encrypt(_nonce(number, True), chunk, None))


def _opened_chunks(source: Source, key: bytes, name: bytes) -> Iterator[bytes]:
    """The plaintext chunks of a sealed file; raises Refused."""
    header = _read_fully(source, HEADER_LENGTH)
    if len(header) < HEADER_LENGTH or header[:2] != bytes((FORMAT, SUITE)):
        raise Malformed("These bytes are not a sealed file.")
    cipher = _chunk_cipher(key, header[2:], name)
    number, sealed = 0, _read_fully(source, CHUNK_LENGTH + TAG_LENGTH)
    while sealed:
        following = _read_fully(source, CHUNK_LENGTH + TAG_LENGTH)
        try:
            yield cipher.decrypt(_nonce(number, not following), sealed, None)
        except InvalidTag:
            raise Refused("The file was changed, cut or lengthened, or the key is another.") from None
        number, sealed = number + 1, following
    if number == 0:
        raise Refused("The file was changed, cut or lengthened, or the key is another.")


def open_chunks(source: Source, key: bytes, name: bytes) -> Iterator[bytes]:
    """The file, part by part; raises Refused for any other key or name and for any change.

    Each part is authenticated before it is given, but that the file is whole is known only at its end:
    when this raises, throw away what was given. One chunk at most is in memory besides the one given.
    """
    framed, total = 0, 0
    for chunk in _opened_chunks(source, key, name):
        end = PREFIX + int.from_bytes(chunk[:PREFIX], "big")
        padding_began = framed != total
        if end > len(chunk) or (padding_began and end > PREFIX) or chunk[end:].strip(b"\0"):
            raise Malformed("The padding inside the sealed file is not ours.")
        if end > PREFIX or total == 0:
            framed = total + end
        total += len(chunk)
        if end > PREFIX:
            yield chunk[PREFIX:end]
    if total != padded_length(framed):
        raise Malformed("The padding inside the sealed file is not ours.")


def open_file(source: Source, sink: Sink, key: bytes, name: bytes) -> None:
    """Write the file into the sink; raises as `open_chunks` does, and then what was written is worthless."""
    for part in open_chunks(source, key, name):
        sink.write(part)


def seal_bytes(content: bytes, key: bytes, name: bytes) -> bytes:
    """`seal_file` for what is in memory."""
    sink = BytesIO()
    seal_file(BytesIO(content), sink, key, name)
    return sink.getvalue()


def open_bytes(blob: bytes, key: bytes, name: bytes) -> bytes:
    """`open_file` for what is in memory; raises Refused."""
    sink = BytesIO()
    open_file(BytesIO(blob), sink, key, name)
    return sink.getvalue()
