"""Any order of acts, against a plain model of who has which beds on which days.

Longer than other modules, because the model and every act upon it are read together.
"""

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
from housing.matching import Wanted, candidates
from housing.models import Claim, House, Standing, Stay, StayReason, StayState, Void, VoidReason
from housing.words import OverstayReason, Status
from tests.housing.builders import NOW, add_prospective, new_lockbox, plain, wanted

EXAMPLES = {"sqlite": 25, "postgresql": 10}
STEPS = 40

firsts = st.sampled_from([0, 0, 0, 1, 2, 3, 5, 8])
nights = st.integers(0, 5)
turnarounds = st.integers(0, 3)
parties = st.sampled_from([1, 1, 1, 2, 2, 3, 4])
singles = st.sampled_from([False, False, False, True])
minutes = st.sampled_from([5, 90, 60 * 24, 60 * 24 * 7])
waits = st.sampled_from([0, 0, 0, 5, 60 * 12, 60 * 24, 60 * 24 * 4])


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

    def is_live(self, known: Known) -> bool:
        """Whether it takes any bed: a hold that has run out does not, released or not."""
        return known.state != "held" or known.expires is None or known.expires > self.now

    def free(self, house: House, first: date, last: date, but: UUID | None = None) -> set[int]:
        """The beds free on all of these days, by the model's own days for whoever has been given them."""
        taken = set()
        for claim in self.db.scalars(select(Claim).where(Claim.house_id == house.id)):
            cause = claim.stay_id or claim.void_id
            known = None if cause is None or cause == but else self.known.get(cause)
            if known is None or not self.is_live(known):
                continue
            if known.from_on <= last and self.until_of(known) >= first:
                taken.add(claim.bed)
        return set(range(1, house.beds + 1)) - taken

    @initialize(beds=st.lists(st.integers(1, 4), min_size=2, max_size=3))
    def lay_out(self, beds: list[int]) -> None:
        for count in beds:
            self.add_house(count)

    def add_house(self, beds: int) -> None:
        code = f"H-{len(self.houses):03}"
        house = add_prospective(self.db, self.lockbox, code, plain(beds), self.now)
        actions.vet(self.db, house, self.now)
        self.houses.append(house)

    @rule(minutes=st.sampled_from([5, 90, 60 * 12, 60 * 24, 60 * 24 * 2]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(
        data=st.data(),
        first=firsts,
        n=nights,
        party=parties,
        single=singles,
        turnaround=turnarounds,
        lasting=minutes,
        further=st.sampled_from([0, 1, 2, 2]),
        wait=waits,
    )
    def hold(
        self,
        data: st.DataObject,
        first: int,
        n: int,
        party: int,
        single: bool,
        turnaround: int,
        lasting: int,
        further: int,
        wait: int,
    ) -> None:
        """Hold beds and, as far as drawn, confirm and arrive too: a path that single steps seldom go."""
        self.now += timedelta(minutes=wait)
        house = self.pick_house(data)
        from_on, until_on = self.in_days(first), self.in_days(first + n)
        claimed_until = after(until_on, turnaround)
        beds = house.beds if single else party
        room = party <= house.beds and len(self.free(house, from_on, claimed_until)) >= beds
        try:
            stay = actions.hold(
                self.db, house, "case:1", party, single, from_on, until_on, lasting, turnaround, self.now
            )
        except HouseClosed:
            assert house.standing is not Standing.VETTED
            return
        except NoBedFree:
            assert not room
            return
        assert room
        expires = self.now + timedelta(minutes=lasting)
        self.known[stay.id] = Known(house.id, beds, from_on, until_on, claimed_until, "held", expires)
        for step in (self.confirm_stay, self.let_arrive)[:further]:
            step(stay.id)

    @precondition(lambda self: self.has("held"))
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        self.confirm_stay(self.pick(data, "held"))

    def confirm_stay(self, stay_id: UUID) -> None:
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
        self.let_arrive(self.pick(data, "confirmed"))

    def let_arrive(self, stay_id: UUID) -> None:
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
        end = after(until_on, stay.turnaround)
        own = set(self.db.scalars(select(Claim.bed).where(Claim.stay_id == stay_id)))
        try:
            if past:
                actions.overstay(self.db, stay, until_on, "officer:ada", OverstayReason.ILLNESS, self.now)
            else:
                actions.extend(self.db, stay, until_on, self.now)
        except NoBedFree:
            assert not own <= self.free(stay.house, known.from_on, end, but=stay_id)
            return
        except HousingError:
            overdue = known.last_day < self.today
            assert overdue or past or stay.house.standing is not Standing.VETTED
            return
        assert own <= self.free(stay.house, known.from_on, end, but=stay_id)
        self.change(stay_id, last_day=until_on, claimed_until=end)

    @precondition(lambda self: self.has("held", "confirmed"))
    @rule(data=st.data(), absent=st.booleans())
    def call_off(self, data: st.DataObject, absent: bool) -> None:
        stay_id = self.pick(data, "confirmed" if self.has("confirmed") else "held")
        stay = self.db.get_one(Stay, stay_id)
        absent = absent and stay.state is StayState.CONFIRMED and stay.from_on <= self.today
        try:
            if absent:
                actions.did_not_arrive(self.db, stay, StayReason.NOT_REACHED, self.now)
            else:
                actions.cancel(self.db, stay, StayReason.NO_LONGER_NEEDED, self.now)
        except HousingError:
            assert not self.is_live(self.known[stay_id])
            return
        del self.known[stay_id]

    @rule(data=st.data(), first=firsts, n=nights)
    def void(self, data: st.DataObject, first: int, n: int) -> None:
        house = self.pick_house(data)
        from_on, until_on = self.in_days(first), self.in_days(first + n)
        room = len(self.free(house, from_on, until_on)) == house.beds
        try:
            closure = actions.void(self.db, house, from_on, until_on, VoidReason.REPAIRS, self.now)
        except StayInTheWay:
            assert not room
            return
        assert room
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
        here = {i: k for i, k in self.known.items() if k.house == house.id and self.is_live(k)}
        assert set(report.in_place) == {i for i, k in here.items() if k.state == "arrived"}
        assert set(report.called_off) == {i for i, k in here.items() if k.state in {"held", "confirmed"}}
        for stay_id in report.called_off:
            del self.known[stay_id]

    @rule(
        asks=st.lists(st.tuples(firsts, nights, parties, singles, turnarounds), min_size=1, max_size=3),
        wait=waits,
    )
    def search(self, asks: list[tuple[int, int, int, bool, int]], wait: int) -> None:
        """Search offers exactly what booking accepts, and frees every hold that ran out."""
        self.now += timedelta(minutes=wait)
        for first, n, party, single, turnaround in asks:
            from_on, until_on = self.in_days(first), self.in_days(first + n)
            asked = wanted(from_on, until_on, party=party, single=single, turnaround=turnaround)
            offered = {candidate.id for candidate in candidates(self.db, asked, self.now)}
            held = self.db.scalars(select(Stay.hold_expires_at).where(Stay.state == StayState.HELD))
            assert all(expires > self.now for expires in held)
            accepted = {house.id for house in self.houses if self.is_accepted(house, asked)}
            assert offered == accepted

    def is_accepted(self, house: House, asked: Wanted) -> bool:
        """Book what was asked for, and take it back."""
        attempt = self.db.begin_nested()
        try:
            actions.hold(
                self.db, house, "case:2", asked.party, asked.single, asked.from_on, asked.until_on, 90,
                asked.turnaround, self.now,
            )  # fmt: skip
        except (NoBedFree, HouseClosed):
            return False
        else:
            return True
        finally:
            attempt.rollback()

    @invariant()
    def no_bed_is_claimed_twice_on_a_day(self) -> None:
        claims = self.db.scalars(select(Claim)).all()
        for one, other in combinations(claims, 2):
            if (one.house_id, one.bed) == (other.house_id, other.bed):
                assert one.until_on < other.from_on or other.until_on < one.from_on

    @invariant()
    def the_claims_are_exactly_what_the_model_knows(self) -> None:
        claims = self.db.scalars(select(Claim)).all()
        live = {cause: known for cause, known in self.known.items() if self.is_live(known)}
        run_out = self.known.keys() - live.keys()
        counted = Counter(
            (c.stay_id or c.void_id, c.house_id, c.from_on, c.until_on)
            for c in claims
            if c.stay_id not in run_out
        )
        expected = {(cause, k.house, k.from_on, k.claimed_until): k.beds for cause, k in live.items()}
        assert counted == expected

    @invariant()
    def a_place_in_use_is_available_exactly_when_a_bed_is_free_today(self) -> None:
        claims = claims_between(self.db, self.today, self.today, self.now, None)
        for house in self.houses:
            if house.standing is Standing.VETTED:
                free = self.free(house, self.today, self.today)
                assert (status_on(house, self.today, claims) is Status.AVAILABLE) == bool(free)


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
