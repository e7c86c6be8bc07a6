"""What a recovery or a destruction is about: the lockboxes of a case, of a safe house, or of everything."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from housing.models import House
from vault.access.models import DIRECTORY, Lockbox
from vault.cases.models import Case, Person
from vault.disclosure.models import DisclosureRequest, Packet
from vault.keys.acts import EVERYTHING
from vault.keys.models import KeyAct

DIRECTORY_SUBJECT = f"directory:{DIRECTORY}"


def disclosures_of(db: Session, case: Case) -> list[DisclosureRequest]:
    """Every disclosure asked for about a case, also those that were never taken up."""
    about = (DisclosureRequest.case == case.id) | (DisclosureRequest.referral == case.referral)
    return list(db.scalars(select(DisclosureRequest).where(about).order_by(DisclosureRequest.id)))


def subjects_of(db: Session, case: Case) -> list[str]:
    """Everything that hangs on a case and has keys of its own or officers named on it."""
    requests = [request.id for request in disclosures_of(db, case)]
    packets = db.scalars(select(Packet.id).where(Packet.request.in_(requests)))
    people = db.scalars(select(Person.id).where(Person.case == case.id))
    return [
        case.subject,
        *(f"person:{person}" for person in people),
        *([f"referral:{case.referral}"] if case.referral else []),
        *(f"{kind}:{request}" for request in requests for kind in ("request", "disclosure")),
        *(f"packet:{packet}" for packet in packets),
    ]


def within(db: Session, subject: str) -> ColumnElement[bool]:
    """The condition under which a lockbox belongs to the subject of a request."""
    if subject == EVERYTHING:
        return true()
    kind, _, ident = subject.partition(":")
    if kind != "case":
        return Lockbox.subject == subject
    case = db.get_one(Case, UUID(ident))
    return (Lockbox.case == case.id) | Lockbox.subject.in_(subjects_of(db, case))


def wanted_by(db: Session, act: KeyAct) -> list[Lockbox]:
    """The lockboxes that a recovery is about: one compartment of its subject, or all of them."""
    query = select(Lockbox).where(within(db, act.subject), Lockbox.destroyed_at.is_(None))
    if act.compartment is not None:
        query = query.where(Lockbox.compartment == act.compartment)
    return list(db.scalars(query.order_by(Lockbox.subject, Lockbox.compartment)))


def label_of(db: Session, subject: str) -> str:
    """What a request is about, by code alone."""
    if subject == EVERYTHING:
        return "Everything in the vault"
    if subject == DIRECTORY_SUBJECT:
        return "The directory of names"
    kind, _, ident = subject.partition(":")
    model: Any = House if kind == "house" else Case
    try:
        found = db.get(model, UUID(ident))
    except ValueError:  # A request that was written past the vault must not keep the others from being seen.
        found = None
    if found is None:
        return "Something that is not there"
    return f"{'Place' if kind == 'house' else 'Case'} {found.code}"


def choices(db: Session, cases: Sequence[Case]) -> list[tuple[str, str]]:
    """What a recovery can be asked for, as a list to choose from."""
    houses = db.execute(select(House.id, House.code).order_by(House.code)).all()
    return [
        *((case.subject, f"Case {case.code}") for case in cases),
        *((f"house:{ident}", f"Place {code}") for ident, code in houses),
        (DIRECTORY_SUBJECT, "The directory of names"),
        (EVERYTHING, "Everything in the vault"),
    ]
