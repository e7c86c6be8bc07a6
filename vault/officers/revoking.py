"""An officer's access ends in one act: whoever may be a danger is out at once, with everything they held."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from audit.entries import Fact
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.models import Assignment, Delegation, SealRow
from vault.access.policy import Role
from vault.database import Base, RecordedSession
from vault.errors import NotSignedIn, RuleForbids
from vault.officers import recovery_codes, returning, second_factors
from vault.officers.models import DuressWrap, Officer, OfficerState, Passkey, SignedInSession
from vault.vocabulary import Labelled


class Ground(Labelled):
    """Why an officer's access ends; what else there is to say goes to the auditors, sealed."""

    DANGER = "danger", "They may be a danger to somebody"
    STOLEN = "stolen", "Somebody else may have their password, device or keys"
    ORDERED = "ordered", "A court or the office ordered it"
    LEFT = "left", "They have left the programme"
    NO_NEED = "no-need", "Their work needs the vault no more"


NEEDED = {
    Role.COORDINATOR: "certify officers, name them on cases or renew keys",
    Role.ADMINISTRATOR: "add officers, release accounts or run the vault",
}
"""Roles of which one officer must always be left, and what nobody could do without one."""


@dataclass(frozen=True)
class Reach:
    """How much an officer has that ends with their access."""

    sessions: int
    places: int  # sealed to them alone, because they are named
    role_keys: int
    namings: int
    delegations: int
    passkeys: int
    has_app: bool
    backup_codes: int


def reach(db: Session, officer: Officer) -> Reach:
    """What would end now; counted, nothing is opened."""
    seals = SealRow.holder == officer.id
    live = or_(Delegation.officer == officer.id, Delegation.delegate == officer.id)
    return Reach(
        sessions=_count(db, SignedInSession, SignedInSession.officer == officer.id),
        places=_count(db, SealRow, seals, SealRow.key_kind == "lockbox"),
        role_keys=_count(db, SealRow, seals, SealRow.key_kind == "circle"),
        namings=_count(db, Assignment, Assignment.officer == officer.id, Assignment.ended_at.is_(None)),
        delegations=_count(db, Delegation, live, Delegation.ended_at.is_(None)),
        passkeys=_count(db, Passkey, Passkey.officer == officer.id),
        has_app=second_factors.has_app(db, officer.id),
        backup_codes=recovery_codes.left(db, officer.id),
    )


def _count(db: Session, rows: type[Base], *where: ColumnElement[bool]) -> int:
    return db.scalar(select(func.count()).select_from(rows).where(*where)) or 0


def _hold(db: Session, officer: Officer, who: Actor) -> None:
    """Hold still whoever this act rests on, so that of two officers who end each other only one succeeds."""
    rows = select(Officer).where(or_(Officer.role == officer.role, Officer.id == who.officer))
    db.scalars(rows.order_by(Officer.id).with_for_update().execution_options(populate_existing=True)).all()


def check_may_end(db: Session, who: Actor, officer: Officer) -> None:
    """Raise RuleForbids for one's own access, for one that has ended, and for the last of a needed role."""
    if officer.id == who.officer:
        raise RuleForbids("You cannot end your own access. Ask another administrator or a coordinator.")
    if officer.state is OfficerState.REVOKED:
        raise RuleForbids("This officer's access has ended already.")
    if officer.role not in NEEDED or officer.state is not OfficerState.ACTIVE:
        return
    others = select(Officer.id).where(
        Officer.role == officer.role, Officer.state == OfficerState.ACTIVE, Officer.id != officer.id
    )
    if db.scalars(others.limit(1)).first() is None:
        raise RuleForbids(
            f"{officer.full_name} is the only {officer.role.label.lower()}, and without one nobody could "
            f"{NEEDED[officer.role]}. Add another, have them certified, and then end this access."
        )


def revoke(
    db: RecordedSession, who: Actor, officer: Officer, ground: Ground, words: str, now: datetime
) -> None:
    """End an officer's access: sessions, seals, namings, factors, password and recovery code, all at once.

    What they could open is marked for new keys. `words` are sealed to the auditors; none are needed. Raises
    RuleForbids, and NotSignedIn where the access of who does it has just ended.
    """
    _hold(db, officer, who)
    if db.get_one(Officer, who.officer).state is OfficerState.REVOKED:
        raise NotSignedIn("Your own access has ended.")
    check_may_end(db, who, officer)
    had = reach(db, officer)
    officer.state = OfficerState.REVOKED
    officer.wrap_salt = officer.wrap_cost = officer.wrap_blob = None
    officer.recovery_salt = officer.recovery_cost = officer.recovery_blob = None
    officer.enrolment_hash = officer.enrolment_ends_at = None
    returning.take_keys(db, officer, now)
    returning.end_namings(db, officer, now)
    second_factors.drop(db, officer.id)
    if (lock := db.get(DuressWrap, officer.id)) is not None:
        db.delete(lock)
    facts: dict[str, Fact] = {"ground": ground, "role": officer.role, "sessions-ended": had.sessions}
    facts |= {"sealed-places-taken": had.places, "role-keys-taken": had.role_keys}
    facts |= {"namings-ended": had.namings}
    subjects, details = [f"officer:{officer.id}"], {"reasons": words} if words else None
    record(db, Event.OFFICER_REVOKED, who=who, now=now, subjects=subjects, facts=facts, details=details)
