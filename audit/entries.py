"""One entry of the ledger, its canonical bytes, and the details that only auditors open.

An entry holds references, enums, dates and numbers. What a person typed (a searched word, a name, a note)
belongs into the details, which are sealed to the auditors and can be shredded.
"""

import json
import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from hmac import compare_digest
from types import MappingProxyType
from typing import Any
from uuid import UUID

from audit.errors import DetailsRefused, InvalidEntry
from crypto.encoding import enc
from crypto.errors import CryptoError
from crypto.identity import Identity, PublicIdentity
from crypto.sealing import open_message, seal_message

Fact = str | int | bool | date | datetime | UUID | None

VERSION = 1
LARGEST_LEAF = 8192
OUTCOMES = ("done", "refused", "failed")
REFERENCE = r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,79}"
_REFERENCE = re.compile(REFERENCE)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LARGEST_INTEGER = 2**53 - 1
_KEYS = frozenset(
    [
        *("at", "compartment", "details", "event", "facts", "fields", "id"),
        *("officer", "outcome", "reason", "rows", "session", "subjects", "v"),
    ]
)


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise InvalidEntry(message)


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


def _check_references(values: Sequence[object], message: str) -> None:
    _check(all(_is_reference(value) for value in values), message)


def _check_digest(value: object, message: str) -> None:
    _check(isinstance(value, str) and _DIGEST.fullmatch(value) is not None, message)


def timestamp(moment: datetime) -> str:
    """A moment as the ledger writes it: UTC, milliseconds, `2026-11-22T09:30:00.000Z`; sorts as text."""
    _check(moment.tzinfo is not None, "A moment in the ledger needs its time zone.")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _moment(text: object) -> datetime:
    _check(isinstance(text, str) and len(text) == 24 and text.endswith("Z"), "The entry's time is malformed.")
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        raise InvalidEntry("The entry's time is malformed.") from None


def _plain(fact: Fact) -> str | int | bool | None:
    """A fact as JSON holds it; raises InvalidEntry for free text, fractions and anything else."""
    if fact is None or isinstance(fact, bool):
        return fact
    if isinstance(fact, int):
        _check(abs(fact) <= _LARGEST_INTEGER, "A number in the ledger is too large.")
        return fact
    if isinstance(fact, datetime):
        return timestamp(fact)
    if isinstance(fact, date):
        return fact.isoformat()
    if isinstance(fact, UUID):
        return str(fact)
    _check(_is_reference(fact), "A fact in the ledger must be a reference, an enum, a date or a number.")
    return fact


