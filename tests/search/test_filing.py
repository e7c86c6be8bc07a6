"""Whatever order changes and filings come in, the directory is what a plain dictionary would be."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from audit.finding import Filters
from tests.cast import Cast
from tests.patience import wait_for_locks
from tests.search.filing import file, filed, leave
from vault.access.events import Event
from vault.access.listings import Listing, forget_case, leave_slip, waiting
from vault.access.models import DirectoryPage, DirectorySlip, Lockbox
from vault.database import UnrecordedChange
from vault.errors import RoleMayNot
from vault.verification import verify


def person(names: tuple[str, ...], ref: UUID, case: UUID) -> Listing:
    return Listing(ref, case, names, date(1990, 2, 3), ("900123456",))


def test_a_slip_that_no_entry_tells_of_is_not_kept(cast: Cast) -> None:
    vault, now = cast.stage.vault, cast.stage.clock.now
    with pytest.raises(UnrecordedChange), vault.writing() as db:
        leave_slip(db, vault.trust, person(("Jane Roe",), uuid4(), uuid4()), 2, False, now)
    with vault.reading() as db:
        assert waiting(db) == set()


@pytest.mark.parametrize("name", ["ines", "cal", "dee", "aud"])
def test_only_who_holds_the_directory_files_slips(cast: Cast, name: str) -> None:
    leave(cast.stage, cast["ines"].actor, [(person(("Jane Roe",), uuid4(), uuid4()), 2, False)])
    with pytest.raises(RoleMayNot):
        file(cast.stage, cast[name].actor)
    with cast.stage.vault.reading() as db:
        assert len(waiting(db)) == 1


def test_the_latest_of_several_changes_stands_and_filing_again_does_nothing(cast: Cast) -> None:
    ref, case, ada = uuid4(), uuid4(), cast["ada"].actor
    for version in (3, 2, 4):
        leave(cast.stage, ada, [(person((f"Name {version}",), ref, case), version, False)])
    assert file(cast.stage, ada) == 3
    assert {one.names for one in filed(cast).values()} == {("Name 4",)}
    assert file(cast.stage, ada) == 0


def test_pages_stay_full_when_somebody_in_the_middle_goes_and_only_changed_pages_are_sealed_again(
    cast: Cast,
) -> None:
    ada, case = cast["ada"].actor, uuid4()
    people = [person((f"Person {n}",), uuid4(), case) for n in range(150)]
    leave(cast.stage, ada, [(one, 2, False) for one in people])
    file(cast.stage, ada)
    assert set(filed(cast)) == {one.ref for one in people}

    def blobs() -> dict[int, bytes]:
        with cast.stage.vault.reading() as db:
            return {page.number: page.entries.blob for page in db.query(DirectoryPage)}

    before = blobs()
    leave(cast.stage, ada, [(people[70], 3, True)])
    file(cast.stage, ada)
    after = blobs()
    changed = {number for number in before if before[number] != after[number]}
    assert changed >= {2}
    assert len(changed) <= 2
    leave(cast.stage, ada, [(one, 4, True) for one in people[:100]])
    file(cast.stage, ada)
    assert set(filed(cast)) == {one.ref for one in people[100:]}
    assert verify(cast.stage.vault, lambda _count: None).findings == ()


def test_a_slip_that_was_moved_to_another_person_is_left_where_it_is_and_others_are_filed(cast: Cast) -> None:
    ada, case = cast["ada"].actor, uuid4()
    jane, john = person(("Jane Roe",), uuid4(), case), person(("John Stone",), uuid4(), case)
    leave(cast.stage, ada, [(jane, 2, False), (john, 2, False)])
    stranger = uuid4()
    with cast.stage.vault.database.engine.begin() as connection:
        table = DirectorySlip.__table__
        connection.execute(table.update().where(table.c.ref == jane.ref).values(ref=stranger))
    assert file(cast.stage, ada) == 1
    assert filed(cast) == {john.ref: john}
    with cast.stage.vault.reading() as db:
        assert waiting(db) == {stranger}
    assert verify(cast.stage.vault, lambda _count: None).findings != ()


def test_a_forgotten_case_leaves_neither_entries_nor_slips(cast: Cast) -> None:
    ada, kept, gone = cast["ada"].actor, uuid4(), uuid4()
    stays, goes, waits = (
        person((name,), uuid4(), case) for name, case in zip("ABC", (kept, gone, gone), strict=True)
    )
    leave(cast.stage, ada, [(stays, 2, False), (goes, 2, False)])
    file(cast.stage, ada)
    leave(cast.stage, ada, [(waits, 2, False)])
    with cast.stage.vault.writing() as db:
        assert forget_case(db, ada, cast.stage.vault.trust, gone, cast.stage.clock.now) == 3
    assert filed(cast) == {stays.ref: stays}
    with cast.stage.vault.reading() as db:
        assert waiting(db) == set()


class Race:
    """Three who change names and two who file, all at once; what should stand at the end is in `expected`."""

    def __init__(self, cast: Cast) -> None:
        self.stage, self.ada, self.ines = cast.stage, cast["ada"].actor, cast["ines"].actor
        self.case, self.expected = uuid4(), dict[UUID, Listing]()
        self.faults: list[BaseException] = []
        self.writing = threading.Event()

    def write(self, lane: int) -> None:
        """Add and change eight people, and remove two of them."""
        for number in range(8):
            one = person((), UUID(int=lane * 100 + number + 1), self.case)
            for version in (2, 3):
                one = replace(one, names=(f"Lane {lane} number {number} version {version}",))
                leave(self.stage, self.ines, [(one, version, False)])
            if number % 4 == 3:
                leave(self.stage, self.ines, [(one, 4, True)])
            else:
                self.expected[one.ref] = one

    def file(self) -> None:
        """File until nobody writes any more."""
        while self.writing.is_set():
            file(self.stage, self.ada)

    def guarded(self, act: Callable[..., None], *given: int) -> None:
        """Keep what goes wrong in a thread, and stop the others."""
        try:
            act(*given)
        except BaseException as fault:
            self.faults.append(fault)
            self.writing.clear()

    def run(self) -> None:
        """Start everybody and wait for all of them."""
        self.writing.set()
        filers = [threading.Thread(target=self.guarded, args=(self.file,)) for _ in range(2)]
        writers = [threading.Thread(target=self.guarded, args=(self.write, lane)) for lane in range(3)]
        for thread in (*filers, *writers):
            thread.start()
        for thread in writers:
            thread.join()
        self.writing.clear()
        for thread in filers:
            thread.join()


def test_writers_and_two_who_file_at_once_lose_no_entry_and_make_none_twice(cast: Cast) -> None:
    wait_for_locks(cast.stage)
    race = Race(cast)
    race.run()
    assert race.faults == []
    file(race.stage, race.ada)
    assert filed(cast) == race.expected
    with race.stage.vault.reading() as db:
        assert db.query(Lockbox).filter_by(compartment="directory").count() == 1
        assert waiting(db) == set()


CASES = [UUID(int=number) for number in range(1, 4)]
names = st.lists(st.text(max_size=12), max_size=3).map(tuple)


class Directory(RuleBasedStateMachine):
    """Adding, changing, removing, filing and forgetting, in any order, by several officers."""

    cast: Cast

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[UUID, Listing] = {}
        self.versions: dict[UUID, int] = {}
        self.is_filed = True

    def leave(self, by: str, listings: list[Listing], removed: bool) -> None:
        left = []
        for one in listings:
            self.versions[one.ref] = self.versions.get(one.ref, 1) + 1
            left.append((one, self.versions[one.ref], removed))
            if removed:
                self.model.pop(one.ref, None)
            else:
                self.model[one.ref] = one
        leave(self.cast.stage, self.cast[by].actor, left)
        self.is_filed = False

    @rule(by=st.sampled_from(["ada", "ines", "cal"]), case=st.sampled_from(CASES), names=names)
    def add(self, by: str, case: UUID, names: tuple[str, ...]) -> None:
        self.leave(by, [Listing(uuid4(), case, names, None, ())], False)

    @rule(count=st.integers(30, 80), case=st.sampled_from(CASES))
    def add_many(self, count: int, case: UUID) -> None:
        self.leave("ada", [Listing(uuid4(), case, (f"Name {n}",), None, ()) for n in range(count)], False)

    @precondition(lambda self: self.model)
    @rule(by=st.sampled_from(["ada", "ines"]), data=st.data(), names=names)
    def change(self, by: str, data: st.DataObject, names: tuple[str, ...]) -> None:
        one = self.model[data.draw(st.sampled_from(list(self.model)))]
        self.leave(by, [Listing(one.ref, one.case, names, date(2001, 1, 1), ("X1234567",))], False)

    @precondition(lambda self: self.versions)
    @rule(data=st.data(), count=st.integers(1, 40))
    def remove(self, data: st.DataObject, count: int) -> None:
        start = data.draw(st.integers(0, len(self.versions) - 1))
        refs = list(self.versions)[start : start + count]
        self.leave("ines", [Listing(ref, CASES[0], (), None, ()) for ref in refs], True)

    @rule()
    def file(self) -> None:
        file(self.cast.stage, self.cast["ada"].actor)
        self.is_filed = True

    @rule(case=st.sampled_from(CASES))
    def forget(self, case: UUID) -> None:
        stage = self.cast.stage
        with stage.vault.writing() as db:
            forget_case(db, self.cast["ada"].actor, stage.vault.trust, case, stage.clock.now)
        self.model = {ref: one for ref, one in self.model.items() if one.case != case}
        self.is_filed = True

    @invariant()
    def the_directory_is_what_was_left(self) -> None:
        if self.is_filed:
            assert filed(self.cast) == self.model

    def teardown(self) -> None:
        for case in CASES:
            self.forget(case)
        assert filed(self.cast) == {}


def test_the_filed_directory_equals_a_dictionary_after_any_order_of_acts(cast: Cast) -> None:
    class OnThisEngine(Directory):
        pass

    OnThisEngine.cast = cast
    for name in ("ada", "ines", "cal"):
        cast[name].actor  # noqa: B018 - signed in before Hypothesis measures
    profile = settings(
        max_examples=5, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(OnThisEngine, settings=profile)


def test_filing_is_told_in_the_ledger_with_what_it_changed(cast: Cast) -> None:
    leave(cast.stage, cast["ines"].actor, [(person(("Jane Roe",), uuid4(), uuid4()), 2, False)])
    file(cast.stage, cast["ada"].actor)
    with cast.stage.vault.reading() as db:
        (woven,) = cast.stage.vault.ledger.find(
            db, Filters(event=str(Event.DIRECTORY_FILED)), before_index=None, limit=9
        )
    facts = {name: woven.entry.facts[name] for name in ("changes", "forgotten", "pages")}
    assert facts == {"changes": 1, "forgotten": 0, "pages": 1}
    assert {name.partition("/")[0] for name in woven.entry.rows} >= {"directory_pages", "directory_slips"}
