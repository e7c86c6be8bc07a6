"""Both databases, a real browser, and the settings under which property tests are repeatable."""

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry

from tests import compiled
from tests.dealing import LongestFirst, in_order
from tests.postgres import MEMORY, SETTINGS, Cluster, NoPostgres

pytest_plugins = ["tests.cast"]
compiled.keep()
if MEMORY is not None:
    # The folders of tests live where nobody waits for a disk; those of a run without failures go with it.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

# A failure must be the same on every machine, so examples are derived from the test, not drawn afresh.
settings.register_profile(
    "ci",
    derandomize=True,
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("soak", parent=settings.get_profile("ci"), derandomize=False, max_examples=5_000)
settings.load_profile("ci")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Whole files are dealt out in our order; every other way of dealing is left to xdist."""
    if config.getoption("dist") != "loadfile":
        return None
    return LongestFirst(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    items[:] = in_order(items)


def pytest_collection_finish() -> None:
    """What is there before the first test stays to the last: looking through it for garbage is a waste."""
    gc.collect()
    gc.freeze()


BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# A browser of the tests talks to the vault under test and to nobody else.
BROWSER_FLAGS = [
    "--disable-background-networking",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-first-run",
    "--no-pings",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


def go_without(what: str, why: str, required_by: str) -> None:
    """Skips the test loudly, or fails it where a skip would hide a promise."""
    if os.environ.get(required_by) == "1":
        pytest.fail(f"{required_by}=1, yet there is no {what}: {why}", pytrace=False)
    pytest.skip(f"NO {what.upper()}: {why}")


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """One cluster for the session."""
    try:
        cluster = Cluster.start(SETTINGS)
    except NoPostgres as absent:
        go_without("PostgreSQL", str(absent), "REQUIRE_PG")
        return
    yield cluster
    cluster.stop()


@pytest.fixture
def postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    """The URL of an empty PostgreSQL database, made for this test."""
    name = postgres_cluster.fresh_database(None)
    yield postgres_cluster.url(name)
    postgres_cluster.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database on each engine: a SQLite file, then PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'records.sqlite'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


def leave_transactions_to_sqlalchemy(engine: sqlalchemy.Engine) -> None:
    """Keeps Python's SQLite driver from beginning and ending transactions by itself."""

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: sqlalchemy.Connection) -> None:
        if connection.get_isolation_level() != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN")


@pytest.fixture
def engine(database_url: str) -> Iterator[sqlalchemy.Engine]:
    """An engine on an empty database of each kind, for packages that know nothing of the vault's settings."""
    engine = sqlalchemy.create_engine(database_url)
    if engine.dialect.name == "sqlite":
        leave_transactions_to_sqlalchemy(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, for the session."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        go_without("browser", "As root: apt-get install chromium", "REQUIRE_BROWSER")
        return
    # Chromium's sandbox refuses to be started by root; everyone else keeps it.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=[*BROWSER_FLAGS, *sandbox])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a fresh visitor; the test fails when a script raised or broke the security policy on it."""
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(60_000)
    visitor = context.new_page()
    visitor.on("pageerror", lambda error: complaints.append(str(error)))
    visitor.on(
        "console",
        lambda message: (
            complaints.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    yield visitor
    context.close()
    assert complaints == []
