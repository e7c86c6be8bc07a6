"""Volumes as the vault would begin them."""

from audit.entries import Entry
from audit.joints import CLOSED, OPENED, FinalTree, closing_facts, opening_facts
from audit.ledger import Ledger
from audit.origins import parted
from tests.audit.writing import PATIENCE, an_entry

LEDGER = "vault.example/ledger"
_NOBODY = {
    "officer": None,
    "session": None,
    "subjects": (),
    "compartment": None,
    "fields": (),
    "reason": None,
}


def closing_entry(number: int) -> Entry:
    """The last entry of the volume before this one."""
    return an_entry(**_NOBODY, event=CLOSED, facts=closing_facts(LEDGER, number - 1))


def opening_entry(first: int, final: FinalTree) -> Entry:
    """The first entry of the volume after this final tree."""
    number = parted(final.origin)[1] + 1
    return an_entry(**_NOBODY, event=OPENED, facts=opening_facts(number, first, final))


def begin(ledger: Ledger, number: int) -> int:
    """Begin a volume and return the index of its first entry."""
    return ledger.begin_volume(number, LEDGER, closing_entry(number), opening_entry, PATIENCE)
