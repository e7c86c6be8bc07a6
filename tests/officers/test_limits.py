"""Failures are counted exactly, and cost the same whoever has the name; what was counted cannot be undone."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from audit import tables
from audit.entries import Entry
from tests.adversaries.effort import effort
from tests.adversaries.thief import Thief
from tests.bad_input.served import Served, Visitor
from tests.cast import PASSWORD, Cast, Officer, Stage
from tests.officers.devices import at_second_factor
from vault import verification
from vault.access.events import Event
from vault.officers import admission, failing, proofs, signing_in
from vault.officers.models import Attempt, named
from vault.running import RunningVault, wall_clock

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
WRONG = "wrong wrong wrong wrong"
TOKENS = re.compile(r'value="[^"]{60,}"')
Fail = Callable[[Officer], TestResponse]


@dataclass(frozen=True)
class Cost:
    """What one failure took: its answer, every statement, passwords stretched, and the entries' own sizes."""

    status: int
    page: str
    statements: tuple[str, ...]
    derivations: int
    entries: tuple[tuple[int, int, int], ...]


def entries_after(stage: Stage, size: int) -> list[Entry]:
    """The entries from this index on."""
    with stage.vault.reading() as db:
        rows = db.scalars(
            select(tables.entries.c.leaf)
            .where(tables.entries.c.index >= size)
            .order_by(tables.entries.c.index)
        )
        return [Entry.from_canonical(leaf) for leaf in rows]


def size_of(stage: Stage) -> int:
    """How many entries the ledger has."""
    with stage.vault.reading() as db:
        return stage.vault.ledger.head(db).size


def shape(statement: str) -> str:
    """A statement by its kind and tables; the row that is locked is another where nobody has the name."""
    words = re.findall(r"^\w+|(?:FROM|JOIN|UPDATE|INTO)\s+\w+|FOR UPDATE", statement)
    return " ".join(words).replace("nobodys_lock", "officers")


def failure(stage: Stage, monkeypatch: pytest.MonkeyPatch, fail: Fail, visitor: Officer) -> Cost:
    """Fail once, and tell what it took."""
    visitor.get("/sign-in")
    before = size_of(stage)
    with effort(stage, monkeypatch) as spent:
        answer = fail(visitor)
    told = entries_after(stage, before)
    return Cost(
        status=answer.status_code,
        page=TOKENS.sub("", answer.text),
        statements=tuple(shape(statement) for statement in spent.statements),
        derivations=spent.derivations,
        entries=tuple((len(entry.subjects), len(entry.rows), len(entry.facts)) for entry in told),
    )


def with_wrong_password(name: str) -> Fail:
    """A sign-in that fails."""
    return lambda visitor: visitor.post("/sign-in", name=name, password=WRONG, banner="yes")


def at_recovery(name: str) -> Fail:
    """A way back with a recovery code that nobody has."""
    words = dict.fromkeys(("password", "again"), "quiet lantern over nine hills")
    code = "22222-22222-22222-22222-22222-22"
    return lambda visitor: visitor.post("/recover", name=name, recovery_code=code, code="123456", **words)


def at_enrolment(name: str) -> Fail:
    """An enrolment with a code that nobody was given."""
    words = dict.fromkeys(("password", "again"), "quiet lantern over nine hills")
    return lambda visitor: visitor.post(
        "/enrol", name=name, enrolment_code="22222-22222-22222-22222", **words
    )


def failures(stage: Stage, monkeypatch: pytest.MonkeyPatch, fail: Fail, times: int) -> list[Cost]:
    """Fail so often within the window."""
    visitor = Officer(stage, "ines")
    found = []
    for _ in range(times):
        stage.clock.forward(seconds=1)
        found.append(failure(stage, monkeypatch, fail, visitor))
    return found


@pytest.mark.parametrize("way", [with_wrong_password, at_recovery, at_enrolment])
def test_every_failure_costs_the_same_whether_the_name_is_real_unknown_or_locked(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, way: Callable[[str], Fail]
) -> None:
    # One row stands in for all names that nobody has; the first of a vault's life makes it.
    failures(stage, monkeypatch, with_wrong_password("warm"), 5)
    stage.clock.forward(minutes=16)
    costs = {name: failures(stage, monkeypatch, way(name), 7) for name in ("ines", "anon")}
    with stage.vault.reading() as db:
        assert admission.get_by_name(db, "ines").locked_at is not None
    stage.clock.forward(minutes=16)
    costs |= {f"{name}, locked": failures(stage, monkeypatch, way(name), 7) for name in ("ines", "anon")}
    pages = {name: [cost.page.replace(name[:4], "") for cost in costs[name]] for name in costs}
    assert len({tuple(page) for page in pages.values()}) == 1
    work = {name: [replace(cost, page="") for cost in costs[name]] for name in costs}
    for name in costs:
        assert work[name] == work["ines"], name
    assert [len(cost.entries) for cost in costs["ines"]] == [1, 1, 1, 1, 2, 1, 1]
    assert {cost.status for cost in costs["ines"]} == {422}


