"""Ways in which a vault comes to harm behind its own back, and what its ledger says of it."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from audit import tables
from audit.checkpoints import sign_if_free
from audit.entries import Entry
from audit.errors import NotaryRefuses
from audit.finding import Filters
from tests.audit.writing import tamper
from tests.cast import Cast, Stage
from vault.access.events import Event
from vault.notarising import notary_of


def sign(stage: Stage) -> None:
    """The notary signs what there is."""
    sign_if_free(stage.vault.database.engine, notary_of(stage.settings), stage.clock.now)


def cut_off(stage: Stage) -> None:
    """The newest entries are signed, and then cut off by the owner of the database; the notary notices."""
    sign(stage)
    engine = stage.vault.database.engine
    with engine.connect() as connection:
        heads = tables.heads.c
        last = connection.scalar(select(heads.previous).order_by(heads.size.desc()).limit(1))
    tamper(
        engine,
        f'DELETE FROM ledger_entries WHERE "index" >= {last}',
        f'DELETE FROM ledger_subjects WHERE "index" >= {last}',
        f"DELETE FROM ledger_heads WHERE size > {last}",
    )
    with pytest.raises(NotaryRefuses, match="entries were cut off"):
        sign(stage)


def without_notary(stage: Stage) -> None:
    """The notary runs elsewhere, and does not."""
    stage.vault.settings = replace(stage.settings, notary_in_process=False, acts_wait_seconds=0.2)


def told(cast: Cast, event: Event) -> list[Entry]:
    """The entries of this event, oldest first."""
    vault = cast.stage.vault
    with vault.reading() as db:
        found = vault.ledger.find(db, Filters(event=str(event)), before_index=None, limit=500)
    return [woven.entry for woven in reversed(found)]
