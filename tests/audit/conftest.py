"""A ledger on each database, and a notary with a state of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from audit.checkpoints import Notary, NotaryKeys
from audit.ledger import Ledger, create_all
from tests.conftest import leave_transactions_to_sqlalchemy
from tests.postgres import Cluster


def build(url: str) -> None:
    """Make the tables and triggers of a ledger in an empty database."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        leave_transactions_to_sqlalchemy(engine)
    create_all(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty ledger in a file of SQLite, made once and copied."""
    path = tmp_path_factory.mktemp("empty") / "ledger.sqlite"
    build(f"sqlite:///{path}")
    return path


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest, postgres_cluster: Cluster) -> Iterator[str]:
    """The URL of a database made for this test: with an empty ledger when it asks for one, else empty."""
    with_ledger = "ledger" in request.fixturenames
    if with_ledger:
        postgres_cluster.make_template("ledger", build)
    name = postgres_cluster.fresh_database("ledger" if with_ledger else None)
    yield postgres_cluster.url(name)
    postgres_cluster.drop(name)


@pytest.fixture
def ledger(engine: Engine, empty_ledger: Path) -> Iterator[Ledger]:
    """An empty ledger on each engine."""
    if engine.dialect.name == "sqlite":
        assert engine.url.database is not None
        shutil.copy(empty_ledger, engine.url.database)
    ledger = Ledger(engine)
    yield ledger
    ledger.close()


@pytest.fixture(scope="session")
def notary_keys() -> NotaryKeys:
    """The keys that sign the ledger of the tests."""
    return NotaryKeys.generate("vault.example/ledger")


@pytest.fixture
def notary(tmp_path: Path, notary_keys: NotaryKeys) -> Notary:
    """A notary that has signed nothing yet."""
    (tmp_path / "notary").mkdir()
    return Notary(lambda: notary_keys, tmp_path / "notary" / "state", tmp_path / "checkpoint")


@pytest.fixture(scope="session")
def vkeys(notary_keys: NotaryKeys) -> str:
    """Both verifier keys, one a line."""
    return "\n".join(key.to_text() for key in notary_keys.verifier_keys())
