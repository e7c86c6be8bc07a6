"""What search offers, in which order, for which reasons, and in how many queries."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from crypto.lockbox import LockboxKey
from housing import actions
from housing.errors import BadDates, BadDetails, NoBedFree
from housing.matching import Candidate, Danger, candidates, fit
from housing.models import House, HouseKind, Need, StayReason, VoidReason
from housing.places import towns
from housing.separation import Conflict, ConflictKind
from tests.housing.builders import NOW, Adds, Holds, add_prospective, day, plain, wanted


@contextmanager
def statements(db: Session) -> Iterator[list[str]]:
    """The statements sent while the block runs."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    bind = db.connection()
    event.listen(bind, "before_cursor_execute", note)
    yield sent
    event.remove(bind, "before_cursor_execute", note)


def codes(db: Session, **asked: object) -> list[str]:
    return [c.code for c in candidates(db, wanted(day(0), day(3), **asked), NOW)]  # type: ignore[arg-type]


def test_the_number_of_queries_does_not_grow_with_places(db: Session, add: Adds, hold: Holds) -> None:
    hold(add("H-001", 2), day(0), day(3))
    for number in range(100, 130):
        hold(add(f"H-{number}", 2), day(0), day(3))
    with statements(db) as sent:
        candidates(db, wanted(day(0), day(3)), NOW)
    assert len(sent) == 3


def test_each_hold_that_ran_out_is_changed_by_itself(db: Session, add: Adds, hold: Holds) -> None:
    for number in range(100, 130):
        hold(add(f"H-{number}", 2), day(0), day(3))
    with statements(db) as sent:
        candidates(db, wanted(day(0), day(3)), NOW + timedelta(hours=2))
    # The three of every search, the claims given back at once, and each stay in a change of its own.
    assert len(sent) <= 3 + 1 + 30


def test_search_reads_nothing_sealed(db: Session, add: Adds) -> None:
    add("H-001", 2)
    with statements(db) as sent:
        candidates(db, wanted(day(0), day(3)), NOW)
    assert not any(
        name in statement for statement in sent for name in ("street", "landlord", "latitude", "near")
    )


def test_only_vetted_places_are_offered(db: Session, lockbox: LockboxKey, add: Adds) -> None:
    add_prospective(db, lockbox, "H-001", plain(2), NOW)
    actions.compromise(db, add("H-002", 2), NOW)
    actions.retire(db, add("H-003", 2), NOW)
    add("H-004", 2)
    assert codes(db) == ["H-004"]


def test_kind_and_needs_narrow_the_search(db: Session, add: Adds) -> None:
    add("H-001", 2, HouseKind.SHELTER, frozenset({Need.STEP_FREE, Need.PETS}))
    add("H-002", 2, HouseKind.SAFE_HOUSE, frozenset({Need.STEP_FREE}))
    assert codes(db, kind=frozenset({HouseKind.SHELTER})) == ["H-001"]
    assert codes(db, kind=frozenset({HouseKind.EMERGENCY})) == []
    assert codes(db, kind=frozenset(HouseKind)) == ["H-001", "H-002"]
    assert codes(db, needs=frozenset({Need.STEP_FREE})) == ["H-001", "H-002"]
    assert codes(db, needs=frozenset({Need.STEP_FREE, Need.PETS})) == ["H-001"]
    assert codes(db, excluded=frozenset({Need.PETS})) == ["H-002"]


def test_order_is_nearest_size_then_latest_confirmed_then_code(db: Session, add: Adds) -> None:
    add("H-005", 4)
    add("H-004", 2, at=NOW - timedelta(days=9))
    add("H-003", 2)
    add("H-002", 2)
    add("H-001", 3)
    assert codes(db, party=2) == ["H-002", "H-003", "H-004", "H-001", "H-005"]


def test_the_beds_left_over_are_those_free_on_the_days_not_all_of_the_place(
    db: Session, add: Adds, hold: Holds
) -> None:
    hold(add("H-009", 5), day(0), day(3), party=4)
    add("H-001", 2)
    assert codes(db) == ["H-009", "H-001"]


@pytest.mark.parametrize("asked", [{"party": 0}, {"turnaround": -1}, {"turnaround": 99}])
def test_a_senseless_search_is_refused(db: Session, add: Adds, asked: dict[str, int]) -> None:
    add("H-001", 2)
    with pytest.raises((BadDetails, BadDates)):
        codes(db, **asked)


def test_a_need_both_required_and_excluded_is_refused(db: Session) -> None:
    with pytest.raises(BadDetails):
        codes(db, needs=frozenset({Need.PETS}), excluded=frozenset({Need.PETS}))


@pytest.fixture
def candidate(db: Session, add: Adds) -> Candidate:
    """Four beds, step-free, confirmed three days ago; three people want it twenty miles from danger."""
    add("H-001", 4, needs=frozenset({Need.STEP_FREE, Need.PETS}), at=NOW - timedelta(days=3))
    asked = wanted(day(0), day(3), party=3, needs=frozenset({Need.STEP_FREE}), farther_than_miles=20)
    return candidates(db, asked, NOW)[0]


