"""What is refused is refused in the sentence written for it, which carries nothing of what was sealed."""

import math
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from crypto import columns, suites
from crypto.derivation import decrypt
from crypto.encoding import enc
from crypto.errors import CryptoError, Malformed, NotCertified, Refused, Unapproved, Unsealable, WrongPassword
from crypto.fields import LONGEST_VALUE, FieldCipher, _long, open_field, seal_field
from crypto.identity import Certificate, Identity, certify, check_certificate
from crypto.lockbox import LockboxKey
from crypto.padding import pad, padded_length, unpad
from crypto.passwords import PasswordCost, stretch
from crypto.places import Place, epoch_of
from crypto.public import NO_SIGNING, PublicIdentity
from crypto.root import FileRootKey
from crypto.sealing import (
    Holder,
    KeyName,
    Seal,
    _commitment,
    _info,
    _statement,
    check_seal,
    open_message,
    open_seal,
    seal_key,
    seal_message,
)
from crypto.signatures import Ed25519Key, MLDSA44Key, verify_ed25519, verify_mldsa44
from crypto.suites import XWING, Profile
from crypto.wraps import (
    unwrap_by_code,
    unwrap_by_password,
    unwrap_by_session,
    unwrap_nothing,
    wrap_by_code,
    wrap_by_password,
)

ADA, INES, THIEF = (Identity.from_seed(letter * 32) for letter in (b"a", b"i", b"t"))
HOLDER = Holder("officer", UUID(int=7), 1, INES.public)
NAME = KeyName("lockbox", UUID(int=9), 3, "case:1", "identity")
KEY = b"k" * 32
PLACE = Place("person", UUID(int=1), "name", "text")
NUMBER = Place("person", UUID(int=1), "age", "int")
LOCKBOX = UUID(int=5)
SEAL = seal_key(KEY, NAME, HOLDER, ADA)
FIELD = seal_field(KEY, "Ruth", PLACE, LOCKBOX, 3)
MESSAGE = seal_message(b"message", INES.public, b"context")
ROOT = FileRootKey(b"r" * 32)
CHEAP = PasswordCost("argon2id", 64, 1, 1)
WRAP = wrap_by_password(INES.seed, "password", UUID(int=7), 1, ROOT, CHEAP)
_, CODE_WRAP = wrap_by_code(INES.seed, UUID(int=7), 1, ROOT)
CERTIFICATE = certify(ADA, UUID(int=1), "officer", UUID(int=7), "inspector", 1, INES.public)

NOT_SEALED = "These bytes were not sealed to a public key here."
NOT_THIS_KEY = "This was not sealed to this key for this purpose, or it was changed."
NOT_OF_KIND = "The value is not of the kind that its place holds."
SEALED_NOT_OF_KIND = "The sealed value is not of the kind that its place holds."
NOT_THIS_LOCKBOX = "These bytes are not a field sealed by this lockbox in this epoch."
BAD_PADDING = "The padding inside the sealed bytes is not ours."
BAD_COST = "This is not a password cost that the vault can spend."
WRONG = "The name, the password or the code is not right."
BAD_PUBLIC = "These are not the public keys of an identity."


def forged(plaintext: bytes, place: Place) -> bytes:
    """A field whose plaintext is as given, sealed by whoever has the key."""
    cipher = FieldCipher(KEY, LOCKBOX, 3)
    head, tail, *_ = cipher._columns[place.table, place.column, place.kind]
    nonce = bytes(12)
    return (
        b"\x01\x01"
        + bytes(3)
        + b"\x03"
        + nonce
        + cipher._encrypt(nonce, plaintext, head + place.row.bytes + tail)
    )


def signed(blob: bytes, commitment: bytes = SEAL.commitment) -> Seal:
    """A seal of this blob that Ada signed again."""
    return Seal(blob, commitment, ADA.sign(_statement(_info(blob[1], NAME, HOLDER), blob, commitment)))


def opened(seal: Seal) -> bytes:
    return open_seal(seal, NAME, HOLDER, INES, ADA.public)


def under_fips(act: Callable[[], Any]) -> Any:
    with suites.using(Profile.FIPS):
        return act()


class Base(DeclarativeBase):
    """Tables of these tests alone."""


class Row(Base):
    """A row with one sealed column."""

    __tablename__ = "sentence"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name = columns.sealed("identity", "text")


