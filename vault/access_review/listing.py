"""What a reviewer must know of each officer, in a constant number of questions; nothing is opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from audit import tables
from vault.access.actor import Actor
from vault.access.events import Event
from vault.access.models import Assignment, Delegation, EmergencyGrant, HolderKey
from vault.access.policy import PERMISSIONS, Hold, Permission, Role, compartments_of, hold
from vault.access_review.actions import answers, in_review, is_answered, may_answer
from vault.access_review.models import AccessReview, AccessReviewAnswer
from vault.officers.models import Officer, OfficerState, Passkey, SecondFactor, SignedInSession
from vault.templating import counted


@dataclass(frozen=True)
class Row:
    """One officer in the review, in numbers and words; `answer` is that about the role they have now."""

    officer: Officer
    named_on: str
    last_signed_in: datetime | None
    proves_by: str
    keys: str
    absences: str
    sessions: int
    answer: AccessReviewAnswer | None
    answered_by: str
    may_answer: bool


@dataclass(frozen=True)
class _Counts:
    """What the tables say of all officers, by their ids."""

    namings: Mapping[UUID, Mapping[str, int]]
    signed_in: Mapping[UUID, datetime]
    passkeys: Mapping[UUID, int]
    apps: frozenset[UUID]
    certified: frozenset[tuple[UUID, int]]
    stands_in: Mapping[UUID, int]
    is_away: frozenset[UUID]
    sessions: Mapping[UUID, int]
    emergencies: Mapping[UUID, int]


def _pairs(db: Session, query: Select[Any, Any]) -> dict[Any, Any]:
    return dict(db.execute(query).all())


def _namings(db: Session) -> dict[UUID, dict[str, int]]:
    query = (
        select(Assignment.officer, Assignment.kind, func.count())
        .where(Assignment.ended_at.is_(None))
        .group_by(Assignment.officer, Assignment.kind)
    )
    found: dict[UUID, dict[str, int]] = {}
    for officer, kind, number in db.execute(query):
        found.setdefault(officer, {})[kind] = number
    return found


def _signed_in(db: Session) -> dict[UUID, datetime]:
    """When each officer signed in last, as the ledger tells."""
    entry = tables.entries.c
    query = select(entry.officer, func.max(entry.at)).where(
        entry.event == str(Event.SIGNED_IN), entry.officer.is_not(None)
    )
    return {
        UUID(officer): datetime.fromisoformat(at) for officer, at in db.execute(query.group_by(entry.officer))
    }


def _counts(db: Session) -> _Counts:
    passkeys = (
        select(Passkey.officer, func.count())
        .join(Officer, (Officer.id == Passkey.officer) & (Officer.key_version == Passkey.key_version))
        .group_by(Passkey.officer)
    )
    keys = select(HolderKey.holder, HolderKey.version).where(
        HolderKey.kind == "officer", HolderKey.withdrawn_at.is_(None), HolderKey.certified_at.is_not(None)
    )
    running = select(Delegation).where(Delegation.begun_at.is_not(None), Delegation.ended_at.is_(None))
    delegations = db.scalars(running).all()
    stands_in: dict[UUID, int] = {}
    for delegation in delegations:
        stands_in[delegation.delegate] = stands_in.get(delegation.delegate, 0) + 1
    emergencies = select(EmergencyGrant.officer, func.count()).where(EmergencyGrant.ended_at.is_(None))
    sessions = select(SignedInSession.officer, func.count()).where(SignedInSession.stage == "live")
    return _Counts(
        namings=_namings(db),
        signed_in=_signed_in(db),
        passkeys=_pairs(db, passkeys),
        apps=frozenset(db.scalars(select(SecondFactor.id))),
        certified=frozenset((holder, version) for holder, version in db.execute(keys)),
        stands_in=stands_in,
        is_away=frozenset(delegation.officer for delegation in delegations),
        sessions=_pairs(db, sessions.group_by(SignedInSession.officer)),
        emergencies=_pairs(db, emergencies.group_by(EmergencyGrant.officer)),
    )


def _reaches(role: Role, kinds: Mapping[str, int]) -> str:
    """How much an officer reaches: counted where they are named, else as the matrix gives it to the role."""
    ways = {hold(compartment, role) for compartment in compartments_of(role)}
    if Hold.NAMED not in ways:
        return "All, by role" if Hold.ALL in ways else "Their own" if ways else "No record"
    words = {"case": ("case", None), "person": ("person", "people")}
    told = [counted(kinds[kind], *words[kind]) for kind in words if kinds.get(kind)]
    return ", ".join(told) or "Nothing"


def _proves_by(officer: Officer, counts: _Counts) -> str:
    told = ["App"] if officer.id in counts.apps else []
    if number := counts.passkeys.get(officer.id):
        told.append(counted(number, "passkey"))
    return ", ".join(told) or "Nothing yet"


def _keys(officer: Officer, counts: _Counts) -> str:
    if officer.state is not OfficerState.ACTIVE:
        return officer.state.label
    if officer.unused_at:
        return "Off, because unused"
    certified = (officer.id, officer.key_version) in counts.certified
    return "Locked after failures" if officer.locked_at else "Certified" if certified else "Not certified"


def _absences(officer: Officer, counts: _Counts) -> str:
    told = ["Away"] if officer.id in counts.is_away else []
    if number := counts.stands_in.get(officer.id):
        told.append(f"Stands in for {counted(number, 'colleague')}")
    return ", ".join(told) or "None"


def rows(db: Session, who: Actor, review: AccessReview) -> list[Row]:
    """Everybody who is reviewed, by name."""
    given, counts, everybody = answers(db, review), _counts(db), in_review(db)
    by = {answer.answered_by for answer in given.values()}
    names = _pairs(db, select(Officer.id, Officer.full_name).where(Officer.id.in_(by)))
    found = []
    for officer in everybody:
        answer = given[officer.id] if is_answered(officer, given) else None
        found.append(
            Row(
                officer=officer,
                named_on=_reaches(officer.role, counts.namings.get(officer.id, {}))
                + (", and one in an emergency" if counts.emergencies.get(officer.id) else ""),
                last_signed_in=counts.signed_in.get(officer.id),
                proves_by=_proves_by(officer, counts),
                keys=_keys(officer, counts),
                absences=_absences(officer, counts),
                sessions=counts.sessions.get(officer.id, 0),
                answer=answer,
                answered_by=names[answer.answered_by] if answer else "",
                may_answer=may_answer(who, officer),
            )
        )
    return found


@dataclass(frozen=True)
class Answered:
    """One line of a review that is finished: as it was then."""

    officer: str
    answer: AccessReviewAnswer
    answered_by: str


def answered(db: Session, review: AccessReview) -> list[Answered]:
    """The answers of a review with the names of who was reviewed and by whom, by name."""
    query = select(AccessReviewAnswer).where(AccessReviewAnswer.review == review.id)
    given = db.scalars(query).all()
    ids = {ident for answer in given for ident in (answer.officer, answer.answered_by)}
    names = _pairs(db, select(Officer.id, Officer.full_name).where(Officer.id.in_(ids)))
    told = [Answered(names[answer.officer], answer, names[answer.answered_by]) for answer in given]
    return sorted(told, key=lambda one: (one.officer, str(one.answer.id)))


def past(db: Session) -> list[tuple[AccessReview, str]]:
    """The reviews that were finished, the newest first, and who finished each."""
    query = (
        select(AccessReview, Officer.full_name)
        .join(Officer, Officer.id == AccessReview.finished_by)
        .where(AccessReview.finished_at.is_not(None))
        .order_by(AccessReview.finished_at.desc())
    )
    return [(review, name) for review, name in db.execute(query)]


def permitted() -> list[tuple[Role, list[str]]]:
    """What officers of each role may, in words; what everybody may is left out."""
    return [
        (role, [str(one.label) for one in Permission if role in PERMISSIONS[one] and one != _EVERYBODY])
        for role in Role
    ]


_EVERYBODY = Permission.USE_VAULT
