"""Pending, weaving, settling and finding, on both engines."""

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, create_engine, text

from audit import tables
from audit.errors import Damaged, InvalidEntry, LedgerDelayed, LedgerError, LedgerUnavailable
from audit.examination import examine
from audit.finding import Filters
from audit.heads import Leaf
from audit.ledger import Ledger
from audit.locking import begin_alone, own_engine
from audit.tree import EMPTY_ROOT, leaf_hash, root_of
from audit.weaver import Waiting
from tests.audit.writing import (
    ADA,
    FIND,
    IVO,
    NOON,
    PATIENCE,
    an_entry,
    count,
    ignore,
    leaves,
    some_entries,
    tamper,
    weave,
)


def test_a_woven_look_is_in_the_database_with_its_receipt(ledger: Ledger, engine: Engine) -> None:
    entries = some_entries(3)
    receipts = weave(ledger, entries)
    assert [receipt.index for receipt in receipts] == [0, 1, 2]
    assert [receipt.entry for receipt in receipts] == [entry.id for entry in entries]
    assert leaves(engine) == [entry.canonical() for entry in entries]


def test_the_head_is_the_root_of_the_leaves(ledger: Ledger, engine: Engine) -> None:
    with engine.connect() as connection:
        assert (ledger.head(connection).size, ledger.head(connection).root) == (0, EMPTY_ROOT)
    entries = some_entries(7)
    weave(ledger, entries[:5])
    weave(ledger, entries[5:])
    with engine.connect() as connection:
        head = ledger.head(connection)
    assert (head.size, head.root) == (7, root_of(leaf_hash(entry.canonical()) for entry in entries))
    assert count(engine, "ledger_heads") == 2


def test_a_pended_entry_commits_with_its_change_and_is_settled(ledger: Ledger, engine: Engine) -> None:
    entry = an_entry()
    with engine.begin() as connection:
        ledger.pend(connection, entry, None)
    (receipt,) = ledger.settle([entry.id], PATIENCE)
    assert (receipt.index, receipt.entry) == (0, entry.id)
    assert count(engine, "ledger_pending") == 0


def test_waiting_entries_are_woven_in_the_order_of_their_changes_whatever_their_clocks_say(
    ledger: Ledger, engine: Engine
) -> None:
    earlier, later = sorted((an_entry(), an_entry()), key=lambda entry: entry.id)
    for entry in (later, earlier):  # The machine of the second change has a clock that lags behind.
        with engine.begin() as connection:
            ledger.pend(connection, entry, None)
    indices = [receipt.index for receipt in ledger.settle([later.id, earlier.id], PATIENCE)]
    assert indices == [0, 1]


def test_a_change_that_is_rolled_back_leaves_no_entry(ledger: Ledger, engine: Engine) -> None:
    with engine.connect() as connection:
        ledger.pend(connection, an_entry(), None)
        connection.rollback()
    assert ledger.settle([], PATIENCE) == []
    assert leaves(engine) == []


def test_a_denied_act_stays_on_the_ledger_when_its_transaction_is_rolled_back(
    ledger: Ledger, engine: Engine
) -> None:
    denied = an_entry(outcome="refused", reason=None)
    with engine.connect() as connection:
        ledger.head(connection)
        weave(ledger, [denied])
        connection.rollback()
    assert leaves(engine) == [denied.canonical()]


def test_settling_what_was_never_committed_says_that_it_is_delayed(ledger: Ledger) -> None:
    with pytest.raises(LedgerDelayed):
        ledger.settle([an_entry().id], PATIENCE)


def test_entries_that_a_crash_left_pending_are_woven_by_the_next_batch(
    ledger: Ledger, engine: Engine
) -> None:
    left, look = an_entry(event="witness-admitted"), an_entry()
    with engine.begin() as connection:
        ledger.pend(connection, left, None)
    (receipt,) = weave(ledger, [look])
    assert receipt.index == 1
    assert leaves(engine) == [left.canonical(), look.canonical()]


def test_a_new_ledger_object_sweeps_what_was_left_when_it_first_starts(
    ledger: Ledger, engine: Engine
) -> None:
    entries = some_entries(600)
    with engine.begin() as connection:
        for entry in entries:
            ledger.pend(connection, entry, None)
    ledger.settle([], PATIENCE)
    ledger.close()
    assert leaves(engine) == [entry.canonical() for entry in entries]


