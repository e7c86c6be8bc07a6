"""The rules for alerts: each finds what it is for and leaves the ordinary day alone."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.access.events import Event
from vault.oversight.memory import Finding, Memory, Seen
from vault.oversight.models import Rule
from vault.oversight.rules import watch

ZONE = ZoneInfo("America/New_York")
MORNING = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # a Monday, 10:00 on the unit's clock
INES, IVO = str(UUID(int=1)), str(UUID(int=2))
CASE, OTHER, PERSON = (f"case:{UUID(int=7)}", f"case:{UUID(int=8)}", f"person:{UUID(int=9)}")


def seen(event: str, at: datetime = MORNING, officer: str | None = INES, **given: Any) -> Seen:
    """One entry; its index is set when it is told."""
    plain: dict[str, Any] = {
        "outcome": "done", "compartment": None, "subjects": (), "facts": {}, "is_look": False,
        "is_vouched": True, "case_of": {PERSON: CASE},
    }  # fmt: skip
    return Seen(0, at, at.astimezone(ZONE), event, officer, **(plain | given))


def look(
    at: datetime = MORNING, officer: str = INES, compartment: str = "house-area", *subjects: str
) -> Seen:
    return seen(Event.OPENED, at, officer, compartment=compartment, subjects=subjects, is_look=True)


def told(entries: Iterable[Seen], memory: Memory | None = None) -> list[Finding]:
    """What the entries raise, told one after the other from index 0."""
    memory = memory or Memory()
    numbered = [Seen(**(vars(one) | {"index": index})) for index, one in enumerate(entries)]
    return [finding for one in numbered for finding in watch(one, memory)]


def rules(entries: Iterable[Seen]) -> list[Rule]:
    return [finding.rule for finding in told(entries)]


def days(looks: Sequence[int], officer: str = INES) -> list[Seen]:
    """So many looks on one day after the other, all in the morning."""
    return [
        look(MORNING + timedelta(days=day, seconds=number), officer)
        for day, count in enumerate(looks)
        for number in range(count)
    ]


def test_twenty_looks_are_an_ordinary_day_for_anybody_and_twenty_one_are_not() -> None:
    assert rules(days([20])) == []
    (finding,) = told(days([21]))
    assert (finding.rule, finding.first_index, finding.number, finding.usual) == (Rule.HABIT, 20, 21, 20)
    assert finding.officer == UUID(INES)


def test_who_looks_much_every_day_is_measured_by_their_own_habit() -> None:
    busy = [15] * 12
    assert rules(days([*busy, 45])) == []
    assert rules(days([*busy, 46])) == [Rule.HABIT]


def test_one_wild_day_does_not_make_the_next_one_ordinary() -> None:
    found = told(days([*[6] * 12, 200, 21]))
    assert [finding.usual for finding in found] == [20, 40, 80, 160, 20]


def test_a_night_is_odd_once_and_not_for_who_works_by_night() -> None:
    midnight = MORNING + timedelta(hours=14)
    assert rules([look(midnight), look(midnight + timedelta(hours=2))]) == [Rule.ODD_HOURS]
    nights = [look(midnight + timedelta(days=day)) for day in range(6)]
    assert rules(nights) == [Rule.ODD_HOURS] * 3
    assert rules([look(MORNING), look(MORNING + timedelta(hours=9, minutes=59))]) == []


def signed_in(role: str, officer: str = INES) -> Seen:
    return seen(Event.SIGNED_IN, officer=officer, facts={"role": role})


def named(event: str, *subjects: str) -> Seen:
    return seen(event, officer=IVO, subjects=(*subjects, f"officer:{INES}"))


def test_who_is_not_named_at_that_time_must_not_have_opened() -> None:
    inside = look(MORNING, INES, "identity", CASE, PERSON)
    way = [signed_in("inspector"), named(Event.OFFICER_NAMED, CASE), inside]
    assert rules(way) == []
    assert rules([signed_in("inspector"), inside]) == [Rule.OUTSIDE_ASSIGNMENT]
    assert rules([*way, named(Event.OFFICER_UNNAMED, CASE), inside]) == [Rule.OUTSIDE_ASSIGNMENT]
    assert rules([*way, look(MORNING, INES, "identity", OTHER)]) == [Rule.OUTSIDE_ASSIGNMENT]
    assert rules([*way, look(MORNING, INES, "identity", PERSON)]) == []
    assert rules([signed_in("coordinator"), inside]) == []


def test_a_liaison_named_on_a_person_sees_that_persons_place() -> None:
    way = [signed_in("liaison"), named(Event.OFFICER_NAMED, CASE, PERSON)]
    assert rules([*way, look(MORNING, INES, "supervision", CASE, PERSON)]) == []
    assert rules([*way, look(MORNING, INES, "supervision", CASE)]) == [Rule.OUTSIDE_ASSIGNMENT]


def test_a_role_that_holds_nothing_there_must_not_have_opened() -> None:
    assert rules([signed_in("auditor"), look(MORNING, INES, "health", CASE)]) == [Rule.OUTSIDE_ASSIGNMENT]


def test_a_naming_that_the_vault_did_not_make_excuses_nothing_and_is_an_alert_itself() -> None:
    planted = Seen(**(vars(named(Event.OFFICER_NAMED, CASE)) | {"is_vouched": False}))
    inside = look(MORNING, INES, "identity", CASE)
    assert rules([signed_in("inspector"), planted, inside]) == [Rule.PLANTED, Rule.OUTSIDE_ASSIGNMENT]


def spaced(one: Seen, number: int, seconds: int) -> list[Seen]:
    """The same act again and again."""
    moments = [one.at + timedelta(seconds=seconds * step) for step in range(number)]
    return [Seen(**(vars(one) | {"at": at, "local": at.astimezone(ZONE)})) for at in moments]


@pytest.mark.parametrize(
    ("rule", "one", "enough", "within"),
    [
        (Rule.REFUSALS, seen(Event.REFUSED, outcome="refused"), 5, 600),
        (Rule.STEP_UP_FAILURES, seen(Event.STEP_UP_FAILED, outcome="failed"), 3, 900),
        (
            Rule.SIGN_IN_FAILURES,
            seen(Event.SIGN_IN_FAILED, officer=None, outcome="failed", subjects=(f"officer:{INES}",)),
            3,
            900,
        ),
        (
            Rule.SIGN_IN_FAILURES,
            seen(Event.SIGN_IN_FAILED, officer=None, outcome="failed", facts={"from": "0a1b2c3d"}),
            5,
            900,
        ),
    ],
)
def test_what_is_repeated_within_minutes_is_an_alert_and_slowly_it_is_not(
    rule: Rule, one: Seen, enough: int, within: int
) -> None:
    close = within // (enough - 1)
    assert rules(spaced(one, enough - 1, 1)) == []
    (finding,) = told(spaced(one, enough, close))
    assert (finding.rule, finding.first_index, finding.last_index) == (rule, 0, enough - 1)
    assert rules(spaced(one, 2 * enough, close + 1)) == []
    assert rules(spaced(one, 2 * enough, 1)) == [rule, rule]


def test_three_searches_on_a_day_that_found_nobody_are_an_alert_and_found_ones_between_are_not() -> None:
    empty, found = (seen(Event.DIRECTORY_FOUND, facts={"found": number}) for number in (0, 4))
    assert rules([empty, found, empty, found]) == []
    assert rules([empty, found, empty, empty]) == [Rule.NOTHING_FOUND]
    tomorrow = spaced(empty, 2, 86_400)[1]
    assert rules([empty, empty, tomorrow]) == []


def test_each_lock_and_each_key_act_is_an_alert_and_a_long_act_is_one() -> None:
    lock = seen(Event.ACCOUNT_LOCKED, officer=None, subjects=(f"officer:{INES}",))
    assert [finding.officer for finding in told([lock])] == [UUID(INES)]
    act = seen(Event.CASE_DESTROYED, subjects=(CASE,))
    rest = seen(Event.CASE_DESTROYED, subjects=(CASE,), facts={"continues": str(UUID(int=5))})
    assert [(finding.rule, finding.subject) for finding in told([act, rest])] == [(Rule.KEY_ACT, CASE)]


def test_a_passkey_that_may_be_copied_and_access_ended_for_danger_are_alerts_each_once() -> None:
    about = (f"officer:{INES}",)
    copied = seen(Event.PASSKEY_SUSPECTED, officer=None, subjects=(*about, f"passkey:{UUID(int=5)}"))
    assert [(found.rule, found.officer) for found in told([copied])] == [(Rule.PASSKEY, UUID(INES))]
    ended = {
        ground: seen(Event.OFFICER_REVOKED, officer=IVO, subjects=about, facts={"ground": ground})
        for ground in ("danger", "stolen", "left")
    }
    rest = seen(Event.OFFICER_REVOKED, officer=IVO, subjects=about, facts={"continues": str(UUID(int=5))})
    found = told([ended["danger"], rest, ended["left"], ended["stolen"]])
    assert [(one.rule, one.officer) for one in found] == [(Rule.HIGH_RISK, UUID(INES))] * 2


def test_on_a_flagged_case_every_new_officer_is_an_alert_once() -> None:
    flag, unflag = (seen(event, subjects=(CASE,)) for event in (Event.CASE_FLAGGED, Event.CASE_UNFLAGGED))
    naming, inside = named(Event.OFFICER_NAMED, CASE), look(MORNING, INES, "house-area", CASE)
    assert rules([naming, inside]) == []
    assert rules([flag, naming, inside, inside]) == [Rule.FLAGGED_CASE]
    assert rules([flag, inside, look(MORNING, IVO, "house-area", CASE)]) == [Rule.FLAGGED_CASE] * 2
    assert rules([flag, unflag, naming, inside]) == []


ACTS = st.one_of(
    st.builds(
        lambda officer, compartment, case: look(MORNING, officer, compartment, case),
        st.sampled_from([INES, IVO]),
        st.sampled_from(["identity", "house-area", "health"]),
        st.sampled_from([CASE, OTHER]),
    ),
    st.sampled_from(
        [
            signed_in("inspector"),
            signed_in("coordinator", IVO),
            named(Event.OFFICER_NAMED, CASE),
            named(Event.OFFICER_UNNAMED, CASE),
            seen(Event.REFUSED, outcome="refused"),
            seen(Event.STEP_UP_FAILED, outcome="failed"),
            seen(Event.SIGN_IN_FAILED, officer=None, outcome="failed", facts={"from": "0a1b2c3d"}),
            seen(Event.SIGN_IN_FAILED, officer=None, outcome="failed", subjects=(f"officer:{INES}",)),
            seen(Event.DIRECTORY_FOUND, facts={"found": 0}),
            seen(Event.CASE_FLAGGED, subjects=(CASE,)),
            seen(Event.CASE_UNFLAGGED, subjects=(CASE,)),
            seen(Event.CASE_DESTROYED, subjects=(CASE,), is_vouched=False),
        ]
    ),
)


def in_time(acts: Sequence[tuple[Seen, int]]) -> list[Seen]:
    """The acts one after the other, so many minutes apart; a clock may have been set back."""
    at, entries = MORNING, []
    for index, (act, minutes) in enumerate(acts):
        at += timedelta(minutes=minutes)
        entries.append(Seen(**(vars(act) | {"index": index, "at": at, "local": at.astimezone(ZONE)})))
    return entries


LEDGERS = st.lists(st.tuples(ACTS, st.sampled_from([0, 0, 0, 1, 7, 300, 1440, -90])), max_size=120).map(
    in_time
)


@given(LEDGERS, st.lists(st.integers(0, 120), max_size=6))
def test_read_bit_by_bit_and_kept_between_it_finds_the_same_as_in_one_go(
    entries: list[Seen], cuts: list[int]
) -> None:
    whole, memory = Memory(), Memory()
    at_once = [finding for entry in entries for finding in watch(entry, whole)]
    bit_by_bit: list[Finding] = []
    edges = [0, *sorted(cut for cut in cuts if cut < len(entries)), len(entries)]
    for start, end in pairwise(edges):
        kept = json.loads(json.dumps([memory.shared(), memory.each()]))
        memory = Memory.kept(*kept)
        bit_by_bit += [finding for entry in entries[start:end] for finding in watch(entry, memory)]
    assert bit_by_bit == at_once
    assert (memory.shared(), memory.each()) == (whole.shared(), whole.each())


@given(LEDGERS)
def test_no_alert_has_the_name_of_another_and_each_ends_at_the_entry_that_raised_it(
    entries: list[Seen],
) -> None:
    found = told(entries)
    names = [(finding.rule, finding.first_index) for finding in found]
    assert len(set(names)) == len(names)
    assert all(0 <= finding.first_index <= finding.last_index < len(entries) for finding in found)
    assert [finding.last_index for finding in found] == sorted(finding.last_index for finding in found)
