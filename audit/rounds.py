"""The rounds of an outside witness over a network: look, cosign, give the note back, or say why not."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from audit.errors import NotVerified, TokenRefused, Unanswered, WitnessRefuses
from audit.exported import Read
from audit.fetching import LogAt, as_it_stands, newest_checkpoint
from audit.notes import VerifierKey
from audit.tiles import CHECKPOINT
from audit.witness import Accepted, Witness

VOUCH_AGAIN_AFTER = timedelta(hours=1)
"""A ledger in which nothing happens is cosigned anew so often, so that the vault sees the witness live."""
LONGEST_PAUSE, PAUSE_WITHOUT_TOKEN = 300.0, 900.0


class State(Enum):
    """How a round ended; the value is the status with which a single round ends."""

    VOUCHES = 0
    REFUSES = 1
    NOT_REACHED = 3
    NOT_ADMITTED = 4


@dataclass(frozen=True)
class Said:
    """How a round ended, in one line."""

    state: State
    words: str

    def is_news_after(self, before: "Said | None") -> bool:
        """Whether the line is worth saying: not each tree that was cosigned, but each change of state."""
        if before is None or self.state is not before.state:
            return True
        return self.state is not State.VOUCHES and self.words != before.words


class Rounds:
    """What one process of a witness remembers from round to round: what the vault took in last, and when."""

    def __init__(self, witness: Witness, pinned: Sequence[VerifierKey], log: LogAt) -> None:
        self._witness, self._pinned, self._log = witness, pinned, log
        self._given: Said | None = None
        self._given_note = b""
        self._given_at: datetime | None = None
        self._failures = 0

    def pause(self, said: Said, every: float) -> float:
        """How long to wait before the next round, in seconds; longer and longer while the vault is away."""
        if said.state is State.NOT_ADMITTED:
            return max(every, PAUSE_WITHOUT_TOKEN)  # Each wrong token is an entry of the ledger.
        self._failures = self._failures + 1 if said.state is State.NOT_REACHED else 0
        return max(every, min(every * 2.0 ** min(self._failures, 20), LONGEST_PAUSE))

    def go_round(self, now: datetime) -> Said:
        """Look once; cosign what is new, or what was cosigned long ago, and give it to the vault.

        Raises WitnessRefuses when the witness's own folder is not as it was, and OSError.
        """
        try:
            with self._witness.alone(), self._log:
                return self._look(now)
        except TokenRefused as error:
            return Said(State.NOT_ADMITTED, f"Not cosigned. {error}")
        except Unanswered as error:
            return Said(State.NOT_REACHED, f"Not cosigned. {error}")

    def _look(self, now: datetime) -> Said:
        if self._given is not None and self._given_at is not None:
            fresh = self._given_at <= now < self._given_at + VOUCH_AGAIN_AFTER
            if fresh and newest_checkpoint(self._log) == self._given_note:
                return self._given
        self._given = None
        self._witness.key()
        remembered = self._witness.accepted()
        read = as_it_stands(self._log)
        try:
            cosigned = self._witness.cosign(read, self._pinned, now)
        except (NotVerified, WitnessRefuses) as error:
            self._tell(read, remembered, str(error))
            return Said(State.REFUSES, f"Not cosigned. {error}")
        told = f"Cosigned {cosigned.size:,} entries, root {cosigned.root.hex()}"
        why_not = self._log.give_cosignature(cosigned.text)
        if why_not:
            return Said(State.REFUSES, f"{told}, but the vault does not take it in: {why_not}")
        self._given, self._given_note, self._given_at = Said(State.VOUCHES, f"{told}."), read(CHECKPOINT), now
        return self._given

    def _tell(self, read: Read, remembered: Accepted | None, words: str) -> None:
        offered = read(CHECKPOINT).decode("utf-8", "replace")
        accepted = "" if remembered is None else remembered.checkpoint.text
        # A vault that does not want to hear of it changes nothing: both notes are kept here, and told again.
        with suppress(Unanswered):
            self._log.tell_refusal(words, offered, accepted)
