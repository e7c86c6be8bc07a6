"""An empty housing database on either engine, and short ways to add a place and hold a bed."""

from collections.abc import Iterator
from datetime import date, datetime

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from crypto.lockbox import LockboxKey
from housing import actions
from housing.models import Base, House, HouseKind, Need, Stay
from tests.housing.builders import NOW, Adds, Holds, add_prospective, engine_for, new_lockbox, plain
from tests.postgres import Cluster


@pytest.fixture(scope="session")
def sqlite_housing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A SQLite file with the tables of housing, for the session; tests undo what they did in it."""
    yield from _laid_out(f"sqlite:///{tmp_path_factory.mktemp('housing') / 'housing.sqlite'}")


@pytest.fixture(scope="session")
def postgres_housing(postgres_cluster: Cluster) -> Iterator[Engine]:
    """A PostgreSQL database with the tables of housing, for the session; tests undo what they did in it."""
    name = postgres_cluster.fresh_database(None)
    yield from _laid_out(postgres_cluster.url(name))
    postgres_cluster.drop(name)


def _laid_out(url: str) -> Iterator[Engine]:
    engine = engine_for(url)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def shared_engine(request: pytest.FixtureRequest) -> Engine:
    """The session's housing database on each engine, empty but for what its user writes and undoes."""
    name = "sqlite_housing" if request.param == "sqlite" else "postgres_housing"
    engine: Engine = request.getfixturevalue(name)
    return engine


@pytest.fixture
def db(shared_engine: Engine) -> Iterator[Session]:
    """A session whose commits are savepoints of one transaction, undone when the test is over."""
    with shared_engine.connect() as connection:
        undone = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session
        undone.rollback()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A housing database of the test's own on each engine, for tests that commit from several threads."""
    yield from _laid_out(database_url)


@pytest.fixture
def lockbox() -> LockboxKey:
    """The lockbox under which the places of a test are sealed."""
    return new_lockbox()


@pytest.fixture
def add(db: Session, lockbox: LockboxKey) -> Adds:
    """Adds a vetted place."""

    def added(
        code: str,
        beds: int,
        kind: HouseKind = HouseKind.SAFE_HOUSE,
        needs: frozenset[Need] = frozenset(),
        at: datetime = NOW,
    ) -> House:
        house = add_prospective(db, lockbox, code, plain(beds, kind, needs), at)
        actions.vet(db, house, at)
        return house

    return added


@pytest.fixture
def hold(db: Session) -> Holds:
    """Holds beds for ninety minutes with two working days of turnaround."""

    def held(
        house: House,
        from_on: date,
        until_on: date,
        party: int = 1,
        single: bool = False,
        occupant: str = "case:1",
        turnaround: int = 2,
        now: datetime = NOW,
    ) -> Stay:
        return actions.hold(db, house, occupant, party, single, from_on, until_on, 90, turnaround, now)

    return held


@pytest.fixture
def arrived(db: Session, hold: Holds) -> Holds:
    """A party that has come on its first day."""

    def came(house: House, from_on: date, until_on: date, **more: object) -> Stay:
        stay = hold(house, from_on, until_on, **more)
        actions.confirm(db, stay, NOW)
        actions.arrive(db, stay, from_on, NOW)
        return stay

    return came
