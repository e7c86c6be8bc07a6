"""A ledger on each database, and a notary with a state of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from audit.checkpoints import Notary, NotaryKeys
from audit.ledger import Ledger, create_all


@pytest.fixture
def ledger(engine: Engine) -> Iterator[Ledger]:
    """An empty ledger on each engine."""
    create_all(engine)
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
