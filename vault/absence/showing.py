"""Absences as pages show them: names instead of ids, and only those cases that the reader may know of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from vault.absence.actions import DELEGABLE, own_namings
from vault.access import delegating
from vault.access.actor import Actor
from vault.access.models import Assignment, Delegation, DelegationState
from vault.cases.models import known_people
from vault.cases.models import known_to as cases_known_to
from vault.officers.models import Officer, active_in


@dataclass(frozen=True)
class Shown:
    """One delegation with the names of its two officers and of who arranged it."""

    delegation: Delegation
    officer: str
    delegate: str
    arranged_by: str

    @property
    def state(self) -> DelegationState:
        """How far it has come."""
        return self.delegation.state


def shown(db: Session, delegations: Sequence[Delegation]) -> list[Shown]:
    """These delegations in words, with one question for all names."""
    ids = {i for d in delegations for i in (d.officer, d.delegate, d.arranged_by) if i is not None}
    names = dict(db.execute(select(Officer.id, Officer.full_name).where(Officer.id.in_(ids))).all())
    return [
        Shown(d, names[d.officer], names[d.delegate], names[d.arranged_by] if d.arranged_by else "")
        for d in delegations
    ]


def in_words(db: Session, who: Actor, subjects: Iterable[str]) -> dict[str, str]:
    """Those of these subjects that this officer may know of, by what they are called."""
    wanted = set(subjects)
    cases = {f"case:{case.id}": f"Case {case.code}" for case in db.scalars(cases_known_to(who))}
    people = {
        f"person:{person.id}": f"Case {case.code}, person {person.number}"
        for case, person in db.execute(known_people(who))
    }
    return {subject: words for subject, words in (cases | people).items() if subject in wanted}


def passed_on(db: Session, who: Actor, delegation: Delegation) -> list[str]:
    """What is or was passed on, as far as this officer may know of it."""
    made = db.scalars(select(Assignment).where(Assignment.delegation == delegation.id)).all()
    subjects = {naming.subject for naming in made}
    if delegation.begun_at is None:
        own = {naming.subject for naming in own_namings(db, delegation.officer)}
        subjects = own if delegation.is_whole else own & set(delegation.subjects)
    return sorted(in_words(db, who, subjects).values())


@dataclass(frozen=True)
class Person:
    """An officer for whom a stand-in can be arranged: how many namings, and who stands in now."""

    officer: Officer
    namings: int
    running: Delegation | None


def candidates(db: Session) -> list[Person]:
    """Everybody who is named on cases or people by their role, in three questions."""
    officers = db.scalars(active_in(*DELEGABLE)).all()
    count = (
        select(Assignment.officer, func.count())
        .where(Assignment.ended_at.is_(None), Assignment.delegation.is_(None))
        .where(Assignment.kind.in_(("case", "person")))
        .group_by(Assignment.officer)
    )
    namings: dict[UUID, int] = dict(db.execute(count).all())
    running = delegating.running_of(db, [officer.id for officer in officers])
    return [Person(o, namings.get(o.id, 0), running.get(o.id)) for o in officers]
