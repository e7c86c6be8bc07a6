"""Details are sealed to the auditors and to nobody who put a key of their own into the database."""

from uuid import uuid4

import pytest

from crypto.errors import CryptoError
from crypto.identity import Identity
from tests.adversaries.thief import Thief
from tests.cast import Stage
from vault.access.events import Event, record, record_apart

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
WORDS = {"searched": "Jane Roe"}


def plant(stage: Stage) -> None:
    """The thief adds a newer key to those of the auditors."""
    thief = Thief(stage)
    pattern = thief.rows("SELECT * FROM holder_keys WHERE kind = 'circle' AND role = 'auditor'")[0]
    own = {"id": uuid4(), "version": 2, "public": Identity.generate().public.to_bytes()}
    thief.put("holder_keys", pattern | own)


@ONLY_SQLITE
def test_no_look_is_recorded_with_words_that_a_planted_key_would_open(stage: Stage) -> None:
    plant(stage)
    with pytest.raises(CryptoError):
        record_apart(
            stage.vault, Event.OPENED, who=None, now=stage.clock.now, subjects=[], facts={}, details=WORDS
        )
    assert Thief(stage).rows("SELECT * FROM ledger_details") == []


@ONLY_SQLITE
def test_no_change_is_kept_with_words_that_a_planted_key_would_open(stage: Stage) -> None:
    plant(stage)
    with pytest.raises(CryptoError), stage.vault.writing() as db:
        record(db, Event.OPENED, who=None, now=stage.clock.now, subjects=[], facts={}, details=WORDS)
    assert Thief(stage).rows("SELECT * FROM ledger_details") == []


@ONLY_SQLITE
def test_words_are_kept_for_the_auditors_own_key(stage: Stage) -> None:
    record_apart(
        stage.vault, Event.OPENED, who=None, now=stage.clock.now, subjects=[], facts={}, details=WORDS
    )
    assert len(Thief(stage).rows("SELECT * FROM ledger_details")) == 1
