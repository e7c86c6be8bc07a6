"""One row that somebody planted or damaged is told of, and keeps nobody from renewal or recovery."""

from uuid import UUID, uuid4

import pytest

from tests.adversaries.thief import Thief
from tests.cast import Cast
from tests.keys.asking import admit_deciders, ask_recovery
from tests.keys.renewing import findings, note, opened_notes, renew, revoke
from tests.keys.test_recovery_import import answer, approved, export, take_away, take_in
from tests.programme import OpenedCase, open_case
from vault.access.comparing import audit_seals
from vault.access.policy import Compartment
from vault.keys.holdings import DIRECTORY_SUBJECT

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


def test_a_row_that_was_damaged_keeps_no_other_place_from_a_new_key(cast: Cast) -> None:
    case, other = open_case(cast, ["ivo"]), open_case(cast, ["ivo"])
    note(cast, case, "One.")
    note(cast, other, "Two.")
    thief = Thief(cast.stage)
    row = thief.rows("SELECT id, text FROM case_notes WHERE case_id = ?", case.id)[0]
    damaged = bytes(row["text"][:-1]) + bytes([row["text"][-1] ^ 1])
    thief.run("UPDATE case_notes SET text = ? WHERE id = ?", damaged, row["id"])
    revoke(cast, "ivo")
    assert renew(cast) > 0
    left = thief.rows("SELECT case_id, compartment FROM lockboxes WHERE rekey_due_at IS NOT NULL")
    assert [(UUID(str(box["case_id"])), box["compartment"]) for box in left] == [(case.id, "casework")]
    assert opened_notes(cast, "ada", other) == ["Two."]
    assert any("case_notes/" in finding for finding in findings(cast))
    # Once the row is as it was, its place gets a new key too.
    thief.run("UPDATE case_notes SET text = ? WHERE id = ?", row["text"], row["id"])
    assert renew(cast) > 0
    assert opened_notes(cast, "ada", case) == ["One."]
    assert findings(cast) == ()


def test_a_lockbox_of_no_subject_is_told_of_and_ends_no_comparison(cast: Cast) -> None:
    case, thief = open_case(cast, ["ines"]), Thief(cast.stage)
    box = thief.rows("SELECT * FROM lockboxes WHERE case_id = ?", case.id)[0]
    due = thief.rows("SELECT made_at FROM seals")[0]["made_at"]
    thief.put("lockboxes", box | {"id": uuid4(), "subject": "nothing", "rekey_due_at": due})
    for path in ("/desk", "/keys", "/keys/seals", f"/cases/{case.id}"):
        assert cast["ada"].get(path).status_code == 200, path
    assert "nothing" in cast["ada"].get("/keys/seals").text
    planted = [finding for finding in findings(cast) if "lockboxes/" in finding]
    assert [finding.endswith("it was put there past the vault.") for finding in planted] == [True]
    revoke(cast, "ines")
    assert renew(cast) > 0


def test_a_seal_that_cannot_be_read_hides_no_other_finding(cast: Cast) -> None:
    case, thief = open_case(cast, ["ines"]), Thief(cast.stage)
    seal = thief.rows("SELECT * FROM seals WHERE key_kind = 'lockbox'")[0]
    thief.put("seals", seal | {"id": uuid4(), "key_id": "no id at all"})
    thief.run("UPDATE cases SET code = 'WP-0' WHERE id = ?", case.id)
    found = findings(cast)
    assert any(finding.startswith("Seals: some rows") for finding in found)
    assert any(finding.startswith(f"Row cases/{case.id}") for finding in found)


@pytest.mark.parametrize("column", ["subject", "asked_by"])
def test_a_request_about_nothing_or_by_nobody_hides_no_other_request(cast: Cast, column: str) -> None:
    admit_deciders(cast)
    real = ask_recovery(cast, "dora", DIRECTORY_SUBJECT, None, "ada")
    thief = Thief(cast.stage)
    row = thief.row("key_acts", real)
    for wrong in ("nonsense", f"case:{uuid4()}", f"house:{uuid4()}") if column == "subject" else (uuid4(),):
        thief.put("key_acts", row | {"id": uuid4(), column: wrong})
    page = cast["dee"].get("/keys/acts")
    assert (page.status_code, "The directory of names" in page.text) == (200, True)
    for act in thief.rows("SELECT id FROM key_acts"):
        assert cast["dee"].get(f"/keys/acts/{UUID(str(act['id']))}").status_code == 200
