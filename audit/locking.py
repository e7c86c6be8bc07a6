"""A transaction in which this process is the only one that writes the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text

# The key of the advisory lock on PostgreSQL: "ledger" in ASCII.
ADVISORY_LOCK = int.from_bytes(b"ledger", "big")
# The lock and how it is waited for, in one message to the server instead of three. CASE is what makes sure
# that the settings come first (PostgreSQL, 4.2.14, "Expression Evaluation Rules").
_LOCK_ON_POSTGRESQL = text(
    "SELECT CASE WHEN set_config('lock_timeout', :lock_timeout, true) IS NOT NULL "
    "AND set_config('synchronous_commit', 'on', true) IS NOT NULL "
    f"THEN CAST(pg_advisory_xact_lock({ADVISORY_LOCK}) AS text) END"
)


def own_engine(engine: Engine) -> Engine:
    """An engine to the same database with a pool of its own.

    Requests that hold every connection of the caller's pool while they wait for the ledger
    would otherwise keep the weaver from the connection it needs to let them go on.
    """
    own = Engine(engine.pool.recreate(), engine.dialect, engine.url, hide_parameters=True)
    if engine.dialect.name == "postgresql":
        # At a stricter level the snapshot would be taken before the lock is held and show an old head.
        return own.execution_options(isolation_level="READ COMMITTED")
    return own


@contextmanager
def begin_alone(engine: Engine, lock_wait: float) -> Iterator[Connection]:
    """Begin a durable transaction that holds the ledger's lock; commits at the end.

    `lock_wait` is in seconds. Raises SQLAlchemy's OperationalError when the lock is not had in time.
    """
    with engine.connect() as connection, connection.begin():
        milliseconds = max(int(lock_wait * 1000), 1)
        if engine.dialect.name == "sqlite":
            _begin_sqlite(connection, milliseconds)
        else:
            connection.execute(_LOCK_ON_POSTGRESQL, {"lock_timeout": f"{milliseconds}ms"})
        yield connection


def _begin_sqlite(connection: Connection, milliseconds: int) -> None:
    # An engine may be set up to begin a plain transaction by itself. The pragmas only take effect outside
    # of one, and a plain transaction could not become a writing one without the risk of a stale head.
    driver = connection.connection.dbapi_connection
    if driver is not None and driver.in_transaction:
        connection.exec_driver_sql("ROLLBACK")
    connection.exec_driver_sql("PRAGMA synchronous = FULL")
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {milliseconds}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
