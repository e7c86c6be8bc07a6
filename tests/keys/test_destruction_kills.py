"""A power cut in the middle of a destruction leaves the case whole or destroyed, never half."""

from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from crypto.identity import Identity
from tests.cast import Cast
from tests.keys.asking import admit_deciders, approve, ask_destruction, close, state_of
from tests.keys.killing import steps_of
from tests.programme import OpenedCase, open_case
from vault.access import listings
from vault.access.actor import Actor
from vault.access.custody import KeyCase, find_lockbox
from vault.access.directory_pages import opened_pages
from vault.access.models import Lockbox, SealRow, ShredPart
from vault.access.policy import Compartment, Role
from vault.cases import actions
from vault.cases.models import Case
from vault.keys import shredding
from vault.keys.holdings import DIRECTORY_SUBJECT, within
from vault.running import RunningVault
from vault.settings import load
from vault.verification import verify


def carry_out(data: Path, officer: UUID, seed: bytes, act: UUID, now: datetime) -> None:
    """The destruction in a process of its own, by the coordinator whose seed this is."""
    vault = RunningVault.start(load(data, {}), lambda: now)
    who = Actor(officer, "Ada Amsel", Role.COORDINATOR, True, 1, None, now, Identity.from_seed(seed))
    shredding.destroy(vault, who, act, now)
    vault.close()


def kill(cast: Cast, act: UUID, at: int) -> int | None:
    """Carry the destruction out and kill it before this step; how many steps it took, if it ended."""
    stage, ada = cast.stage, cast["ada"].actor
    given = (stage.settings.data, ada.officer, ada.identity.seed, act, stage.vault.now())
    return steps_of(carry_out, *given, kill_at=at)


def prepared(cast: Cast) -> tuple[OpenedCase, UUID]:
    """A closed case, and the approved request to destroy its records."""
    case = open_case(cast, ["ines"])
    close(cast, case.id)
    return case, approve(cast, ask_destruction(cast, case.id, "ada"), "dee", "dora")


def begin_directory(cast: Cast) -> None:
    """Somebody stands in the directory of names, so that each destruction gives it a new key."""
    case, vault, ada = open_case(cast, []), cast.stage.vault, cast["ada"].actor
    values = {"legal_name": "Jane Roe", "aliases": "", "birth_date": None, "social_security": ""}
    values |= {"documents": "", "description": ""}
    with vault.writing() as db:
        row, person = actions.get_person(db, ada, case.witness)
        actions.change_record(db, ada, vault.trust, row, person, Compartment.IDENTITY, values, vault.now())
    with vault.writing() as db:
        assert listings.file_slips(db, ada, vault.trust, vault.now()) == 1


def is_destroyed(cast: Cast, case: OpenedCase, act: UUID) -> bool:
    """Whether all of it is gone; that or all of it is there."""
    vault, ada = cast.stage.vault, cast["ada"].actor
    with vault.reading() as db:
        boxes = db.scalars(select(Lockbox).where(within(db, f"case:{case.id}"))).all()
        ids = [box.id for box in boxes]
        assert len(ids) == 9
        parts = set(db.scalars(select(ShredPart.lockbox).where(ShredPart.lockbox.in_(ids))))
        sealed = set(db.scalars(select(SealRow.key).where(SealRow.key.in_(ids))))
        gone = db.get_one(Case, case.id).destroyed_on is not None
        told = {parts == set(), sealed == set(), gone, state_of(cast, act) == "done"}
        assert told in ({True}, {False})
        if not gone:
            keys = KeyCase(db, ada, vault.trust)
            keys.fetch(boxes)
            assert all(keys.lockbox(box).epoch == box.epoch for box in boxes)
            assert parts == sealed == set(ids)
    return gone


def cut(cast: Cast, kills: int) -> None:
    """Cut the power at steps spread over the whole act, on one case after the other."""
    admit_deciders(cast)
    begin_directory(cast)
    case, act = prepared(cast)
    steps = kill(cast, act, 0)
    assert steps is not None
    assert is_destroyed(cast, case, act)
    whole = destroyed = 0
    case, act = prepared(cast)
    for number in range(kills):
        kill(cast, act, 1 + number * (steps - 1) // max(kills - 1, 1))
        if is_destroyed(cast, case, act):
            destroyed += 1
            case, act = prepared(cast)
        else:
            whole += 1
    assert whole > 0
    assert destroyed > 0, "the last cut falls behind the commit"
    vault, ada = cast.stage.vault, cast["ada"].actor
    assert verify(vault, lambda _count: None).findings == ()
    with vault.reading() as db:
        box = find_lockbox(db, DIRECTORY_SUBJECT, Compartment.DIRECTORY)
        assert box.epoch == destroyed + 2
        pages = list(opened_pages(db, KeyCase(db, ada, vault.trust).lockbox(box)))
    assert [b"jane roe" in page.lower() for page in pages] == [True]


def test_power_cuts_leave_the_case_whole_or_destroyed(cast: Cast) -> None:
    cut(cast, 4)


@pytest.mark.soak
def test_fifty_power_cuts_leave_the_case_whole_or_destroyed(cast: Cast) -> None:
    cut(cast, 50)
