"""The partner agencies of the demonstration, whom to call there, and the memoranda with them."""

from datetime import timedelta

from vault.access.policy import Compartment
from vault.agencies import actions as agencies
from vault.agencies.actions import AgencyFacts, ContactFacts, MemorandumFacts
from vault.demonstration.script import Story, act
from vault.demonstration.world import World
from vault.vocabulary import AgencyKind

AGENCIES = (
    ("Samplebury Police Department", AgencyKind.POLICE),
    ("Mockton Police Department", AgencyKind.POLICE),
    ("Example State Police, Witness Unit", AgencyKind.STATE_POLICE),
    ("Federal Example Bureau, field office", AgencyKind.FEDERAL),
    ("State’s Attorney, District of Samplebury", AgencyKind.PROSECUTION),
    ("Superior Court, Example Falls", AgencyKind.COURT),
    ("Sample Parole Office", AgencyKind.CORRECTION),
    ("Example Victim Services", AgencyKind.VICTIM_SERVICES),
    ("Children and Families, Example Region", AgencyKind.CHILD_WELFARE),
    ("Placeholder Housing Authority", AgencyKind.HOUSING),
    ("Specimen Green Community Clinic", AgencyKind.HEALTH),
    ("Example Falls School District", AgencyKind.SCHOOL),
)

C = Compartment
MEMORANDA: tuple[tuple[str, tuple[int, ...], tuple[Compartment, ...], int | None, int | None], ...] = (
    ("Patrols past addresses that are only numbers", (0, 1), (C.THREAT,), -400, 330),
    ("Escort to court", (2, 5), (C.THREAT,), -300, 430),
    ("Priority for housing vouchers", (9,), (), -718, 12),
    ("School transfers without a former address", (11, 8), (C.HEALTH,), -90, 640),
    ("Supervision of protected people", (6,), (C.SUPERVISION,), -1100, -5),
    ("Emergency beds at night", (9, 7), (), None, None),
    ("Records of treatment under another name", (10,), (C.HEALTH,), None, None),
)
"""What about, with whom, what may be shared, and signed and to be renewed so many days from today."""

_POSITIONS = ("Duty desk", "Liaison officer", "Head of office")


def tell_agencies(world: World) -> Story:
    """On the first day the coordinator writes down with whom the programme works."""
    days, invented = world.days, world.invented
    found = []
    for number, (name, kind) in enumerate(AGENCIES):
        turn = yield act(days.at(0, 13.4), "ada")
        today = days.day_of(turn.now())
        address = f"{number + 1} Sample Avenue, {invented.town()}"
        facts = AgencyFacts(name, kind, address, invented.phone())
        agency = agencies.add(turn.db, turn.who, facts, today, turn.now())
        found.append(agency.id)
        for position in _POSITIONS[: 1 + number % 3]:
            contact = ContactFacts(invented.name(), position, invented.phone(), invented.phone(), "")
            agencies.add_contact(turn.db, turn.who, agency, contact, turn.now())
    for title, parties, shared, signed, renewed in MEMORANDA:
        turn = yield act(days.at(1, 16.1), "ada")
        terms = "Calls are returned within an hour. Nothing is written down that names a person."
        asked = MemorandumFacts(title, tuple(found[i] for i in parties), shared, terms)
        memorandum = agencies.draft(turn.db, turn.who, asked, days.day_of(turn.now()), turn.now())
        if signed is not None and renewed is not None:
            on, by = days.today + timedelta(days=signed), days.today + timedelta(days=renewed)
            agencies.sign(turn.db, turn.who, memorandum, on, by, days.day_of(turn.now()), turn.now())
