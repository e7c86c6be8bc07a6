"""Renewal: what an officer who left could open gets new keys, whole steps at a time, and loses nothing."""

import random
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import event, select

from crypto.identity import Identity
from tests.adversaries.thief import Thief
from tests.cast import Cast
from tests.keys.killing import steps_of
from tests.keys.renewing import findings, note, opened_notes, renew, revoke
from tests.programme import open_case
from vault.access import renewal
from vault.access.actor import Actor
from vault.access.comparing import audit_seals
from vault.access.models import HolderKey, Lockbox, ShredPart
from vault.access.policy import Compartment, Role
from vault.running import RunningVault
from vault.settings import load


def test_after_an_officer_left_everything_gets_new_keys_and_still_opens(cast: Cast) -> None:
    case = open_case(cast, named=["ines", "cal"])
    note(cast, case, "Moved.")
    vault = cast.stage.vault
    revoke(cast, "ines")
    with vault.reading() as db:
        due = renewal.due(db)
        assert [(key.role, key.renew_due_at) for key in due.circles] == [
            (Role.INSPECTOR, cast.stage.clock.now)
        ]
        assert due.lockboxes > 0
        assert due.oldest is not None
        assert due.oldest <= cast.stage.clock.now
    renew(cast)
    with vault.reading() as db:
        assert renewal.due(db) == renewal.Due([], 0, None)
        assert audit_seals(db) == ([], [])
        epochs = dict(
            db.execute(select(Lockbox.compartment, Lockbox.epoch).where(Lockbox.case == case.id)).all()
        )
        assert epochs[Compartment.CASEWORK] == 2
        assert epochs[Compartment.FINANCE] == 1
        assert len(db.scalars(select(ShredPart)).all()) == len(db.scalars(select(Lockbox)).all())
        versions = [
            (key.version, key.withdrawn_at is None)
            for key in db.scalars(
                select(HolderKey)
                .where(HolderKey.role == "inspector", HolderKey.kind == "circle")
                .order_by(HolderKey.version)
            )
        ]
        assert versions == [(1, False), (2, True)]
    assert opened_notes(cast, "ada", case) == ["Moved."]
    assert opened_notes(cast, "cal", case) == ["Moved."]
    note(cast, case, "Arrived.")
    assert opened_notes(cast, "cal", case) == ["Moved.", "Arrived."]
    assert findings(cast) == ()


def renew_alone(data: Path, now: datetime, officer: UUID, seed: bytes) -> None:
    """What a process of its own does until it is killed; small transactions, so that there are many."""
    vault = RunningVault.start(load(data), lambda: now)
    who = Actor(officer, "Ada", Role.COORDINATOR, True, 1, None, None, Identity.from_seed(seed))
    while renewal.renew_some(vault, who, now, 4):
        pass
    vault.close()


def renew_under_kills(cast: Cast, kills: int) -> None:
    """Kill the renewal at steps taken by lot; after each, nothing is shut and no seal is amiss."""
    case, stage, lot = open_case(cast, named=["ines", "ivo"]), cast.stage, random.Random(3)
    note(cast, case, "Moved.")
    ada, killed = cast["ada"].actor, 0
    given = (stage.settings.data, stage.clock.now, ada.officer, ada.identity.seed)
    while killed < kills:
        with stage.vault.reading() as db:
            waits = renewal.due(db) != renewal.Due([], 0, None)
        if not waits:
            with stage.vault.writing() as db:
                renewal.renew_circle(db, ada, stage.vault.trust, Role.COORDINATOR, stage.clock.now)
        killed += steps_of(renew_alone, *given, kill_at=lot.randrange(4, 200)) is None
        assert opened_notes(cast, "ines", case) == ["Moved."]
        with stage.vault.reading() as db:
            assert audit_seals(db) == ([], [])
    renew(cast)
    with stage.vault.reading() as db:
        assert renewal.due(db) == renewal.Due([], 0, None)
    assert opened_notes(cast, "ada", case) == ["Moved."]
    assert findings(cast) == ()


def test_a_renewal_killed_at_any_step_leaves_a_whole_state_and_is_finished_later(cast: Cast) -> None:
    renew_under_kills(cast, 3)


@pytest.mark.soak
def test_a_renewal_killed_fifty_times_leaves_a_whole_state_and_is_finished_later(cast: Cast) -> None:
    renew_under_kills(cast, 50)


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_a_lockbox_that_does_not_open_or_is_out_of_reach_keeps_no_other_waiting(cast: Cast) -> None:
    case, stage, thief = open_case(cast, named=["ines"]), cast.stage, Thief(cast.stage)
    boxes = thief.rows("SELECT id FROM lockboxes WHERE case_id = ? ORDER BY compartment", case.id)
    damaged, out_of_reach = boxes[0]["id"], boxes[1]["id"]
    thief.run("UPDATE shred_parts SET part = ? WHERE lockbox_id = ?", bytes(32), damaged)
    thief.run("DELETE FROM seals WHERE key_id = ? AND holder_kind = 'circle'", out_of_reach)
    with stage.vault.writing() as db:
        renewal.renew_circle(db, cast["ada"].actor, stage.vault.trust, Role.COORDINATOR, stage.clock.now)
        for box in db.scalars(select(Lockbox)):
            box.rekey_due_at = stage.clock.now
        from vault.access.events import Event, record

        record(db, Event.LOCKBOX_REKEYED, who=None, now=stage.clock.now, subjects=[])
    renew(cast)
    left = thief.rows("SELECT id, epoch FROM lockboxes WHERE epoch = 1")
    assert {row["id"] for row in left} == {damaged, out_of_reach}
    with stage.vault.reading() as db:
        assert renewal.due(db).lockboxes == 2
        assert [box.id for box in renewal.beyond(db, cast["ada"].actor)] == [UUID(str(out_of_reach))]


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_what_is_due_and_what_is_amiss_are_asked_in_as_many_questions_for_many_as_for_few(cast: Cast) -> None:
    vault, asked = cast.stage.vault, []
    event.listen(vault.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    def questions() -> int:
        asked.clear()
        with vault.reading() as db:
            renewal.due(db)
            audit_seals(db)
        return len(asked)

    open_case(cast, named=["ines"])
    few = questions()
    for _ in range(2):
        open_case(cast, named=["ines", "ivo"])
    assert questions() == few


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_an_officers_end_marks_no_lockbox_that_only_their_circle_opened(cast: Cast) -> None:
    open_case(cast, named=[])
    thief = Thief(cast.stage)
    marked = thief.rows("SELECT id FROM lockboxes WHERE rekey_due_at IS NOT NULL")
    revoke(cast, "dee")
    assert thief.rows("SELECT id FROM lockboxes WHERE rekey_due_at IS NOT NULL") == marked
    due = thief.rows("SELECT role FROM holder_keys WHERE renew_due_at IS NOT NULL")
    assert [row["role"] for row in due] == ["deputy"]
