"""One field of 64 bytes: sealed, opened, and both, beside what others take for it."""

import os
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import NamedTuple
from uuid import uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Text
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.orm import attributes

from crypto.lockbox import LockboxKey, Place, new_parts
from tests.benchmarks.harness import Measured, Run, alternate, row

TEXT = "Jane Roe, called Janey; speaks softly, walks with a cane, left h"
NONCE_LENGTH = 12


class Peer(NamedTuple):
    """Another way to keep a text secret: its name, both directions, and the ratio we should stay under."""

    name: str
    seal: Callable[[str], bytes | str]
    open: Callable[[bytes | str], str]
    highest_ratio: float | None


class Ours:
    """Sealing and opening as a page does it: an open lockbox, and a place made for each field."""

    def __init__(self) -> None:
        self._key = LockboxKey(uuid4(), 1, *new_parts())
        self._person = uuid4()
        self.blob = self.seal()

    def seal(self) -> bytes:
        """Seal the text for its place."""
        return self._key.seal(TEXT, Place("people", self._person, "description", "text"))

    def open(self) -> object:
        """Open what was sealed for the same place."""
        return self._key.open(self.blob, Place("people", self._person, "description", "text"))

    def both(self) -> object:
        """Seal a field and open it again."""
        place = Place("people", self._person, "description", "text")
        return self._key.open(self._key.seal(TEXT, place), place)


def object_per_field() -> Peer:
    """A bare AESGCM object made for each field; it binds the text to no place and hides no length."""
    key = os.urandom(32)

    def seal(text: str) -> bytes:
        nonce = os.urandom(NONCE_LENGTH)
        return nonce + AESGCM(key).encrypt(nonce, text.encode(), None)

    def open_blob(blob: bytes | str) -> str:
        assert isinstance(blob, bytes)
        return AESGCM(key).decrypt(blob[:NONCE_LENGTH], blob[NONCE_LENGTH:], None).decode()

    return Peer("a bare AESGCM object made per field", seal, open_blob, 2.0)


def prepared_object() -> Peer:
    """One bare AESGCM object kept for all fields, otherwise as above."""
    aes = AESGCM(os.urandom(32))

    def seal(text: str) -> bytes:
        nonce = os.urandom(NONCE_LENGTH)
        return nonce + aes.encrypt(nonce, text.encode(), None)

    def open_blob(blob: bytes | str) -> str:
        assert isinstance(blob, bytes)
        return aes.decrypt(blob[:NONCE_LENGTH], blob[NONCE_LENGTH:], None).decode()

    return Peer("one bare AESGCM object prepared for all fields", seal, open_blob, None)


def string_encrypted_type(engine: str) -> Peer:
    """A column of SQLAlchemy-Utils, as SQLAlchemy calls it for each value that it writes or reads."""
    if not hasattr(attributes, "ScalarAttributeImpl"):
        # SQLAlchemy 2.1 renamed a class that SQLAlchemy-Utils asks for when it is imported (its issue 800);
        # the encrypted columns have nothing to do with it.
        attributes.ScalarAttributeImpl = attributes._ScalarAttributeImpl  # type: ignore[attr-defined]
    encrypted = import_module("sqlalchemy_utils.types.encrypted.encrypted_type")
    column = encrypted.StringEncryptedType(Text, os.urandom(32), getattr(encrypted, engine))
    sqlite = dialect()
    return Peer(
        f"SQLAlchemy-Utils StringEncryptedType with {engine}",
        lambda text: column.process_bind_param(text, sqlite),
        lambda blob: column.process_result_value(blob, sqlite),
        0.2,
    )


def _compare(run: Run, peer: Peer) -> Iterator[Measured]:
    mine, sealed = Ours(), peer.seal(TEXT)
    assert mine.open() == mine.both() == peer.open(sealed) == TEXT
    acts: tuple[tuple[str, Callable[[], object], Callable[[], object]], ...] = (
        ("seal", mine.seal, lambda: peer.seal(TEXT)),
        ("open", mine.open, lambda: peer.open(sealed)),
        ("seal and open", mine.both, lambda: peer.open(peer.seal(TEXT))),
    )
    for act, ours, other in acts:
        taken, its = alternate(ours, other, run.effort.rounds, run.effort.calls, time.thread_time)
        name = f"{act} a 64-byte field"
        yield Measured(name, taken * 1e6, its * 1e6, peer.name, "µs", peer.highest_ratio, None)


@row
def fields_beside_an_object_per_field(run: Run) -> Iterator[Measured]:
    """The plainest honest use of AES-GCM, at the price of an object for each field."""
    yield from _compare(run, object_per_field())


@row
def fields_beside_a_prepared_object(run: Run) -> Iterator[Measured]:
    """The floor under every field: nothing but nonce, cipher and text."""
    yield from _compare(run, prepared_object())


@row
def fields_beside_aes_gcm_columns(run: Run) -> Iterator[Measured]:
    """The column type that an application would otherwise take, with its AES-GCM engine."""
    yield from _compare(run, string_encrypted_type("AesGcmEngine"))


@row
def fields_beside_fernet_columns(run: Run) -> Iterator[Measured]:
    """The same column type with its Fernet engine."""
    yield from _compare(run, string_encrypted_type("FernetEngine"))
