"""The history of checkpoints: each one that was kept, and whether the ledger of today goes through it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.errors import NotVerified
from audit.handovers import Keys
from audit.notes import Checkpoint, VerifierKey, check_signatures, parse
from audit.volumes import volumes_in
from vault.announcing.models import KeptCheckpoint
from vault.notarising import notary_generations
from vault.oversight.models import RegisteredWitness, WeeklyReview
from vault.oversight.registering import ever_registered
from vault.oversight.weeks import Week
from vault.running import RunningVault

KEPT_SHOWN = 50
REVIEWS_SHOWN = 26


@dataclass(frozen=True)
class Kept:
    """A checkpoint that was kept: when, of how many entries, and by what occasion.

    `week` is that of a review, `witness` the name of the witness that cosigned it; with neither, an act of
    weight waited for it.
    """

    at: datetime
    entries: int | None
    root: bytes
    week: Week | None
    witness: str
    still_holds: bool


def history(vault: RunningVault, db: Session) -> list[Kept]:
    """The latest checkpoints that were kept, the newest first; as many questions however many there are."""
    query = select(WeeklyReview).where(WeeklyReview.signed_size.is_not(None))
    reviews = db.scalars(query.order_by(WeeklyReview.week.desc()).limit(REVIEWS_SHOWN)).all()
    notes = db.scalars(select(KeptCheckpoint).order_by(KeptCheckpoint.kept_at.desc()).limit(KEPT_SHOWN)).all()
    begins, signers = _begins(vault, db), _signers(vault, db)
    sizes = {note.id: _entries(begins, signers, note) for note in notes}
    reviewed = {(review.signed_size, review.signed_root) for review in reviews}
    asked = {*(review.signed_size or 0 for review in reviews), *(size for size in sizes.values() if size)}
    roots = vault.ledger.roots_at(db, sorted(asked))
    found = [_of_review(review, roots) for review in reviews]
    for note in notes:
        entries = sizes[note.id]
        if note.witness is None and (entries, note.root) in reviewed:
            continue  # The review tells of it already.
        holds = entries is not None and roots.get(entries) == note.root
        witness = _name(note.witness, signers.witnesses)
        found.append(Kept(note.kept_at, entries, note.root, None, witness, holds))
    return sorted(found, key=lambda kept: kept.at, reverse=True)


def _of_review(review: WeeklyReview, roots: Mapping[int, bytes]) -> Kept:
    size, root = review.signed_size or 0, review.signed_root or b""
    week = Week.from_code(review.week)
    return Kept(review.reviewed_at, size, root, week, "", roots.get(size) == root)


def _name(witness: UUID | None, witnesses: Mapping[UUID, RegisteredWitness]) -> str:
    if witness is None:
        return ""
    return witnesses[witness].name if witness in witnesses else "a witness that is gone"


@dataclass(frozen=True)
class _Signers:
    """Who may have signed a note that was kept: every pair of keys of the notary, and the witnesses."""

    notary: Sequence[Keys]
    witnesses: Mapping[UUID, RegisteredWitness]

    def check(self, note: Checkpoint, witness: UUID | None) -> None:
        """Raises NotVerified for a note without the signatures that it was kept for: somebody planted it."""
        if witness is not None:
            if witness not in self.witnesses:
                raise NotVerified("The note is of a witness that nobody registered.")
            VerifierKey.from_text(self.witnesses[witness].key).check(note)
        if not any(_signed(note, keys) for keys in self.notary):
            raise NotVerified("The notary did not sign the note.")


def _signed(note: Checkpoint, keys: Keys) -> bool:
    try:
        check_signatures(note, [key.named(note.origin) for key in keys])
    except NotVerified:
        return False
    return True


def _signers(vault: RunningVault, db: Session) -> _Signers:
    """Read from the notary's own files, and of witnesses those rows that the ledger tells of."""
    return _Signers(notary_generations(vault.settings), {row.id: row for row in ever_registered(vault, db)})


def _says(kept: KeptCheckpoint, signers: _Signers) -> Checkpoint | None:
    """The note itself, where it says what the row beside it says; None where somebody changed either."""
    try:
        note = parse(kept.note)
        signers.check(note, kept.witness)
    except (NotVerified, ValueError):
        return None
    said: Sequence[object] = (note.origin, note.size, note.root)
    return note if said == (kept.origin, kept.size, kept.root) else None


def _entries(begins: Mapping[str, int], signers: _Signers, kept: KeptCheckpoint) -> int | None:
    """How many entries of the whole ledger a kept note counts; None for one of no volume of it."""
    note = _says(kept, signers)
    return begins[note.origin] + note.size if note is not None and note.origin in begins else None


def _begins(vault: RunningVault, db: Session) -> dict[str, int]:
    """Where each volume begins, by its origin; nothing when the list of volumes is not the ledger's."""
    try:
        return {one.origin: one.first_index for one in volumes_in(db, vault.settings.origin)}
    except NotVerified:
        return {}
