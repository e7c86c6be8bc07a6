"""New keys for the notary: made beside the old, handed over to in public, then put in their place.

Killed after any step and run again, it goes on where it was; whoever asks for the notary's keys meanwhile
finishes a hand-over that was already published.
"""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from audit.checkpoints import Notary, only_signer
from audit.durable import PUBLIC, write_whole
from audit.errors import NotaryRefuses
from audit.handovers import HandOver, check_chain, read_hand_overs, sign_hand_over, to_text
from audit.notes import NotaryKeys
from audit.remembering import read_memory


@dataclass(frozen=True)
class KeyPlace:
    """Where the notary's keys lie, where its hand-overs are published, and the ledger's name.

    Each volume of the ledger has hand-overs of its own, beside those of the first.
    """

    key: Path
    hand_overs: Path
    origin: str

    @property
    def next_key(self) -> Path:
        """Where new keys wait until they are handed over to."""
        return self.key.with_name(f"next-{self.key.name}")

    def hand_overs_of(self, volume: int) -> Path:
        """Where the hand-overs of a volume are published."""
        return (
            self.hand_overs if volume == 1 else self.hand_overs.with_name(f"{self.hand_overs.name}.{volume}")
        )

    def published(self) -> list[tuple[int, list[HandOver]]]:
        """The hand-overs of each volume that has any, in order, not yet believed; raises NotVerified."""
        later = self.hand_overs.parent.glob(f"{self.hand_overs.name}.*")
        numbers = [int(path.suffix[1:]) for path in later if path.suffix[1:].isdecimal()]
        found = [(volume, read_hand_overs(self.hand_overs_of(volume))) for volume in (1, *sorted(numbers))]
        return [(volume, made) for volume, made in found if made]


def keys_in_use(place: KeyPlace) -> NotaryKeys:
    """The notary's keys; new ones that were handed over to take their place now. Raises NotaryRefuses."""
    if place.next_key.exists() and any(
        _whole(place.next_key, made[-1].origin, made[-1].new) for _, made in place.published()
    ):
        _put_in_place(place)
    return NotaryKeys.load(place.key, place.origin)


def _whole(path: Path, origin: str, named: object) -> bool:
    try:
        return NotaryKeys.load(path, origin).verifier_keys() == named
    except NotaryRefuses:
        return False


def _put_in_place(place: KeyPlace) -> None:
    """Replace the old keys by the new, and write over what the disk still has of the old."""
    with contextlib.suppress(FileNotFoundError), contextlib.ExitStack() as stack:
        place.key.chmod(0o600)
        old = stack.enter_context(place.key.open("r+b"))
        place.next_key.replace(place.key)
        folder = os.open(place.key.parent, os.O_RDONLY)
        stack.callback(os.close, folder)
        os.fsync(folder)
        old.write(os.urandom(os.fstat(old.fileno()).st_size))
        old.flush()
        os.fsync(old.fileno())


def hand_over(place: KeyPlace, notary: Callable[[], Notary], now: datetime) -> HandOver:
    """Replace the notary's keys, or finish replacing them; return the hand-over.

    Raises NotaryRefuses, and NotVerified when the published hand-overs are not ours.
    """
    state = notary().state
    with only_signer(state, wait=True):
        memory = read_memory(state, place.origin)
        origin, file = memory.origin, place.hand_overs_of(memory.number)
        before = read_hand_overs(file)
        check_chain(before)
        if before and place.next_key.exists() and _whole(place.next_key, origin, before[-1].new):
            keys_in_use(place)
            notary().sign_again(now)
            return before[-1]
        old, new = keys_in_use(place).named(origin), _next_keys(place).named(origin)
        made = sign_hand_over(old, new, memory.frontier.size, memory.frontier.root(), before)
        write_whole(file, to_text([*before, made]).encode(), PUBLIC)
        keys_in_use(place)
        notary().sign_again(now)
    return made


def _next_keys(place: KeyPlace) -> NotaryKeys:
    """The keys that wait, or new ones; a file that is not whole was never handed over to."""
    try:
        return NotaryKeys.load(place.next_key, place.origin)
    except NotaryRefuses:
        place.next_key.unlink(missing_ok=True)
    NotaryKeys.generate(place.origin).save(place.next_key)
    return NotaryKeys.load(place.next_key, place.origin)