SENTENCES: dict[str, list[tuple[type[CryptoError | TypeError | AttributeError], str, Callable[[], Any]]]] = {
    "sealing": [
        (
            Malformed,
            "This is not a public key that anything can be sealed to.",
            lambda: seal_message(b"", PublicIdentity(b"\xff" * 1216, NO_SIGNING), b""),
        ),
        (Malformed, NOT_SEALED, lambda: open_message(b"", INES, b"context")),
        (Malformed, NOT_SEALED, lambda: open_message(b"\x01", INES, b"context")),
        (Malformed, NOT_SEALED, lambda: open_message(b"\x02" + MESSAGE[1:], INES, b"context")),
        (Malformed, NOT_SEALED, lambda: check_seal(replace(SEAL, blob=b""), NAME, HOLDER, ADA.public)),
        (Refused, NOT_THIS_KEY, lambda: open_message(MESSAGE[:2], INES, b"context")),
        (Refused, NOT_THIS_KEY, lambda: open_message(MESSAGE, THIEF, b"context")),
        (Refused, NOT_THIS_KEY, lambda: opened(signed(SEAL.blob[:-1]))),
        (
            Unsealable,
            "Only keys of 32 bytes are sealed to holders.",
            lambda: seal_key(KEY + b"k", NAME, HOLDER, ADA),
        ),
        (
            Refused,
            "The sealed key is not the key that was committed to.",
            lambda: opened(signed(SEAL.blob, _commitment(b"K" * 32, NAME))),
        ),
        (
            Refused,
            "The signature does not fit.",
            lambda: open_seal(SEAL, NAME, HOLDER, INES, THIEF.public),
        ),
    ],
    "suites": [
        (Malformed, NOT_SEALED, lambda: suites.to_open(3)),
        (
            Unapproved,
            "This was sealed with X-Wing, which the FIPS profile refuses. Have it sealed again.",
            lambda: under_fips(lambda: suites.to_open(XWING)),
        ),
        (
            Unapproved,
            "This password cost is Argon2id, which the FIPS profile refuses. Use pbkdf2-sha256$600000.",
            lambda: under_fips(lambda: stretch("password", bytes(16), CHEAP)),
        ),
        (
            Unapproved,
            "This process already works under another profile; start one process for each.",
            lambda: under_fips(lambda: suites.use(Profile.STANDARD)),
        ),
    ],
    "fields": [
        (
            Unsealable,
            "No field is of this kind.",
            lambda: seal_field(KEY, "", Place("p", LOCKBOX, "c", "face"), LOCKBOX, 3),
        ),
        (
            Unsealable,
            "The epoch of a lockbox is a number of 32 bits.",
            lambda: FieldCipher(KEY, LOCKBOX, 2**32),
        ),
        (Unsealable, "The epoch of a lockbox is a number of 32 bits.", lambda: FieldCipher(KEY, LOCKBOX, -1)),
        (Unsealable, NOT_OF_KIND, lambda: seal_field(KEY, 5, PLACE, LOCKBOX, 3)),
        (Unsealable, NOT_OF_KIND, lambda: seal_field(KEY, "\ud800", PLACE, LOCKBOX, 3)),
        (
            Unsealable,
            NOT_OF_KIND,
            lambda: seal_field(KEY, [math.inf], Place("p", LOCKBOX, "c", "json"), LOCKBOX, 3),
        ),
        (Malformed, NOT_THIS_LOCKBOX, lambda: open_field(KEY, b"", PLACE, LOCKBOX, 3)),
        (Malformed, NOT_THIS_LOCKBOX, lambda: open_field(KEY, FIELD, PLACE, LOCKBOX, 4)),
        (
            Refused,
            "The field was changed, or belongs to another place or lockbox.",
            lambda: open_field(KEY, FIELD[:-1] + bytes([FIELD[-1] ^ 1]), PLACE, LOCKBOX, 3),
        ),
        (Malformed, BAD_PADDING, lambda: open_field(KEY, forged(bytes(64), PLACE), PLACE, LOCKBOX, 3)),
        (
            Malformed,
            SEALED_NOT_OF_KIND,
            lambda: open_field(KEY, forged(b"\x03\0\0\0\x01\x37" + bytes(26), PLACE), PLACE, LOCKBOX, 3),
        ),
        (
            Malformed,
            SEALED_NOT_OF_KIND,
            lambda: open_field(KEY, forged(b"\x03\0\0\0\x01x" + bytes(26), NUMBER), NUMBER, LOCKBOX, 3),
        ),
        (
            Unsealable,
            "The value is too long for a field; keep it as a file.",
            lambda: _long(LONGEST_VALUE + 1),
        ),
    ],
    "identity": [
        (Malformed, "The seed of an identity is 32 bytes long.", lambda: Identity.from_seed(bytes(31))),
        (
            NotCertified,
            "The certificate is for other public keys.",
            lambda: check_certificate(CERTIFICATE, THIEF.public, ADA.public),
        ),
        (
            NotCertified,
            "The certificate was not signed by its issuer.",
            lambda: check_certificate(CERTIFICATE, INES.public, THIEF.public),
        ),
    ],
    "public": [
        (Malformed, BAD_PUBLIC, lambda: PublicIdentity.from_bytes(b"")),
        (Malformed, BAD_PUBLIC, lambda: PublicIdentity(bytes(1216), bytes(31))),
        (
            Malformed,
            "This signing key is one under which anybody can forge.",
            lambda: PublicIdentity(bytes(1216), b"\x01" + bytes(31)),
        ),
        (
            Refused,
            "This identity signs nothing.",
            lambda: PublicIdentity(bytes(1216), NO_SIGNING).verify(bytes(64), b""),
        ),
        (Refused, "The signature does not fit.", lambda: ADA.public.verify(INES.sign(b"m"), b"m")),
    ],
    "lockbox": [
        (
            Malformed,
            "Each part of a lockbox's key is 32 bytes long.",
            lambda: LockboxKey(LOCKBOX, 3, bytes(31), bytes(32)),
        ),
    ],
    "passwords": [
        (Malformed, BAD_COST, lambda: PasswordCost("argon2id", 0, 1, 1)),
        (Malformed, BAD_COST, lambda: PasswordCost.from_text("argon2id$x$1$1")),
        (Malformed, BAD_COST, lambda: PasswordCost.from_text("scrypt$1")),
        (Unsealable, "A password must be valid Unicode.", lambda: stretch("\ud800", bytes(16), CHEAP)),
    ],
    "wraps": [
        (WrongPassword, WRONG, lambda: unwrap_by_password(WRAP, "Password", UUID(int=7), 1, ROOT)),
        (WrongPassword, WRONG, lambda: unwrap_by_code(CODE_WRAP, "short", UUID(int=7), 1, ROOT)),
        (WrongPassword, WRONG, lambda: unwrap_by_code(CODE_WRAP, "!" * 32, UUID(int=7), 1, ROOT)),
        (WrongPassword, WRONG, lambda: unwrap_nothing("password", ROOT, CHEAP)),
        (
            Malformed,
            "This is not a wrap by a recovery code.",
            lambda: unwrap_by_code(WRAP, "0" * 32, UUID(int=7), 1, ROOT),
        ),
        (
            Malformed,
            "These bytes are not a seed kept for a session.",
            lambda: unwrap_by_session(b"\x02", bytes(32), bytes(16), UUID(int=7), 1, ROOT),
        ),
    ],
    "derivation": [
        (
            Malformed,
            "These bytes are too short to have been encrypted here.",
            lambda: decrypt(KEY, bytes(27), b""),
        ),
        (
            Refused,
            "The key or the place does not fit these bytes, or they were changed.",
            lambda: decrypt(KEY, bytes(28), b""),
        ),
    ],
    "encoding": [
        (Unsealable, "Text that is authenticated must be valid Unicode.", lambda: enc("l", "\ud800")),
        (
            Unsealable,
            "Only bytes, text, UUIDs and integers of 64 bits can be authenticated.",
            lambda: enc("l", -1),
        ),
    ],
    "padding": [(Malformed, BAD_PADDING, lambda: unpad(pad(b"x") + bytes(32)))],
    "places": [
        (Malformed, "These bytes are not a sealed field.", lambda: epoch_of(FIELD[:65])),
        (Malformed, "These bytes are not a sealed field.", lambda: epoch_of(b"\x02" + FIELD[1:])),
        (Malformed, "These bytes are not a sealed field.", lambda: epoch_of(b"\x01\x02" + FIELD[2:])),
    ],
    "signatures": [
        (Malformed, "A signing seed has 32 bytes.", lambda: Ed25519Key(bytes(31))),
        (Malformed, "A signing seed has 32 bytes.", lambda: MLDSA44Key(bytes(33))),
        (Malformed, "This is not an Ed25519 public key.", lambda: verify_ed25519(bytes(31), bytes(64), b"")),
        (
            Refused,
            "The Ed25519 signature does not verify.",
            lambda: verify_ed25519(ADA.public.signing, INES.sign(b"m"), b"m"),
        ),
        (Malformed, "This is not an ML-DSA-44 public key.", lambda: verify_mldsa44(bytes(31), b"", b"")),
        (
            Refused,
            "The ML-DSA-44 signature does not verify.",
            lambda: verify_mldsa44(MLDSA44Key(KEY).public, bytes(2420), b"m"),
        ),
    ],
    "columns": [
        (Unsealable, "No field is of this kind.", lambda: columns.sealed("identity", "face")),
        (
            Unsealable,
            "Only a sealed value may be written to a sealed column.",
            lambda: columns.SealedType().process_bind_param("Ruth", sqlite.dialect()),
        ),
        (
            Unsealable,
            "The row has no sealed column of that name.",
            lambda: columns.place_of(Row(id=UUID(int=1)), "face"),
        ),
        (
            Unsealable,
            "Give the row its id before anything is sealed into it.",
            lambda: columns.place_of(Row(id=None), "name"),
        ),
        (
            Unsealable,
            "A moment needs its time zone.",
            lambda: columns.Moment().process_bind_param("today", sqlite.dialect()),
        ),
        (
            AttributeError,
            "A sealed field is replaced, never changed.",
            lambda: setattr(columns.SealedBlob(FIELD), "blob", b""),
        ),
        (
            AttributeError,
            "A sealed field is replaced, never changed.",
            lambda: delattr(columns.SealedBlob(FIELD), "blob"),
        ),
        (
            TypeError,
            "A sealed field has no format; open it first.",
            lambda: format(columns.SealedBlob(FIELD), ">20"),
        ),
        (TypeError, "A sealed field is never pickled.", lambda: pickle.dumps(columns.SealedBlob(FIELD))),
    ],
    "hidden": [(TypeError, "Key material is never pickled or copied.", lambda: pickle.dumps(INES))],
}


