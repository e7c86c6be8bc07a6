"""Whether the ledger can be written now: all that recording an entry takes is done, and undone again."""

from sqlalchemy import Engine, insert
from sqlalchemy.exc import DBAPIError

from audit import tables
from audit.entries import Entry
from audit.errors import LedgerUnavailable
from audit.heads import Leaf, append, read_tip
from audit.locking import begin_alone, own_engine


def rehearse(engine: Engine, entry: Entry, lock_wait: float) -> None:
    """Take the lock, write an entry, its leaf and its head, and roll back; nothing is kept.

    `lock_wait` is in seconds. Raises LedgerUnavailable when a real entry could not be recorded either. A disk
    that is full shows only when something is kept.
    """
    own = own_engine(engine)
    leaf = Leaf(entry, entry.canonical(), None)
    try:
        with begin_alone(own, lock_wait) as connection:
            row = {"id": entry.id, "leaf": leaf.canonical, "details": None}
            connection.execute(insert(tables.pending).values(row))
            append(connection, read_tip(connection), [leaf])
            connection.rollback()
    except (DBAPIError, ValueError) as error:
        raise LedgerUnavailable("The ledger cannot be written now.") from error
    finally:
        own.dispose()
