"""One field, sealed so that it opens only in its own row and column, under its lockbox and epoch."""

import json
import math
import os
import struct
from collections.abc import Callable
from datetime import date, datetime
from types import UnionType
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.encoding import enc, framed
from crypto.errors import Malformed, Refused, Unsealable
from crypto.hidden import Hidden
from crypto.padding import LAST_STEP, padded_length
from crypto.places import FORMAT, HEADER_LENGTH, NONCE_LENGTH, SHORTEST_BLOB, SUITE, Place

Value = str | date | int | float | bytes | list[Any] | dict[str, Any] | None

LONGEST_VALUE = 2**30
CIPHERTEXT_START = HEADER_LENGTH + NONCE_LENGTH


def _date_bytes(value: date) -> bytes:
    if isinstance(value, datetime):
        raise TypeError
    return value.isoformat().encode()


def _date_from(content: bytes) -> date:
    return date.fromisoformat(content.decode())


def _int_bytes(value: int) -> bytes:
    if isinstance(value, bool):
        raise TypeError
    return b"%d" % value


def _json_bytes(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # JSON turns tuples into lists and number keys into text; what comes back must be what went in.
    if json.loads(text) != value:
        raise ValueError
    return text.encode()


def _real_bytes(value: float) -> bytes:
    if not math.isfinite(value):
        raise ValueError
    return struct.pack(">d", value)


def _real_from(content: bytes) -> float:
    (number,) = struct.unpack(">d", content)
    return float(number)


# The tag inside the plaintext, what fits, how it is written and how it is read. These are bare tuples
# because Python takes them apart several times faster than named ones.
_Kind = tuple[int, type | UnionType, Callable[[Any], bytes], Callable[[bytes], Value]]
_KINDS: dict[str, _Kind] = {
    "text": (1, str, str.encode, bytes.decode),
    "date": (2, date, _date_bytes, _date_from),
    "int": (3, int, _int_bytes, int),
    "json": (4, list | dict, _json_bytes, json.loads),
    "bytes": (5, bytes, bytes, bytes),
    "real": (6, float, _real_bytes, _real_from),
}

# Most fields are short, and a page opens many: what their length alone decides is looked up.
_pack_prefix, _unpack_prefix = struct.Struct(">BI").pack, struct.Struct(">BI").unpack_from
PREFIX = 5
LONGEST_SHORT = LAST_STEP - PREFIX
_PADDED = tuple(padded_length(length + PREFIX) for length in range(LONGEST_SHORT + 1))
_NOTHING = bytes(_PADDED[0])

_Column = tuple[bytes, bytes, int, type | UnionType, Callable[[Any], bytes], Callable[[bytes], Value]]


class _Columns(dict[tuple[str, str, str], _Column]):
    """What one lockbox knows of a column: the associated bytes around the row's id, and its kind.

    Worked out when first asked for; a schema has few columns, a page opens many fields.
    """

    def __init__(self, lockbox: UUID, epoch: int) -> None:
        super().__init__()
        self._owner = framed(lockbox) + framed(epoch)

    def __missing__(self, key: tuple[str, str, str]) -> _Column:
        table, column, kind = key
        if kind not in _KINDS:
            raise Unsealable("No field is of this kind.")
        head = enc("vault/field/v1", SUITE, table) + (16).to_bytes(4, "big")
        tail = framed(column) + self._owner + framed(kind)
        self[key] = found = (head, tail, *_KINDS[kind])
        return found


class FieldCipher(Hidden):
    """Seals and opens the fields of one lockbox in one epoch.

    The AES object and the associated bytes that do not change from row to row are made once, because a
    page opens many fields.
    """

    __slots__ = ("_columns", "_decrypt", "_encrypt", "_header")

    def __init__(self, fields_key: bytes, lockbox: UUID, epoch: int) -> None:
        if not 0 <= epoch < 2**32:
            raise Unsealable("The epoch of a lockbox is a number of 32 bits.")
        aes = AESGCM(fields_key)
        self._encrypt, self._decrypt = aes.encrypt, aes.decrypt
        self._header = bytes((FORMAT, SUITE)) + epoch.to_bytes(4, "big")
        self._columns = _Columns(lockbox, epoch)

    def seal(self, value: Value, place: Place) -> bytes:
        """The blob of one field, an absent value included; raises Unsealable, never quoting the value."""
        head, tail, tag, fits, write, _ = self._columns[place.table, place.column, place.kind]
        if value is None:
            plaintext = _NOTHING
        else:
            if not isinstance(value, fits):
                raise Unsealable("The value is not of the kind that its place holds.")
            try:
                content = write(value)
            except (ValueError, TypeError, RecursionError):
                raise Unsealable("The value is not of the kind that its place holds.") from None
            length = len(content)
            padded = _PADDED[length] if length <= LONGEST_SHORT else _long(length)
            plaintext = (_pack_prefix(tag, length) + content).ljust(padded, b"\0")
        nonce = os.urandom(NONCE_LENGTH)
        sealed = self._encrypt(nonce, plaintext, head + place.row.int.to_bytes(16, "big") + tail)
        return self._header + nonce + sealed

    def open(self, blob: bytes, place: Place) -> Value:
        """The value that was sealed for this place; raises Refused."""
        head, tail, tag, _, _, read = self._columns[place.table, place.column, place.kind]
        if blob[:HEADER_LENGTH] != self._header or len(blob) < SHORTEST_BLOB:
            raise Malformed("These bytes are not a field sealed by this lockbox in this epoch.")
        associated = head + place.row.int.to_bytes(16, "big") + tail
        try:
            plaintext = self._decrypt(
                blob[HEADER_LENGTH:CIPHERTEXT_START], blob[CIPHERTEXT_START:], associated
            )
        except InvalidTag:
            raise Refused("The field was changed, or belongs to another place or lockbox.") from None
        found, length = _unpack_prefix(plaintext)
        if len(plaintext) != (_PADDED[length] if length <= LONGEST_SHORT else padded_length(length + PREFIX)):
            raise Malformed("The padding inside the sealed bytes is not ours.")
        if found != tag:
            if plaintext == _NOTHING:
                return None
            raise Malformed("The sealed value is not of the kind that its place holds.")
        try:
            return read(plaintext[PREFIX : length + PREFIX])
        except (ValueError, RecursionError, struct.error):
            raise Malformed("The sealed value is not of the kind that its place holds.") from None


def _long(length: int) -> int:
    """The padded length of a long value; raises Unsealable when no field may be as long."""
    if length > LONGEST_VALUE:
        raise Unsealable("The value is too long for a field; keep it as a file.")
    return padded_length(length + PREFIX)


def seal_field(fields_key: bytes, value: Value, place: Place, lockbox: UUID, epoch: int) -> bytes:
    """One field under a fields key; a lockbox, which keeps its cipher prepared, is faster."""
    return FieldCipher(fields_key, lockbox, epoch).seal(value, place)


def open_field(fields_key: bytes, blob: bytes, place: Place, lockbox: UUID, epoch: int) -> Value:
    """The value of one field; raises Refused."""
    return FieldCipher(fields_key, lockbox, epoch).open(blob, place)
