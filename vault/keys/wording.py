"""What keys are about and who holds them, in words: codes of cases and places, officers' names, roles."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from housing.models import House
from vault.access.models import HolderKey
from vault.access.policy import Role
from vault.cases.models import Case, Person
from vault.disclosure.models import DisclosureRequest, Packet
from vault.expenses.models import PaymentRequest
from vault.officers.models import Officer
from vault.referrals.models import Referral

_CODED: dict[str, tuple[str, Any]] = {
    "case": ("Case", Case),
    "referral": ("Referral", Referral),
    "house": ("Place", House),
    "payment": ("Payment", PaymentRequest),
    "disclosure": ("Disclosure", DisclosureRequest),
    "request": ("Disclosure", DisclosureRequest),
}
"""Kinds of subjects that have a code of their own, and where it stands."""


def name_subjects(db: Session, subjects: Iterable[str]) -> dict[str, str]:
    """Each subject in words; one that is not there any more keeps its reference. One query for each kind."""
    by_kind: dict[str, dict[UUID, str]] = {}
    told = {subject: subject for subject in subjects}
    for subject in told:
        kind, _, ident = subject.partition(":")
        # What was written past the vault may be no reference at all; it is told as it is.
        with suppress(ValueError):
            by_kind.setdefault(kind, {})[UUID(ident)] = subject
    for kind, found in by_kind.items():
        told |= {found[ident]: words for ident, words in _named(db, kind, list(found)) if ident in found}
    return told


def _named(db: Session, kind: str, ids: list[UUID]) -> list[tuple[UUID, str]]:
    if kind in _CODED:
        word, model = _CODED[kind]
        rows = db.execute(select(model.id, model.code).where(model.id.in_(ids)))
        return [(ident, f"{word} {code}") for ident, code in rows]
    if kind == "person":
        people = select(Person.id, Person.number, Case.code).join(Case, Case.id == Person.case)
        rows = db.execute(people.where(Person.id.in_(ids)))
        return [(ident, f"Case {code}, person {number}") for ident, number, code in rows]
    if kind == "packet":
        packets = select(Packet.id, DisclosureRequest.code)
        packets = packets.join(DisclosureRequest, DisclosureRequest.id == Packet.request)
        rows = db.execute(packets.where(Packet.id.in_(ids)))
        return [(ident, f"Packet of disclosure {code}") for ident, code in rows]
    if kind == "circle":
        return _roles(db, ids)
    if kind == "emergency":
        return [(ident, "A request in an emergency") for ident in ids]
    return [(ident, "The directory of names") for ident in ids] if kind == "directory" else []


def _roles(db: Session, ids: list[UUID]) -> list[tuple[UUID, str]]:
    labels = {str(role.value): role.label for role in Role}
    rows = db.execute(select(HolderKey.holder, HolderKey.role).where(HolderKey.holder.in_(ids)).distinct())
    return [(ident, f"the role {labels.get(role, role)}") for ident, role in rows]


def name_holders(db: Session, holders: Iterable[tuple[str, UUID]]) -> dict[tuple[str, UUID], str]:
    """Each holder of a key in words: an officer, a role, the recovery key, or the vault itself."""
    told = {holder: f"{holder[0]} {holder[1]}" for holder in holders}
    ids = [ident for kind, ident in told if kind == "officer"]
    officers = db.execute(select(Officer.id, Officer.full_name).where(Officer.id.in_(ids)))
    told |= {("officer", ident): name for ident, name in officers}
    circles = _roles(db, [ident for kind, ident in told if kind == "circle"])
    told |= {("circle", ident): words for ident, words in circles}
    whole = {"recovery": "the recovery key", "vault": "the vault itself"}
    return {holder: whole.get(holder[0], words) for holder, words in told.items()}
