"""One row that somebody planted or damaged is told of, and keeps nobody from renewal or recovery."""

from uuid import uuid4

import pytest

from tests.adversaries.thief import Thief
from tests.cast import Cast
from tests.keys.asking import admit_deciders
from tests.keys.renewing import findings, note, opened_notes, renew, revoke
from tests.keys.test_recovery_import import answer, approved, export, take_away, take_in
from tests.programme import OpenedCase, open_case
from vault.access.comparing import audit_seals
from vault.access.policy import Compartment

pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def name_pat(cast: Cast, case: OpenedCase) -> None:
    """A prosecutor who writes to the database names himself as an inspector."""
    thief = Thief(cast.stage)
    named = thief.rows("SELECT * FROM assignments WHERE kind = 'case' AND subject_id = ?", case.id)[0]
    thief.put("assignments", named | {"id": uuid4(), "officer": cast["pat"].actor.officer})


def held_by_pat(cast: Cast) -> int:
    """How many keys of lockboxes are sealed to him beside those of his own referrals."""
    rows = "SELECT s.id FROM seals s JOIN lockboxes l ON l.id = s.key_id WHERE s.holder = ? AND l.compartment"
    return len(Thief(cast.stage).rows(f"{rows} <> 'intake'", cast["pat"].actor.officer))


def test_a_naming_that_was_planted_gets_nothing_and_keeps_no_key_from_being_renewed(cast: Cast) -> None:
    case, other = open_case(cast, ["ines", "ivo"]), open_case(cast, ["ivo"])
    note(cast, case, "One.")
    note(cast, other, "Two.")
    name_pat(cast, case)
    revoke(cast, "ivo")
    assert renew(cast) > 0
    assert held_by_pat(cast) == 0
    assert (opened_notes(cast, "ines", case), opened_notes(cast, "ada", other)) == (["One."], ["Two."])
    left = Thief(cast.stage).rows("SELECT id FROM lockboxes WHERE rekey_due_at IS NOT NULL")
    assert left == []
    with cast.stage.vault.reading() as db:
        missing, _ = audit_seals(db)
    assert {fault.holder for fault in missing} == {cast["pat"].actor.officer}
    assert any("assignments/" in finding for finding in findings(cast))


def test_a_naming_that_was_planted_gets_nothing_of_a_recovery_and_does_not_stop_it(cast: Cast) -> None:
    admit_deciders(cast)
    case = open_case(cast, ["ines"])
    take_away(cast, case, Compartment.CASEWORK)
    act = approved(cast, f"case:{case.id}", Compartment.CASEWORK, "ada")
    text = answer(cast, export(cast, act, "dora"))
    name_pat(cast, case)
    assert take_in(cast, act, "ada", text) == 1
    assert opened_notes(cast, "ines", case) == []
    assert held_by_pat(cast) == 0
