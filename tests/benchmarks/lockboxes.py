"""One lockbox with twenty fields, opened by its holder or through a circle, beside its bare primitives."""

import hmac
import os
import time
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from crypto.identity import Identity, PublicIdentity
from crypto.lockbox import LockboxKey, Place, new_parts
from crypto.sealing import Holder, KeyName, Seal, open_seal, seal_key
from crypto.sealing import _check_once as signature_cache
from tests.benchmarks.fields import TEXT
from tests.benchmarks.harness import Measured, Run, alternate, row

FIELDS = 20
HIGHEST_RATIO = 3.0
HIGHEST_MICROSECONDS = 500.0
AAD_LENGTH = 140
"""About as long as what a field's place, lockbox and kind take."""
INFO_LENGTH = 230
"""About as long as what a seal is bound to."""


class Kept:
    """What the database keeps of a lockbox that is sealed to an officer or to a circle of theirs."""

    def __init__(self, is_in_circle: bool) -> None:
        self._maker = Identity.generate()
        self._officer, self._circle = Identity.generate(), Identity.generate()
        self._lockbox, self._person = uuid4(), uuid4()
        self._parts = new_parts()
        holder = self._circle if is_in_circle else self._officer
        self._ids: dict[Identity, UUID] = {self._officer: uuid4(), self._circle: uuid4()}
        self._is_in_circle = is_in_circle
        self._name = KeyName("lockbox", self._lockbox, 1, f"person:{self._person}", "identity")
        self._circle_name = KeyName("circle", self._ids[self._circle], 1, "", "coordinator")
        self._seal = self._sealed(self._parts[0], self._name, holder)
        self._circle_seal = self._sealed(self._circle.seed, self._circle_name, self._officer)
        key = LockboxKey(self._lockbox, 1, *self._parts)
        self._places = [Place("people", self._person, f"field_{n}", "text") for n in range(FIELDS)]
        self._blobs = [key.seal(TEXT, place) for place in self._places]

    def _sealed(self, key: bytes, name: KeyName, holder: Identity) -> Seal:
        return seal_key(key, name, self._held_by(holder, holder.public), self._maker)

    def _held_by(self, holder: Identity, public: PublicIdentity) -> Holder:
        kind = "officer" if holder is self._officer else "circle"
        return Holder(kind, self._ids[holder], 1, public)

    def open(self) -> list[object]:
        """As a request does it: the officer's keys grown from their seed, each seal checked and opened."""
        officer = Identity.from_seed(self._officer.seed)
        maker, keys, holder = self._maker.public, officer, self._held_by(self._officer, officer.public)
        if self._is_in_circle:
            seed = open_seal(self._circle_seal, self._circle_name, holder, officer, maker)
            keys, holder = Identity.from_seed(seed), self._held_by(self._circle, self._circle.public)
        part = open_seal(self._seal, self._name, holder, keys, maker)
        opened = LockboxKey(self._lockbox, 1, part, self._parts[1])
        return [opened.open(blob, place) for blob, place in zip(self._blobs, self._places, strict=True)]

    def open_first(self) -> list[object]:
        """As the first request of a worker does it, which has seen neither seal before."""
        signature_cache.cache_clear()
        return self.open()


class Primitives:
    """The calls of the cryptography library that opening cannot do without, on inputs that are ready."""

    def __init__(self, seals: int) -> None:
        self._seals = seals
        self._suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
        self._seed, self._scalar, self._info = os.urandom(64), os.urandom(32), os.urandom(INFO_LENGTH)
        self._signer = Ed25519PrivateKey.generate()
        self._verifier = self._signer.public_key()
        self._statement = os.urandom(136)
        self._signature = self._signer.sign(self._statement)
        self._sealed = self._suite.encrypt(os.urandom(32), self._key().public_key(), self._info)
        self._aes = AESGCM(os.urandom(32))
        self._nonce, self._aad = os.urandom(12), os.urandom(AAD_LENGTH)
        self._field = self._aes.encrypt(self._nonce, bytes(96), self._aad)

    def _key(self) -> MLKEM768X25519PrivateKey:
        return MLKEM768X25519PrivateKey(
            MLKEM768PrivateKey.from_seed_bytes(self._seed), X25519PrivateKey.from_private_bytes(self._scalar)
        )

    def all(self) -> None:
        """For each seal: keys, signature, decapsulation, commitment; then the keys of the lockbox."""
        for _ in range(self._seals):
            key = self._key()
            self._verifier.verify(self._signature, self._statement)
            part = self._suite.decrypt(self._sealed, key, self._info)
            HKDFExpand(SHA256(), 32, self._info).derive(part)
        content = hmac.digest(part, part, "sha256")
        for _ in range(3):
            HKDFExpand(SHA256(), 32, self._info).derive(content)
        AESGCM(content)
        for _ in range(FIELDS):
            self._aes.decrypt(self._nonce, self._field, self._aad)


def _compare(run: Run, name: str, ours: Callable[[], object], seals: int) -> Measured:
    rounds, calls = run.effort.rounds, max(2, run.effort.calls // 10)
    taken, floor = alternate(ours, Primitives(seals).all, rounds, calls, time.thread_time)
    peer = f"the sum of its primitives: {seals} of each for a seal, {FIELDS} AES-GCM"
    return Measured(name, taken * 1e6, floor * 1e6, peer, "µs", HIGHEST_RATIO, HIGHEST_MICROSECONDS)


def _looks(run: Run, how: str, is_in_circle: bool) -> Iterator[Measured]:
    kept = Kept(is_in_circle)
    assert kept.open() == kept.open_first() == [TEXT] * FIELDS
    seals = 2 if is_in_circle else 1
    name = f"open a lockbox with {FIELDS} fields {how}"
    yield _compare(run, f"{name}, first look of a worker", kept.open_first, seals)
    yield _compare(run, f"{name}, seals seen before", kept.open, seals)


@row
def lockbox_opened_directly(run: Run) -> Iterator[Measured]:
    """An officer named on the case: their own seal, then twenty fields."""
    yield from _looks(run, "directly", is_in_circle=False)


@row
def lockbox_opened_through_a_circle(run: Run) -> Iterator[Measured]:
    """The coordinator: the circle's seal, the lockbox's, then twenty fields."""
    yield from _looks(run, "through a circle", is_in_circle=True)