def guess(vault: RunningVault, name: str, address: str) -> None:
    """A failed password, noted as at the door."""
    with vault.reading() as db:
        officer = db.scalars(named(name)).first()
    error = proofs.ProofRefused.under(name, proofs.NOT_RIGHT, officer)
    caller = failing.Caller(address, "a browser")
    failing.note(vault, Event.SIGN_IN_FAILED, error, caller, "password", None, vault.now())


@pytest.mark.parametrize(("name", "told"), [("ines", "account-locked"), ("nobody", "name-locked")])
def test_of_many_failures_at_once_in_two_processes_exactly_the_fifth_locks(
    stage: Stage, name: str, told: str
) -> None:
    before, other = size_of(stage), RunningVault.start(stage.settings, stage.clock)
    vaults = (stage.vault, other)
    try:
        for wave, locks in ((4, 0), (8, 1)):
            with ThreadPoolExecutor(wave) as threads:
                list(
                    threads.map(
                        lambda number: guess(vaults[number % 2], name, f"10.0.0.{number}"), range(wave)
                    )
                )
            assert [entry.event for entry in entries_after(stage, before)].count(told) == locks
    finally:
        other.close()
    assert [entry.event for entry in entries_after(stage, before)].count("sign-in-failed") == 12


@ONLY_SQLITE
def test_failures_count_together_within_fifteen_minutes_and_not_beyond(stage: Stage) -> None:
    def is_locked() -> bool:
        with stage.vault.reading() as db:
            return admission.get_by_name(db, "ines").locked_at is not None

    for _ in range(4):
        guess(stage.vault, "ines", "10.0.0.1")
    stage.clock.forward(minutes=15)
    guess(stage.vault, "ines", "10.0.0.1")
    assert not is_locked()
    for _ in range(3):
        guess(stage.vault, "ines", "10.0.0.1")
    assert not is_locked()
    stage.clock.forward(minutes=14, seconds=59)
    guess(stage.vault, "ines", "10.0.0.1")
    assert is_locked()


@ONLY_SQLITE
def test_from_a_place_that_tried_too_often_one_refusal_is_noted_and_the_rest_grow_nothing(
    stage: Stage,
) -> None:
    stage.settings.__dict__.update(attempts_per_address=6)
    visitor, before = Officer(stage, "ines"), size_of(stage)
    for number in range(12):
        visitor.get("/sign-in")
        answer = visitor.post("/sign-in", name=f"somebody{number}", password=WRONG, banner="yes")
        assert answer.status_code == 422
        assert ("Too many tries" in answer.text) is (number >= 6)
    told = entries_after(stage, before)
    assert [entry.facts.get("why") for entry in told] == [None] * 6 + ["address"]
    with stage.vault.reading() as db:
        assert len(db.scalars(select(Attempt)).all()) == 7
    stage.clock.forward(minutes=15, seconds=1)
    assert (
        visitor.post("/sign-in", name="ines", password=PASSWORD.format("ines"), banner="yes").status_code
        == 303
    )


@ONLY_SQLITE
def test_what_stands_in_for_an_unknown_name_tells_of_a_password_in_the_wrong_box_one_byte_at_most(
    stage: Stage,
) -> None:
    short = {proofs.id_of_nobody(stage.vault.root, name) for name in ("anna", "Anna ", "hanna", "a" * 14)}
    assert len(short) == 3
    long = {proofs.id_of_nobody(stage.vault.root, f"a password of {number}") for number in range(2000)}
    assert len(long) <= 256
    assert len({found.bytes[1:] for found in long}) == 1


def test_a_code_whose_step_was_set_back_in_the_database_is_refused_by_the_ledger(stage: Stage) -> None:
    Officer(stage, "ines").sign_in()
    again = at_second_factor(stage, "ines")
    Thief(stage).run("UPDATE second_factors SET last_step = 0")
    stage.clock.forward(seconds=-30)
    answer = again.post("/sign-in/second-factor", code=again.code())
    assert answer.status_code == 422
    assert "used already" in answer.text
    assert again.post("/sign-in/second-factor", code=again.code()).status_code == 303


