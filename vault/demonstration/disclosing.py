"""The stories of disclosures: asked, weighed, chosen, decided by another, released, fetched, acknowledged."""

from dataclasses import dataclass
from datetime import timedelta
from secrets import token_bytes, token_hex
from typing import Any
from uuid import UUID

from vault.access.policy import Compartment, Reason
from vault.cases.models import Case
from vault.demonstration.moves import Part
from vault.demonstration.script import Story, Turn, act, look
from vault.demonstration.world import World, open_places
from vault.disclosure import actions, packets, releases, selection
from vault.disclosure.models import DisclosureRequest
from vault.officers.models import Officer
from vault.vocabulary import DisclosureAuthority, DisclosureOutcome, WitnessHeard


@dataclass(frozen=True)
class Fate:
    """On what authority it is asked for, and the last thing that happens.

    `until` is ask, withdraw, take-up, send, refuse, grant, release or acknowledge.
    """

    authority: DisclosureAuthority
    until: str
    is_in_part: bool = False


A = DisclosureAuthority
FATES: dict[int, tuple[Fate, ...]] = {
    0: (Fate(A.COURT_ORDER, "acknowledge"),),
    2: (Fate(A.DEFENCE, "acknowledge", is_in_part=True),),
    4: (Fate(A.COURT_ORDER, "release"),),
    5: (Fate(A.CREDITOR, "refuse"),),
    7: (Fate(A.LAW_ENFORCEMENT, "grant"),),
    9: (Fate(A.COURT_ORDER, "send"),),
    11: (Fate(A.CONSENT, "take-up"),),
    13: (Fate(A.PUBLIC_RECORDS, "withdraw"),),
    16: (Fate(A.COURT_ORDER, "ask"),),
    18: (Fate(A.PARENT, "ask"),),
}
"""By the case's number among those that were ever active."""

STEPS = ("ask", "take-up", "send", "grant", "release", "acknowledge")
CHOSEN = ("person-1.legal_name", "person-1.birth_date", selection.BENEFITS)
STRUCK = "person-1.birth_date"
ANSWER = "Granted for the purpose you named and for no other."
NEITHER = "The programme neither confirms nor denies that it knows of this person."


class Disclosure:
    """One request on its way."""

    def __init__(self, world: World, asker: str, fate: Fate) -> None:
        self.world, self.asker, self.fate = world, asker, fate
        self.id = UUID(int=0)

    def comes_to(self, step: str) -> bool:
        """Whether the request gets so far; one that is refused is prepared all the same."""
        until = "send" if self.fate.until == "refuse" else self.fate.until
        return STEPS.index(until) >= STEPS.index(step)

    def row(self, turn: Turn, db: Any) -> DisclosureRequest:
        """The request."""
        return actions.get(db, turn.who, self.id)

    def ask(self, turn: Turn, referral: UUID) -> None:
        """The prosecutor asks about a referral of their own."""
        world, now = self.world, turn.now()
        values = {
            "asked": "The legal name and the date of birth of the witness, and what support was given.",
            "purpose": f"For the subpoena in {world.invented.docket()}.",
            "agency": "State's Attorney, District of Samplebury",
            "address": f"2 Sample Avenue, {world.invented.town()}",
            "order_reference": f"Order 26-{world.stage.chance.randint(100, 999)}",
        }
        due = world.days.today + timedelta(days=world.stage.chance.randint(2, 25))
        made = actions.ask(turn.db, turn.who, world.trust, referral, self.fate.authority, due, values, now)
        self.id = made.id

    def weigh(self, turn: Turn) -> None:
        """The coordinator writes the worksheet."""
        values = {
            "verified": "Called back on the number in the court's own list.",
            "reasons": "The trial needs it, and the request names each thing.",
            "danger": "Small, if the address of the household is left out.",
            "sole_purpose": "Likely: the office has kept to it before.",
            "other_means": "None that would not tell more.",
            "prevention": "A protective order is in force; every page is marked.",
            "witness_heard": WitnessHeard.HEARD,
            "witness_words": "Agrees, and asks that nothing tells the town.",
        }
        actions.weigh(turn.db, turn.who, self.world.trust, self.row(turn, turn.db), values, turn.now())

    def read_chosen(self, turn: Turn) -> dict[str, Any]:
        """Open what is to be released, each compartment under an entry of its own."""
        who = turn.stepped_up()
        with turn.reading() as db:
            request = self.row(turn, db)
            case = db.get_one(Case, request.case)
            offers = [offer for offer in selection.offered(db, who, case) if offer.key in CHOSEN]
            return selection.read(turn.stage.vault, db, who, request, case, offers, turn.now())

    def decide(self, turn: Turn) -> None:
        """The deputy decides."""
        outcome, answer, struck = DisclosureOutcome.GRANTED, ANSWER, []
        if self.fate.until == "refuse":
            outcome, answer = DisclosureOutcome.REFUSED, NEITHER
        elif self.fate.is_in_part:
            outcome, struck = DisclosureOutcome.IN_PART, [STRUCK]
        request, reasons = self.row(turn, turn.db), "Weighed on the worksheet; I agree with it."
        actions.decide(
            turn.db, turn.who, self.world.trust, request, outcome, struck, reasons, answer, turn.now()
        )


