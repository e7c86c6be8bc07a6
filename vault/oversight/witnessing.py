"""What outside witnesses vouched for: the notes that they cosigned, taken in and compared with the ledger.

A note taken in is no entry: its signatures say more than an entry could, and an entry for each would make a
new tree, which the witness would cosign, and so on for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from audit.entries import Fact
from audit.errors import NotVerified
from audit.ledger import Woven
from audit.notes import Checkpoint, VerifierKey, parse, signatures_by
from audit.origins import parted
from audit.volumes import volume_named
from vault.access.actor import Actor
from vault.access.events import Event, record_apart
from vault.errors import NotKnown, RuleForbids
from vault.notarising import check_published
from vault.oversight.models import KeptCheckpoint, RegisteredWitness
from vault.oversight.refusals import note_refusal, refused_since
from vault.oversight.registering import registered
from vault.running import RunningVault

LATE_AFTER = timedelta(days=1)
LEDGER_DIFFERS = (
    "The ledger of today does not go through what the witness saw. Keep the note, and change nothing."
)


@dataclass(frozen=True)
class Witnessed:
    """One registered witness: its last note, when it signed, and whether the ledger still goes through it."""

    witness: RegisteredWitness
    checkpoint: Checkpoint | None
    at: datetime | None
    still_holds: bool
    refused: Woven | None

    def is_late(self, now: datetime) -> bool:
        """Whether the witness has not vouched for the ledger for more than a day."""
        return now - (self.at or self.witness.registered_at) > LATE_AFTER


def last_witnessed(vault: RunningVault, db: Session) -> list[Witnessed]:
    """How far each registered witness has seen the ledger; of a vault without a witness, nothing."""
    return [_last_of(vault, db, witness) for witness in registered(vault, db)]


def _last_of(vault: RunningVault, db: Session, witness: RegisteredWitness) -> Witnessed:
    kept = newest_note(db, witness.id)
    try:
        if kept is not None:
            checkpoint = parse(kept.note)
            at = cosigned_at(checkpoint, VerifierKey.from_text(witness.key))
            # When it was kept stands in a plain row: a later time there must not make a refusal an old one.
            refused = refused_since(vault, db, witness, min(kept.kept_at, at))
            return Witnessed(witness, checkpoint, at, _goes_through(vault, db, checkpoint), refused)
    except NotVerified:
        pass  # Somebody spoilt the row; the witness cosigns again.
    refused = refused_since(vault, db, witness, None)
    return Witnessed(witness, None, None, still_holds=True, refused=refused)


def newest_note(db: Session, witness: UUID) -> KeptCheckpoint | None:
    """The note of this witness that was taken in last."""
    query = select(KeptCheckpoint).where(KeptCheckpoint.witness == witness)
    return db.scalars(query.order_by(KeptCheckpoint.kept_at.desc()).limit(1)).first()


def has_witness(vault: RunningVault, db: Session) -> bool:
    """Whether any witness is registered, heard of lately or not."""
    return bool(registered(vault, db))


def cosigned_covering(vault: RunningVault, db: Session, size: int) -> Checkpoint | None:
    """The newest note of a registered witness that counts `size` entries of the whole ledger or more.

    It bears the notary's signatures and the witness's, and the ledger of today goes through it.
    """
    for witness in registered(vault, db):
        kept = newest_note(db, witness.id)
        if kept is None:
            continue
        try:
            checkpoint = parse(kept.note)
            cosigned_at(checkpoint, VerifierKey.from_text(witness.key))
            check_published(vault.settings, checkpoint)
        except (NotVerified, OSError):
            continue
        counted = _counted(vault, db, checkpoint)
        if counted is not None and counted >= size and _goes_through(vault, db, checkpoint):
            return checkpoint
    return None


def take_in(vault: RunningVault, witness: RegisteredWitness, text: str, now: datetime) -> Checkpoint:
    """Keep the note that this witness cosigned; of each day only the last is kept, and no entry is made.

    Raises NotVerified for a note that notary and witness did not both sign, and RuleForbids for one that is
    older than the last, from the future, or not of this ledger.
    """
    checkpoint = parse(text)
    at = cosigned_at(checkpoint, VerifierKey.from_text(witness.key))
    check_published(vault.settings, checkpoint)
    with vault.reading() as db:
        holds = _goes_through(vault, db, checkpoint)
    if not holds:
        note_refusal(vault, witness, LEDGER_DIFFERS, text, text, now)
        raise RuleForbids(LEDGER_DIFFERS)
    if at > now + LATE_AFTER:
        raise RuleForbids("The witness's clock is ahead by more than a day. Set it, and cosign again.")
    _keep(vault, witness, checkpoint, at, now)
    return checkpoint


def take_in_by_hand(vault: RunningVault, who: Actor, text: str, now: datetime) -> Checkpoint:
    """Keep a note that an auditor brought, and record who did. Raises as `take_in` does."""
    checkpoint = parse(text)
    with vault.reading() as db:
        witness = _signer(checkpoint, registered(vault, db))
    taken = take_in(vault, witness, text, now)
    facts: dict[str, Fact] = {"signed-size": taken.size, "signed-root": taken.root.hex()}
    subjects = [witness.subject_name]
    record_apart(vault, Event.CHECKPOINT_WITNESSED, who=who, now=now, subjects=subjects, facts=facts)
    return taken


def _signer(checkpoint: Checkpoint, witnesses: Sequence[RegisteredWitness]) -> RegisteredWitness:
    for witness in witnesses:
        if signatures_by(VerifierKey.from_text(witness.key), checkpoint.text):
            return witness
    raise NotVerified("The note bears no cosignature of a witness that is registered here.")


def cosigned_at(checkpoint: Checkpoint, key: VerifierKey) -> datetime:
    """When this witness cosigned the note last; raises NotVerified when it did not, or one is forged."""
    key.check(checkpoint)
    times = [int.from_bytes(signature[:8], "big") for signature in signatures_by(key, checkpoint.text)]
    try:
        return datetime.fromtimestamp(max(times), UTC)
    except (ValueError, OverflowError, OSError):
        raise NotVerified("The time in the witness's cosignature is none.") from None


def _keep(
    vault: RunningVault, witness: RegisteredWitness, checkpoint: Checkpoint, at: datetime, now: datetime
) -> None:
    with vault.writing() as db:
        # Two workers that take in notes of one witness wait for each other at its row.
        row = db.get(RegisteredWitness, witness.id, with_for_update=True)
        if row is None or row.ended_at is not None:
            raise NotKnown
        before = _last_of(vault, db, row).at
        if before is not None and at < before:
            raise RuleForbids("A newer note of the witness was taken in already.")
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        same = (KeptCheckpoint.origin == checkpoint.origin) & (KeptCheckpoint.size == checkpoint.size)
        superseded = delete(KeptCheckpoint).where(
            KeptCheckpoint.witness == witness.id, or_(KeptCheckpoint.kept_at >= midnight, same)
        )
        db.execute(superseded.execution_options(synchronize_session=False))
        db.add(KeptCheckpoint.of(checkpoint, witness.id, now))


def _counted(vault: RunningVault, db: Session, checkpoint: Checkpoint) -> int | None:
    """How many entries of the whole ledger a checkpoint of one of its volumes counts; None of another log."""
    if parted(checkpoint.origin)[0] != vault.settings.origin:
        return None
    try:
        return volume_named(db, checkpoint.origin).first_index + checkpoint.size
    except NotVerified:
        return None


def _goes_through(vault: RunningVault, db: Session, checkpoint: Checkpoint) -> bool:
    """Whether the ledger had this root when it had this size."""
    counted = _counted(vault, db, checkpoint)
    if counted is None:
        return False
    return vault.ledger.roots_at(db, [counted]).get(counted) == checkpoint.root
