"""Reading the ledger is recorded in the ledger, before anything of it is shown."""

from collections.abc import Mapping

from audit.entries import Fact
from audit.ledger import Receipt
from vault.access.events import Event, record_apart
from vault.access.guard import actor, now, running


def note_reading(page: str, subjects: list[str], facts: Mapping[str, Fact]) -> Receipt:
    """Record that an auditor reads this page. Raises audit.errors.LedgerUnavailable; then it is not shown."""
    told = {name: value for name, value in facts.items() if value is not None}
    return record_apart(
        running(), Event.LEDGER_READ, who=actor(), now=now(), subjects=subjects, facts={"page": page, **told}
    )