def test_more_entries_than_a_batch_holds_are_settled_together(ledger: Ledger, engine: Engine) -> None:
    entries = some_entries(300)
    with engine.begin() as connection:
        for entry in entries:
            ledger.pend(connection, entry, None)
    receipts = ledger.settle([entry.id for entry in entries], PATIENCE)
    assert [receipt.index for receipt in receipts] == list(range(300))


def test_one_weave_of_many_entries_is_one_head(ledger: Ledger, engine: Engine) -> None:
    assert len(weave(ledger, some_entries(700))) == 700
    assert count(engine, "ledger_heads") == 1


def test_weaving_an_entry_again_gives_its_first_receipt(ledger: Ledger, engine: Engine) -> None:
    entry = an_entry()
    first = weave(ledger, [entry])
    weave(ledger, [an_entry()])
    assert weave(ledger, [entry]) == first
    assert count(engine, "ledger_entries") == 2


def test_one_entry_given_twice_in_one_call_is_woven_once(ledger: Ledger, engine: Engine) -> None:
    entry = an_entry()
    receipts = weave(ledger, [entry, entry, an_entry()])
    assert [receipt.index for receipt in receipts] == [0, 0, 1]
    assert count(engine, "ledger_entries") == 2


def test_another_entry_under_a_used_name_is_refused_and_harms_nobody(ledger: Ledger, engine: Engine) -> None:
    entry = an_entry()
    weave(ledger, [entry])
    with pytest.raises(LedgerUnavailable):
        weave(ledger, [replace(entry, outcome="failed")])
    assert weave(ledger, [an_entry()])[0].index == 1
    assert leaves(engine)[0] == entry.canonical()


def test_a_pending_row_that_is_no_entry_stays_and_stops_nobody(ledger: Ledger, engine: Engine) -> None:
    with engine.begin() as connection:
        row = {"id": an_entry().id, "leaf": b"not an entry", "details": None}
        connection.execute(tables.pending.insert().values(row))
    assert weave(ledger, [an_entry()])[0].index == 0
    with engine.connect() as connection:
        assert examine(connection, ignore).waiting == 1


def test_callers_that_hold_every_connection_are_still_served(ledger: Ledger, database_url: str) -> None:
    small = create_engine(database_url, pool_size=1, max_overflow=0, pool_timeout=0.1)
    narrow = Ledger(small)
    with small.connect() as connection:
        connection.execute(text("SELECT 1"))
        assert narrow.weave([(an_entry(), None)], PATIENCE)[0].index == 0
    narrow.close()
    small.dispose()


def test_a_closed_ledger_records_nothing_more(ledger: Ledger) -> None:
    weave(ledger, [an_entry()])
    ledger.close()
    with pytest.raises(LedgerUnavailable):
        weave(ledger, [an_entry()])


