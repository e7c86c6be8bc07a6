"""What the outside witness vouched for last: the note it cosigned, taken in and compared with the ledger."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from audit.durable import PUBLIC, write_whole
from audit.entries import Fact
from audit.errors import NotVerified
from audit.notes import COSIGNATURE, Checkpoint, VerifierKey, parse, read_verifier_keys, signatures_by
from vault.access.actor import Actor
from vault.access.events import Event, record_apart
from vault.errors import RuleForbids
from vault.notarising import check_published
from vault.running import RunningVault
from vault.settings import Settings

LATE_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Witnessed:
    """The last note taken in, when the witness signed it, and whether the ledger still goes through it."""

    keys: tuple[VerifierKey, ...]
    checkpoint: Checkpoint | None
    at: datetime | None
    still_holds: bool

    def is_late(self, now: datetime) -> bool:
        """Whether the witness has not vouched for the ledger for more than a day."""
        return self.at is None or now - self.at > LATE_AFTER


def last_witnessed(vault: RunningVault, db: Session) -> Witnessed:
    """How far the witness has seen the ledger; of a vault without a witness, nothing."""
    keys = _keys(vault.settings)
    try:
        checkpoint = parse(vault.settings.cosigned.read_text("utf-8"))
        at = _cosigned_at(checkpoint, keys)
    except (OSError, ValueError, NotVerified):
        return Witnessed(keys, None, None, still_holds=True)
    return Witnessed(keys, checkpoint, at, still_holds=_goes_through(vault, db, checkpoint))


def take_in(vault: RunningVault, who: Actor, text: str, now: datetime) -> Checkpoint:
    """Keep the note that the witness cosigned, and record it.

    Raises NotVerified for a note that notary and witness did not both sign, and RuleForbids for one that is
    older than the last, from the future, or not of this ledger.
    """
    checkpoint = parse(text)
    at = _cosigned_at(checkpoint, _keys(vault.settings))
    check_published(vault.settings, checkpoint)
    with vault.reading() as db:
        before, holds = last_witnessed(vault, db), _goes_through(vault, db, checkpoint)
    if not holds:
        raise RuleForbids(
            "The ledger of today does not go through what the witness saw. Keep the note, and change nothing."
        )
    if at > now + LATE_AFTER:
        raise RuleForbids("The witness's clock is ahead by more than a day. Set it, and cosign again.")
    if before.at is not None and before.checkpoint is not None and at < before.at:
        raise RuleForbids("A newer note of the witness was taken in already.")
    facts: dict[str, Fact] = {"signed-size": checkpoint.size, "signed-root": checkpoint.root.hex()}
    record_apart(vault, Event.CHECKPOINT_WITNESSED, who=who, now=now, subjects=[], facts=facts)
    write_whole(vault.settings.cosigned, text.encode(), PUBLIC)
    return checkpoint


def _keys(settings: Settings) -> tuple[VerifierKey, ...]:
    """The keys of the witnesses that this vault knows."""
    try:
        keys = read_verifier_keys(settings.witness_public.read_text("utf-8"))
    except (OSError, ValueError, NotVerified):
        return ()
    return tuple(key for key in keys if key.kind == COSIGNATURE)


def _cosigned_at(checkpoint: Checkpoint, keys: tuple[VerifierKey, ...]) -> datetime:
    """When a known witness cosigned last; raises NotVerified when none did, or one is forged."""
    times = []
    for key in keys:
        signatures = signatures_by(key, checkpoint.text)
        if signatures:
            key.check(checkpoint)
            times += [int.from_bytes(signature[:8], "big") for signature in signatures]
    try:
        return datetime.fromtimestamp(max(times), UTC)
    except (ValueError, OverflowError, OSError):
        raise NotVerified("The note bears no cosignature of a witness that this vault knows.") from None


def _goes_through(vault: RunningVault, db: Session, checkpoint: Checkpoint) -> bool:
    """Whether the ledger had this root when it had this size."""
    return vault.ledger.roots_at(db, [checkpoint.size]).get(checkpoint.size) == checkpoint.root
