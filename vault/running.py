"""A vault that runs: its settings, database, root key, ledger, pinned trust and clock, without any web."""

import logging
import os
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from audit.entries import Details, Entry
from audit.errors import LedgerDelayed, LedgerUnavailable
from audit.ledger import Ledger, Receipt
from audit.notes import Checkpoint
from crypto import suites
from crypto.encoding import enc
from crypto.errors import CryptoError
from crypto.root_ring import RootRing
from crypto.suites import Profile
from vault import decoy
from vault.database import Database, RecordedSession, connect
from vault.interruptions import FILE, Interruptions
from vault.settings import BadSettings, Settings
from vault.vouching import Voucher

_LOG = logging.getLogger("vault.recording")

CosignedCovering = Callable[["RunningVault", Session, int], Checkpoint | None]
"""Finds a note by an outside witness that counts so many entries; the room that knows witnesses gives it."""

HasWitness = Callable[["RunningVault", Session], bool]
"""Whether any outside witness is registered; the room that knows witnesses tells it."""

RECOVERY = UUID(int=1)
"""The recovery key's id: there is one, made offline at the founding."""


def wall_clock() -> datetime:
    """The time now, in UTC, to the millisecond."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def no_witness(_vault: "RunningVault", _db: Session, _size: int) -> Checkpoint | None:
    """What a vault knows of witnesses before it is told: nothing, so that what waits for one is not done."""
    return None


def nobody_registered(_vault: "RunningVault", _db: Session) -> bool:
    """The same of whether there is one."""
    return False


@dataclass(frozen=True)
class Trust:
    """What this vault believes: the founders' keys, pinned outside the database, and its own word.

    Everything else is certified from the founders' keys, and vouched for by the vault when it was kept.
    """

    founders: tuple[tuple[UUID, str, bytes], ...]  # officer, role and SHA-256 of a public key
    recovery: bytes  # SHA-256 of the recovery key's public half
    voucher: Voucher = field(repr=False, compare=False)
    profile: str  # the profile the vault was founded with; "standard" where none is written

    @classmethod
    def load(cls, path: Path, voucher: Voucher) -> "Trust":
        """Read `trust.toml`. Raises BadSettings when it is missing or cannot be read."""
        try:
            text = tomllib.loads(path.read_text())
            founders = tuple(
                (UUID(founder["officer"]), str(founder["role"]), bytes.fromhex(founder["key"]))
                for founder in text["founder"]
            )
            profile = str(text.get("profile", Profile.STANDARD.value))
            return cls(founders, bytes.fromhex(text["recovery"]), voucher, profile)
        except (OSError, KeyError, ValueError) as error:
            raise BadSettings("trust.toml is missing or damaged; restore its newest copy.") from error

    def pins(self, holder: UUID, kind: str, role: str, digest: bytes) -> bool:
        """Whether exactly this key, in this role, was pinned at the founding or on the server since."""
        if kind == "recovery":
            return holder == RECOVERY and digest == self.recovery
        return kind == "officer" and (holder, role, digest) in self.founders

    def confirms(self, entry: bytes, code: str, index: int) -> bool:
        """Whether the vault itself made the entry that has this index in the ledger."""
        try:
            given = bytes.fromhex(code)
        except ValueError:
            return False
        return self.voucher.confirms_at(enc("vault/entry/v1", entry), given, index)

    def save(self, path: Path) -> None:
        """Write `trust.toml` whole or not at all, readable by all, changed by nobody (mode 0444)."""
        lines = [f'recovery = "{self.recovery.hex()}"', f'profile = "{self.profile}"']
        for officer, role, digest in self.founders:
            lines += [
                "",
                "[[founder]]",
                f'officer = "{officer}"',
                f'role = "{role}"',
                f'key = "{digest.hex()}"',
            ]
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with fresh.open("w") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.chmod(0o444)
        fresh.replace(path)


class RunningVault:
    """What every act and every page needs; made once per process."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        root: RootRing,
        trust: Trust,
        ledger: Ledger,
        clock: Callable[[], datetime],
    ) -> None:
        suites.use(Profile(settings.profile))
        self.settings = settings
        self.database = database
        self.root = root
        self.trust = trust
        self.ledger = ledger
        self.clock = clock
        self.cosigned_covering: CosignedCovering = no_witness
        self.has_witness: HasWitness = nobody_registered
        self.empty_house = decoy.EmptyHouse()
        self.interruptions = Interruptions(settings.data / FILE)

    @classmethod
    def start(cls, settings: Settings, clock: Callable[[], datetime]) -> "RunningVault":
        """Open the vault that `init` founded. Raises BadSettings or crypto.errors.BadKeyFile, in words."""
        root = RootRing.open(settings.keys, settings.token)
        database = Database(connect(settings.database_url))
        trust = Trust.load(settings.trust, Voucher(database.engine, root))
        if trust.profile != settings.profile:
            raise BadSettings(
                f'This vault was founded with profile = "{trust.profile}"; set that. '
                f'Under "{settings.profile}" every officer enrols anew and every key is renewed: '
                "found a new vault and take the cases over."
            )
        return cls(settings, database, root, trust, Ledger(database.engine), clock)

    def now(self) -> datetime:
        """The time now, in UTC, to the millisecond."""
        return self.clock()

    @contextmanager
    def reading(self) -> Iterator[RecordedSession]:
        """A session for looking; what it changes is thrown away. Under duress it looks at an empty house."""
        forced = decoy.shown_to()
        if forced is None:
            with self.database.reading() as session:
                yield session
        else:
            with self.empty_house.opened(self.database.engine, forced, writing=False) as session:
                yield session

    @contextmanager
    def writing(self) -> Iterator[RecordedSession]:
        """A session for one act: its changes and their entries commit together, then the entries are woven.

        Raises audit.errors.LedgerDelayed when the act is kept but its entry still waits to be woven. Under
        duress the act finds an empty house, and what would be kept ends in audit.errors.LedgerUnavailable.
        """
        forced = decoy.shown_to()
        if forced is None:
            with self.writing_always() as session:
                yield session
        else:
            with self.empty_house.opened(self.database.engine, forced, writing=True) as session:
                session.pend, session.trust, session.vouch = self.ledger.pend, self.trust, self.vouch
                try:
                    yield session
                except (CryptoError, LookupError, SQLAlchemyError) as error:
                    # It lacked what an empty house has not, such as a certified key to seal to.
                    raise LedgerUnavailable("Nothing is recorded under duress.") from error

    @contextmanager
    def writing_always(self) -> Iterator[RecordedSession]:
        """As `writing`, and under duress as well: for what officers do to their own signing in.

        Raises audit.errors.LedgerDelayed.
        """
        with self.database.writing() as session:
            session.pend, session.trust, session.vouch = self.ledger.pend, self.trust, self.vouch
            yield session
        if session.entries:
            with self._counting():
                session.receipts = self.ledger.settle(session.entries, self.settings.record_timeout_seconds)

    def weave(self, entries: Sequence[tuple[Entry, Details | None]]) -> list[Receipt]:
        """Make entries durable now, before anything rests on them. Raises audit.errors.LedgerUnavailable."""
        with self._counting():
            return self.ledger.weave(entries, self.settings.record_timeout_seconds)

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """Count what could not be recorded, so that the ledger itself can tell of it as soon as it can."""
        try:
            yield
        except LedgerUnavailable as error:
            self.note_unrecorded(error)
            raise
        self.interruptions.recorded()

    def note_unrecorded(self, error: Exception) -> None:
        """Count one act that was refused, or whose entry still waits, because recording failed."""
        cause = type(error.__cause__ or error).__name__
        _LOG.error("", extra={"event": "not-recorded", "error": cause})
        self.interruptions.note(isinstance(error, LedgerDelayed), self.now())

    def vouch(self, entry: bytes) -> str:
        """A code over an entry that only the running vault can make (128 bits, hex).

        Without it, whoever writes to the database could add an entry that excuses a row they changed.
        """
        return self.trust.voucher.vouch(enc("vault/entry/v1", entry)).hex()

    def confirms(self, entry: bytes, code: str, index: int) -> bool:
        """Whether the vault itself made the entry that has this index in the ledger."""
        return self.trust.confirms(entry, code, index)

    def close(self) -> None:
        """Stop the weaver and let the database go."""
        self.ledger.close()
        self.empty_house.close()
        self.database.engine.dispose()