def test_many_threads_at_once_make_one_contiguous_ledger(ledger: Ledger, engine: Engine) -> None:
    receipts: list[int] = []

    def officer(number: int) -> None:
        for turn in range(20):
            entry = an_entry(facts={"officer": number, "turn": turn})
            if turn % 2:
                receipts.append(weave(ledger, [entry])[0].index)
            else:
                with engine.begin() as connection:
                    ledger.pend(connection, entry, None)
                receipts.append(ledger.settle([entry.id], PATIENCE)[0].index)

    threads = [threading.Thread(target=officer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(receipts) == list(range(160))
    with engine.connect() as connection:
        assert examine(connection, ignore).size == 160


def test_looks_that_arrive_while_the_ledger_is_locked_share_one_head(ledger: Ledger, engine: Engine) -> None:
    entries, own = some_entries(8), own_engine(engine)
    waiting = [
        Waiting([Leaf(entry, entry.canonical(), None)], (), time.monotonic() + PATIENCE) for entry in entries
    ]
    with begin_alone(own, PATIENCE):
        for one in waiting:
            ledger._started().submit(one)
    own.dispose()
    for one in waiting:
        assert one.done.wait(PATIENCE)
        assert one.error is None
    assert leaves(engine) == [entry.canonical() for entry in entries]
    assert count(engine, "ledger_heads") == 1


def test_finding_narrows_by_every_filter_newest_first(ledger: Ledger, engine: Engine) -> None:
    wanted = an_entry(
        at=NOON + timedelta(hours=1),
        event="address-opened",
        officer=IVO,
        session="aaaa1111",
        subjects=("house:7",),
        compartment="house-address",
        reason="visit",
        outcome="refused",
    )
    weave(ledger, [an_entry(), wanted, an_entry(at=NOON + timedelta(hours=2))])
    filters = {
        "officer": IVO,
        "event": "address-opened",
        "session": "aaaa1111",
        "subject": "house:7",
        "compartment": "house-address",
        "reason": "visit",
        "outcome": "refused",
    }
    with engine.connect() as connection:
        for name, value in filters.items():
            assert [woven.index for woven in ledger.find(connection, Filters(**{name: value}), **FIND)] == [
                1
            ], name
            assert ledger.count(connection, Filters(**{name: value})) == 1, name
        assert [woven.index for woven in ledger.find(connection, Filters(), **FIND)] == [2, 1, 0]
        assert [woven.index for woven in ledger.find(connection, Filters(), before_index=2, limit=1000)] == [
            1,
            0,
        ]
        assert [woven.index for woven in ledger.find(connection, Filters(), before_index=None, limit=1)] == [
            2
        ]
        assert ledger.find(connection, Filters(subject="house:8"), **FIND) == []
        assert ledger.count(connection, Filters()) == 3


def test_a_span_of_time_has_its_beginning_and_not_its_end(ledger: Ledger, engine: Engine) -> None:
    weave(ledger, some_entries(5))
    span = {"since": NOON + timedelta(seconds=1), "until": NOON + timedelta(seconds=3)}
    with engine.connect() as connection:
        assert [woven.index for woven in ledger.find(connection, Filters(**span), **FIND)] == [2, 1]


def test_one_entry_is_read_by_its_number(ledger: Ledger, engine: Engine) -> None:
    entries = some_entries(2)
    weave(ledger, entries)
    with engine.connect() as connection:
        assert ledger.entry(connection, 1).entry == entries[1]
        with pytest.raises(LedgerError, match="no entry"):
            ledger.entry(connection, 2)


def test_an_entry_whose_leaf_was_spoilt_is_not_shown_as_if_it_were_sound(
    ledger: Ledger, engine: Engine
) -> None:
    weave(ledger, some_entries(2))
    tamper(engine, "UPDATE ledger_entries SET leaf = '{}' WHERE \"index\" = 1")
    with engine.connect() as connection, pytest.raises(Damaged, match="Entry 1"):
        ledger.find(connection, Filters(), **FIND)


def test_the_newest_digest_of_each_row_is_known(ledger: Ledger, engine: Engine) -> None:
    weave(
        ledger,
        [
            an_entry(rows={"people/1": "aa" * 32, "cases/1": "bb" * 32}),
            an_entry(),
            an_entry(rows={"people/1": "cc" * 32}),
        ],
    )
    with engine.connect() as connection:
        assert set(ledger.latest_row_digests(connection)) == {
            ("people/1", "cc" * 32, 2),
            ("cases/1", "bb" * 32, 0),
        }


def test_an_entry_that_breaks_the_rules_is_refused_before_anything_is_written(
    ledger: Ledger, engine: Engine
) -> None:
    too_large = an_entry(fields=tuple(f"{number:079d}" for number in range(99)))
    with pytest.raises(InvalidEntry):
        weave(ledger, [an_entry(), too_large])
    with engine.begin() as connection, pytest.raises(InvalidEntry):
        ledger.pend(connection, too_large, None)
    assert ledger.settle([], PATIENCE) == []
    assert leaves(engine) == []


def test_every_officer_is_found_by_their_own_name_only(ledger: Ledger, engine: Engine) -> None:
    weave(ledger, [an_entry(), an_entry(officer=None), an_entry(officer=IVO)])
    with engine.connect() as connection:
        assert [woven.index for woven in ledger.find(connection, Filters(officer=ADA), **FIND)] == [0]
