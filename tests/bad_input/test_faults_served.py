"""Faults of the database under a served vault: 503, nothing opened, and the same service goes on."""

import re
import resource
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from sqlalchemy import Engine, create_engine, text

from audit.locking import ADVISORY_LOCK
from tests.audit.test_faults import STEPS, TABLES, break_step, mend_step
from tests.audit.writing import count
from tests.bad_input.served import Answer, Served
from tests.bad_input.test_kills import Day
from tests.conftest import go_without
from tests.postgres import SETTINGS, Cluster, NoPostgres
from vault.running import RunningVault, wall_clock
from vault.verification import verify

CANARY = "zolpidem, ten milligrams"
WORDS = "cannot record this right now"
LIMIT = 4.5


class Besieged:
    """A served vault with one case, its officer Ada, and the ways to make its database fail."""

    def __init__(self, served: Served, cluster: Cluster | None) -> None:
        self.served, self.cluster = served, cluster
        assert served.settings.record_timeout_seconds == LIMIT
        self.engine: Engine = create_engine(served.settings.database_url)
        day = Day(served)
        day.begin()
        self.ada, self.place, self.case = day.ada, f"{day.person}/health", day.case
        page = self.ada.post(f"{self.place}/change", reason="case-work")
        found = re.search(r'name="version" value="(\d+)"', page.text)
        assert found is not None
        answer = self.ada.post(f"{self.place}/save", medical=CANARY, version=found[1])
        assert answer.status == 303, answer.text
        # The code is given once; how long it holds is set long enough for every test that follows.
        answer = self.search(code=self.ada.code())
        assert answer.status == 200, answer.text

    def look(self) -> Answer:
        """Ada opens what is sealed."""
        return self.ada.post(f"{self.place}/open", reason="review")

    def search(self, **more: str) -> Answer:
        """Ada searches for a name; what she typed is sealed beside the entry."""
        return self.ada.post("/search", way="part-of-a-name", words="roe", reason="case-work", **more)

    def act(self) -> Answer:
        """Ada adds a note."""
        return self.ada.post(f"{self.case}/add/note", kind="note", text="Moved on Tuesday.")

    def entries(self) -> int:
        """How many entries the ledger has."""
        return count(self.engine, "ledger_entries")

    def shows_nothing(self, answer: Answer) -> None:
        """The answer is 503, in words, and holds nothing that was sealed and no receipt."""
        assert answer.status == 503, answer.text
        assert CANARY not in answer.text
        assert "Jane Roe" not in answer.text
        assert "Recorded as entry" not in answer.text

    def goes_on(self) -> None:
        """The same processes answer as before."""
        answer = self.look()
        assert answer.status == 200, answer.text
        assert CANARY in answer.text
        assert self.act().status == 303

    def close(self) -> None:
        """Let go."""
        self.engine.dispose()
        self.served.kill_all()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def besieged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    """One served vault for each engine, with the limits of an ordinary installation."""
    cluster = a_cluster() if request.param == "postgresql" else None
    database = "" if cluster is None else cluster.url(cluster.fresh_database(None))
    folder = tmp_path_factory.mktemp("besieged")
    limits = {"record_timeout_seconds": LIMIT, "step_up_minutes": 15}
    served = Served(folder, database, workers=1, **limits).start()
    besieged = Besieged(served, cluster)
    yield besieged
    besieged.close()
    assert findings(served) == ()
    if cluster is not None:
        cluster.stop()


def a_cluster() -> Cluster:
    """A cluster of its own, because it is stopped here while others go on."""
    try:
        return Cluster.start(SETTINGS)
    except NoPostgres as absent:
        go_without("PostgreSQL", str(absent), "REQUIRE_PG")
        raise


def findings(served: Served) -> tuple[object, ...]:
    """What the vault's own verification finds wrong after all that happened."""
    vault = RunningVault.start(served.settings, wall_clock)
    try:
        return verify(vault, lambda _count: None).findings
    finally:
        vault.close()


