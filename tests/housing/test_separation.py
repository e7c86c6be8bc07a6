"""Who would meet whom: over references and days alone, in one query."""

from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from housing import actions
from housing.models import House, StayReason
from housing.separation import Conflict, ConflictKind, conflicts
from tests.housing.builders import NOW, Adds, Holds, day

NOBODY: frozenset[str] = frozenset()
OTHER = frozenset({"case:other"})
SEPARATED = [Conflict(ConflictKind.SEPARATED, "case:other")]


@pytest.fixture
def house(add: Adds) -> House:
    return add("H-001", 4)


def meets(db: Session, house: House, first: int = 0, last: int = 3, days_later: int = 0) -> list[Conflict]:
    now = NOW + timedelta(days=days_later)
    return conflicts(db, [house.id], "case:1", OTHER, NOBODY, day(first), day(last), now)[house.id]


@pytest.mark.parametrize(("first", "last", "met"), [(0, 2, False), (0, 3, True), (6, 9, True), (7, 9, False)])
def test_a_conflict_is_on_days_both_are_there(
    db: Session, house: House, hold: Holds, first: int, last: int, met: bool
) -> None:
    hold(house, day(3), day(6), occupant="case:other")
    assert meets(db, house, first, last) == (SEPARATED if met else [])


def test_both_kinds_of_conflict_are_told_apart(db: Session, house: House, hold: Holds) -> None:
    hold(house, day(0), day(3), occupant="case:a")
    hold(house, day(0), day(3), occupant="case:b")
    hold(house, day(0), day(3), occupant="case:stranger")
    found = conflicts(
        db, [house.id], "case:1", frozenset({"case:a"}), frozenset({"case:a", "case:b"}), day(0), day(3), NOW
    )
    assert found[house.id] == [
        Conflict(ConflictKind.SEPARATED, "case:a"),
        Conflict(ConflictKind.SAME_PROSECUTION, "case:a"),
        Conflict(ConflictKind.SAME_PROSECUTION, "case:b"),
    ]


def test_nobody_conflicts_with_themselves(db: Session, house: House, hold: Holds) -> None:
    hold(house, day(0), day(3), occupant="case:1")
    mine = frozenset({"case:1"})
    assert conflicts(db, [house.id], "case:1", mine, mine, day(0), day(3), NOW) == {house.id: []}


def test_those_who_are_not_coming_or_have_left_are_no_conflict(
    db: Session, house: House, hold: Holds, arrived: Holds
) -> None:
    called_off = hold(house, day(0), day(3), occupant="case:other")
    actions.cancel(db, called_off, StayReason.NO_LONGER_NEEDED, NOW)
    left = arrived(house, day(0), day(3), occupant="case:other")
    actions.depart(db, left, day(0), NOW)
    hold(house, day(0), day(3), occupant="case:other", now=NOW - timedelta(hours=2))
    assert meets(db, house) == []


def test_those_who_have_not_left_when_due_are_still_a_conflict(
    db: Session, house: House, arrived: Holds
) -> None:
    arrived(house, day(0), day(1), occupant="case:other")
    assert meets(db, house, 2, 4, days_later=1) == []
    assert meets(db, house, 4, 6, days_later=2) == SEPARATED


def test_the_other_in_another_house_is_no_conflict_here(
    db: Session, house: House, add: Adds, hold: Holds
) -> None:
    hold(add("H-002", 1), day(0), day(3), occupant="case:other")
    assert meets(db, house) == []


def test_one_query_answers_for_any_number_of_houses(db: Session, add: Adds, hold: Holds) -> None:
    houses = [add(f"H-{number:03}", 2) for number in range(20)]
    for house in houses:
        hold(house, day(0), day(3), occupant="case:other")
    sent: list[str] = []
    event.listen(db.connection(), "before_cursor_execute", lambda *call: sent.append(call[2]))
    found = conflicts(db, [h.id for h in houses], "case:1", OTHER, NOBODY, day(0), day(3), NOW)
    assert found == {house.id: SEPARATED for house in houses}
    assert len(sent) == 1
