"""Renewal while officers write: nothing is lost, nothing lies under a key that went, everything opens."""

import threading
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError

from audit.errors import LedgerUnavailable
from crypto.columns import place_of
from tests.cast import Cast
from tests.keys.renewing import findings
from tests.patience import wait_for_locks
from tests.programme import OpenedCase, open_case
from vault.access import renewal
from vault.access.actor import Actor
from vault.access.comparing import audit_seals
from vault.access.custody import KeyCase, find_lockbox
from vault.access.models import Lockbox
from vault.access.policy import Compartment, Role
from vault.cases import actions
from vault.cases.models import Case, Note, Person
from vault.running import RunningVault
from vault.vocabulary import NoteKind

ROUNDS = 3
PAUSE_SECONDS = 0.01


class Writer(threading.Thread):
    """An officer who writes one note after another, and changes the record in between."""

    def __init__(self, vault: RunningVault, who: Actor, case: OpenedCase, stop: threading.Event) -> None:
        super().__init__()
        self.vault, self.who, self.case, self.stop = vault, who, case, stop
        self.written: list[str] = []
        self.told_to_try_again = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                self._write(f"{self.name} {len(self.written)}")
                self.stop.wait(PAUSE_SECONDS)
        except BaseException as failure:
            self.failure = failure

    def _write(self, text: str) -> None:
        try:
            with self.vault.writing() as db:
                case, now = db.get_one(Case, self.case.id), self.vault.now()
                actions.add_note(db, self.who, self.vault.trust, case, NoteKind.NOTE, text, now)
                person = db.get_one(Person, self.case.witness)
                values = {"medical": text, "treatment": text}
                trust, health = self.vault.trust, Compartment.HEALTH
                actions.change_record(db, self.who, trust, case, person, health, values, now)
        except (StaleDataError, OperationalError, LedgerUnavailable):
            self.told_to_try_again += 1  # The officer is asked to try again, and nothing of it is kept.
        else:
            self.written.append(text)


def opened(vault: RunningVault, who: Actor, case: OpenedCase) -> tuple[list[object], object]:
    """Every note, and what the witness's record says."""
    with vault.reading() as db:
        keys = KeyCase(db, who, vault.trust)
        casework = keys.lockbox(find_lockbox(db, f"case:{case.id}", Compartment.CASEWORK))
        health = keys.lockbox(find_lockbox(db, f"person:{case.witness}", Compartment.HEALTH))
        notes = db.scalars(select(Note)).all()
        person = db.get_one(Person, case.witness)
        texts = [casework.open(row.text.blob, place_of(row, "text")) for row in notes]
        return texts, health.open(person.medical.blob, place_of(person, "medical"))


def epochs(vault: RunningVault) -> dict[UUID, int]:
    """How many keys each lockbox has had."""
    with vault.reading() as db:
        return {box.id: box.epoch for box in db.scalars(select(Lockbox))}


def test_four_officers_write_while_every_key_is_renewed_again_and_again(cast: Cast) -> None:
    case, vault = open_case(cast, named=["ines", "ivo"]), cast.stage.vault
    ada, stop = cast["ada"].actor, threading.Event()
    wait_for_locks(cast.stage)
    before = epochs(vault)
    writers = [Writer(vault, cast[name].actor, case, stop) for name in ("ada", "ada", "ines", "ivo")]
    for writer in writers:
        writer.start()
    try:
        for _ in range(ROUNDS):
            with vault.writing() as db:
                for role in (Role.COORDINATOR, Role.INSPECTOR):
                    renewal.renew_circle(db, ada, vault.trust, role, vault.now())
            renewal.renew(vault, ada, lambda _count: None)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert [writer.failure for writer in writers] == [None] * 4
    renewal.renew(vault, ada, lambda _count: None)
    notes, medical = opened(vault, ada, case)
    written = [text for writer in writers for text in writer.written]
    assert len(written) >= 4
    assert sorted(map(str, notes)) == sorted(written)
    assert medical in written
    with vault.reading() as db:
        assert renewal.due(db) == renewal.Due([], 0, None)
        assert audit_seals(db) == ([], [])
    after = epochs(vault)
    assert max(after[box] - before[box] for box in before) == ROUNDS
    assert min(after[box] - before[box] for box in before) > 0
    assert findings(cast) == ()
