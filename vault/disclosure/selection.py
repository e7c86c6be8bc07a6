"""What may be chosen of a case for a disclosure, and the reading of what was chosen, each look recorded."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crypto.columns import sealed_columns
from vault.access.actor import Actor
from vault.access.events import Event
from vault.access.policy import Compartment, Reason
from vault.access.reading import SealedRow, Value, open_rows
from vault.cases.models import Case, Note, ThreatAssessment, Whereabouts, people_known_to
from vault.disclosure.models import DisclosureRequest
from vault.expenses.models import PaymentLine, PaymentRequest
from vault.running import RunningVault
from vault.vocabulary import PaymentState

MOST_FIELDS = 80
"""So many field names fit into one ledger entry."""

TELLS_WHERE = frozenset({Compartment.LOCATION, Compartment.COVER})
"""Whoever reads these can find the household: choosing one takes a second confirmation."""

BENEFITS = "benefits.statement"
PAID = (PaymentState.PAID, PaymentState.RECEIPTED, PaymentState.RECONCILED)

_WORDS = {
    "birth_date": "Date of birth",
    "social_security": "Social Security number",
    "documents": "Document numbers",
    "cover_name": "Protected name",
    "cover_papers": "Papers in the protected name",
    "supervision_terms": "Conditions of supervision",
    "supervision_contacts": "Supervision contacts",
    "since": "There since",
    "text": "Text",
    "rationale": "Why",
    "statement": "Money and services, without places",
}
_HEADINGS = {
    "person": "Person",
    "whereabouts": "Where the household is",
    "threat": "Threat assessment",
    "note": "Case note",
    "benefits": "Benefits statement",
}


@dataclass(frozen=True)
class Offer:
    """One field of the case that may be chosen: its name, what a person reads, and where it is sealed.

    `key` is a reference that says nothing of the content, like "person-1.legal_name". `row` is None for
    the benefits statement, which is counted from the plain payments.
    """

    key: str
    heading: str
    label: str
    compartment: Compartment
    row: SealedRow | None
    column: str

    @property
    def words(self) -> str:
        """The field as a list names it."""
        return f"{self.heading}: {self.label.lower()}"


def _label(column: str) -> str:
    return _WORDS.get(column, column.replace("_", " ").capitalize())


def label_of(key: str) -> str:
    """What a chosen field is called where the case is not open: the auditor's log, the decision."""
    place, _, column = key.partition(".")
    kind, _, rest = place.partition("-")
    number = f" {rest}" if kind == "person" else ""
    return f"{_HEADINGS[kind]}{number}: {_label(column).lower()}"


def _offers(
    row: SealedRow, place: str, heading: str, compartments: Collection[Compartment]
) -> Iterable[Offer]:
    for column in sealed_columns(row).values():
        compartment = Compartment(column.compartment)
        if compartment in compartments:
            yield Offer(f"{place}.{column.name}", heading, _label(column.name), compartment, row, column.name)


def offered(db: Session, who: Actor, case: Case) -> list[Offer]:
    """Every field of the case that may be chosen, people first, then what tells where they are last."""
    found: list[Offer] = []
    for person in db.scalars(people_known_to(who, case.id)):
        heading = f"Person {person.number}, {person.position.label.lower()}"
        of_person = (Compartment.IDENTITY, Compartment.HEALTH, Compartment.SUPERVISION, Compartment.COVER)
        found += _offers(person, f"person-{person.number}", heading, of_person)
    found.append(
        Offer(BENEFITS, _HEADINGS["benefits"], _label("statement"), Compartment.FINANCE, None, "statement")
    )
    for note in db.scalars(select(Note).where(Note.case == case.id).order_by(Note.at)):
        heading = f"Case note of {_words(note.at)}, {note.kind.label.lower()}"
        found += _offers(note, f"note-{note.id}", heading, (Compartment.CASEWORK,))
    for threat in db.scalars(
        select(ThreatAssessment).where(ThreatAssessment.case == case.id).order_by(ThreatAssessment.at)
    ):
        heading = f"Threat assessment of {_words(threat.at)}"
        found += _offers(threat, f"threat-{threat.id}", heading, (Compartment.THREAT,))
    for whereabouts in db.scalars(select(Whereabouts).where(Whereabouts.case == case.id)):
        found += _offers(whereabouts, "whereabouts", _HEADINGS["whereabouts"], (Compartment.LOCATION,))
    return found


def _words(value: Value) -> str:
    """A field as the packet says it."""
    if value is None or value == "":
        return "Not recorded"
    if isinstance(value, date | datetime):
        return f"{value:%B} {value.day}, {value.year}"
    return str(value)


def benefits(db: Session, case: Case) -> str:
    """Money spent on the case by category, without payees or places (MGL c. 263A s. 5; DOJ CRM 705)."""
    rows = db.execute(
        select(PaymentLine.category, func.sum(PaymentLine.approved_cents))
        .join(PaymentRequest, PaymentRequest.id == PaymentLine.request)
        .where(PaymentRequest.case == case.id, PaymentRequest.state.in_(PAID))
        .where(PaymentLine.approved_cents > 0)
        .group_by(PaymentLine.category)
        .order_by(PaymentLine.category)
    ).all()
    sums = [(category.label, int(cents or 0)) for category, cents in rows]
    sums.append(("Total", sum(cents for _, cents in sums)))
    return "\n".join(f"{label}: ${cents // 100:,}.{cents % 100:02}" for label, cents in sums)


def read(
    vault: RunningVault,
    db: Session,
    who: Actor,
    request: DisclosureRequest,
    case: Case,
    chosen: Sequence[Offer],
    now: datetime,
) -> dict[str, Any]:
    """Open what was chosen, one recorded look for each compartment, and freeze it as it will be released.

    Raises RoleMayNot, NotKnown, StepUpNeeded and audit.errors.LedgerUnavailable, as every look does.
    """
    values: dict[str, str] = {}
    for compartment in Compartment:
        offers = [offer for offer in chosen if offer.compartment is compartment and offer.row is not None]
        rows = list({offer.row.id: offer.row for offer in offers if offer.row is not None}.values())
        if not rows:
            continue
        opened = open_rows(
            vault,
            db,
            who,
            compartment,
            rows,
            about=[case.subject, request.subject],
            reason=Reason.DISCLOSURE,
            now=now,
            event=Event.OPENED,
            facts={"disclosure": request.code, "chosen": len(offers)},
            details=None,
        )
        values |= {o.key: _words(opened.of(o.row)[o.column]) for o in offers if o.row is not None}
    values |= {offer.key: benefits(db, case) for offer in chosen if offer.key == BENEFITS}
    groups: dict[str, list[dict[str, str]]] = {}
    for offer in chosen:
        item = {"key": offer.key, "label": offer.label, "value": values[offer.key]}
        groups.setdefault(offer.heading, []).append(item)
    return {"groups": [{"heading": heading, "items": items} for heading, items in groups.items()]}


def without(snapshot: dict[str, Any], struck_out: Collection[str]) -> dict[str, Any]:
    """The frozen fields that are left when some are struck out; a heading with nothing under it goes too."""
    kept = [
        {**group, "items": [item for item in group["items"] if item["key"] not in struck_out]}
        for group in snapshot["groups"]
    ]
    return {"groups": [group for group in kept if group["items"]]}
