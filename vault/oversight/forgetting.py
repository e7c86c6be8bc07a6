"""Old details are forgotten when the settings say so: told in the ledger first, then deleted."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from audit.entries import timestamp
from audit.finding import Filters
from audit.ledger import Woven
from audit.retention import Forgetting, delete_details, old_details, years_before
from vault.access.events import Event, is_vouched, record_apart
from vault.errors import RuleForbids
from vault.running import RunningVault

AT_ONCE = 1000
_MOST = 10_000


def forget_details(vault: RunningVault, now: datetime, progress: Callable[[int], None]) -> int:
    """Forget the details of entries older than the settings keep them; return how many were deleted.

    Each thousand is told in an entry before it goes: broken off at any moment, nothing is gone that the
    ledger does not tell of, and the next call goes on. Raises RuleForbids where details are kept for ever.
    """
    years = vault.settings.details_kept_years
    if not years:
        raise RuleForbids(
            "This vault keeps the details of its ledger for ever. To have them forgotten after some years, "
            "set details_kept_years, to 5 or more."
        )
    before, gone = years_before(now.date(), years), 0
    writer = vault.database.engine.execution_options(writing=True)
    while True:
        with vault.database.engine.connect() as connection:
            old = old_details(connection, before, AT_ONCE)
        if old is None:
            return gone
        record_apart(vault, Event.DETAILS_FORGOTTEN, who=None, now=now, subjects=[], facts=old.facts())
        with writer.begin() as connection:
            deleted = delete_details(connection, old)
        gone += deleted
        progress(deleted)


def forgotten_on(vault: RunningVault, db: Session, woven: Woven) -> datetime | None:
    """When the details of an entry were forgotten; None when the ledger does not tell of it."""
    told = vault.ledger.find(
        db, Filters(event=str(Event.DETAILS_FORGOTTEN), outcome="done"), before_index=None, limit=_MOST
    )
    for one in reversed(told):
        forgetting = Forgetting.told_by(one.index, one.entry)
        excuses = forgetting is not None and forgetting.excuses(woven.index, timestamp(woven.entry.at))
        if excuses and is_vouched(one.entry, one.index, vault.confirms):
            return one.entry.at
    return None
