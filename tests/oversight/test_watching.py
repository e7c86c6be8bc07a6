"""The ledger is watched once, bit by bit, by whoever comes; what is found is kept and recorded."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event, select

from tests.cast import Cast, Stage
from tests.oversight.test_read import altering, newest, size_of
from tests.patience import wait_for_locks
from vault import verification
from vault.access.events import Event, record_apart
from vault.access.policy import Compartment, Reason
from vault.oversight import watching
from vault.oversight.models import Alert, Rule, Watch, WatchedHour
from vault.oversight.watching import catch_up
from vault.running import RunningVault

ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def refuse(cast: Cast, name: str, times: int) -> None:
    """An officer asks again and again for what is not there."""
    for _ in range(times):
        answer = cast[name].get("/cases/00000000-0000-0000-0000-000000000404")
        assert answer.status_code == (403 if name == "aud" else 404)


def look(cast: Cast, name: str, times: int) -> None:
    """An officer opens places, as the entries tell it."""
    who = cast[name].actor
    for _ in range(times):
        record_apart(
            cast.stage.vault,
            Event.OPENED,
            who=who,
            now=cast.stage.clock.now,
            subjects=["house:00000000-0000-0000-0000-000000000007"],
            compartment=Compartment.HOUSE_AREA,
            fields=["house.area"],
            reason=Reason.PLACEMENT,
        )


def alerts(vault: RunningVault) -> list[tuple[Any, ...]]:
    """Every alert that is kept."""
    columns = (Alert.id, Alert.rule, Alert.first_index, Alert.last_index, Alert.officer, Alert.number)
    with vault.reading() as db:
        return [tuple(row) for row in db.execute(select(*columns).order_by(Alert.first_index, Alert.rule))]


def watch_all(vault: RunningVault) -> None:
    while not catch_up(vault, vault.now()).is_whole:
        pass


def test_what_happened_raises_alerts_once_however_often_it_is_looked_for(cast: Cast) -> None:
    vault = cast.stage.vault
    refuse(cast, "ivo", 5)
    look(cast, "ines", 21)
    watch_all(vault)
    found = alerts(vault)
    assert [(rule, officer) for _, rule, _, _, officer, _ in found] == [
        (Rule.REFUSALS, cast["ivo"].actor.officer),
        (Rule.HABIT, cast["ines"].actor.officer),
    ]
    watch_all(vault)
    assert alerts(vault) == found
    refuse(cast, "ivo", 5)
    watch_all(vault)
    assert len(alerts(vault)) == 3


def test_each_alert_is_an_entry_that_the_verification_holds_against_the_row(cast: Cast) -> None:
    vault = cast.stage.vault
    refuse(cast, "ivo", 5)
    watch_all(vault)
    assert newest(cast)["kept-event"] == "alert-raised"
    assert newest(cast)["rule"] == "burst-of-refusals"
    told = verification.verify(vault, lambda _count: None)
    assert [words for words in told.findings if "alerts/" in words] == []
    altering(cast, "alerts", "DELETE FROM alerts")
    told = verification.verify(vault, lambda _count: None)
    assert [words for words in told.findings if words.startswith("Row alerts/") and "gone" in words]


def test_two_who_watch_at_once_raise_each_alert_once_and_count_each_look_once(stage: Stage) -> None:
    cast, vault = Cast(stage), stage.vault
    refuse(cast, "ivo", 5)
    look(cast, "ines", 21)
    wait_for_locks(stage)
    with ThreadPoolExecutor(4) as pool:
        for reading in [pool.submit(watch_all, vault) for _ in range(4)]:
            reading.result()
    assert len(alerts(vault)) == 2
    with vault.reading() as db:
        rows = db.scalars(select(WatchedHour)).all()
    ines, ivo = cast["ines"].actor.officer, cast["ivo"].actor.officer
    assert sum(row.looks for row in rows if row.officer == ines) == 21
    assert sum(row.refusals for row in rows if row.officer == ivo) == 5


@ON_SQLITE
def test_begun_anew_in_other_portions_it_comes_to_the_same(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = cast.stage.vault
    refuse(cast, "ivo", 7)
    look(cast, "ines", 45)
    cast.stage.clock.forward(days=1)
    cast["ines"].sign_in()
    look(cast, "ines", 3)
    watch_all(vault)
    found = alerts(vault)
    with vault.reading() as db:
        hours = {(r.officer, r.day, r.hour): (r.looks, r.refusals) for r in db.scalars(select(WatchedHour))}
    with vault.writing() as db:
        db.delete(db.scalars(select(Watch)).one())
    monkeypatch.setattr(watching, "BATCH", 7)
    watch_all(vault)
    assert alerts(vault) == found
    with vault.reading() as db:
        again = {(r.officer, r.day, r.hour): (r.looks, r.refusals) for r in db.scalars(select(WatchedHour))}
    assert again == hours


@ON_SQLITE
def test_what_was_watched_is_not_read_again(cast: Cast) -> None:
    vault, read = cast.stage.vault, list[int]()
    look(cast, "ines", 15)
    watch_all(vault)
    before = size_of(cast)
    look(cast, "ines", 2)

    def note(_connection: object, cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        if "ledger_entries" in statement and "leaf" in statement:
            read.append(parameters[0])

    engine = vault.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        watch_all(vault)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    # The one entry before is looked at to see that the ledger goes on from it.
    assert read == [before - 1, before]


@ON_SQLITE
def test_an_entry_planted_past_the_vault_is_an_alert(cast: Cast) -> None:
    vault = cast.stage.vault
    receipt = record_apart(vault, Event.SIGNED_OUT, who=None, now=vault.now(), subjects=[])
    with vault.reading() as db:
        leaf = vault.ledger.entry(db, receipt.index).entry.canonical()
    start = leaf.index(b'"vouched":"') + len(b'"vouched":"')
    digit = b"0" if leaf[start : start + 1] != b"0" else b"1"
    forged = leaf[:start] + digit + leaf[start + 1 :]
    change = 'UPDATE ledger_entries SET leaf = :leaf WHERE "index" = :index'
    altering(cast, "ledger_entries", change, leaf=forged, index=receipt.index)
    watch_all(vault)
    assert [(rule, first) for _, rule, first, _, _, _ in alerts(vault)] == [(Rule.PLANTED, receipt.index)]


@ON_SQLITE
def test_the_hours_are_those_of_the_units_own_clock(cast: Cast) -> None:
    look(cast, "ines", 1)
    watch_all(cast.stage.vault)
    with cast.stage.vault.reading() as db:
        (row,) = db.scalars(select(WatchedHour).where(WatchedHour.looks > 0)).all()
    assert (row.day.isoformat(), row.hour) == ("2026-11-23", 10)
    cast.stage.clock.forward(hours=12)
    cast["ines"].sign_in()
    look(cast, "ines", 1)
    watch_all(cast.stage.vault)
    assert [rule for _, rule, *_ in alerts(cast.stage.vault)] == [Rule.ODD_HOURS]