def tell_disclosure(world: World, asker: str, referral: UUID, fate: Fate, day: int) -> Story:
    """One request, as far as it comes."""
    days, story = world.days, Disclosure(world, asker, fate)
    turn = yield act(days.at(day, world.between(9.0, 10.0)), asker)
    story.ask(turn, referral)
    if fate.until == "withdraw":
        turn = yield act(days.at(day + 1, 9.5), asker)
        actions.withdraw(turn.db, turn.who, story.row(turn, turn.db), turn.now())
        return
    if not story.comes_to("take-up"):
        return
    turn = yield act(days.at(day, world.between(10.5, 11.5)), "ada")
    actions.take_up(turn.db, turn.who, world.trust, story.row(turn, turn.db), turn.now())
    story.weigh(turn)
    if not story.comes_to("send"):
        return
    turn = yield look(days.at(day, world.between(13.0, 14.0)), "ada")
    snapshot = story.read_chosen(turn)
    turn = yield act(days.at(day, 14.2), "ada")
    by, request = days.today + timedelta(days=60), story.row(turn, turn.db)
    actions.choose(turn.db, turn.who, world.trust, request, CHOSEN, snapshot, by, turn.now())
    actions.send(turn.db, turn.who, request, turn.now())
    if not story.comes_to("grant") and fate.until != "refuse":
        return
    turn = yield act(days.at(day + 1, world.between(9.1, 10.6)), "dee")
    story.decide(turn)
    if story.comes_to("release"):
        yield from _release(story, day + 1)


def _release(story: Disclosure, day: int) -> Part:
    """The coordinator makes the packet; its one recipient fetches and acknowledges it."""
    world, days = story.world, story.world.days
    turn = yield look(days.at(day, world.between(11.0, 12.0)), "ada")
    document, mark, account = _packet(story, turn)
    with turn.reading() as db:
        request = story.row(turn, db)
    announced = releases.announce_release(turn.stage.vault, turn.who, request, turn.now())
    turn = yield act(days.at(day, 12.1), "ada")
    request = story.row(turn, turn.db)
    kept = actions.selection_of(turn.db, request)
    decision = actions.decision_on(turn.db, request)
    struck = decision.struck_out if decision else []
    released = [key for key in (kept.chosen if kept else []) if key not in struck]
    now = turn.now()
    releases.release(
        turn.db, turn.who, world.trust, request, released, document, mark, account, announced, now
    )
    if not story.comes_to("acknowledge"):
        return
    turn = yield look(days.at(day, world.between(14.0, 15.0)), story.asker)
    with turn.reading() as db:
        packet = releases.waiting_packet(db, turn.who, story.row(turn, db))
        request_subject = story.row(turn, db).subject
        open_places(
            turn, db, Compartment.DISCLOSURE, [packet], [request_subject], Reason.COURT, {"part": "packet"}
        )
    turn = yield act(days.at(day, 15.1), story.asker)
    releases.fetch(turn.db, turn.who, story.row(turn, turn.db), turn.now())
    turn = yield act(days.at(day + 1, 9.3), story.asker)
    releases.acknowledge(turn.db, turn.who, story.row(turn, turn.db), turn.now())


def _packet(story: Disclosure, turn: Turn) -> tuple[bytes, str, dict[str, str]]:
    """The encrypted pages, their mark, and what the accounting keeps; nobody keeps the packet's password."""
    with turn.reading() as db:
        request = story.row(turn, db)
        kept, decision = actions.selection_of(db, request), actions.decision_on(db, request)
        requester = db.get_one(Officer, request.requester)
        if kept is None or decision is None:
            raise RuntimeError("nothing was chosen or decided")
        about = [request.subject, f"case:{request.case}"]
        opening = open_places(
            turn, db, Compartment.DISCLOSURE, [request, kept], about, Reason.DISCLOSURE, {"part": "packet"}
        )
    released = [key for key in kept.chosen if key not in decision.struck_out]
    told = {name: str(value) for name, value in opening.of(request).items()}
    snapshot: Any = opening.of(kept)["snapshot"]
    words = packets.contents(
        request.code,
        requester.full_name,
        told["agency"],
        request.authority.label,
        f"{kept.return_by:%B %d, %Y}" if kept.return_by else "",
        selection.without(snapshot, decision.struck_out),
    )
    mark = token_hex(packets.MARK_BYTES)
    password, owner = (packets.password_of(token_bytes(packets.PASSWORD_BYTES)) for _ in range(2))
    document = packets.protect(packets.pages(words, mark), words["title"], password, owner)
    account = {
        "recipient": f"{requester.full_name}, {told['agency']}",
        "address": told["address"],
        "description": "\n".join(selection.label_of(key) for key in released),
        "purpose": told["purpose"],
    }
    return document, mark, account
