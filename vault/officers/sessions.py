"""Sessions on the server: a row, a cookie, and neither worth anything without the other and the root key."""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from uuid import UUID, uuid4

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from crypto.encoding import enc
from crypto.errors import Refused
from crypto.identity import Identity, unwrap_for_session, wrap_for_session
from crypto.root import RootKey
from vault.officers.models import Officer, OfficerState, SignedInSession
from vault.settings import Settings

SID_LENGTH, SECRET_LENGTH = 16, 32
PROVING_MINUTES = 5
ENROLLING_MINUTES = 30
TOUCH_SECONDS = (
    30  # A request writes its time only when the last note is older, so that most looks only read.
)


@dataclass(frozen=True)
class Found:
    """A session that is alive, whose it is, and their unlocked identity."""

    row: SignedInSession
    officer: Officer
    identity: Identity


def cookie_name(settings: Settings) -> str:
    """`__Host-vault`: bound to this host, this path and TLS."""
    return "__Host-vault" if settings.tls else "vault"


def _bound(sid: bytes, stage: str, ends_at: datetime) -> bytes:
    """The session's name with what it may be used for: a stage or an end altered in the row opens no seed."""
    return enc("vault/session-row/v1", sid, stage, int(ends_at.timestamp()))


def forget_ended(db: Session, settings: Settings, now: datetime) -> None:
    """Delete the rows of sessions that are over, so that a cookie found later has nothing to open."""
    idle = now - timedelta(minutes=settings.idle_minutes)
    db.execute(
        delete(SignedInSession)
        .where(or_(SignedInSession.ends_at <= now, SignedInSession.seen_at < idle))
        .execution_options(synchronize_session=False)
    )


def start(
    db: Session,
    root: RootKey,
    settings: Settings,
    officer: Officer,
    identity: Identity,
    stage: str,
    device: str,
    now: datetime,
) -> tuple[SignedInSession, str]:
    """Begin a session and return its row and the cookie's value, which is kept nowhere else.

    Rows of sessions that are over, whosever they are, go with it.
    """
    forget_ended(db, settings, now)
    sid, secret = os.urandom(SID_LENGTH), os.urandom(SECRET_LENGTH)
    length = {
        "live": timedelta(hours=settings.session_hours),
        "password": timedelta(minutes=PROVING_MINUTES),
        "enrolment": timedelta(minutes=ENROLLING_MINUTES),
    }[stage]
    ends_at = now + length
    bound = _bound(sid, stage, ends_at)
    row = SignedInSession(
        id=uuid4(),
        sid_hash=hashlib.sha256(sid).digest(),
        officer=officer.id,
        stage=stage,
        auth_epoch=officer.auth_epoch,
        seed=wrap_for_session(identity.seed, secret, bound, officer.id, officer.auth_epoch, root),
        device=device,
        started_at=now,
        seen_at=now,
        ends_at=ends_at,
    )
    db.add(row)
    db.flush()
    return row, base64.urlsafe_b64encode(sid + secret).decode().rstrip("=")


def find(db: Session, root: RootKey, settings: Settings, cookie: str, now: datetime) -> Found | None:
    """The living session of a cookie, or None for a forged, ended, idle or revoked one."""
    try:
        raw = base64.b64decode(cookie + "=" * (-len(cookie) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != SID_LENGTH + SECRET_LENGTH:
        return None
    sid, secret = raw[:SID_LENGTH], raw[SID_LENGTH:]
    pair = db.execute(
        select(SignedInSession, Officer)
        .join(Officer, Officer.id == SignedInSession.officer)
        .where(SignedInSession.sid_hash == hashlib.sha256(sid).digest())
    ).first()
    if pair is None:
        return None
    row, officer = pair
    idle = now - row.seen_at > timedelta(minutes=settings.idle_minutes)
    if idle or now >= row.ends_at or row.auth_epoch != officer.auth_epoch:
        return None
    if officer.state is OfficerState.REVOKED:
        return None
    try:
        bound = _bound(sid, row.stage, row.ends_at)
        identity = unwrap_for_session(row.seed, secret, bound, officer.id, row.auth_epoch, root)
    except Refused:
        return None
    return Found(row, officer, identity)


def _step_up_code(row: SignedInSession, root: RootKey, at: datetime) -> bytes:
    return root.mac(enc("vault/step-up/v1", row.sid_hash, round(at.timestamp() * 1000)))


def note_step_up(row: SignedInSession, root: RootKey, now: datetime) -> None:
    """Keep when the second factor was given again, so that only the vault itself can have written it."""
    row.stepped_up_at, row.step_up_code = now, _step_up_code(row, root, now)


def proved_at(row: SignedInSession, root: RootKey) -> datetime | None:
    """When the second factor was last given again, or None for a time that the vault did not write."""
    at, code = row.stepped_up_at, row.step_up_code
    if at is None or code is None or not compare_digest(code, _step_up_code(row, root, at)):
        return None
    return at


def short_hash(row: SignedInSession) -> str:
    """How ledger entries name a session: the first 8 hex digits of its hash."""
    return row.sid_hash.hex()[:8]


def end(db: Session, row: SignedInSession) -> None:
    """Forget a session; its cookie opens nothing from this moment."""
    db.delete(row)
    db.flush()


def end_all(db: Session, officer: UUID, but: UUID | None) -> int:
    """End an officer's sessions, except one; return how many ended."""
    rows = db.scalars(select(SignedInSession).where(SignedInSession.officer == officer)).all()
    ended = [row for row in rows if row.id != but]
    for row in ended:
        db.delete(row)
    db.flush()
    return len(ended)


def keep_within_limit(db: Session, officer: UUID, limit: int, newest: UUID) -> int:
    """End the oldest live sessions beyond the limit and every unfinished sign-in; return how many ended."""
    rows = db.scalars(
        select(SignedInSession)
        .where(SignedInSession.officer == officer, SignedInSession.id != newest)
        .order_by(SignedInSession.started_at.desc())
    ).all()
    live = [row for row in rows if row.stage == "live"]
    ended = [row for row in rows if row.stage != "live"] + live[limit - 1 :]
    for row in ended:
        db.delete(row)
    db.flush()
    return len(live[limit - 1 :])
