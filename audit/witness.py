"""The outside witness: remembers the last tree it accepted, and cosigns only what continues that tree.

It runs on an auditor's own machine, with a key and a memory that the vault never sees, and needs neither
the database nor a secret of the vault. A cosignature is C2SP's Ed25519 one (c2sp.org/tlog-cosignature).
"""

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from audit.durable import PRIVATE, PUBLIC, sync_folder, write_whole
from audit.errors import NotVerified, WitnessRefuses
from audit.exported import Read
from audit.following import follow, offered_in
from audit.notes import COSIGNATURE, Checkpoint, VerifierKey, parse, signature_line, witnessed_message
from audit.origins import parted
from audit.tiles import COSIGNED
from crypto.errors import CryptoError
from crypto.signatures import SEED_LENGTH, Ed25519Key

_KEY, _PUBLIC_KEY, _MEMORY, _LOCK = "witness.key", "witness.vkey", "memory", "lock"
_REFUSED = "refused"
_MOST_REFUSED = 200


@dataclass(frozen=True)
class Accepted:
    """What the witness remembers: the last note that it accepted, and the notary's keys that signed it."""

    checkpoint: Checkpoint
    pinned: tuple[VerifierKey, ...]
    newest: tuple[VerifierKey, ...]


@dataclass(frozen=True)
class Witness:
    """Keeps its key and its memory in the folder `state`; vouches for the ledger `origin` alone."""

    state: Path
    origin: str

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other process with this state waiting, so that no two decide on one memory."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.state / _LOCK).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def key(self) -> tuple[Ed25519Key, VerifierKey]:
        """The witness's own key, made at the first run; raises WitnessRefuses when it is not as it was."""
        path, public = self.state / _KEY, self.state / _PUBLIC_KEY
        if not path.exists():
            if (self.state / _MEMORY).exists():
                raise WitnessRefuses("The witness's key is gone, and its memory is not. Put the key back.")
            write_whole(path, Ed25519Key.generate().seed, 0o400)
        if path.stat().st_mode & 0o077:
            raise WitnessRefuses("The witness's key file may be read by others; its mode must be 0400.")
        try:
            key = Ed25519Key(path.read_bytes())
        except CryptoError:
            raise WitnessRefuses(f"The witness's key file does not hold {SEED_LENGTH} bytes.") from None
        named = VerifierKey(f"{self.origin}/witness", COSIGNATURE, key.public)
        write_whole(public, f"{named.to_text()}\n".encode(), PUBLIC)
        return key, named

    def accepted(self) -> Accepted | None:
        """What it remembers, None before the first checkpoint; raises WitnessRefuses when unreadable."""
        try:
            memory = json.loads((self.state / _MEMORY).read_bytes())
            pinned, newest = (
                tuple(map(VerifierKey.from_text, memory[name])) for name in ("pinned", "newest")
            )
            return Accepted(parse(memory["note"]), pinned, newest)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, NotVerified):
            raise WitnessRefuses("The witness's memory cannot be read. Cosign nothing until it is.") from None

    def cosign(self, read: Read, pinned: Sequence[VerifierKey], now: datetime) -> Checkpoint:
        """Accept the newest checkpoint and cosign it; call it `alone`. The cosigned note is kept beside.

        Raises NotVerified when the notary did not sign it, and WitnessRefuses when it is of another log, or
        smaller than, or no continuation of, what was accepted; then both notes are kept in the folder.
        """
        key, named = self.key()
        before = self.accepted()
        offered = offered_in(read)
        try:
            newest = self._follow(offered, before, pinned, read)
        except (NotVerified, WitnessRefuses):
            self._keep_evidence(offered, before)
            raise
        memory = {
            "note": offered.text,
            "pinned": [one.to_text() for one in pinned],
            "newest": [one.to_text() for one in newest],
        }
        # The memory comes first: a cosignature that the witness could forget would let it cosign a fork.
        write_whole(self.state / _MEMORY, json.dumps(memory).encode(), PRIVATE)
        seconds = int(now.timestamp())
        signature = seconds.to_bytes(8, "big") + key.sign(witnessed_message(seconds, offered))
        cosigned = parse(offered.text + signature_line(named, signature))
        write_whole(self.state / COSIGNED, cosigned.text.encode(), PUBLIC)
        return cosigned

    def _follow(
        self, offered: Checkpoint, before: Accepted | None, pinned: Sequence[VerifierKey], read: Read
    ) -> tuple[VerifierKey, ...]:
        """The notary's newest keys, after whoever pinned others on purpose; every check raises."""
        if parted(offered.origin)[0] != self.origin:
            raise WitnessRefuses(f"The checkpoint is of another log, {offered.origin}.")
        trusted = pinned if before is None or tuple(pinned) != before.pinned else before.newest
        return follow(read, None if before is None else before.checkpoint, trusted, offered)

    def _keep_evidence(self, offered: Checkpoint, before: Accepted | None) -> None:
        # Named by its content, and no more than the first so many: asking again must not fill the disk.
        folder = self.state / _REFUSED / sha256(offered.text.encode()).hexdigest()[:16]
        if len(list(folder.parent.glob("*"))) >= _MOST_REFUSED:
            return
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "offered", offered.text.encode(), PRIVATE)
        if before is not None:
            write_whole(folder / "accepted", before.checkpoint.text.encode(), PRIVATE)
        sync_folder(folder.parent)
