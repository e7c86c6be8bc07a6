"""One disclosure's page, as much of it as the officer may know, with what was opened in place."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from audit.ledger import Receipt
from vault.access.events import Event, record_apart
from vault.access.guard import actor, now, running
from vault.access.policy import Role
from vault.access.reading import Opening
from vault.cases.models import Case
from vault.disclosure import actions, packets, releases, selection
from vault.disclosure.models import DisclosureDecision, DisclosureRequest, Packet, Selection, Worksheet
from vault.officers.models import Officer
from vault.referrals.models import Referral
from vault.vocabulary import DisclosureOutcome, DisclosureState, WitnessHeard

UNIT = frozenset({Role.COORDINATOR, Role.DEPUTY})

REQUEST_LABELS = {
    "asked": "What is asked",
    "purpose": "What it is needed for",
    "agency": "Office",
    "address": "Address",
    "order_reference": "Order or request",
    "answer": "Answer",
}
WORKSHEET_LABELS = {
    "verified": "How the requester was verified",
    "reasons": "1. Reasons",
    "danger": "2. Danger",
    "sole_purpose": "3. Use for its purpose only",
    "other_means": "4. Other means",
    "prevention": "5. Preventing further disclosure",
    "witness_heard": "Was the protected person told?",
    "witness_words": "What they said, or why not",
}
TITLES = {"request": "The request", "worksheet": "The worksheet", "packet": "The packet"}
HOLDS = {
    "request": "What is asked and for what, the office and its address, and the answer.",
    "worksheet": "How the requester was verified, the five factors, what the person said, the reasons.",
    "packet": "Every chosen field exactly as it would be released.",
}


@dataclass(frozen=True)
class Shown:
    """What one officer may know of a disclosure; for a prosecutor there is no case in it."""

    request: DisclosureRequest
    requester: Officer
    referral: str
    case: Case | None
    worksheets: list[Worksheet]
    selection: Selection | None
    decision: DisclosureDecision | None
    packet: Packet | None

    @property
    def is_granted(self) -> bool:
        """Whether the deputy granted anything."""
        return self.decision is not None and self.decision.outcome is not DisclosureOutcome.REFUSED

    @property
    def released(self) -> list[str]:
        """The fields that are, or would be, released, by name."""
        struck = self.decision.struck_out if self.decision else []
        chosen = self.selection.chosen if self.selection else []
        return [key for key in chosen if key not in struck]

    def parts(self, who: Role) -> list[str]:
        """The sealed parts that there are for this role."""
        there = {"request": True, "worksheet": bool(self.worksheets), "packet": self.selection is not None}
        if who in UNIT:
            return [part for part, exists in there.items() if exists]
        return ["request"] if who is Role.PROSECUTOR else []

    def rows(self, part: str) -> list[Any]:
        """What is opened with a part."""
        match part:
            case "request":
                return [self.request]
            case "worksheet":
                return [*self.worksheets, *([self.decision] if self.decision else [])]
            case _:
                return [self.request, self.selection]

    def words(self, opening: Opening) -> dict[str, Any]:
        """The packet's words from an opening of the request and the selection, less what was struck out."""
        if self.selection is None:
            raise LookupError("nothing was chosen")
        snapshot: Any = opening.of(self.selection)["snapshot"]
        day = self.selection.return_by
        words = packets.contents(
            self.request.code,
            self.requester.full_name,
            str(opening.of(self.request)["agency"]),
            self.request.authority.label,
            f"{day:%B} {day.day}, {day.year}" if day else "",
            selection.without(snapshot, self.decision.struck_out if self.decision else ()),
        )
        return packets.legible(words)


def load(db: Session, disclosure: UUID) -> Shown:
    """Everything plain about a disclosure that this officer may know of. Raises NotKnown."""
    request = actions.get(db, actor(), disclosure)
    case = db.get(Case, request.case) if request.case and actor().role is not Role.PROSECUTOR else None
    return Shown(
        request,
        db.get_one(Officer, request.requester),
        db.get_one(Referral, request.referral).code,
        case,
        actions.worksheets_on(db, request),
        actions.selection_of(db, request),
        actions.decision_on(db, request),
        releases.packet_of(db, request),
    )


def state_for(who: Role, request: DisclosureRequest, decision: DisclosureDecision | None) -> tuple[str, str]:
    """The state in words and its tone; the requester reads nothing of how the unit works."""
    state, words = request.state, request.state.label
    if who is Role.PROSECUTOR and state in {DisclosureState.PREPARING, DisclosureState.PREPARED}:
        return "With the unit", "info"
    if state is DisclosureState.DECIDED and decision is not None:
        refused = decision.outcome is DisclosureOutcome.REFUSED
        return decision.outcome.label, "quiet" if refused else "good"
    if who is Role.PROSECUTOR and state is DisclosureState.RELEASED:
        return "Ready for you", "warn"
    tones = {
        DisclosureState.ASKED: "warn",
        DisclosureState.PREPARED: "warn",
        DisclosureState.RELEASED: "good",
    }
    quiet = {DisclosureState.WITHDRAWN, DisclosureState.ACKNOWLEDGED}
    return words, "quiet" if state in quiet else tones.get(state, "info")


def opened_fields(shown: Shown, part: str, opening: Opening) -> list[tuple[str, Any]]:
    """The fields of an opened request or worksheet, with their labels."""
    if part == "request":
        values = opening.of(shown.request)
        return [(label, values[name]) for name, label in REQUEST_LABELS.items()]
    values = opening.of(shown.worksheets[-1])
    heard = WitnessHeard(str(values["witness_heard"])).label
    said = {**values, "witness_heard": heard}
    fields: list[tuple[str, Any]] = [(label, said[name]) for name, label in WORKSHEET_LABELS.items()]
    if shown.decision:
        fields.append(("Reasons for the decision", opening.of(shown.decision)["reasons"]))
    return fields


def preview_of(words: dict[str, Any]) -> list[tuple[str, str]]:
    """Every word of the packet in the order of its pages, in rows."""
    fields = [
        (f"{group['heading']}: {item['label'].lower()}", item["value"])
        for group in words["groups"]
        for item in group["items"]
    ]
    return [
        ("Top of each page", words["marked"]),
        ("First lines", "\n".join([words["title"], *words["opening"]])),
        *fields,
        ("Foot of each page", words["notice"]),
    ]


def page(
    shown: Shown, *, part: str = "", opening: Opening | None = None, status: int = 200
) -> ResponseReturnValue:
    """The disclosure's page; an auditor's look at it is a look at the disclosure log, and recorded."""
    who = actor()
    if who.role is Role.AUDITOR:
        note_log_reading([shown.request.subject])
    return render_template(
        "disclosure/disclosure.html",
        shown=shown,
        disclosure=shown.request,
        state=state_for(who.role, shown.request, shown.decision),
        states=DisclosureState,
        parts=shown.parts(who.role),
        part=part,
        titles=TITLES,
        holds=HOLDS,
        fields=opened_fields(shown, part, opening) if opening and part != "packet" else [],
        preview=preview_of(shown.words(opening)) if opening and part == "packet" else [],
        receipt=opening.receipt if opening else None,
        label_of=selection.label_of,
        prosecutor=who.role is Role.PROSECUTOR,
        again=url_for("disclosure.show", disclosure_id=shown.request.id),
    ), status


def note_log_reading(subjects: list[str]) -> Receipt:
    """Record that an auditor reads the disclosure log, before it is shown."""
    return record_apart(running(), Event.DISCLOSURE_LOG_READ, who=actor(), now=now(), subjects=subjects)