@pytest.mark.parametrize(
    ("error", "sentence", "act"),
    [
        pytest.param(*case, id=f"{module}-{number}")
        for module, cases in SENTENCES.items()
        for number, case in enumerate(cases)
    ],
)
def test_a_refusal_says_its_sentence(error: type[Exception], sentence: str, act: Callable[[], Any]) -> None:
    with pytest.raises(error) as raised:
        act()
    assert type(raised.value) is error
    assert str(raised.value) == sentence


def test_the_longest_value_is_still_padded_as_a_field() -> None:
    assert _long(LONGEST_VALUE) == padded_length(LONGEST_VALUE + 5)


def test_a_certificate_that_names_its_keys_still_needs_its_signature() -> None:
    blank = Certificate("officer", UUID(int=7), "inspector", 1, INES.public.digest(), UUID(int=1), b"")
    with pytest.raises(NotCertified, match="not signed by its issuer"):
        check_certificate(blank, INES.public, ADA.public)


@pytest.mark.parametrize(
    "numbers",
    [
        ("argon2id", 1024 * 1024, 64, 64),
        ("argon2id", 64 * 8, 1, 64),
        ("argon2id", 8, 1, 1),
        ("pbkdf2-sha256", 0, 10_000_000, 1),
    ],
)
def test_a_cost_at_its_ceiling_is_still_a_cost(numbers: tuple[str, int, int, int]) -> None:
    cost = PasswordCost(*numbers)
    assert PasswordCost.from_text(cost.to_text()) == cost


