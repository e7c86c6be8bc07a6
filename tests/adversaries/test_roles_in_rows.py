"""An officer who also writes to the database gets no key by a role that only a row gives them."""

from uuid import UUID, uuid4

import pytest

from crypto.sealing import Holder, KeyName, seal_key
from tests.adversaries.thief import Thief
from tests.cast import Cast, Stage
from tests.programme import open_case
from vault.access.keyring import Keyring
from vault.verification import verify

pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def lockbox_seals(stage: Stage, holder: UUID) -> int:
    """How many lockboxes are sealed to this officer."""
    return len(Thief(stage).rows("SELECT id FROM seals WHERE key_kind = 'lockbox' AND holder = ?", holder))


def test_an_officer_whose_row_says_another_role_is_sealed_nothing(cast: Cast) -> None:
    case, stage, fin = open_case(cast, named=[]), cast.stage, cast["fin"].actor.officer
    Thief(stage).run("UPDATE officers SET role = 'inspector' WHERE id = ?", fin)
    stage.app.testing = False
    answer = cast["ada"].post(f"/cases/{case.id}/officers/name", officer=str(fin))
    assert answer.status_code == 500
    assert lockbox_seals(stage, fin) == 0


def test_a_naming_put_into_the_database_under_another_role_is_sealed_nothing(cast: Cast) -> None:
    case, stage, fin = open_case(cast, named=["ines"]), cast.stage, cast["fin"].actor.officer
    thief = Thief(stage)
    named = thief.rows("SELECT * FROM assignments WHERE kind = 'case'")[0]
    thief.put("assignments", named | {"id": uuid4(), "officer": fin})
    stage.app.testing = False
    ada = cast["ada"]
    ada.get(f"/cases/{case.id}/people/add")
    assert ada.post(f"/cases/{case.id}/people/add", position="child").status_code == 500
    assert lockbox_seals(stage, fin) == 0


def test_a_key_of_their_own_that_a_clerk_seals_to_the_coordinators_is_not_written_under(cast: Cast) -> None:
    case, stage, cal = open_case(cast, named=[]), cast.stage, cast["cal"].actor
    thief, subject = Thief(stage), f"person:{case.witness}"
    box = thief.rows("SELECT * FROM lockboxes WHERE subject = ? AND compartment = 'health'", subject)[0]
    (seal,) = [
        row
        for row in thief.rows("SELECT * FROM seals WHERE key_id = ?", box["id"])
        if row["holder_kind"] == "circle"
    ]
    circle, lockbox = UUID(str(seal["holder"])), UUID(str(box["id"]))
    with stage.vault.reading() as db:
        public = Keyring(db, stage.vault.trust).public(circle, None)
    name = KeyName("lockbox", lockbox, 1, subject, "health")
    forged = seal_key(bytes(32), name, Holder("circle", circle, 1, public), cal.identity)
    signed = {"blob": forged.blob, "commitment": forged.commitment, "signature": forged.signature}
    thief.overwrite("seals", seal | signed | {"made_by": cal.officer})
    stage.app.testing = False
    ada = cast["ada"]
    place = f"/records/person/{case.witness}/health"
    ada.get(f"{place}/change")
    version = str(thief.row("people", case.witness)["version"])
    answer = ada.post(f"{place}/save", medical="asthma", version=version)
    assert answer.status_code == 500
    assert "not what an officer sealed" in answer.text
    found = verify(stage.vault, lambda _count: None).findings
    assert found == (f"Seal that no officer of ours signed: health of {subject}, circle {circle}.",)
