"""No way of writing many rows at once passes by the entries."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, insert, text, update
from sqlalchemy.orm import Session

from tests.adversaries.thief import Thief
from tests.cast import Stage
from vault.database import BulkChangeRefused
from vault.officers.models import Attempt, Officer

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
ROWS: Any = Officer.__table__


@ONLY_SQLITE
@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda db: db.execute(text("UPDATE officers SET role = 'auditor'")), id="in-words"),
        pytest.param(lambda db: db.execute(update(ROWS).values(role="auditor")), id="table-updated"),
        pytest.param(lambda db: db.execute(delete(ROWS)), id="table-deleted"),
        pytest.param(lambda db: db.execute(insert(ROWS).values(name="x")), id="table-inserted"),
        pytest.param(lambda db: db.query(Officer).delete(), id="query-deleted"),
        pytest.param(lambda db: db.query(Officer).update({"role": "auditor"}), id="query-updated"),
        pytest.param(lambda db: db.bulk_update_mappings(Officer, [{}]), id="mappings-updated"),
        pytest.param(lambda db: db.bulk_insert_mappings(Officer, [{}]), id="mappings-inserted"),
        pytest.param(lambda db: db.bulk_save_objects([Officer()]), id="objects-saved"),
    ],
)
def test_it_is_refused_and_changes_nothing(stage: Stage, act: Callable[[Session], object]) -> None:
    before = Thief(stage).rows("SELECT * FROM officers ORDER BY id")
    with pytest.raises(BulkChangeRefused), stage.vault.writing() as db:
        act(db)
    assert Thief(stage).rows("SELECT * FROM officers ORDER BY id") == before


@ONLY_SQLITE
def test_rows_that_need_no_entry_may_be_changed_together(stage: Stage) -> None:
    with stage.vault.writing() as db:
        db.execute(delete(Attempt))
    assert Thief(stage).rows("SELECT * FROM attempts") == []
