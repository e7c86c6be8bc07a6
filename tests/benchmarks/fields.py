"""One field of 64 bytes: sealed, opened, and both, beside what others take for it."""

import os
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


def _ours() -> tuple[Callable[[], bytes], Callable[[bytes], object]]:
    """Sealing and opening as a page does it: an open lockbox, and a place made for each field."""
    key = LockboxKey(uuid4(), 1, *new_parts())
    person = uuid4()

    def seal() -> bytes:
        return key.seal(TEXT, Place("people", person, "description", "text"))

    def open_blob(blob: bytes) -> object:
        return key.open(blob, Place("people", person, "description", "text"))

    return seal, open_blob


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
    seal, open_blob = _ours()
    blob, theirs = seal(), peer.seal(TEXT)
    assert open_blob(blob) == peer.open(theirs) == TEXT
    acts: tuple[tuple[str, Callable[[], object], Callable[[], object]], ...] = (
        ("seal", seal, lambda: peer.seal(TEXT)),
        ("open", lambda: open_blob(blob), lambda: peer.open(theirs)),
        ("seal and open", lambda: open_blob(seal()), lambda: peer.open(peer.seal(TEXT))),
    )
    for act, ours, other in acts:
        mine, its = alternate(ours, other, run.effort.rounds, run.effort.calls)
        name = f"{act} a 64-byte field"
        yield Measured(name, mine * 1e6, its * 1e6, peer.name, "µs", peer.highest_ratio, None)


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