def test_a_code_of_a_step_up_and_of_a_recovery_is_told_so_that_it_is_good_once(cast: Cast) -> None:
    ines = cast["ines"]
    ines.get("/backup-codes")
    assert ines.post("/backup-codes", code=ines.code()).status_code == 200
    step = int(cast.stage.clock.now.timestamp()) // 30
    assert entries_after(cast.stage, 0)[-2].facts["time-step"] == step
    Thief(cast.stage).run("UPDATE second_factors SET last_step = 0")
    other = at_second_factor(cast.stage, "ines")
    cast.stage.clock.forward(seconds=-30)
    assert other.post("/sign-in/second-factor", code=other.code()).status_code == 422
    assert other.post("/sign-in/second-factor", code=other.code()).status_code == 303


@ONLY_SQLITE
def test_a_lock_that_was_taken_off_in_the_database_is_found(stage: Stage) -> None:
    for _ in range(5):
        guess(stage.vault, "ines", "10.0.0.1")
        guess(stage.vault, "nobody", "10.0.0.1")
    assert verification.verify(stage.vault, lambda _: None).findings == ()
    Thief(stage).run("UPDATE officers SET locked_at = NULL WHERE name = 'ines'")
    with stage.vault.reading() as db:
        row = admission.get_by_name(db, "ines")
    (found,) = verification.verify(stage.vault, lambda _: None).findings
    assert str(row.id) in found


def test_of_fifty_sign_ins_at_once_with_one_code_in_two_processes_exactly_one_comes_in(stage: Stage) -> None:
    stage.settings.__dict__.update(lock_after_failures=1000)  # Only the code itself lets nobody else in.
    other, caller = RunningVault.start(stage.settings, stage.clock), failing.Caller("10.0.0.1", "a browser")
    vaults, now = (stage.vault, other), stage.clock()
    cookie = signing_in.give_password(stage.vault, "ines", PASSWORD.format("ines"), caller, now)
    code = pyotp.TOTP(stage.secrets["ines"]).at(now)

    def comes_in(number: int) -> bool:
        vault = vaults[number % 2]
        try:
            signing_in.give_code(vault, begun, code, caller, now)
        except proofs.ProofRefused:
            return False
        return True

    known = signing_in.recognise(stage.vault, cookie, now)
    assert known is not None
    begun, before = known[0], size_of(stage)
    try:
        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(comes_in, range(50))) == 1
    finally:
        other.close()
    told = [entry.event for entry in entries_after(stage, before)]
    assert (told.count("signed-in"), told.count("sign-in-failed"), len(told)) == (1, 49, 50)


@pytest.mark.soak
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_four_served_workers_let_one_of_fifty_parallel_sign_ins_with_one_code_in(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    database = request.getfixturevalue("postgres_url") if engine == "postgresql" else ""
    served = Served(tmp_path, database, workers=4, attempts_per_address=600).start()
    try:
        visitors = [Visitor(served, "ines") for _ in range(50)]
        for visitor in visitors:
            visitor.get("/sign-in")
            given = {"name": "ines", "password": PASSWORD.format("ines"), "banner": "yes"}
            assert visitor.post("/sign-in", **given).status == 303
            visitor.get("/sign-in/second-factor")
        code = visitors[0].code()
        with ThreadPoolExecutor(50) as threads:
            answers = threads.map(lambda one: one.post("/sign-in/second-factor", code=code).status, visitors)
            statuses = sorted(answers)
        # Whoever comes in ends the sign-ins that are under way.
        assert statuses.count(303) == 1
        assert set(statuses) <= {303, 400, 401, 422}
        vault = RunningVault.start(served.settings, wall_clock)
        with vault.reading() as db:
            events = db.scalars(select(tables.entries.c.event)).all()
        vault.close()
        assert events.count("signed-in") == 1
    finally:
        served.stop()


@pytest.mark.soak
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_four_served_workers_lock_a_name_once_however_many_fail_at_once(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    database = request.getfixturevalue("postgres_url") if engine == "postgresql" else ""
    served = Served(tmp_path, database, workers=4).start()
    try:
        visitors = [Visitor(served, name) for name in ("ines", "nobody") for _ in range(20)]
        for visitor in visitors:
            visitor.get("/sign-in")
        with ThreadPoolExecutor(40) as threads:
            statuses = threads.map(
                lambda one: one.post("/sign-in", name=one.name, password=WRONG, banner="yes").status, visitors
            )
            assert set(statuses) == {422}
        vault = RunningVault.start(served.settings, wall_clock)
        with vault.reading() as db:
            events = db.scalars(select(tables.entries.c.event)).all()
        vault.close()
        assert [events.count(event) for event in ("sign-in-failed", "account-locked", "name-locked")] == [
            40,
            1,
            1,
        ]
    finally:
        served.stop()
