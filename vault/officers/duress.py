"""The password for duress: a second one, which opens an empty house and silently raises the alarm.

Whether an officer has set one is told nowhere: not by the database, not with the root key, not by the ledger.
"""

import secrets
import unicodedata
from datetime import datetime
from uuid import UUID

import pyotp
from sqlalchemy.orm import Session

from crypto.errors import Refused
from crypto.identity import Decoy, Identity, keep_secret, recall_secret, wrap_decoy, wrap_of_nothing
from crypto.root import RootKey
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.database import RecordedSession
from vault.errors import RuleForbids
from vault.officers.models import DuressWrap, Officer, SecondFactor
from vault.officers.rewrapping import TOTP_UNDER_DURESS

SAME = "It must differ from your password. Choose a few unrelated words of their own."


def ensure(db: Session, root: RootKey, officer: Officer) -> None:
    """Give an officer who has none a lock with nothing behind it, so that those who set one do not stand out.

    One for earlier keys of theirs is replaced.
    """
    row = db.get(DuressWrap, officer.id)
    if row is None or row.key_version != officer.key_version:
        clear(db, root, officer)


def clear(db: Session, root: RootKey, officer: Officer) -> None:
    """Put nothing behind the lock: a new password of the officer's own brings a new salt, which it needs."""
    _keep(
        db,
        officer,
        wrap_of_nothing(officer.id, officer.key_version, root),
        _totp(Decoy.generate(), pyotp.random_base32(), officer.id, root),
    )


def save(
    db: RecordedSession, root: RootKey, who: Actor, own: str, password: str | None, now: datetime
) -> None:
    """Set the officer's password for duress, or with None take away what they may have set.

    `own` is their password, which the caller has checked, as it has checked how strong the new one is. The
    work and the entry are the same for both, so that neither clock nor ledger tells who has one. Raises
    RuleForbids for a password that is the same.
    """
    if password is not None and _typed(password) == _typed(own):
        raise RuleForbids(SAME)
    officer = db.get_one(Officer, who.officer)
    decoy, wrap = Decoy.generate(), officer.wrap
    if wrap is None:
        raise RuntimeError("an officer who is signed in has a password")
    chosen = password if password is not None else secrets.token_urlsafe(32)
    blob = wrap_decoy(decoy, chosen, wrap, officer.id, officer.key_version, root)
    _keep(db, officer, blob, _totp(decoy, _secret_of_app(db, who, root), officer.id, root))
    record(db, Event.DURESS_PAGE_SAVED, who=who, now=now, subjects=[f"officer:{officer.id}"])


def _typed(password: str) -> str:
    """As every keyboard writes it."""
    return unicodedata.normalize("NFC", password)


def _keep(db: Session, officer: Officer, blob: bytes, totp: bytes) -> None:
    row = db.get(DuressWrap, officer.id)
    if row is None:
        db.add(DuressWrap(id=officer.id, key_version=officer.key_version, blob=blob, totp=totp))
    else:
        row.key_version, row.blob, row.totp = officer.key_version, blob, totp
    db.flush()


def _totp(decoy: Decoy, secret: str, officer: UUID, root: RootKey) -> bytes:
    return keep_secret(decoy, TOTP_UNDER_DURESS, secret.encode(), officer, root)


def _secret_of_app(db: Session, who: Actor, root: RootKey) -> str:
    """The secret of the officer's app, and one that nothing shows where there is no app."""
    factor = db.get(SecondFactor, who.officer)
    if factor is None:
        return pyotp.random_base32()
    try:
        return recall_secret(who.identity, "totp", factor.secret, who.officer, root).decode()
    except Refused:  # A decoy's keys do not open it; what is done under duress is not kept anyway.
        return pyotp.random_base32()


def secret_of_app(db: Session, root: RootKey, officer: UUID, identity: Identity, factor: SecondFactor) -> str:
    """The secret of the officer's app, opened by their own keys or by their decoy's. Raises Refused.

    Both places are asked for each time, so that neither takes longer.
    """
    row = db.get(DuressWrap, officer)
    if isinstance(identity, Decoy):
        if row is None:
            raise Refused("Nothing was kept for this decoy.")
        return recall_secret(identity, TOTP_UNDER_DURESS, row.totp, officer, root).decode()
    return recall_secret(identity, "totp", factor.secret, officer, root).decode()
