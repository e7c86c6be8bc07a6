"""An officer looks only so often in ten minutes, counted exactly whoever serves the looks."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select

from audit import tables
from tests.bad_input.served import Served, Visitor
from tests.cast import Cast, Stage
from tests.programme import open_case
from vault.access import pacing
from vault.access.events import Event
from vault.access.models import Pace
from vault.access.pacing import SlowDown
from vault.running import RunningVault, wall_clock

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def limited(stage: Stage, **limits: int) -> None:
    """Set the limits of an installation for this vault."""
    stage.settings.__dict__.update(limits)


def events_of(vault: RunningVault) -> list[str]:
    """What the ledger tells, in its order."""
    with vault.reading() as db:
        rows = db.execute(select(tables.entries.c.event).order_by(tables.entries.c.index))
        return [row.event for row in rows]


def test_at_the_limit_an_opening_is_refused_recorded_and_decrypts_nothing(cast: Cast) -> None:
    case, stage = open_case(cast, named=["ines"]), cast.stage
    ines, place = cast["ines"], f"/records/person/{case.witness}/identity/open"
    ines.get(place)
    ines.post(place, reason="visit", code=ines.code())
    limited(stage, openings_allowed=3, looks_window_minutes=10)
    assert [ines.post(place, reason="visit").status_code for _ in range(2)] == [200, 200]
    before = events_of(stage.vault)
    refused = ines.post(place, reason="visit")
    assert refused.status_code == 429
    assert "3 openings within 10 minutes" in refused.text
    assert "Go on in 10 minutes." in refused.text
    assert refused.headers["Retry-After"] == "600"
    assert "Recorded as entry" not in refused.text
    assert events_of(stage.vault)[len(before) :] == ["refused"]


@ONLY_SQLITE
def test_who_waits_may_look_again_as_soon_as_the_page_says(stage: Stage) -> None:
    limited(stage, openings_allowed=2, looks_window_minutes=10)
    ines = Cast(stage)["ines"].actor
    pacing.take_turn(stage.vault, ines, Event.OPENED, stage.clock())
    stage.clock.forward(minutes=4)
    pacing.take_turn(stage.vault, ines, Event.OPENED, stage.clock())
    with pytest.raises(SlowDown) as told:
        pacing.take_turn(stage.vault, ines, Event.OPENED, stage.clock())
    assert told.value.wait.total_seconds() == 6 * 60
    stage.clock.forward(seconds=6 * 60 - 1)
    with pytest.raises(SlowDown):
        pacing.take_turn(stage.vault, ines, Event.OPENED, stage.clock())
    stage.clock.forward(seconds=1)
    pacing.take_turn(stage.vault, ines, Event.OPENED, stage.clock())
    with pytest.raises(SlowDown):
        pacing.take_turn(stage.vault, ines, Event.OPENED, stage.clock())


@ONLY_SQLITE
def test_each_officer_and_each_kind_of_look_is_counted_apart(cast: Cast) -> None:
    limited(cast.stage, openings_allowed=1, searches_allowed=1)
    vault, now = cast.stage.vault, cast.stage.clock()
    for name in ("ines", "ivo"):
        for event in (Event.OPENED, Event.DIRECTORY_SEARCHED):
            pacing.take_turn(vault, cast[name].actor, event, now)
            with pytest.raises(SlowDown):
                pacing.take_turn(vault, cast[name].actor, event, now)


@ONLY_SQLITE
def test_a_clock_that_was_set_back_shuts_nobody_out(cast: Cast) -> None:
    limited(cast.stage, openings_allowed=1)
    ines = cast["ines"].actor
    pacing.take_turn(cast.stage.vault, ines, Event.OPENED, cast.stage.clock())
    cast.stage.clock.forward(hours=-1)
    pacing.take_turn(cast.stage.vault, ines, Event.OPENED, cast.stage.clock())


@ONLY_SQLITE
def test_a_coordinators_search_is_refused_at_the_limit_before_anything_is_opened(cast: Cast) -> None:
    open_case(cast, named=[])
    ada = cast["ada"]
    limited(cast.stage, searches_allowed=1)
    words = {"way": "part-of-a-name", "words": "roe", "reason": "case-work"}
    ada.get("/search")
    assert ada.post("/search", **words, code=ada.code()).status_code == 200
    before = events_of(cast.stage.vault)
    refused = ada.post("/search", **words)
    assert refused.status_code == 429
    assert "1 search within 10 minutes" in refused.text
    assert events_of(cast.stage.vault)[len(before) :] == ["refused"]


def test_fifty_looks_at_once_of_two_processes_pass_a_limit_of_ten_exactly_ten_times(stage: Stage) -> None:
    limited(stage, openings_allowed=10)
    ines, now = Cast(stage)["ines"].actor, stage.clock()
    with stage.vault.writing() as db:
        for row in db.scalars(select(Pace)):
            db.delete(row)
    other = RunningVault.start(stage.settings, stage.clock)

    def is_let_through(number: int) -> bool:
        try:
            pacing.take_turn((stage.vault, other)[number % 2], ines, Event.OPENED, now)
        except SlowDown:
            return False
        return True

    try:
        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(is_let_through, range(50))) == 10
    finally:
        other.close()


@pytest.mark.soak
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_four_served_workers_let_exactly_ten_of_fifty_parallel_searches_through(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    database = request.getfixturevalue("postgres_url") if engine == "postgresql" else ""
    served = Served(tmp_path, database, workers=4, searches_allowed=10).start()
    try:
        ada = Visitor(served, "ada").sign_in()
        words = {"way": "part-of-a-name", "words": f"nobody {uuid4()}", "reason": "case-work"}
        ada.get("/search")
        first = ada.post("/search", **words, code=ada.code()).status
        with ThreadPoolExecutor(50) as threads:
            answers = list(threads.map(lambda _: ada.post("/search", **words).status, range(49)))
        assert sorted([first, *answers]) == [200] * 10 + [429] * 40
        vault = RunningVault.start(served.settings, wall_clock)
        told = events_of(vault)
        vault.close()
        assert told.count("directory-searched") == 10
        assert told.count("refused") == 40
    finally:
        served.stop()
