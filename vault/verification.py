"""Whether the records, the seals and the ledger are still what the officers' acts made them.

Whoever writes to the database past the vault can delete and spoil, but not unseen: each row has the digest
that the newest entry about it told, each seal its maker's signature, and the ledger a root that the notary
signed. Nothing here opens anything.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import String, cast, func, select
from sqlalchemy.exc import SQLAlchemyError

import housing.models
from audit import tables
from audit.entries import Entry
from audit.errors import Damaged, LedgerError, LedgerUnavailable, NotVerified
from audit.examination import examine
from audit.notes import parse
from crypto.errors import CryptoError
from vault import migrations
from vault.access import grants
from vault.access.comparing import FaultKind, SealFault, audit_seals, forged_seals
from vault.access.events import is_vouched
from vault.access.models import EmergencyGrant
from vault.access.pieces import digest_of
from vault.database import DELETED, Base, RecordedSession, row_digest, row_name
from vault.notarising import check_published, counted
from vault.officers import passkeys, recovery_codes
from vault.officers.models import Passkey, RecoveryCode
from vault.papers.models import Paper, PaperPiece
from vault.running import RunningVault

ROWS_AT_ONCE = 400
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Verification:
    """How much was compared, and one line for each thing that is not as it was left."""

    entries: int
    rows: int
    findings: tuple[str, ...]


def recorded_models() -> list[Any]:
    """Every kind of row whose changes are entries, by the name of its table."""
    migrations.metadatas()  # Imports every model.
    models = [mapper.class_ for base in (Base, housing.models.Base) for mapper in base.registry.mappers]
    recorded = [model for model in models if not getattr(model, "unrecorded", False)]
    return sorted(recorded, key=lambda model: str(model.__table__.name))


def work(vault: RunningVault) -> int:
    """How many entries and rows there are to compare, for a progress bar."""
    with vault.reading() as db:
        counts = [select(func.count()).select_from(model.__table__) for model in recorded_models()]
        return vault.ledger.head(db).size + sum(db.scalars(count).one() for count in counts)


def verify(vault: RunningVault, progress: Progress) -> Verification:
    """Compare every recorded row, every seal and every entry, as they stand at one moment."""
    findings = []
    try:
        vault.ledger.settle([], vault.settings.record_timeout_seconds)
    except LedgerUnavailable as error:
        findings.append(f"Ledger: entries wait that cannot be put into it. {error}")
    with vault.reading() as db:
        size = vault.ledger.head(db).size
        findings += _ledger(db, vault, progress)
        rows = _Rows(db)
        findings += rows.compare(vault, progress)
        findings += _seals(db, vault)
        findings += _papers(db)
        findings += _second_factors(db, vault)
        findings += _emergencies(db, vault)
    return Verification(size, rows.seen, tuple(findings))


def _ledger(db: RecordedSession, vault: RunningVault, progress: Progress) -> Iterator[str]:
    try:
        found = examine(db.connection(), progress)
    except Damaged as error:
        yield f"Ledger: {error}"
        return
    for index in found.details_gone:
        yield f"Ledger: Entry {index:,}: its details are gone, and no entry tells why."
    entries = select(tables.entries.c.index, tables.entries.c.leaf).order_by(tables.entries.c.index)
    for index, leaf in db.execute(entries.execution_options(yield_per=ROWS_AT_ONCE)):
        if not is_vouched(Entry.from_canonical(leaf), index, vault.confirms):
            yield f"Ledger: Entry {index:,}: somebody else than the vault wrote it."
    for leaf in db.scalars(select(tables.pending.c.leaf)):
        if not is_vouched(Entry.from_canonical(leaf), found.size, vault.confirms):
            yield "Ledger: an entry that waits was written by somebody else than the vault."
    yield from _signed(db, vault, found.size)


def _signed(db: RecordedSession, vault: RunningVault, size: int) -> Iterator[str]:
    """Compare the ledger with what the notary signed last, which lies outside the database."""
    settings = vault.settings
    try:
        if not settings.checkpoint.exists():
            return  # No notary has run here yet.
        checkpoint = parse(settings.checkpoint.read_text())
        check_published(settings, checkpoint)
    except (LedgerError, OSError, ValueError):
        yield "Ledger: the published checkpoint cannot be read, or the notary did not sign it."
        return
    try:
        signed = counted(db, settings, checkpoint)
    except NotVerified:
        yield f"Ledger: the notary signed {checkpoint.origin}, a volume that is not there."
        return
    root = vault.ledger.roots_at(db, [signed]).get(signed)
    if signed > size:
        yield f"Ledger: the notary signed {signed:,} entries, and only {size:,} are there."
    elif signed and root != checkpoint.root:
        yield "Ledger: it is not a continuation of the one that the notary signed."


def _seals(db: RecordedSession, vault: RunningVault) -> Iterator[str]:
    try:
        missing, surplus = audit_seals(db)
        forged = forged_seals(db, vault.trust)
    # What was written into a row past the vault must not end the comparing of everything else.
    except (ValueError, LookupError, TypeError, SQLAlchemyError):
        yield "Seals: some rows of keys or lockboxes cannot be read, so the seals were not compared."
        return
    for words, faults in (
        ("Seal missing", missing),
        ("Seal that its holder should not have", surplus),
        ("Seal that no officer of ours signed", forged),
    ):
        for fault in faults:
            yield _in_words(fault, words)


def _in_words(fault: SealFault, words: str) -> str:
    place = f"{fault.compartment} of {fault.subject}" if fault.compartment else fault.subject
    if fault.kind is FaultKind.SHRED_PART:
        if words == "Seal missing":
            return f"Half of a key is gone, so nothing opens it: {place}"
        return f"Half of a key is there that belongs to nothing: {place}."
    if fault.kind is FaultKind.OLD_KEY:
        words = "Seal of an earlier time, which should be gone"
    if fault.kind is FaultKind.CIRCLE:
        place = f"the key that the role {fault.compartment} shares"
    return f"{words}: {place}, {fault.holder_kind} {fault.holder}."


def _papers(db: RecordedSession) -> Iterator[str]:
    """Compare the pieces of each paper with the digest in its row; opens nothing."""
    live = select(Paper.id, Paper.case, Paper.pieces, Paper.digest).where(Paper.removed_at.is_(None))
    try:
        for paper, case, count, digest in db.execute(live.order_by(Paper.id)).all():
            kept = db.scalar(select(func.count()).where(PaperPiece.paper == paper))
            if kept != count or digest_of(partial(_piece, db, paper), count) != digest:
                yield f"Paper {paper} of case:{case}: its pieces are not those that were kept."
    # What was written into a row past the vault must not end the comparing.
    except (ValueError, LookupError, TypeError, SQLAlchemyError):
        yield "Papers: some of their rows cannot be read, so their pieces were not compared."


def _piece(db: RecordedSession, paper: UUID, number: int) -> bytes:
    found = select(PaperPiece.content).where(PaperPiece.paper == paper, PaperPiece.number == number)
    return db.scalars(found).first() or b""


def _second_factors(db: RecordedSession, vault: RunningVault) -> Iterator[str]:
    """Name the passkeys and backup codes that the vault itself did not keep."""
    try:
        for passkey in db.scalars(select(Passkey).order_by(Passkey.id)):
            if not passkeys.is_vouched(passkey, vault.trust):
                yield f"Passkey {passkey.id} of officer {passkey.officer}: the vault did not keep it."
        for code in db.scalars(select(RecoveryCode).order_by(RecoveryCode.id)):
            if not recovery_codes.is_vouched(code, vault.trust):
                yield f"Backup code {code.id} of officer {code.officer}: the vault did not keep it."
    # What was written into a row past the vault must not end the comparing.
    except (ValueError, LookupError, TypeError, SQLAlchemyError):
        yield "Second factors: some of their rows cannot be read, so they were not compared."


def _emergencies(db: RecordedSession, vault: RunningVault) -> Iterator[str]:
    """Name the emergency grants that the vault itself did not keep."""
    try:
        for grant in db.scalars(select(EmergencyGrant).order_by(EmergencyGrant.id)):
            if not grants.is_vouched(grant, vault.trust):
                yield f"Emergency grant {grant.id} to officer {grant.officer}: the vault did not keep it."
    # What was written into a row past the vault must not end the comparing of everything else.
    except (ValueError, LookupError, TypeError, SQLAlchemyError, CryptoError):
        yield "Emergency grants: some of their rows cannot be read, so they were not compared."


class _Rows:
    """The rows as they are now beside what the newest entry about each of them told."""

    def __init__(self, db: RecordedSession) -> None:
        self._db = db
        self._told: dict[str, tuple[str, str]] = {}
        self.seen = 0

    def compare(self, vault: RunningVault, progress: Progress) -> Iterator[str]:
        """One line for each row that was altered, rolled back, planted or removed."""
        try:
            self._listen(vault)
        except LedgerError as error:
            yield f"The rows cannot be compared with the ledger. {error}"
            return
        models = recorded_models()
        for model in models:
            yield from self._compare_table(model, progress)
        names = {str(model.__table__.name) for model in models}
        for name, (digest, entry) in sorted(self._told.items()):
            if digest != DELETED and name.partition("/")[0] in names:
                yield f"Row {name}: it is gone, and {entry} tells that it was kept."

    def _listen(self, vault: RunningVault) -> None:
        for name, digest, index in vault.ledger.latest_row_digests(self._db):
            self._told[name] = (digest, f"entry {index:,}")
        waiting = self._db.execute(select(tables.pending.c.leaf).order_by(tables.pending.c.number))
        for leaf in waiting.scalars():
            told = Entry.from_canonical(leaf).rows.items()
            self._told |= {name: (digest, "an entry that waits") for name, digest in told}

    def _compare_table(self, model: Any, progress: Progress) -> Iterator[str]:
        table = model.__table__
        # As text, because a thief may have written an id that is none.
        texts = self._db.scalars(select(cast(table.c.id, String)).order_by(table.c.id)).all()
        for start in range(0, len(texts), ROWS_AT_ONCE):
            chunk = texts[start : start + ROWS_AT_ONCE]
            yield from self._compare_rows(model, chunk)
            self.seen += len(chunk)
            progress(len(chunk))

    def _compare_rows(self, model: Any, texts: Sequence[str]) -> Iterator[str]:
        try:
            ids = [UUID(text) for text in texts]
            digests = {row_name(row): row_digest(row) for row in self._rows(model, ids)}
        # Whatever was written into a row must not keep the others from being compared.
        except (ValueError, LookupError, TypeError, SQLAlchemyError):
            if len(texts) == 1:
                self._told.pop(f"{model.__table__.name}/{texts[0]}", None)
                yield f"Row {model.__table__.name}/{texts[0][:40]}: it cannot be read."
                return
            for text in texts:
                yield from self._compare_rows(model, [text])
            return
        for name, digest in digests.items():
            told, entry = self._told.pop(name, ("", ""))
            if not told:
                yield f"Row {name}: no entry tells of it; it was put there past the vault."
            elif told == DELETED:
                yield f"Row {name}: {entry} tells that it was removed, and it is there again."
            elif told != digest:
                yield f"Row {name}: it is not as {entry} left it."

    def _rows(self, model: Any, ids: Sequence[UUID]) -> list[Any]:
        self._db.expunge_all()
        return list(self._db.scalars(select(model).where(model.id.in_(ids))))
