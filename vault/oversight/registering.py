"""Outside witnesses that auditors registered: the key each cosigns with, and the token each asks with.

A row alone is not believed: the newest entry about it must be the vault's own and tell exactly this row, so
that nobody who only writes to the database makes a witness, or brings one back that was ended.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.entries import Fact
from audit.errors import NotVerified
from audit.finding import Filters
from audit.ledger import Woven
from audit.notes import COSIGNATURE, VerifierKey
from vault.access.actor import Actor
from vault.access.events import Event, is_vouched, record
from vault.database import RecordedSession, row_digest, row_name
from vault.errors import NotKnown, RuleForbids
from vault.oversight.models import RegisteredWitness
from vault.running import RunningVault

TOKEN_BYTES = 32
MOST_WITNESSES = 12
"""Each fetch compares the token with that of every registered witness."""
MOST_TOLD = 1000


def register(
    db: RecordedSession, who: Actor, origin: str, name: str, key: str, token: str, now: datetime
) -> RegisteredWitness:
    """Believe a witness from now on, and let it fetch with this token, of which a digest is kept.

    Raises NotVerified for what is no key of a witness of this log, and RuleForbids for a key that was
    registered before or one witness too many.
    """
    read = read_key(origin, key)
    rows = db.scalars(select(RegisteredWitness)).all()
    if any(row.key == read.to_text() for row in rows):
        raise RuleForbids(
            "This key was registered before. Make a new folder for the witness, and use its new key."
        )
    if sum(row.ended_at is None for row in rows) >= MOST_WITNESSES:
        raise RuleForbids(
            f"There are {MOST_WITNESSES} witnesses already. End one that is no longer needed first."
        )
    witness = RegisteredWitness(
        id=uuid4(),
        name=name,
        key=read.to_text(),
        token_digest=digest_of(token),
        registered_by=who.officer,
        registered_at=now,
    )
    db.add(witness)
    facts: dict[str, Fact] = {"key-id": read.identifier.hex()}
    subjects = [witness.subject_name]
    record(db, Event.WITNESS_REGISTERED, who=who, now=now, subjects=subjects, facts=facts)
    return witness


def read_key(origin: str, text: str) -> VerifierKey:
    """The key of a witness of this log, as `witness.vkey` holds it; raises NotVerified for any other."""
    key = VerifierKey.from_text(text)
    if key.kind != COSIGNATURE:
        raise NotVerified(
            "This is a key of the notary, not of a witness. Copy the line in the file witness.vkey."
        )
    if key.name != f"{origin}/witness":
        raise NotVerified(f"This witness is one of another log. Start it with --origin {origin}.")
    return key


def standing(db: Session, ident: UUID) -> RegisteredWitness:
    """A witness whose registration was not ended; raises NotKnown and RuleForbids."""
    witness = db.get(RegisteredWitness, ident)
    if witness is None:
        raise NotKnown
    if witness.ended_at is not None:
        raise RuleForbids("The registration of this witness was ended already.")
    return witness


def end(db: RecordedSession, who: Actor, ident: UUID, now: datetime) -> RegisteredWitness:
    """Believe a witness no longer, and its token neither. Raises NotKnown; RuleForbids for an ended one."""
    witness = standing(db, ident)
    witness.ended_by, witness.ended_at = who.officer, now
    record(db, Event.WITNESS_ENDED, who=who, now=now, subjects=[witness.subject_name])
    return witness


def digest_of(token: str) -> bytes:
    """What is kept of a token; nobody guesses 256 bits, so it needs no salt and no cost."""
    return sha256(b"vault/witness-token/v1" + token.encode()).digest()


def registered(vault: RunningVault, db: Session) -> list[RegisteredWitness]:
    """The witnesses that are believed now, the earliest first."""
    query = select(RegisteredWitness).where(RegisteredWitness.ended_at.is_(None))
    rows = db.scalars(query.order_by(RegisteredWitness.registered_at, RegisteredWitness.id)).all()
    return [row for row in rows if _is_told(vault, db, row)]


def ever_registered(vault: RunningVault, db: Session) -> list[RegisteredWitness]:
    """The witnesses that were ever believed, ended or not: those whose rows are as the ledger tells."""
    return [row for row in db.scalars(select(RegisteredWitness)) if _is_told(vault, db, row)]


def bearer_of(vault: RunningVault, db: Session, token: str) -> RegisteredWitness | None:
    """The registered witness that this token was given to; each is compared, in the same time."""
    digest = digest_of(token)
    rows = db.scalars(select(RegisteredWitness).where(RegisteredWitness.ended_at.is_(None))).all()
    matching = [row for row in rows if compare_digest(row.token_digest, digest)]
    return next((row for row in matching if _is_told(vault, db, row)), None)


def taken_away(vault: RunningVault, db: Session) -> set[str]:
    """Witnesses that the ledger tells of as registered, and that no row shows as they were: by subject."""
    standing = _told_by_vault(vault, db, Event.WITNESS_REGISTERED)
    standing -= _told_by_vault(vault, db, Event.WITNESS_ENDED)
    return standing - {row.subject_name for row in registered(vault, db)}


def _told_by_vault(vault: RunningVault, db: Session, event: Event) -> set[str]:
    """Of which witnesses the vault's own entries tell this."""
    found = vault.ledger.find(db, Filters(event=str(event)), before_index=None, limit=MOST_TOLD)
    vouched = [one.entry for one in found if is_vouched(one.entry, one.index, vault.confirms)]
    return {subject for entry in vouched for subject in entry.subjects}


def _is_told(vault: RunningVault, db: Session, witness: RegisteredWitness) -> bool:
    newest = max(_told_of(vault, db, witness), key=lambda woven: woven.index, default=None)
    if newest is None or newest.entry.rows.get(row_name(witness)) != row_digest(witness):
        return False
    return is_vouched(newest.entry, newest.index, vault.confirms)


def _told_of(vault: RunningVault, db: Session, witness: RegisteredWitness) -> Iterable[Woven]:
    for event in (Event.WITNESS_REGISTERED, Event.WITNESS_ENDED):
        about = Filters(event=str(event), subject=witness.subject_name)
        yield from vault.ledger.find(db, about, before_index=None, limit=1)
