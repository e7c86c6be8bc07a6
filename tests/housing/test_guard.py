"""The database itself refuses two claims on one bed, whoever writes them."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, insert, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from housing import actions
from housing.claims import claims_of_stay
from housing.errors import NoBedFree, StayInTheWay
from housing.models import OVERLAP, Claim, House, Stay, Void, VoidReason, guards
from tests.housing.builders import NOW, Adds, Holds, day


def claim_row(house: House, bed: int, first: int, last: int, stay: Stay) -> dict[str, Any]:
    return {
        "id": uuid4(), "house_id": house.id, "bed": bed, "from_on": day(first), "until_on": day(last),
        "stay_id": stay.id, "void_id": None,
    }  # fmt: skip


@pytest.fixture
def house(add: Adds) -> House:
    return add("H-001", 2)


@pytest.fixture
def stay(house: House, hold: Holds) -> Stay:
    """Bed 1 from Wednesday to Friday; no turnaround."""
    return hold(house, day(2), day(4), turnaround=0)


@pytest.mark.parametrize(("first", "last"), [(0, 2), (2, 4), (3, 3), (4, 9), (0, 9)])
def test_an_overlapping_claim_is_refused_by_the_database(
    db: Session, house: House, stay: Stay, first: int, last: int
) -> None:
    with pytest.raises(IntegrityError):
        db.execute(insert(Claim).values(claim_row(house, 1, first, last, stay)))


@pytest.mark.parametrize(("bed", "first", "last"), [(1, 0, 1), (1, 5, 9), (2, 2, 4)])
def test_a_claim_on_other_days_or_another_bed_is_accepted(
    db: Session, house: House, stay: Stay, bed: int, first: int, last: int
) -> None:
    db.execute(insert(Claim).values(claim_row(house, bed, first, last, stay)))


def test_a_claim_cannot_be_moved_over_another(db: Session, house: House, stay: Stay) -> None:
    row = claim_row(house, 1, 7, 9, stay)
    db.execute(insert(Claim).values(row))
    for change in ({"from_on": day(4)}, {"from_on": day(1), "until_on": day(3)}):
        with pytest.raises(IntegrityError), db.begin_nested():
            db.execute(update(Claim).where(Claim.id == row["id"]).values(change))


def test_the_same_days_in_another_house_are_accepted(db: Session, add: Adds, stay: Stay) -> None:
    db.execute(insert(Claim).values(claim_row(add("H-002", 1), 1, 2, 4, stay)))


def test_without_the_guard_the_overlap_goes_in(db: Session, house: House, stay: Stay) -> None:
    # This is the planted breach: it shows that the guard, and nothing else, is what refuses above.
    if db.get_bind().dialect.name == "sqlite":
        db.execute(text(f"DROP TRIGGER {OVERLAP}_on_INSERT"))
    else:
        db.execute(text(f"ALTER TABLE bed_claims DROP CONSTRAINT {OVERLAP}"))
    db.execute(insert(Claim).values(claim_row(house, 1, 3, 3, stay)))


def test_guards_can_be_laid_again(db: Session, house: House, stay: Stay) -> None:
    for statement in guards(db.get_bind().dialect.name):
        db.execute(text(statement))
    with pytest.raises(IntegrityError):
        db.execute(insert(Claim).values(claim_row(house, 1, 3, 3, stay)))


def test_other_engines_have_no_guard() -> None:
    with pytest.raises(ValueError, match="PostgreSQL and SQLite only"):
        guards("mysql")


def slip_in(db: Session, table: type, row: dict[str, Any]) -> None:
    """Write a claim at the last moment: after the act has looked, before it writes its own."""
    waiting = [row]

    @event.listens_for(db, "before_flush")
    def write(session: Session, *_: object) -> None:
        if waiting and any(isinstance(new, table) for new in session.new):
            session.execute(insert(Claim).values(waiting.pop()))


def test_a_claim_slipped_in_after_the_look_becomes_no_bed_free_and_leaves_nothing(
    db: Session, house: House, stay: Stay, hold: Holds
) -> None:
    slip_in(db, Claim, claim_row(house, 2, 2, 2, stay))
    with pytest.raises(NoBedFree) as refusal:
        hold(house, day(2), day(3), occupant="case:2")
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__
    assert db.query(Stay).count() == 1
    assert db.query(Claim).count() == 1


def test_a_claim_slipped_in_before_a_closure_becomes_stay_in_the_way(
    db: Session, house: House, stay: Stay
) -> None:
    slip_in(db, Claim, claim_row(house, 2, 8, 8, stay))
    with pytest.raises(StayInTheWay):
        actions.void(db, house, day(7), day(9), VoidReason.REPAIRS, NOW)
    assert db.query(Void).count() == 0


def test_another_fault_of_integrity_is_not_taken_for_an_overlap(
    db: Session, house: House, stay: Stay, hold: Holds
) -> None:
    slip_in(db, Claim, claim_row(house, 2, 8, 8, stay) | {"stay_id": None})
    with pytest.raises(IntegrityError):
        hold(house, day(2), day(3), occupant="case:2")


def test_a_claim_belongs_to_a_stay_or_a_closure_and_not_to_both(
    db: Session, house: House, stay: Stay
) -> None:
    closure = actions.void(db, house, day(20), day(21), VoidReason.REPAIRS, NOW)
    causes: list[tuple[UUID | None, UUID | None]] = [(None, None), (stay.id, closure.id)]
    for stay_id, void_id in causes:
        row = claim_row(house, 1, 30, 31, stay) | {"stay_id": stay_id, "void_id": void_id}
        with pytest.raises(IntegrityError), db.begin_nested():
            db.execute(insert(Claim).values(row))


def test_every_claim_of_a_stay_lies_in_its_own_bed(db: Session, house: House, hold: Holds) -> None:
    stay = hold(house, day(10), day(12), party=2)
    assert [claim.bed for claim in claims_of_stay(db, stay)] == [1, 2]
