"""Ending sessions that are somebody else's; nothing of a record is touched."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select

from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.database import RecordedSession
from vault.errors import NotKnown
from vault.officers import sessions
from vault.officers.models import Officer, OfficerState, SignedInSession


def live_sessions(db: RecordedSession) -> list[tuple[SignedInSession, Officer]]:
    """Every signed-in browser with its officer, the one that was used last first."""
    rows = db.execute(
        select(SignedInSession, Officer)
        .join(Officer, Officer.id == SignedInSession.officer)
        .where(SignedInSession.stage == "live")
        .order_by(SignedInSession.seen_at.desc(), SignedInSession.id)
    )
    return [(session, officer) for session, officer in rows]


def locked_officers(db: RecordedSession) -> list[Officer]:
    """Accounts that are locked after failures, the one locked last first; then those that nobody used."""
    query = select(Officer).where(or_(Officer.locked_at.is_not(None), Officer.unused_at.is_not(None)))
    first = (Officer.locked_at.is_(None), Officer.locked_at.desc(), Officer.unused_at.desc(), Officer.id)
    return list(db.scalars(query.where(Officer.state != OfficerState.REVOKED).order_by(*first)))


def end_session(db: RecordedSession, who: Actor, session: UUID, now: datetime) -> None:
    """End one browser's session, whosever it is. Raises NotKnown when it has ended already."""
    row = db.get(SignedInSession, session)
    if row is None or row.stage != "live":
        raise NotKnown
    officer = row.officer
    sessions.end(db, row)
    record(
        db, Event.OFFICER_SIGNED_OUT, who=who, now=now, subjects=[f"officer:{officer}"], facts={"ended": 1}
    )


def end_sessions_of(db: RecordedSession, who: Actor, officer: UUID, now: datetime) -> int:
    """End every session of an officer, begun ones too; return how many. Raises NotKnown for nobody."""
    if db.get(Officer, officer) is None:
        raise NotKnown
    ended = sessions.end_all(db, officer, None)
    record(
        db,
        Event.OFFICER_SIGNED_OUT,
        who=who,
        now=now,
        subjects=[f"officer:{officer}"],
        facts={"ended": ended},
    )
    return ended
