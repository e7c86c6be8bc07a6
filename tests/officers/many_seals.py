"""An officer who holds thousands of lockboxes themself: the rows alone, sealed to nobody's secret."""

import os
from uuid import UUID, uuid4

from sqlalchemy import insert

from tests.cast import Cast
from vault.access.models import Lockbox, SealRow

AT_ONCE = 1000


def give_seals(cast: Cast, officer: UUID, count: int) -> None:
    """Put so many lockboxes there, each with one seal to this officer, past the vault."""
    ada, now = cast["ada"].actor, cast.stage.clock.now
    with cast.stage.vault.database.engine.begin() as connection:
        for start in range(0, count, AT_ONCE):
            boxes = [uuid4() for _ in range(start, min(start + AT_ONCE, count))]
            connection.execute(
                insert(Lockbox),
                [
                    {"id": box, "subject": f"person:{uuid4()}", "compartment": "casework", "epoch": 1}
                    for box in boxes
                ],
            )
            rest = {
                "key_kind": "lockbox", "epoch": 1, "holder_kind": "officer", "holder": officer,
                "holder_version": 1, "blob": os.urandom(1200), "commitment": bytes(32),
                "signature": bytes(64), "made_by": ada.officer, "made_by_version": 1, "made_at": now,
            }  # fmt: skip
            connection.execute(insert(SealRow), [{"id": uuid4(), "key_id": box, **rest} for box in boxes])