def near(town: str, radius: float) -> Danger:
    return Danger(*towns()[town], radius_miles=radius)


def test_reasons_are_plain_words_for_what_was_asked(candidate: Candidate) -> None:
    area = towns()["Clinton"]
    found = fit(candidate, area, [near("Stamford", 5), near("Danbury", 2)], [])
    assert found.fits
    assert found.reasons == (
        "Step-free", "4 beds free, 3 needed", "47 miles from the nearest danger area", "Confirmed 3 days ago",
    )  # fmt: skip


def test_the_edge_of_the_nearest_danger_area_decides(candidate: Candidate) -> None:
    area = towns()["Clinton"]
    # New Haven lies about twenty miles west of Clinton, so a radius of five leaves fifteen.
    too_near = fit(candidate, area, [near("Stamford", 5), near("New Haven", 5)], [])
    assert not too_near.fits
    assert too_near.reasons[0] == "15 miles from the nearest danger area"
    inside = fit(candidate, area, [near("New Haven", 25)], [])
    assert not inside.fits
    assert inside.reasons[0] == "Inside a danger area"


def test_an_area_not_opened_never_passes_for_safe(candidate: Candidate) -> None:
    unknown = fit(candidate, None, [near("Stamford", 5)], [])
    assert not unknown.fits
    assert unknown.reasons[0] == "The distance to the danger areas has not been checked"
    assert fit(candidate, None, [], []).fits


def test_being_outside_is_enough_when_no_distance_was_asked(db: Session, add: Adds) -> None:
    add("H-001", 4)
    found = candidates(db, wanted(day(0), day(3)), NOW)[0]
    assert fit(found, towns()["Clinton"], [near("New Haven", 19)], []).fits
    assert not fit(found, towns()["Clinton"], [near("New Haven", 25)], []).fits


def test_a_conflict_speaks_against_a_place_without_naming_the_other(candidate: Candidate) -> None:
    found = fit(candidate, None, [], [Conflict(ConflictKind.SEPARATED, "case:secret")] * 2)
    assert not found.fits
    assert found.reasons[0] == "Not for this case on these days; ask the coordinator"
    assert len(found.reasons) == 4
    assert not any("secret" in reason for reason in found.reasons)


def test_a_place_for_oneself_says_so(db: Session, add: Adds) -> None:
    add("H-001", 1)
    found = candidates(db, wanted(day(0), day(0), single=True), NOW)[0]
    assert fit(found, None, [], []).reasons == (
        "1 bed free, 1 needed, nobody else in the place", "Confirmed today",
    )  # fmt: skip


class TestKnownFaultsOfOthers:
    """Faults that booking systems are known for, each planted here."""

    def test_what_search_offers_booking_takes_and_what_it_does_not_booking_refuses(
        self, db: Session, add: Adds, hold: Holds
    ) -> None:
        # The turnaround of the new stay would run into the next one: search must know that too.
        house = add("H-001", 1)
        hold(house, day(8), day(9))
        assert codes(db, turnaround=2) == ["H-001"]
        offered = candidates(db, wanted(day(0), day(4), turnaround=2), NOW)
        assert offered == []
        with pytest.raises(NoBedFree):
            hold(house, day(0), day(4), occupant="case:2")
        hold(house, day(0), day(3), occupant="case:2")

    def test_a_non_arrival_does_not_go_on_hiding_a_bed(self, db: Session, add: Adds, hold: Holds) -> None:
        stay = hold(add("H-001", 1), day(0), day(3))
        actions.confirm(db, stay, NOW)
        assert codes(db) == []
        actions.did_not_arrive(db, stay, StayReason.NOT_REACHED, NOW)
        assert codes(db) == ["H-001"]

    def test_a_forgotten_hold_does_not_go_on_hiding_a_bed(self, db: Session, add: Adds, hold: Holds) -> None:
        hold(add("H-001", 1), day(0), day(3), now=NOW - timedelta(hours=2))
        assert codes(db) == ["H-001"]

    def test_a_void_bed_is_not_offered(self, db: Session, add: Adds) -> None:
        actions.void(db, add("H-001", 1), day(3), day(4), VoidReason.DEEP_CLEAN, NOW)
        assert codes(db) == []

    def test_people_who_have_not_left_when_due_are_not_booked_over(
        self, db: Session, add: Adds, arrived: Holds, hold: Holds
    ) -> None:
        house = add("H-001", 1)
        arrived(house, day(0), day(1), turnaround=0)
        later = NOW + timedelta(days=20)
        assert candidates(db, wanted(day(20), day(22)), later) == []
        with pytest.raises(NoBedFree):
            hold(house, day(20), day(22), occupant="case:2", now=later)

    def test_nothing_counts_beds_but_the_claims_themselves(self) -> None:
        assert not any(
            "free" in column.name or "available" in column.name for column in House.__table__.columns
        )
