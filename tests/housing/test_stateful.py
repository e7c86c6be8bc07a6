"""Any order of acts, against a plain model of who has which beds on which days."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import combinations
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from housing import actions
from housing.availability import status_on
from housing.claims import claims_between
from housing.errors import HouseClosed, HousingError, NoBedFree, StayInTheWay
from housing.matching import candidates
from housing.models import Claim, House, Standing, Stay, StayReason, StayState, Void, VoidReason
from housing.words import OverstayReason, Status
from tests.housing.builders import NOW, add_prospective, new_lockbox, plain, wanted

EXAMPLES = {"sqlite": 40, "postgresql": 15}
STEPS = 40

firsts = st.integers(0, 12)
nights = st.integers(0, 8)
turnarounds = st.integers(0, 3)
parties = st.integers(1, 4)


def after(last: date, turnaround: int) -> date:
    """The end of the turnaround, counted one day at a time and apart from the code under test."""
    while turnaround:
        last += timedelta(days=1)
        if last.isoweekday() <= 5:
            turnaround -= 1
    return last


@dataclass(frozen=True)
class Known:
    """What the model knows of a stay or a closure that takes beds."""

    house: UUID
    beds: int
    from_on: date
    last_day: date
    claimed_until: date
    state: str
    expires: datetime | None


class Housing(RuleBasedStateMachine):
    """Acts on a few small places over a few weeks, with a clock that moves on."""

    engine: Engine

    def __init__(self) -> None:
        super().__init__()
        self.connection = self.engine.connect()
        self.undone = self.connection.begin()
        self.db = Session(self.connection, join_transaction_mode="create_savepoint")
        self.lockbox = new_lockbox()
        self.now = NOW
        self.houses: list[House] = []
        self.known: dict[UUID, Known] = {}

    def teardown(self) -> None:
        self.db.close()
        self.undone.rollback()
        self.connection.close()

    @property
    def today(self) -> date:
        return self.now.date()

    def in_days(self, days: int) -> date:
        return self.today + timedelta(days=days)

    def pick_house(self, data: st.DataObject) -> House:
        return data.draw(st.sampled_from(self.houses), label="house")

    def pick(self, data: st.DataObject, state: str) -> UUID:
        return data.draw(st.sampled_from([i for i, k in self.known.items() if k.state == state]), label=state)

    def has(self, *states: str) -> bool:
        return any(known.state in states for known in self.known.values())

    def until_of(self, known: Known) -> date:
        """The last day on which the beds are taken; people overdue keep them for today and turnaround."""
        if known.state == "arrived" and known.last_day < self.today:
            turnaround = self.db.get_one(Stay, self.id_of(known)).turnaround
            return max(known.claimed_until, after(self.today, turnaround))
        return known.claimed_until

    def id_of(self, known: Known) -> UUID:
        return next(i for i, k in self.known.items() if k is known)

    def change(self, stay_id: UUID, **changes: object) -> None:
        self.known[stay_id] = replace(self.known[stay_id], **changes)  # type: ignore[arg-type]

    def forget_expired(self) -> None:
        for stay_id, known in list(self.known.items()):
            if known.state == "held" and known.expires is not None and known.expires <= self.now:
                del self.known[stay_id]

    def most_taken(self, house: UUID, first: date, last: date, but: UUID | None = None) -> int:
        """The most beds that the model knows to be taken at once on any one of these days."""
        days = Counter[date]()
        for stay_id, known in self.known.items():
            if known.house != house or stay_id == but:
                continue
            end = self.until_of(known)
            for offset in range((last - first).days + 1):
                one = first + timedelta(days=offset)
                days[one] += known.beds if known.from_on <= one <= end else 0
        return max(days.values(), default=0)

    @initialize(beds=st.lists(st.integers(1, 3), min_size=1, max_size=3))
    def lay_out(self, beds: list[int]) -> None:
        for count in beds:
            self.add_house(count)

    @precondition(lambda self: len(self.houses) < 4)
    @rule(beds=st.integers(1, 3))
    def add_house(self, beds: int) -> None:
        code = f"H-{len(self.houses):03}"
        house = add_prospective(self.db, self.lockbox, code, plain(beds), self.now)
        actions.vet(self.db, house, self.now)
        self.houses.append(house)

    @rule(minutes=st.sampled_from([5, 89, 90, 60 * 20, 60 * 24, 60 * 24 * 4]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(data=st.data(), first=firsts, n=nights, party=parties, single=st.booleans(), turnaround=turnarounds)
    def hold(
        self, data: st.DataObject, first: int, n: int, party: int, single: bool, turnaround: int
    ) -> None:
        house = self.pick_house(data)
        from_on, until_on = self.in_days(first), self.in_days(first + n)
        self.forget_expired()
        claimed_until = after(until_on, turnaround)
        beds = house.beds if single else party
        taken = self.most_taken(house.id, from_on, claimed_until)
        try:
            stay = actions.hold(
                self.db, house, "case:1", party, single, from_on, until_on, 90, turnaround, self.now
            )
        except HouseClosed:
            assert house.standing is not Standing.VETTED
            return
        except NoBedFree:
            # A bed must be free on every day, so a place can be too full even where each day has room.
            assert party > house.beds or taken > 0
            return
        assert party <= house.beds
        assert taken + beds <= house.beds
        expires = self.now + timedelta(minutes=90)
        self.known[stay.id] = Known(house.id, beds, from_on, until_on, claimed_until, "held", expires)

    @precondition(lambda self: self.has("held"))
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        stay_id = self.pick(data, "held")
        try:
            actions.confirm(self.db, self.db.get_one(Stay, stay_id), self.now)
        except HousingError:
            expires = self.known[stay_id].expires
            assert expires is not None
            assert expires <= self.now
            return
        self.change(stay_id, state="confirmed")

    @precondition(lambda self: self.has("confirmed"))
    @rule(data=st.data())
    def arrive(self, data: st.DataObject) -> None:
        stay_id = self.pick(data, "confirmed")
        known = self.known[stay_id]
        try:
            actions.arrive(self.db, self.db.get_one(Stay, stay_id), self.today, self.now)
        except HousingError:
            others = [k for k in self.known.values() if k.house == known.house and k.state == "arrived"]
            assert others or not known.from_on <= self.today <= known.last_day
            return
        self.change(stay_id, state="arrived")

    @precondition(lambda self: self.has("arrived"))
    @rule(data=st.data())
    def depart(self, data: st.DataObject) -> None:
        stay_id = self.pick(data, "arrived")
        stay = self.db.get_one(Stay, stay_id)
        on = min(self.today, self.known[stay_id].last_day)
        actions.depart(self.db, stay, on, self.now)
        self.change(stay_id, state="departed", last_day=on, claimed_until=after(on, stay.turnaround))

    @precondition(lambda self: self.has("departed"))
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        stay_id = self.pick(data, "departed")
        try:
            actions.close(self.db, self.db.get_one(Stay, stay_id), self.now)
        except HousingError:
            assert self.known[stay_id].claimed_until >= self.today
            return
        assert self.known[stay_id].claimed_until < self.today
        self.change(stay_id, state="closed")

    @precondition(lambda self: self.has("confirmed", "arrived"))
    @rule(data=st.data(), days=st.integers(1, 6), past=st.booleans())
    def extend(self, data: st.DataObject, days: int, past: bool) -> None:
        stay_id = self.pick(data, "arrived" if self.has("arrived") else "confirmed")
        known, stay = self.known[stay_id], self.db.get_one(Stay, stay_id)
        until_on = known.last_day + timedelta(days=days)
        try:
            if past:
                actions.overstay(self.db, stay, until_on, "officer:ada", OverstayReason.ILLNESS, self.now)
            else:
                actions.extend(self.db, stay, until_on, self.now)
        except NoBedFree:
            self.forget_expired()
            end = after(until_on, stay.turnaround)
            assert self.most_taken(known.house, known.from_on, end, but=stay_id) > 0
            return
        except HousingError:
            overdue = known.last_day < self.today
            assert overdue or past or stay.house.standing is not Standing.VETTED
            return
        self.forget_expired()
        self.change(stay_id, last_day=until_on, claimed_until=after(until_on, stay.turnaround))

    @precondition(lambda self: self.has("held", "confirmed"))
    @rule(data=st.data(), absent=st.booleans())
    def call_off(self, data: st.DataObject, absent: bool) -> None:
        stay_id = self.pick(data, "confirmed" if self.has("confirmed") else "held")
        stay = self.db.get_one(Stay, stay_id)
        if absent and stay.state is StayState.CONFIRMED and stay.from_on <= self.today:
            actions.did_not_arrive(self.db, stay, StayReason.NOT_REACHED, self.now)
        else:
            actions.cancel(self.db, stay, StayReason.NO_LONGER_NEEDED, self.now)
        del self.known[stay_id]

    @rule(data=st.data(), first=firsts, n=nights)
    def void(self, data: st.DataObject, first: int, n: int) -> None:
        house = self.pick_house(data)
        from_on, until_on = self.in_days(first), self.in_days(first + n)
        self.forget_expired()
        taken = self.most_taken(house.id, from_on, until_on)
        try:
            closure = actions.void(self.db, house, from_on, until_on, VoidReason.REPAIRS, self.now)
        except StayInTheWay:
            assert taken > 0
            return
        assert taken == 0
        self.known[closure.id] = Known(house.id, house.beds, from_on, until_on, until_on, "void", None)

    @precondition(lambda self: self.has("void"))
    @rule(data=st.data())
    def end_void(self, data: st.DataObject) -> None:
        void_id = self.pick(data, "void")
        known = self.known[void_id]
        try:
            actions.end_void(self.db, self.db.get_one(Void, void_id), self.now)
        except HousingError:
            assert known.last_day < self.today
            return
        if known.from_on >= self.today:
            del self.known[void_id]
        else:
            self.change(void_id, state="ended void", claimed_until=self.in_days(-1))

    @rule(data=st.data())
    @precondition(lambda self: any(h.standing is Standing.VETTED for h in self.houses))
    def compromise(self, data: st.DataObject) -> None:
        vetted = [house for house in self.houses if house.standing is Standing.VETTED]
        if len(vetted) < 2:
            return
        house = data.draw(st.sampled_from(vetted))
        report = actions.compromise(self.db, house, self.now)
        self.forget_expired()
        here = {i: k for i, k in self.known.items() if k.house == house.id}
        assert set(report.in_place) == {i for i, k in here.items() if k.state == "arrived"}
        assert set(report.called_off) == {i for i, k in here.items() if k.state in {"held", "confirmed"}}
        for stay_id in report.called_off:
            del self.known[stay_id]

    @rule(first=firsts, n=nights, party=parties, single=st.booleans(), turnaround=turnarounds)
    def search(self, first: int, n: int, party: int, single: bool, turnaround: int) -> None:
        """Search offers exactly what booking accepts, and frees every hold that ran out."""
        from_on, until_on = self.in_days(first), self.in_days(first + n)
        asked = wanted(from_on, until_on, party=party, single=single, turnaround=turnaround)
        offered = {candidate.id for candidate in candidates(self.db, asked, self.now)}
        self.forget_expired()
        held = self.db.scalars(select(Stay.hold_expires_at).where(Stay.state == StayState.HELD))
        assert all(expires > self.now for expires in held)
        accepted = set()
        for house in self.houses:
            attempt = self.db.begin_nested()
            try:
                actions.hold(
                    self.db, house, "case:2", party, single, from_on, until_on, 90, turnaround, self.now
                )
                accepted.add(house.id)
            except (NoBedFree, HouseClosed):
                pass
            attempt.rollback()
        assert offered == accepted

    @invariant()
    def no_bed_is_claimed_twice_on_a_day(self) -> None:
        claims = self.db.scalars(select(Claim)).all()
        for one, other in combinations(claims, 2):
            if (one.house_id, one.bed) == (other.house_id, other.bed):
                assert one.until_on < other.from_on or other.until_on < one.from_on

    @invariant()
    def the_claims_are_exactly_what_the_model_knows(self) -> None:
        claims = self.db.scalars(select(Claim)).all()
        counted = Counter((c.stay_id or c.void_id, c.house_id, c.from_on, c.until_on) for c in claims)
        expected = {(cause, k.house, k.from_on, k.claimed_until): k.beds for cause, k in self.known.items()}
        assert counted == expected

    @invariant()
    def a_place_in_use_is_available_exactly_when_a_bed_is_free_today(self) -> None:
        claims = claims_between(self.db, self.today, self.today, self.now, None)
        for house in self.houses:
            if house.standing is Standing.VETTED:
                free = self.most_taken(house.id, self.today, self.today) < house.beds
                assert (status_on(house, self.today, claims) is Status.AVAILABLE) == free


def test_no_order_of_acts_books_a_bed_twice_or_makes_search_and_booking_disagree(
    shared_engine: Engine,
) -> None:
    class OnThisEngine(Housing):
        engine = shared_engine

    profile = settings(
        settings.default,
        max_examples=EXAMPLES[shared_engine.dialect.name],
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(OnThisEngine, settings=profile)