@pytest.mark.parametrize(("table", "act"), STEPS)
def test_a_fault_at_any_step_is_answered_503_and_nothing_is_opened(
    besieged: Besieged, table: str, act: str
) -> None:
    # A change that waits to be woven, so that every step of weaving has something to do.
    asked = besieged.search if table == "ledger_details" else besieged.look
    break_step(besieged.engine, table, act)
    try:
        before = [count(besieged.engine, name) for name in TABLES[:-1]]
        if table != "ledger_details":
            assert besieged.act().status == 503
        besieged.shows_nothing(asked())
        assert [count(besieged.engine, name) for name in TABLES[:-1]] == before
    finally:
        mend_step(besieged.engine, table)
        if besieged.cluster is not None:
            with besieged.engine.begin() as connection:
                connection.exec_driver_sql("DROP FUNCTION planted")
    besieged.goes_on()


@contextmanager
def full_disk(besieged: Besieged) -> Iterator[None]:
    """Let no file grow: on SQLite the system forbids it to the workers, on PostgreSQL the server says so."""
    if besieged.cluster is None:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        for worker in besieged.served.worker_ids():
            resource.prlimit(worker, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        try:
            yield
        finally:
            for worker in besieged.served.worker_ids():
                resource.prlimit(worker, resource.RLIMIT_FSIZE, unlimited)
        return
    with besieged.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$"
        )
        for table in ("ledger_entries", "ledger_pending"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER disk_full BEFORE INSERT ON {table} EXECUTE FUNCTION disk_full()"
            )
    try:
        yield
    finally:
        with besieged.engine.begin() as connection:
            connection.exec_driver_sql("DROP FUNCTION disk_full CASCADE")


@contextmanager
def locked(besieged: Besieged) -> Iterator[None]:
    """Hold what the weaver needs, as a stuck process would."""
    if besieged.cluster is None:
        other = sqlite3.connect(besieged.served.settings.data / "vault.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()
        return
    with besieged.engine.connect() as connection:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
        try:
            yield
        finally:
            connection.rollback()


@contextmanager
def stopped(besieged: Besieged) -> Iterator[None]:
    """Take the database server away."""
    assert besieged.cluster is not None
    besieged.engine.dispose()
    besieged.cluster.away()
    try:
        yield
    finally:
        besieged.cluster.back()


Fault = Callable[[Besieged], AbstractContextManager[None]]


def meet(besieged: Besieged, fault: Fault) -> float:
    """Look, search and act while the fault lasts; return the seconds until the last was answered."""
    answers: list[Answer] = []
    asked = (besieged.look, besieged.search, besieged.act)
    began = time.monotonic()
    with fault(besieged):
        threads = [threading.Thread(target=lambda ask=ask: answers.append(ask())) for ask in asked]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # The fault ends only after this line, so that nothing but the limit can have ended the waiting.
        taken = time.monotonic() - began
    assert len(answers) == len(asked)
    for answer in answers:
        besieged.shows_nothing(answer)
    return taken


ON_POSTGRESQL = pytest.mark.parametrize("besieged", ["postgresql"], indirect=True)


@pytest.mark.parametrize("fault", [full_disk, locked])
def test_a_database_that_cannot_be_written_is_answered_503_and_the_same_service_goes_on(
    besieged: Besieged, fault: Fault
) -> None:
    before = besieged.entries()
    meet(besieged, fault)
    assert fault is not full_disk or besieged.entries() == before
    besieged.goes_on()


@ON_POSTGRESQL
def test_a_database_server_that_is_stopped_is_answered_503_and_the_same_service_goes_on(
    besieged: Besieged,
) -> None:
    meet(besieged, stopped)
    besieged.goes_on()


def answered_in_time(besieged: Besieged, fault: Fault) -> None:
    """Meet the fault with the limit of an ordinary installation, and measure."""
    taken = meet(besieged, fault)
    print(f"{fault.__name__} on {besieged.engine.dialect.name}: answered after {taken:.2f} s")
    # Three seconds more than promised, for a machine that does other things at the same time.
    assert taken < 8
    besieged.goes_on()


@pytest.mark.soak
@pytest.mark.parametrize("fault", [full_disk, locked])
def test_the_answer_comes_within_five_seconds(besieged: Besieged, fault: Fault) -> None:
    answered_in_time(besieged, fault)


@pytest.mark.soak
@ON_POSTGRESQL
def test_the_answer_comes_within_five_seconds_of_asking_a_stopped_server(besieged: Besieged) -> None:
    answered_in_time(besieged, stopped)
