"""Each entry is a sentence made of its own references, whatever else was recorded or has gone since."""

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from audit.entries import Entry, Fact
from audit.ledger import Woven
from vault.access.events import Event
from vault.announcing.actions import Weighty
from vault.oversight.naming import Names
from vault.oversight.sentences import SAYS
from vault.oversight.wording import Line, tell

INES, IVO, CASE, HOUSE, PERSON = (UUID(int=number) for number in range(1, 6))
NAMES = Names(
    {
        f"officer:{INES}": "Ines Inkpen",
        f"officer:{IVO}": "Ivo Ironside",
        f"case:{CASE}": "WP-2026-0004",
        f"house:{HOUSE}": "place H-012",
        f"person:{PERSON}": "person 1 in WP-2026-0004",
    },
    {PERSON: CASE},
)


def told(
    event: str, subjects: list[str], facts: dict[str, Fact] | None = None, officer: UUID | None = INES
) -> Line:
    entry = Entry(
        id=UUID(int=9),
        at=datetime(2026, 11, 23, tzinfo=UTC),
        event=event,
        officer=officer,
        session=None,
        subjects=tuple(subjects),
        compartment=None,
        fields=(),
        reason=None,
        outcome="done",
        rows={},
        facts=facts or {},
        details=None,
    )
    return tell(Woven(7, entry, None), NAMES, ZoneInfo("America/New_York"))


@pytest.mark.parametrize("event", list(Event))
@pytest.mark.parametrize("subjects", [[], [f"case:{CASE}"], [f"house:{HOUSE}", f"officer:{IVO}"]])
def test_every_event_is_a_sentence_with_or_without_its_subjects(event: Event, subjects: list[str]) -> None:
    sentence = told(event, subjects).sentence
    assert sentence.startswith("Ines Inkpen ")
    assert not {"{", "}"} & set(sentence)
    assert not sentence.endswith((" ", ":", " of", " for", " on", " with", " as", " to"))
    assert "  " not in sentence


@pytest.mark.parametrize(
    ("event", "subjects", "sentence"),
    [
        (Event.STAY_HELD, [f"house:{HOUSE}", f"case:{CASE}"], "held beds in place H-012 for WP-2026-0004"),
        (Event.OFFICER_NAMED, [f"case:{CASE}", f"officer:{IVO}"], "named Ivo Ironside on WP-2026-0004"),
        (Event.PERSON_ADDED, [f"case:{CASE}", f"person:{PERSON}"], "added person 1 in WP-2026-0004"),
        (Event.CASE_MOVED, [f"case:{UUID(int=77)}"], "moved case 00000000 to another state"),
        (
            Event.ACCOUNTS_COMPARED,
            [f"case:{UUID(int=n << 96)}" for n in range(100, 140)],
            "compared bank accounts across 40 cases",
        ),
    ],
)
def test_a_sentence_names_what_it_was_done_to(event: Event, subjects: list[str], sentence: str) -> None:
    assert told(event, subjects).sentence == f"Ines Inkpen {sentence}"


def test_who_was_not_signed_in_is_said_to_be_nobody_in_particular() -> None:
    line = told(Event.SIGN_IN_FAILED, [f"officer:{INES}"], officer=None)
    assert line.sentence == "Someone failed to sign in as Ines Inkpen"
    assert told(Event.LEDGER_EXPORTED, [], officer=None).sentence == "The command line exported the ledger"


def test_an_event_that_has_left_the_catalogue_is_still_told() -> None:
    line = told("house-painted", [f"house:{HOUSE}"])
    assert line.sentence == "Ines Inkpen – house painted: place H-012"


def test_the_readings_of_the_ledger_say_what_was_read_and_how_narrowly() -> None:
    read = told(Event.LEDGER_READ, [], {"page": "entry", "index": 39})
    assert read.sentence == "Ines Inkpen read entry 39 of the ledger"
    narrow: dict[str, Fact] = {"page": "ledger", "officer": IVO, "outcome": "refused"}
    asked = told(Event.LEDGER_READ, [f"case:{CASE}"], narrow)
    assert asked.sentence == "Ines Inkpen read the ledger about WP-2026-0004"
    assert asked.told == "officer: Ivo Ironside; outcome: refused"


def test_facts_are_put_in_words_and_money_in_dollars() -> None:
    line = told(Event.CEILING_SET, [f"case:{CASE}"], {"ceiling-cents": 400000, "urgent": True})
    assert line.told == "ceiling: $4,000.00; urgent: yes"


def test_days_and_moments_are_written_as_people_write_them_on_the_clock_of_the_unit() -> None:
    told_of: dict[str, Fact] = {"from": "2026-11-22", "expires-at": "2026-11-23T02:38:17.470Z", "party": 2}
    assert told(Event.STAY_HELD, [f"house:{HOUSE}"], told_of).told == (
        "from: Nov 22, 2026; expires at: Nov 22, 2026, 9:38 pm; people to be placed: 2"
    )


def test_what_says_nothing_to_a_person_is_left_out_of_the_line() -> None:
    nothing: dict[str, Fact] = {"other-sessions-ended": 0, "act": str(CASE), "code": "WP-2026-0004"}
    assert told(Event.SIGNED_IN, [], {**nothing, "role": "auditor"}).told == "role: auditor"
    assert told(Event.SIGNED_IN, [], {"other-sessions-ended": 2}).told == "other sessions ended: 2"
    assert told(Event.DIRECTORY_FOUND, [], {"found": 0}).told == "people found: 0"
    assert told(Event.PASSWORD_GIVEN, [], {"from": "8ec62912"}).told == "network address, as a mark: 8ec62912"


def test_the_events_that_have_a_sentence_of_their_own_are_events() -> None:
    assert set(SAYS) <= set(Event)


@pytest.mark.parametrize("act", list(Weighty))
def test_an_announcement_names_the_act_that_waits(act: Weighty) -> None:
    facts: dict[str, Fact] = {"act": act, "waits-for": "checkpoint"}
    assert told(Event.ACT_ANNOUNCED, [f"case:{CASE}"], facts).sentence == (
        f"Ines Inkpen announced the act “{act.label.lower()}” on WP-2026-0004"
    )
    assert told(Event.ACT_ANNOUNCED, [], facts).sentence.endswith(f"the act “{act.label.lower()}”")
