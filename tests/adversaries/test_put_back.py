"""Officers who left and write to the database put their rows back as they were, and get no newer key."""

import pytest

from tests.adversaries.thief import Thief
from tests.cast import Cast
from tests.keys.asking import admit
from tests.keys.renewing import findings, note, renew, revoke
from tests.officers.returning import certify, enrol, invite_again
from tests.programme import open_case
from vault.access.departures import departed
from vault.access.policy import Role

pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def test_a_coordinator_who_left_and_puts_her_key_back_gets_no_newer_role_key(cast: Cast) -> None:
    admit(cast, "abel", "Abel Acorn", Role.COORDINATOR)
    abel, thief = cast["abel"].actor.officer, Thief(cast.stage)
    officer, keys = (
        thief.row("officers", abel),
        thief.rows("SELECT * FROM holder_keys WHERE holder = ?", abel),
    )
    revoke(cast, "abel")
    renew(cast)
    thief.overwrite("officers", officer)
    for key in keys:
        thief.overwrite("holder_keys", key)
    revoke(cast, "dee")
    assert renew(cast) > 0
    assert thief.rows("SELECT id FROM seals WHERE holder = ?", abel) == []
    assert any(finding.startswith("Row holder_keys/") for finding in findings(cast))


def test_an_inspector_who_left_and_puts_her_naming_back_gets_no_newer_key_of_the_case(cast: Cast) -> None:
    case, thief = open_case(cast, ["ines", "ivo"]), Thief(cast.stage)
    note(cast, case, "One.")
    ines = cast["ines"].actor.officer
    kept = {
        table: thief.rows(f"SELECT * FROM {table} WHERE {column} = ?", ines)
        for table, column in (("officers", "id"), ("holder_keys", "holder"), ("assignments", "officer"))
    }
    revoke(cast, "ines")
    renew(cast)
    for table, rows in kept.items():
        for row in rows:
            thief.overwrite(table, row)
    revoke(cast, "ivo")
    assert renew(cast) > 0
    assert thief.rows("SELECT id FROM seals WHERE holder = ?", ines) == []


def test_who_left_is_told_by_the_vaults_own_entries_alone(cast: Cast) -> None:
    vault, ids = cast.stage.vault, [cast[name].actor.officer for name in ("ada", "ines", "ivo", "dee")]
    _, ines, ivo, dee = ids

    def gone() -> set[object]:
        with vault.reading() as db:
            return set(departed(db, vault.trust, ids))

    assert gone() == set()
    revoke(cast, "dee")
    code = invite_again(cast, "ines", "inspector")
    invite_again(cast, "ivo", "inspector")
    assert gone() == {ines, ivo, dee}
    enrol(cast, "ines", code)
    certify(cast, "ines")
    assert gone() == {ivo, dee}
    thief = Thief(cast.stage)
    thief.disarm_ledger()
    leaves = thief.rows("SELECT \"index\", leaf FROM ledger_entries WHERE event = 'officer-revoked'")
    for told in leaves:
        forged = bytes(told["leaf"]).replace(str(dee).encode(), str(ines).encode())
        thief.run('UPDATE ledger_entries SET leaf = ? WHERE "index" = ?', forged, told["index"])
        thief.run(
            'UPDATE ledger_subjects SET subject = ? WHERE "index" = ?', f"officer:{ines}", told["index"]
        )
    assert gone() == {ivo}  # What was forged shuts nobody out; verification tells that entries were changed.
