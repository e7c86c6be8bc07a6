"""Places and wishes for the tests of housing, sealed for real; every fact in them is invented."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from uuid import uuid4

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session

from crypto.lockbox import LockboxKey, new_parts
from housing import actions
from housing.matching import Wanted
from housing.models import House, HouseKind, Need, Stay

# A Monday, so that days of the week in the tests can be counted on the fingers.
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

AREA = actions.AreaFacts(
    area="Shoreline east", near="A clinic and a bus line", latitude=41.3, longitude=-72.5
)
ADDRESS = actions.AddressFacts(
    street="12 Invented Way",
    town="Clinton",
    postcode="00000",
    latitude=41.2787,
    longitude=-72.5276,
    access="Key safe, code 0000",
    landlord="Nobody Real LLC",
)

Adds = Callable[..., House]
Holds = Callable[..., Stay]


def day(days: int) -> date:
    """The day that is so many days after that Monday."""
    return date.fromordinal(NOW.toordinal() + days)


def new_lockbox() -> LockboxKey:
    """A fresh lockbox."""
    return LockboxKey(uuid4(), 1, *new_parts())


def plain(
    beds: int, kind: HouseKind = HouseKind.SAFE_HOUSE, needs: frozenset[Need] = frozenset()
) -> actions.PlainFacts:
    """The plain facts of a place with so many beds."""
    return actions.PlainFacts(kind=kind, beds=beds, rooms=2, needs=needs, nightly_cost_cents=9500)


def add_prospective(
    db: Session, lockbox: LockboxKey, code: str, facts: actions.PlainFacts, now: datetime
) -> House:
    """A place that nobody has vetted yet."""
    sealer = lockbox.sealer()
    return actions.add_house(db, uuid4(), code, facts, sealer, AREA, sealer, ADDRESS, now)


def wanted(
    from_on: date,
    until_on: date,
    party: int = 1,
    single: bool = False,
    turnaround: int = 2,
    kind: frozenset[HouseKind] | None = None,
    needs: frozenset[Need] = frozenset(),
    excluded: frozenset[Need] = frozenset(),
    farther_than_miles: float | None = None,
) -> Wanted:
    """What a single person would want, but for what the test says."""
    return Wanted(kind, from_on, until_on, party, single, turnaround, needs, excluded, farther_than_miles)


def engine_for(url: str) -> Engine:
    """An engine as the vault runs it: on SQLite every transaction first takes the lock for writing."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def prepare(connection, _record) -> None:  # type: ignore[no-untyped-def]
            connection.isolation_level = None
            for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=OFF", "busy_timeout=20000"):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def begin(connection) -> None:  # type: ignore[no-untyped-def]
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
