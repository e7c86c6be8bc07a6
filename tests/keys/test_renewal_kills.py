"""Power cuts at moments taken by lot while keys are renewed: nothing is lost, and no old key stays behind."""

import multiprocessing
import os
import random
import signal
import time
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from crypto.columns import place_of, sealed_columns
from crypto.identity import Identity
from tests.cast import Cast
from tests.keys.renewing import findings, note, revoke
from tests.programme import open_case
from vault.access import renewal
from vault.access.actor import Actor
from vault.access.comparing import audit_seals
from vault.access.custody import KeyCase
from vault.access.events import Event, record
from vault.access.holders import circle_versions, circles_to_change, current_circles
from vault.access.models import Lockbox, SealRow, ShredPart
from vault.access.policy import Compartment, Role
from vault.access.rekeying import sealing_models
from vault.cases import actions
from vault.cases.models import Case
from vault.database import row_name
from vault.running import RunningVault
from vault.settings import load
from vault.vocabulary import Position

HOUSEHOLD = 12
NOTHING = renewal.Due([], 0, None)
START_SECONDS = 60


def renew_alone(data: Path, now: datetime, officer: UUID, seed: bytes, told: Connection) -> None:
    """What a process of its own does until it is killed; it says when it begins and when it is done."""
    vault = RunningVault.start(load(data), lambda: now)
    who = Actor(officer, "Ada Amsel", Role.COORDINATOR, True, 1, None, None, Identity.from_seed(seed))
    told.send("begun")
    renewal.renew(vault, who, lambda _count: None)
    told.send("done")
    # Threads that stay behind must not keep a child that is done.
    os._exit(0)


def renew_for(cast: Cast, seconds: float) -> bool:
    """Renew in a process of its own and kill it after so long; whether it was killed before it was done."""
    stage, ada = cast.stage, cast["ada"].actor
    # Entries that wait are woven by the moment in their ids: what was cut off stays before what comes after.
    stage.clock.forward(seconds=1)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.keys.test_renewal_kills", "vault.commands"])
    heard, told = context.Pipe(duplex=False)
    given = (stage.settings.data, stage.clock.now, ada.officer, ada.identity.seed, told)
    child = context.Process(target=renew_alone, args=given)
    child.start()
    told.close()
    assert heard.poll(START_SECONDS), "the renewal did not begin"
    assert heard.recv() == "begun"
    child.join(seconds)
    child.kill()
    child.join()
    assert child.exitcode in {0, -signal.SIGKILL}, "the renewal failed; its traceback is above"
    return child.exitcode != 0


def settle_in(cast: Cast) -> None:
    """A case with a large household, of which something is written in every compartment of a person."""
    case = open_case(cast, named=["ines", "ivo", "cal"])
    note(cast, case, "Moved.")
    vault, ada, health = cast.stage.vault, cast["ada"].actor, Compartment.HEALTH
    with vault.writing() as db:
        row, now = db.get_one(Case, case.id), vault.now()
        for number in range(HOUSEHOLD):
            person = actions.add_person(db, ada, vault.trust, row, Position.CHILD, False, now)
            values = {"medical": f"Asthma {number}", "treatment": f"An inhaler, {number} times a day"}
            actions.change_record(db, ada, vault.trust, row, person, health, values, now)


def plaintexts(cast: Cast) -> dict[tuple[str, str], object]:
    """All that Ada's keys open: each sealed field of each row, looked for without the lockboxes' own list."""
    found = {}
    vault = cast.stage.vault
    with vault.reading() as db:
        keys = KeyCase(db, cast["ada"].actor, vault.trust)
        boxes = {(box.subject, box.compartment): box for box in db.scalars(select(Lockbox))}
        keys.fetch(list(boxes.values()))
        for model in sealing_models():
            for row in db.scalars(select(model)):
                for name, column in sealed_columns(row).items():
                    compartment = Compartment(column.compartment)
                    key = keys.lockbox(boxes[row.lockbox_subject(compartment), compartment])
                    found[row_name(row), name] = key.open(getattr(row, name).blob, place_of(row, name))
    return found


def make_due(cast: Cast) -> None:
    """Every role's key waits for a new one, and so does every lockbox that it opens."""
    vault, ada = cast.stage.vault, cast["ada"].actor
    with vault.writing() as db:
        for key in current_circles(circles_to_change(db)).values():
            key.renew_due_at = vault.now()
        record(db, Event.OFFICER_REVOKED, who=ada, now=vault.now(), subjects=[])


def check_nothing_old_stays(cast: Cast) -> None:
    """One live key for each role, one shred part for each lockbox, and no seal of an earlier time."""
    with cast.stage.vault.reading() as db:
        assert renewal.due(db) == NOTHING
        versions = [key for key in circle_versions(db) if key.role != Role.AUDITOR]
        assert versions == [key for key in current_circles(circle_versions(db)).values() if key in versions]
        epochs = {box.id: box.epoch for box in db.scalars(select(Lockbox))}
        assert {part.lockbox: part.epoch for part in db.scalars(select(ShredPart))} == epochs
        assert len(db.scalars(select(ShredPart)).all()) == len(epochs)
        for seal in db.scalars(select(SealRow).where(SealRow.key_kind == "lockbox")):
            assert seal.epoch == epochs[seal.key]


def renew_under_power_cuts(cast: Cast, kills: int, seed: int) -> None:
    """Cut the power of one renewal after the other, each begun where the last was cut off."""
    lot, vault = random.Random(seed), cast.stage.vault
    settle_in(cast)
    written = plaintexts(cast)
    assert len({row for row, _ in written}) > HOUSEHOLD
    revoke(cast, "ivo")
    make_due(cast)
    with vault.reading() as db:
        assert renewal.due(db).lockboxes + len(renewal.due(db).circles) > HOUSEHOLD / 2
    began = time.monotonic()
    assert not renew_for(cast, START_SECONDS)
    span = time.monotonic() - began
    check_nothing_old_stays(cast)
    killed = 0
    while killed < kills:
        with vault.reading() as db:
            if renewal.due(db) == NOTHING:
                assert plaintexts(cast) == written
                make_due(cast)
        killed += renew_for(cast, lot.uniform(0, span / 2))
        with vault.reading() as db:
            assert audit_seals(db) == ([], [])
        assert plaintexts(cast) == written
    assert not renew_for(cast, START_SECONDS)
    check_nothing_old_stays(cast)
    assert plaintexts(cast) == written
    assert findings(cast) == ()


def test_power_cuts_at_any_moment_of_a_renewal_lose_nothing_and_leave_no_old_key(cast: Cast) -> None:
    renew_under_power_cuts(cast, 4, seed=5)


@pytest.mark.soak
def test_sixty_power_cuts_of_a_renewal_lose_nothing_and_leave_no_old_key(cast: Cast) -> None:
    renew_under_power_cuts(cast, 60, seed=time.monotonic_ns())
