"""One field, sealed so that it opens only in its own row and column, under its lockbox and epoch."""

import json
import math
import os
import struct
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.encoding import enc, framed
from crypto.errors import Malformed, Refused, Unsealable
from crypto.hidden import Hidden
from crypto.padding import padded_length
from crypto.places import FORMAT, HEADER_LENGTH, NONCE_LENGTH, SHORTEST_BLOB, SUITE, Place

Value = str | date | int | float | bytes | list[Any] | dict[str, Any] | None

NOTHING_TAG = 0
LONGEST_VALUE = 2**30
PREFIX = 5
CIPHERTEXT_START = HEADER_LENGTH + NONCE_LENGTH


def _json_bytes(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # JSON turns tuples into lists and number keys into text; what comes back must be what went in.
    if json.loads(text) != value:
        raise ValueError
    return text.encode()


def _real_from(content: bytes) -> float:
    (number,) = struct.unpack(">d", content)
    return float(number)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# Per kind: the tag byte inside the plaintext, what fits, how it is written, how it is read.
_Kind = tuple[int, Callable[[Any], bool], Callable[[Any], bytes], Callable[[bytes], Any]]
_KINDS: dict[str, _Kind] = {
    "text": (1, lambda value: isinstance(value, str), lambda value: value.encode(), bytes.decode),
    "date": (
        2,
        lambda value: type(value) is date,
        lambda value: value.isoformat().encode(),
        lambda content: date.fromisoformat(content.decode()),
    ),
    "int": (3, _is_integer, lambda value: b"%d" % value, int),
    "json": (4, lambda value: isinstance(value, list | dict), _json_bytes, json.loads),
    "bytes": (5, lambda value: isinstance(value, bytes), bytes, bytes),
    "real": (
        6,
        lambda value: isinstance(value, float) and math.isfinite(value),
        lambda value: struct.pack(">d", value),
        _real_from,
    ),
}


def _content(value: Value, kind: str) -> bytes:
    """The bytes of a value of this kind; raises Unsealable without quoting the value."""
    _, fits, write, _ = _KINDS[kind]
    if not fits(value):
        raise Unsealable("The value is not of the kind that its place holds.")
    try:
        content = write(value)
    except (ValueError, TypeError, RecursionError):
        raise Unsealable("The value is not of the kind that its place holds.") from None
    if len(content) > LONGEST_VALUE:
        raise Unsealable("The value is too long for a field; keep it as a file.")
    return content


class FieldCipher(Hidden):
    """Seals and opens the fields of one lockbox in one epoch.

    The AES object and the parts of the associated bytes that do not change from row to row are made
    once, because a page opens many fields.
    """

    __slots__ = ("_aes", "_epoch", "_header", "_lockbox", "_places")

    def __init__(self, fields_key: bytes, lockbox: UUID, epoch: int) -> None:
        if not 0 <= epoch < 2**32:
            raise Unsealable("The epoch of a lockbox is a number of 32 bits.")
        self._aes = AESGCM(fields_key)
        self._header = bytes((FORMAT, SUITE)) + epoch.to_bytes(4, "big")
        self._lockbox = lockbox
        self._epoch = epoch
        self._places: dict[tuple[str, str, str], tuple[bytes, bytes]] = {}

    def seal(self, value: Value, place: Place) -> bytes:
        """The blob of one field, an absent value included; raises Unsealable."""
        table, row, column, kind = place
        ends = self._places.get((table, column, kind)) or self._ends(table, column, kind)
        if value is None:
            plaintext = b"\0\0\0\0\0"
        else:
            content = _content(value, kind)
            plaintext = b"%c%b%b" % (_KINDS[kind][0], len(content).to_bytes(4, "big"), content)
        plaintext = plaintext.ljust(padded_length(len(plaintext)), b"\0")
        nonce = os.urandom(NONCE_LENGTH)
        associated = ends[0] + row.bytes + ends[1]
        return self._header + nonce + self._aes.encrypt(nonce, plaintext, associated)

    def open(self, blob: bytes, place: Place) -> Value:
        """The value that was sealed for this place; raises Refused."""
        table, row, column, kind = place
        ends = self._places.get((table, column, kind)) or self._ends(table, column, kind)
        if blob[:HEADER_LENGTH] != self._header or len(blob) < SHORTEST_BLOB:
            raise Malformed("These bytes are not a field sealed by this lockbox in this epoch.")
        nonce, ciphertext = blob[HEADER_LENGTH:CIPHERTEXT_START], blob[CIPHERTEXT_START:]
        try:
            plaintext = self._aes.decrypt(nonce, ciphertext, ends[0] + row.bytes + ends[1])
        except InvalidTag:
            raise Refused("The field was changed, or belongs to another place or lockbox.") from None
        return _value(plaintext, kind)

    def _ends(self, table: str, column: str, kind: str) -> tuple[bytes, bytes]:
        """The associated bytes before and after the sixteen bytes of the row's id."""
        if kind not in _KINDS:
            raise Unsealable("No field is of this kind.")
        head = enc("vault/field/v1", SUITE, table) + (16).to_bytes(4, "big")
        tail = b"".join((framed(column), framed(self._lockbox), framed(self._epoch), framed(kind)))
        self._places[table, column, kind] = head, tail
        return head, tail


def _value(plaintext: bytes, kind: str) -> Value:
    """The value inside authenticated bytes; raises Malformed when they are not of the format."""
    tag, _, _, read = _KINDS[kind]
    end = PREFIX + int.from_bytes(plaintext[1:PREFIX], "big")
    if len(plaintext) != padded_length(end):
        raise Malformed("The padding inside the sealed bytes is not ours.")
    if plaintext[0] == NOTHING_TAG and end == PREFIX:
        return None
    try:
        value: Value = read(plaintext[PREFIX:end])
    except (ValueError, struct.error, RecursionError):
        raise Malformed("The sealed value is not of the kind that its place holds.") from None
    if plaintext[0] != tag:
        raise Malformed("The sealed value is not of the kind that its place holds.")
    return value


def seal_field(fields_key: bytes, value: Value, place: Place, lockbox: UUID, epoch: int) -> bytes:
    """One field under a fields key; a lockbox, which keeps its cipher prepared, is faster."""
    return FieldCipher(fields_key, lockbox, epoch).seal(value, place)


def open_field(fields_key: bytes, blob: bytes, place: Place, lockbox: UUID, epoch: int) -> Value:
    """The value of one field; raises Refused."""
    return FieldCipher(fields_key, lockbox, epoch).open(blob, place)
