"""Two officers at once: one wins, the other is told, and nothing is half done."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import Session

from housing import actions
from housing.claims import claims_of_stay
from housing.errors import HouseClosed, HousingError, NoBedFree, StayInTheWay, WrongState
from housing.models import Claim, House, Stay, StayReason, StayState, VoidReason
from tests.housing.builders import NOW, add_prospective, day, new_lockbox, plain

Act = Callable[[Session, House], object]
ROUNDS = 5


def lay_out(engine: Engine, beds: int) -> UUID:
    with Session(engine) as db:
        house = add_prospective(db, new_lockbox(), f"H-{db.query(House).count():03}", plain(beds), NOW)
        actions.vet(db, house, NOW)
        db.commit()
        return house.id


def hold(db: Session, house: House) -> Stay:
    return actions.hold(db, house, "case:1", 1, False, day(0), day(3), 90, 2, NOW)


def at_once(engine: Engine, house_id: UUID, acts: list[Act]) -> list[HousingError | None]:
    """Do every act in a thread and session of its own, started together; answers each one's refusal."""
    barrier = Barrier(len(acts))

    def run(act: Act) -> HousingError | None:
        with Session(engine) as db:
            barrier.wait()
            try:
                act(db, db.get_one(House, house_id))
                db.commit()
            except HousingError as refusal:
                return refusal
        return None

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_two_officers_race_for_the_last_bed_and_one_wins(engine: Engine) -> None:
    for _ in range(ROUNDS):
        house_id = lay_out(engine, 1)
        refusals = at_once(engine, house_id, [hold, hold])
        assert [type(refusal) for refusal in refusals if refusal] == [NoBedFree]
        with Session(engine) as db:
            assert len(db.scalars(select(Claim).where(Claim.house_id == house_id)).all()) == 1
            assert len(db.scalars(select(Stay).where(Stay.house_id == house_id)).all()) == 1


def test_five_officers_race_for_three_beds_and_three_win(engine: Engine) -> None:
    house_id = lay_out(engine, 3)
    refusals = at_once(engine, house_id, [hold] * 5)
    assert [type(refusal) for refusal in refusals if refusal] == [NoBedFree] * 2
    with Session(engine) as db:
        assert sorted(db.scalars(select(Claim.bed))) == [1, 2, 3]


def test_a_closure_and_a_hold_never_both_succeed(engine: Engine) -> None:
    def close(db: Session, house: House) -> object:
        return actions.void(db, house, day(2), day(3), VoidReason.REPAIRS, NOW)

    for _ in range(ROUNDS):
        refusals = at_once(engine, lay_out(engine, 1), [hold, close])
        assert [type(refusal) for refusal in refusals if refusal] in ([NoBedFree], [StayInTheWay])


def test_nobody_slips_into_a_place_while_it_is_being_closed_as_compromised(engine: Engine) -> None:
    reports: list[actions.CompromiseReport] = []

    def close(db: Session, house: House) -> None:
        reports.append(actions.compromise(db, house, NOW))

    for _ in range(ROUNDS):
        house_id = lay_out(engine, 1)
        refusals = at_once(engine, house_id, [hold, close])
        report = reports.pop()
        with Session(engine) as db:
            live = db.scalars(
                select(Stay).where(Stay.house_id == house_id, Stay.state == StayState.HELD)
            ).all()
        assert live == []
        if refusals[0] is None:
            assert report.occupants == ("case:1",)
        else:
            assert isinstance(refusals[0], HouseClosed)
            assert report.occupants == ()


def test_two_officers_confirm_and_cancel_the_same_stay_and_the_end_is_one_of_the_two(engine: Engine) -> None:
    def stay_of(db: Session, house: House) -> Stay:
        return db.scalars(select(Stay).where(Stay.house_id == house.id)).one()

    def confirm(db: Session, house: House) -> None:
        actions.confirm(db, stay_of(db, house), NOW)

    def cancel(db: Session, house: House) -> None:
        actions.cancel(db, stay_of(db, house), StayReason.NO_LONGER_NEEDED, NOW)

    for _ in range(ROUNDS):
        house_id = lay_out(engine, 1)
        assert at_once(engine, house_id, [hold]) == [None]
        refusals = at_once(engine, house_id, [confirm, cancel])
        assert [type(refusal) for refusal in refusals if refusal] in ([], [WrongState])
        with Session(engine) as db:
            stay = db.scalars(select(Stay).where(Stay.house_id == house_id)).one()
            assert stay.state is StayState.CANCELLED
            assert claims_of_stay(db, stay) == []


def test_a_look_that_has_grown_old_is_caught_by_the_database(postgres_url: str) -> None:
    # A snapshot taken before the other's commit shows the bed as free, so only the constraint can refuse.
    engine = create_engine(postgres_url, isolation_level="REPEATABLE READ")
    House.metadata.create_all(engine)
    house_id = lay_out(engine, 1)
    with Session(engine) as slow, Session(engine) as quick:
        house = slow.get_one(House, house_id)
        hold(quick, quick.get_one(House, house_id))
        quick.commit()
        with pytest.raises(NoBedFree):
            hold(slow, house)
        slow.commit()
        assert slow.query(Claim).count() == 1
    engine.dispose()
