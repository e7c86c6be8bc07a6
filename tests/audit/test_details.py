"""Words for the auditors: sealed, bound to their entry, and forgotten when shredded."""

import pytest

from audit.entries import Details, new_entry_id, open_details, seal_details
from audit.errors import DetailsRefused, InvalidEntry
from audit.finding import Filters
from audit.ledger import Ledger
from crypto.identity import Identity
from tests.audit.writing import FIND, NOON, PATIENCE, an_entry

WORDS: dict[str, str | list[str]] = {"searched": "Jane Roe", "recipients": ["Pat", "Döner & Söhne"]}


@pytest.fixture(scope="module")
def auditors() -> Identity:
    return Identity.generate()


def test_auditors_read_the_details_of_an_entry_in_the_ledger(ledger: Ledger, auditors: Identity) -> None:
    name = new_entry_id(NOON)
    details = seal_details(WORDS, name, auditors.public)
    entry = an_entry(id=name, details=details.commitment)
    ledger.weave([(entry, details)], PATIENCE)
    with ledger._engine.connect() as connection:
        (woven,) = ledger.find(connection, Filters(), **FIND)
    assert woven.details is not None
    assert open_details(woven.details, woven.entry, auditors) == WORDS


def test_details_show_neither_their_words_nor_their_exact_length(auditors: Identity) -> None:
    name = new_entry_id(NOON)
    short = seal_details({"searched": "Roe"}, name, auditors.public)
    longer = seal_details({"searched": "Roe" * 30}, name, auditors.public)
    assert len(short.sealed) == len(longer.sealed)
    assert b"Roe" not in longer.sealed
    assert "Roe" not in repr(longer)


def test_the_commitment_of_the_same_words_differs_each_time(auditors: Identity) -> None:
    name = new_entry_id(NOON)
    commitments = {seal_details(WORDS, name, auditors.public).commitment for _ in range(3)}
    assert len(commitments) == 3


def test_another_circle_cannot_open_details(auditors: Identity) -> None:
    name = new_entry_id(NOON)
    details = seal_details(WORDS, name, auditors.public)
    with pytest.raises(DetailsRefused):
        open_details(details.sealed, an_entry(id=name, details=details.commitment), Identity.generate())


def test_details_moved_to_another_entry_do_not_open(auditors: Identity) -> None:
    details = seal_details(WORDS, new_entry_id(NOON), auditors.public)
    with pytest.raises(DetailsRefused):
        open_details(details.sealed, an_entry(details=details.commitment), auditors)


def test_details_sealed_anew_with_other_words_are_refused(auditors: Identity) -> None:
    name = new_entry_id(NOON)
    entry = an_entry(id=name, details=seal_details(WORDS, name, auditors.public).commitment)
    forged = seal_details({"searched": "somebody else"}, name, auditors.public)
    with pytest.raises(DetailsRefused, match="committed"):
        open_details(forged.sealed, entry, auditors)


def test_an_entry_that_commits_to_other_details_is_not_recorded(ledger: Ledger, auditors: Identity) -> None:
    name = new_entry_id(NOON)
    details = seal_details(WORDS, name, auditors.public)
    wrong: list[tuple[str | None, Details | None]] = [
        (None, details),
        ("ab" * 32, details),
        (details.commitment, None),
    ]
    for commitment, given in wrong:
        with pytest.raises(InvalidEntry):
            ledger.weave([(an_entry(id=name, details=commitment), given)], PATIENCE)
