"""What the ledger's references are called by people: officers by name, everything else by its code.

Only plain columns are read. A person is called by their number in the case, never by a name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from housing.models import House
from vault.access.models import HolderKey
from vault.access.policy import Role
from vault.agencies.models import Agency, Memorandum
from vault.cases.models import Case, Person
from vault.disclosure.models import DisclosureRequest, Packet
from vault.expenses.models import PaymentRequest
from vault.officers.models import Officer
from vault.oversight.models import RegisteredWitness
from vault.referrals.models import Referral

STORIED = ("case", "person", "house")
"""The kinds of subject that have a page of their own: who has ever seen it."""

_CODES: Mapping[str, tuple[InstrumentedAttribute[UUID], InstrumentedAttribute[str]]] = {
    "case": (Case.id, Case.code),
    "house": (House.id, House.code),
    "referral": (Referral.id, Referral.code),
    "disclosure": (DisclosureRequest.id, DisclosureRequest.code),
    "payment": (PaymentRequest.id, PaymentRequest.code),
    "officer": (Officer.id, Officer.full_name),
    "agency": (Agency.id, Agency.name),
    "memorandum": (Memorandum.id, Memorandum.title),
    "witness": (RegisteredWitness.id, RegisteredWitness.name),
}
_SPOKEN = {"house": "place {}", "referral": "referral {}", "disclosure": "disclosure {}"}
_SPOKEN |= {"payment": "payment {}", "memorandum": "the memorandum “{}”"}
_SPOKEN |= {"witness": "the outside witness “{}”"}
_ALIKE = {"request": "disclosure"}
_PLURALS = {"case": "cases", "person": "people", "house": "places", "agency": "agencies"}
_PLURALS |= {"witness": "outside witnesses"}


def plural(kind: str) -> str:
    """The word for several subjects of one kind."""
    return _PLURALS.get(kind, f"{kind}s")


def split(reference: str) -> tuple[str, UUID | None]:
    """A reference's kind and id, as "case:<uuid>" gives; no id when it is some other word."""
    kind, _, text = reference.partition(":")
    try:
        return _ALIKE.get(kind, kind), UUID(text)
    except ValueError:
        return kind, None


@dataclass(frozen=True)
class Names:
    """What was looked up: words by reference, and the case of each person."""

    words: Mapping[str, str]
    case_of: Mapping[UUID, UUID]

    def of(self, reference: str) -> str:
        """A reference in words; one that is in no table any more by its kind and first digits."""
        kind, ident = split(reference)
        if ident is None:
            return reference.replace(":", " ").replace("-", " ")
        return self.words.get(f"{kind}:{ident}", f"{kind.replace('-', ' ')} {str(ident)[:8]}")

    def officer(self, ident: UUID) -> str:
        """An officer's full name."""
        return self.of(f"officer:{ident}")

    def knows(self, reference: str) -> bool:
        """Whether the subject is in the records now."""
        return reference in self.words


def _ids(references: Iterable[str]) -> dict[str, set[UUID]]:
    found: dict[str, set[UUID]] = {}
    for reference in references:
        kind, ident = split(reference)
        if ident is not None:
            found.setdefault(kind, set()).add(ident)
    return found


def look_up(db: Session, references: Iterable[str]) -> Names:
    """Name these references, with one question for each kind that occurs."""
    ids = _ids(references)
    words: dict[str, str] = {}
    packets = _pairs(db, Packet.id, Packet.request, ids.get("packet", set()))
    ids.setdefault("disclosure", set()).update(packets.values())
    people = {}
    if ids.get("person"):
        columns = (Person.id, Person.number, Person.case)
        people = {row[0]: row for row in db.execute(select(*columns).where(Person.id.in_(ids["person"])))}
        ids.setdefault("case", set()).update(case for _, _, case in people.values())
    for kind, (key, code) in _CODES.items():
        for ident, word in _pairs(db, key, code, ids.get(kind, set())).items():
            words[f"{kind}:{ident}"] = _SPOKEN.get(kind, "{}").format(word)
    for ident, number, case in people.values():
        words[f"person:{ident}"] = f"person {number} in {words[f'case:{case}']}"
    for packet, request in packets.items():
        words[f"packet:{packet}"] = f"the packet of {words[f'disclosure:{request}']}"
    for alert in ids.get("alert", set()):
        words[f"alert:{alert}"] = "an alert"
    for request in ids.get("emergency", set()):
        words[f"emergency:{request}"] = "a request in an emergency"
    for directory in ids.get("directory", set()):
        words[f"directory:{directory}"] = "all names in the directory"
    for circle, role in _pairs(db, HolderKey.holder, HolderKey.role, ids.get("circle", set())).items():
        words[f"circle:{circle}"] = f"everybody with the role {Role(role).label}"
    return Names(words, {ident: case for ident, _, case in people.values()})


def _pairs(db: Session, key: Any, value: Any, ids: set[UUID]) -> dict[UUID, Any]:
    if not ids:
        return {}
    return dict(db.execute(select(key, value).where(key.in_(ids))).all())