class _Sequence:
    """How many ids this process has made in one millisecond, so that they sort in the order of making."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = (-1, -1)

    def next(self, milliseconds: int) -> int:
        """The 12-bit counter of RFC 9562, 6.2, method 1; past 4,096 in a millisecond order is left open."""
        with self._lock:
            same = self._last[0] == milliseconds
            self._last = (milliseconds, min(self._last[1] + 1, 0xFFF) if same else 0)
            return self._last[1]


_sequence = _Sequence()


def new_entry_id(now: datetime) -> UUID:
    """A UUIDv7 (RFC 9562): milliseconds of `now`, a counter within them, then 62 random bits."""
    _check(now.tzinfo is not None, "A moment in the ledger needs its time zone.")
    milliseconds = int(now.timestamp() * 1000) & (1 << 48) - 1
    random = int.from_bytes(os.urandom(8), "big")
    high = milliseconds << 16 | 0x7000 | _sequence.next(milliseconds)
    return UUID(int=high << 64 | 0b10 << 62 | random & (1 << 62) - 1)


@dataclass(frozen=True)
class Entry:
    """What happened: who, when, to whom or what, why and with what outcome.

    `at` is kept to the millisecond. `rows` gives the SHA-256 (hex) of each changed row by "table/uuid".
    `details` is the commitment (hex) of the sealed details, or None when there are none.
    Making one raises InvalidEntry when a part is not a reference, an enum, a date or a number.
    """

    id: UUID
    at: datetime
    event: str
    officer: UUID | None
    session: str | None
    subjects: tuple[str, ...]
    compartment: str | None
    fields: tuple[str, ...]
    reason: str | None
    outcome: str
    rows: Mapping[str, str]
    facts: Mapping[str, Fact]
    details: str | None

    def __post_init__(self) -> None:
        _check(isinstance(self.id, UUID), "An entry is named by a UUID.")
        _check(self.officer is None or isinstance(self.officer, UUID), "An officer is named by a UUID.")
        object.__setattr__(self, "at", _moment(timestamp(self.at)))
        object.__setattr__(self, "subjects", tuple(self.subjects))
        object.__setattr__(self, "fields", tuple(self.fields))
        _check_references([self.event], "The entry's event is not a name.")
        named = [part for part in (self.session, self.compartment, self.reason) if part is not None]
        _check_references(named, "The entry's session, compartment or reason is not a name.")
        _check_references([*self.subjects, *self.fields], "Subjects and fields must be references.")
        _check(len(set(self.subjects)) == len(self.subjects), "The entry names a subject twice.")
        _check(self.outcome in OUTCOMES, "The entry's outcome is not one of done, refused, failed.")
        _check_references([*self.rows, *self.facts], "Rows and facts must be named by references.")
        for digest in self.rows.values():
            _check_digest(digest, "A row's digest must be a SHA-256 in hexadecimal.")
        if self.details is not None:
            _check_digest(self.details, "The details' commitment must be a SHA-256 in hexadecimal.")
        facts: dict[str, Fact] = {name: _plain(fact) for name, fact in self.facts.items()}
        object.__setattr__(self, "rows", MappingProxyType(dict(self.rows)))
        object.__setattr__(self, "facts", MappingProxyType(facts))

    def canonical(self) -> bytes:
        """The leaf: JSON in the one form of RFC 8785; raises InvalidEntry above 8 KiB."""
        # Every key and string is plain ASCII without anything to escape and every number is a small
        # integer, so that sorted keys and no spaces are all that RFC 8785 asks for.
        leaf = json.dumps(
            {
                "v": VERSION,
                "id": str(self.id),
                "at": timestamp(self.at),
                "event": self.event,
                "officer": None if self.officer is None else str(self.officer),
                "session": self.session,
                "subjects": self.subjects,
                "compartment": self.compartment,
                "fields": self.fields,
                "reason": self.reason,
                "outcome": self.outcome,
                "rows": dict(self.rows),
                "facts": dict(self.facts),
                "details": self.details,
            },
            sort_keys=True,
            separators=(",", ":"),
            allow_nan=False,
        ).encode("ascii")
        _check(len(leaf) <= LARGEST_LEAF, "The entry is larger than 8 KiB.")
        return leaf

    @classmethod
    def from_canonical(cls, leaf: bytes) -> "Entry":
        """Read a leaf; dates and references among the facts come back as the text that was written.

        Raises InvalidEntry for anything that `canonical` would not have written, byte for byte.
        """
        try:
            parts = json.loads(leaf)
            _check(isinstance(parts, dict) and parts.keys() == _KEYS, "The leaf is not an entry.")
            entry = cls._from_parts(parts)
        except InvalidEntry:
            raise
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise InvalidEntry("The leaf is not an entry.") from None
        _check(entry.canonical() == leaf, "The leaf is not in canonical form.")
        return entry

    @classmethod
    def _from_parts(cls, parts: dict[str, Any]) -> "Entry":
        return cls(
            id=UUID(parts["id"]),
            at=_moment(parts["at"]),
            event=parts["event"],
            officer=None if parts["officer"] is None else UUID(parts["officer"]),
            session=parts["session"],
            subjects=tuple(parts["subjects"]),
            compartment=parts["compartment"],
            fields=tuple(parts["fields"]),
            reason=parts["reason"],
            outcome=parts["outcome"],
            rows=parts["rows"],
            facts=parts["facts"],
            details=parts["details"],
        )


_DETAILS = "vault/ledger-details/v1"
_COMMITMENT = "vault/ledger-details-commitment/v1"
_SALT_BYTES = 32
_STEP = 256


@dataclass(frozen=True, repr=False)
class Details:
    """Words for the auditors: sealed, and the commitment that binds them to their entry.

    The salt is inside the seal too; whoever shreds the sealed bytes leaves a commitment that tells nothing.
    """

    salt: bytes
    sealed: bytes
    commitment: str


def _commit(entry_id: UUID, salt: bytes, words: bytes) -> str:
    return sha256(enc(_COMMITMENT, entry_id, salt, words)).hexdigest()


def seal_details(facts: Mapping[str, str | list[str]], entry_id: UUID, auditors: PublicIdentity) -> Details:
    """Seal free text to the auditors for one entry; its length shows in steps of 256 bytes only."""
    salt = os.urandom(_SALT_BYTES)
    words = json.dumps(dict(facts), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    plaintext = salt + len(words).to_bytes(4, "big") + words
    plaintext += bytes(-len(plaintext) % _STEP)
    sealed = seal_message(plaintext, auditors, enc(_DETAILS, entry_id))
    return Details(salt, sealed, _commit(entry_id, salt, words))


def open_details(sealed: bytes, entry: Entry, auditors: Identity) -> dict[str, str | list[str]]:
    """Open the details of an entry and check its commitment; raises DetailsRefused."""
    try:
        plaintext = open_message(sealed, auditors, enc(_DETAILS, entry.id))
    except CryptoError:
        raise DetailsRefused("The details do not open.") from None
    salt, length = plaintext[:_SALT_BYTES], int.from_bytes(plaintext[_SALT_BYTES : _SALT_BYTES + 4], "big")
    words = plaintext[_SALT_BYTES + 4 : _SALT_BYTES + 4 + length]
    if not compare_digest(_commit(entry.id, salt, words), entry.details or ""):
        raise DetailsRefused("The details are not the ones that the entry committed to.")
    facts: dict[str, str | list[str]] = json.loads(words)
    return facts
