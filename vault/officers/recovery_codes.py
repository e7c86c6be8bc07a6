"""Ten codes on paper, each good once in place of the second factor; officers know them as backup codes.

A code has 118 random bits, so a plain digest of it tells nobody anything and needs no stretching (OWASP ASVS
5.0.0 asks for 112, 6.5.2); those of an earlier version, which have 89, are still taken. That the vault made
it says the vault's own code over the row, which a new root key renews without knowing the codes.
"""

import hashlib
import re
import secrets
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from audit.entries import Fact
from crypto.encoding import enc
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.database import RecordedSession
from vault.officers import history
from vault.officers.models import Officer, RecoveryCode
from vault.running import Trust

COUNT = 10
LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
GROUPS, GROUP_LENGTH = 4, 6
EARLIER_GROUPS = 3


def new_code() -> str:
    """A code of 118 random bits in four groups of six, easy to read from paper."""
    groups = ("".join(secrets.choice(LETTERS) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))
    return "-".join(groups)


def letters_of(text: str) -> str | None:
    """The letters of a typed code without spaces and hyphens, or None when it has another form."""
    letters = re.sub(r"[\s-]", "", text).upper()
    lengths = {groups * GROUP_LENGTH for groups in (EARLIER_GROUPS, GROUPS)}
    return letters if len(letters) in lengths and set(letters) <= set(LETTERS) else None


def _digest(officer: UUID, letters: str) -> bytes:
    return hashlib.sha256(enc("vault/backup-code/v1", officer, letters)).digest()


def _statement(row: RecoveryCode) -> bytes:
    """What the vault vouches for: whose code it is, of which ten, and for which of the officer's keys."""
    made = round(row.made_at.timestamp() * 1000)
    return enc("vault/backup-code-row/v1", row.id, row.officer, row.key_version, row.batch, row.digest, made)


def is_vouched(row: RecoveryCode, trust: Trust) -> bool:
    """Whether the vault itself kept this code as it is now."""
    return trust.voucher.confirms(_statement(row), row.code)


def renew_row_code(row: RecoveryCode, trust: Trust) -> bool:
    """Give the row the vault's word by the newest vouching key, if it had it; return whether it changed."""
    code = trust.voucher.renewed(_statement(row), row.code)
    row.code = code or row.code
    return code is not None


def _rows(db: Session, officer: UUID) -> list[RecoveryCode]:
    return list(db.scalars(select(RecoveryCode).where(RecoveryCode.officer == officer)))


def drop(db: RecordedSession, officer: UUID) -> int:
    """End every code of an officer; return how many were still good. The caller records it."""
    rows = _rows(db, officer)
    for row in rows:
        db.delete(row)
    db.flush()
    return sum(row.used_at is None for row in rows)


def make(db: RecordedSession, who: Actor, trust: Trust, now: datetime) -> list[str]:
    """Give the officer ten new codes, shown once; those of before end."""
    ended, batch, codes = drop(db, who.officer), uuid4(), [new_code() for _ in range(COUNT)]
    for code in codes:
        row = RecoveryCode(
            id=uuid4(),
            officer=who.officer,
            key_version=who.key_version,
            batch=batch,
            digest=_digest(who.officer, letters_of(code) or ""),
            made_at=now,
        )
        row.code = trust.voucher.vouch(_statement(row))
        db.add(row)
    facts: dict[str, Fact] = {"batch": batch, "codes": COUNT, "ended": ended}
    record(
        db,
        Event.RECOVERY_CODES_MADE,
        who=who,
        now=now,
        subjects=[f"officer:{who.officer}"],
        facts=facts,
    )
    return codes


def left(db: Session, officer: UUID) -> int:
    """How many codes of the officer are still good."""
    good = (RecoveryCode.officer == officer) & RecoveryCode.used_at.is_(None)
    return db.scalar(select(func.count()).select_from(RecoveryCode).where(good)) or 0


def use(db: RecordedSession, trust: Trust, officer: Officer, letters: str, now: datetime) -> UUID | None:
    """Use up a code; its id, or None for one that is wrong, used, ended, or was put there past the vault."""
    query = select(RecoveryCode).where(
        RecoveryCode.officer == officer.id, RecoveryCode.digest == _digest(officer.id, letters)
    )
    row = db.scalars(query.with_for_update()).first()
    if row is None or row.used_at is not None or row.key_version != officer.key_version:
        return None
    if not is_vouched(row, trust) or history.is_spent(db, trust, officer.id, row.batch, row.id):
        return None
    row.used_at = now
    db.flush()
    return row.id
