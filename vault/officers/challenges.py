"""What a passkey is asked to sign: kept in the database, so that any worker on any machine can take it."""

import os
from datetime import datetime, timedelta
from hmac import compare_digest
from uuid import UUID, uuid4

from sqlalchemy import CursorResult, delete, or_, select
from sqlalchemy.orm import Session

from crypto.encoding import enc
from crypto.root import RootKey
from vault.officers.models import PasskeyChallenge, Purpose
from vault.running import RunningVault

LENGTH = 32
MINUTES = 5


def _code(root: RootKey, row: PasskeyChallenge) -> bytes:
    ends = int(row.ends_at.timestamp())
    return root.mac(enc("vault/passkey-challenge/v1", row.session, str(row.purpose), row.challenge, ends))


def ask(vault: RunningVault, session: UUID, purpose: Purpose, now: datetime) -> bytes:
    """Make 32 random bytes to be signed in this session within five minutes.

    They replace what the session was asked before for the same purpose; whatever ran out goes with it.
    """
    with vault.writing_always() as db:
        same = (PasskeyChallenge.session == session) & (PasskeyChallenge.purpose == purpose)
        over = or_(same, PasskeyChallenge.ends_at <= now)
        db.execute(delete(PasskeyChallenge).where(over).execution_options(synchronize_session=False))
        row = PasskeyChallenge(
            id=uuid4(),
            session=session,
            purpose=purpose,
            challenge=os.urandom(LENGTH),
            ends_at=now + timedelta(minutes=MINUTES),
        )
        row.code = _code(vault.root, row)
        db.add(row)
        return row.challenge


def take(vault: RunningVault, session: UUID, purpose: Purpose, answered: bytes, now: datetime) -> bool:
    """Use up what was answered; whether it was asked in this session, for this, within the time, only once.

    It is gone whatever becomes of the answer, because a failed act is rolled back and this is not.
    """
    with vault.writing_always() as db:
        row = _find(db, session, purpose, answered)
        if row is None:
            return False
        gone: CursorResult[tuple[()]] = db.execute(  # type: ignore[assignment]
            delete(PasskeyChallenge)
            .where(PasskeyChallenge.id == row.id)
            .execution_options(synchronize_session=False)
        )
        return gone.rowcount == 1 and now < row.ends_at and compare_digest(row.code, _code(vault.root, row))


def _find(db: Session, session: UUID, purpose: Purpose, answered: bytes) -> PasskeyChallenge | None:
    of_session = select(PasskeyChallenge).where(
        PasskeyChallenge.session == session, PasskeyChallenge.purpose == purpose
    )
    rows = db.scalars(of_session).all()
    return next((row for row in rows if compare_digest(row.challenge, answered)), None)