@pytest.mark.parametrize(("text", "fits"), [("000600000", True), ("0000600000", False)])
def test_a_number_of_a_cost_has_at_most_nine_digits(text: str, fits: bool) -> None:
    if fits:
        assert PasswordCost.from_text(f"pbkdf2-sha256${text}").passes == 600_000
    else:
        with pytest.raises(Malformed):
            PasswordCost.from_text(f"pbkdf2-sha256${text}")


def test_memory_for_two_lanes_is_counted_for_both() -> None:
    with pytest.raises(Malformed):
        PasswordCost("argon2id", 15, 1, 2)


def test_equal_sealed_blobs_count_as_one_and_others_do_not() -> None:
    first, same, other = (columns.SealedBlob(blob) for blob in (FIELD, bytes(FIELD), FIELD + b"\0"))
    assert (hash(first) == hash(same), hash(first) == hash(other)) == (True, False)
    assert len({first, same, other}) == 2


@pytest.mark.parametrize("byte", [b"X", b"\x01", b" ", b"\xff"])
def test_padding_of_anything_but_zeros_is_refused(byte: bytes) -> None:
    padded = pad(b"ruth")
    with pytest.raises(Malformed, match="padding"):
        unpad(padded[:-1] + byte)
    with pytest.raises(Malformed, match="padding"):
        unpad(padded[:8] + byte * 24)


def test_nothing_at_all_is_padded_and_read_back() -> None:
    assert unpad(pad(b"")) == b""
    assert len(pad(b"x" * 252)) == 256
