"""All lockboxes of a role get new keys, from the marked circle to its last old version, beside bare HPKE.

Both lie in one process: ours is `renew` over a vault on SQLite, with every row sealed anew and every entry
kept; the peer opens one bare seal and makes as many as ours made for each lockbox. Seconds are those of the
processor, so that other programs on the machine count less.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite
from sqlalchemy import func, select

from tests.benchmarks.harness import BRIEF, Measured, Run, row
from tests.benchmarks.lockboxes import INFO_LENGTH
from tests.cast import CHEAP, Cast, Clock, Stage, make_vault
from tests.programme import open_case
from vault.access import renewal
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.holders import circles_to_change, current_circles
from vault.access.models import Lockbox, SealRow, ShredPart
from vault.access.policy import Role
from vault.app import create_app
from vault.cases import actions
from vault.cases.models import Case
from vault.commands import settings_file
from vault.running import RunningVault
from vault.vocabulary import Position

SIZES = (1_000, 10_000)
MORE = "VAULT_BENCH_ALL"
"""With this set in the environment, 100,000 lockboxes are renewed too, which takes many minutes."""
HIGHEST_GROWTH = 1.2
HOUSEHOLD = 50
BARE_ROUNDS = 200


class Programme:
    """A vault in which more and more people live, and the coordinator who renews its keys."""

    def __init__(self, folder: Path) -> None:
        clock = Clock()
        settings = settings_file(folder / "data", tls=False, password_cost=CHEAP)
        secrets = make_vault(settings, clock)
        self.vault = RunningVault.start(settings, clock)
        self.cast = Cast(Stage(self.vault, clock, secrets, create_app(self.vault)))
        self.who: Actor = self.cast["ada"].actor

    def grow(self, lockboxes: int) -> None:
        """Open cases until there are about so many lockboxes."""
        while self.count() < lockboxes:
            self._settle(min(HOUSEHOLD, 1 + (lockboxes - self.count()) // 4))

    def count(self) -> int:
        """How many lockboxes there are."""
        with self.vault.reading() as db:
            return db.scalar(select(func.count()).select_from(Lockbox)) or 0

    def seals(self) -> int:
        """How many seals of lockboxes there are."""
        with self.vault.reading() as db:
            lockboxes = select(func.count()).select_from(SealRow).where(SealRow.key_kind == "lockbox")
            return db.scalar(lockboxes) or 0

    def _settle(self, people: int) -> None:
        case = open_case(self.cast, ["ines"])
        with self.vault.writing() as db:
            found, now = db.get_one(Case, case.id), self.vault.now()
            for _ in range(people):
                actions.add_person(db, self.who, self.vault.trust, found, Position.OTHER, False, now)

    def make_due(self) -> None:
        """The coordinators' key waits for a new one, and with it all that it opens."""
        with self.vault.writing() as db:
            for key in current_circles(circles_to_change(db)).values():
                if key.role == Role.COORDINATOR:
                    key.renew_due_at = self.vault.now()
            record(db, Event.OFFICER_REVOKED, who=self.who, now=self.vault.now(), subjects=[])

    def renew(self) -> float:
        """Renew everything; the seconds that it took."""
        self.make_due()
        begun = time.process_time()
        renewal.renew(self.vault, self.who, lambda _count: None)
        taken = time.process_time() - begun
        with self.vault.reading() as db:
            assert renewal.due(db) == renewal.Due([], 0, None)
            old = select(ShredPart.id).join(Lockbox, Lockbox.id == ShredPart.lockbox)
            assert db.scalars(old.where(ShredPart.epoch != Lockbox.epoch)).first() is None
        return taken


@contextmanager
def _programme() -> Iterator[Programme]:
    folder = Path(tempfile.mkdtemp(prefix="vault-renewal-"))
    try:
        programme = Programme(folder)
        yield programme
        programme.vault.close()
    finally:
        shutil.rmtree(folder)


def bare_seals(seals: float, rounds: int) -> float:
    """Seconds for one bare opening and so many bare sealings of 32 bytes, on average."""
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    key = MLKEM768X25519PrivateKey(MLKEM768PrivateKey.generate(), X25519PrivateKey.generate())
    public, info, part = key.public_key(), os.urandom(INFO_LENGTH), os.urandom(32)
    sealed = suite.encrypt(part, public, info)
    begun = time.process_time()
    for _ in range(rounds):
        suite.decrypt(sealed, key, info)
    opened = time.process_time()
    for _ in range(rounds):
        suite.encrypt(part, public, info)
    return ((opened - begun) + (time.process_time() - opened) * seals) / rounds


@row
def lockboxes_renewed(run: Run) -> Iterator[Measured]:
    """New keys for every lockbox of the coordinators, and how the cost grows with their number."""
    taken = {}
    sizes = (*SIZES, 100_000) if os.environ.get(MORE) else SIZES
    with _programme() as programme:
        for size in sizes:
            programme.grow(size // 100 if run.effort is BRIEF else size)
            count, rounds = programme.count(), min(run.effort.rounds, BARE_ROUNDS)
            seals = programme.seals() / count
            before = bare_seals(seals, rounds)
            taken[size] = programme.renew() / count
            bare = (before + bare_seals(seals, rounds)) / 2
            name, peer = f"renew each of {size:,} lockboxes", f"bare HPKE: one opening, {seals:.1f} sealings"
            yield Measured(name, taken[size] * 1e6, bare * 1e6, peer, "µs", None, None)
    for size in sizes[1:]:
        name = f"a lockbox among {size:,} renewed in renewals among {sizes[0]:,}"
        peer = f"a lockbox among {sizes[0]:,}"
        ours = taken[size] / taken[sizes[0]]
        yield Measured(name, ours, 1.0, peer, "times", HIGHEST_GROWTH, None)
