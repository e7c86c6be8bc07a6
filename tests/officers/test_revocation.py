"""Whoever may be a danger is out at once: one page, one act, one transaction, and somebody is always left."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import event, func, select

from tests.adversaries.thief import Thief
from tests.cast import PASSWORD, Cast, Officer
from tests.officers.devices import last, make_codes
from tests.officers.many_seals import give_seals
from tests.officers.returning import come_back, end_access, ident
from tests.programme import open_case
from vault.access.events import ROWS_PER_ENTRY, Event
from vault.access.holders import circle_versions
from vault.access.models import Assignment, HolderKey, Lockbox, SealRow
from vault.access.policy import Role
from vault.database import AT_ONCE, RecordedSession
from vault.errors import VaultError
from vault.officers import admission, revoking
from vault.officers.models import OfficerState, SignedInSession

ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
LEFT = revoking.Ground.LEFT


def count(db: RecordedSession, query: object) -> int:
    return db.scalar(select(func.count()).select_from(query.subquery())) or 0  # type: ignore[attr-defined]


def test_one_page_ends_everything_that_an_officer_had(cast: Cast) -> None:
    case, ines = open_case(cast, named=["ines"]), cast["ines"]
    make_codes(ines)
    officer = ident(cast, "ines")
    page = cast["max"].get(f"/officers/{officer}/end-access").text
    assert "signed out before the next page" in page
    assert "10 backup codes" in page
    assert end_access(cast, officer, "max", "danger").status_code == 303
    assert ines.get("/desk").status_code == 401
    with cast.stage.vault.reading() as db:
        assert count(db, select(SignedInSession).where(SignedInSession.officer == officer)) == 0
        assert count(db, select(SealRow).where(SealRow.holder == officer)) == 0
        live = Assignment.ended_at.is_(None)
        assert count(db, select(Assignment).where(Assignment.officer == officer, live)) == 0
        keys = db.scalars(select(HolderKey).where(HolderKey.holder == officer)).all()
        assert [key.withdrawn_at for key in keys] == [cast.stage.clock.now]
        boxes = db.scalars(select(Lockbox).where(Lockbox.subject == f"person:{case.witness}")).all()
        assert any(box.rekey_due_at for box in boxes)
        due = {key.role for key in circle_versions(db) if key.renew_due_at}
        assert due == {Role.INSPECTOR}
        row = admission.get(db, officer)
        assert (row.state, row.wrap, row.recovery_blob) == (OfficerState.REVOKED, None, None)
    assert Thief(cast.stage).rows("SELECT * FROM second_factors WHERE id = ?", officer) == []
    assert Thief(cast.stage).rows("SELECT * FROM recovery_codes WHERE officer_id = ?", officer) == []
    told = last(cast.stage, Event.OFFICER_REVOKED)
    assert told.facts["ground"] == "danger"
    assert told.facts["sessions-ended"] == 1
    assert "Keys wait to be renewed" in cast["ada"].get("/desk").text
    assert "See which keys wait" in cast["ada"].get(f"/officers/{officer}").text
    assert "See which keys wait" not in cast["max"].get(f"/officers/{officer}").text
    again = Officer(cast.stage, "ines")
    again.get("/sign-in")
    answer = again.post("/sign-in", name="ines", password=PASSWORD.format("ines"), banner="yes")
    assert answer.status_code == 422


@ON_SQLITE
def test_a_coordinator_ends_access_too_and_the_words_go_to_the_auditors_alone(cast: Cast) -> None:
    officer, ada = ident(cast, "ivo"), cast["ada"]
    path = f"/officers/{officer}/end-access"
    assert 'name="code"' in ada.get(path).text
    told = {"ground": "danger", "words": "Seen with the brother of the accused"}
    assert ada.post(path, **told).status_code == 422  # Without the code nothing ends.
    wrong = ada.post(path, code="000000", **told)
    assert wrong.status_code == 422
    assert "Seen with the brother" in wrong.text
    with cast.stage.vault.reading() as db:
        assert admission.get(db, officer).state is OfficerState.ACTIVE
    assert ada.post(path, code=ada.code(), **told).status_code == 303
    entry = last(cast.stage, Event.OFFICER_REVOKED)
    assert entry.officer == ident(cast, "ada")
    assert "brother" not in entry.canonical().decode()
    assert entry.details is not None


@ON_SQLITE
@pytest.mark.parametrize(("by", "name"), [("ada", "max"), ("max", "ada"), ("max", "max"), ("ada", "ada")])
def test_nobody_ends_their_own_access_or_that_of_the_last_who_is_needed(
    cast: Cast, by: str, name: str
) -> None:
    cast[name].get("/desk")
    answer = end_access(cast, ident(cast, name), by, "danger")
    assert answer.status_code == 409
    words = "You cannot end your own access." if by == name else "Add another, have them certified"
    assert words in answer.text
    assert cast[name].get("/desk").status_code == 200


def test_of_two_coordinators_who_end_each_other_one_is_left(cast: Cast) -> None:
    come_back(cast, "cal", "coordinator")
    vault, start = cast.stage.vault, Barrier(2)
    actors = {name: cast[name].actor for name in ("ada", "cal")}

    def end(by: str, name: str) -> bool:
        start.wait()
        try:
            with vault.writing() as db:
                leaver = admission.get(db, actors[name].officer)
                revoking.revoke(db, actors[by], leaver, LEFT, "", cast.stage.clock.now)
        except VaultError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(end, "ada", "cal"), pool.submit(end, "cal", "ada")]
        assert sorted(one.result() for one in done) == [False, True]
    with vault.reading() as db:
        states = {admission.get(db, actors[name].officer).state for name in actors}
    assert states == {OfficerState.ACTIVE, OfficerState.REVOKED}


def statements_to_end(cast: Cast, name: str, seals: int) -> int:
    """How many statements it takes to end the access of somebody who holds so many lockboxes."""
    officer, who, asked = ident(cast, name), cast["max"].actor, []
    give_seals(cast, officer, seals)
    engine = cast.stage.vault.database.engine

    def note(*_told: object) -> None:
        asked.append(1)

    event.listen(engine, "before_cursor_execute", note)
    try:
        with cast.stage.vault.writing() as db:
            revoking.revoke(db, who, admission.get(db, officer), LEFT, "", cast.stage.clock.now)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    with cast.stage.vault.reading() as db:
        assert count(db, select(SealRow).where(SealRow.holder == officer)) == 0
    return len(asked)


def test_the_statements_of_ending_access_grow_with_the_entries_and_not_with_the_seals(cast: Cast) -> None:
    few, more = statements_to_end(cast, "ines", 40), statements_to_end(cast, "ivo", 1040)
    assert more - few <= 1000 // ROWS_PER_ENTRY + 1000 // AT_ONCE + 5


@ON_SQLITE
def test_an_officer_row_written_back_past_the_vault_revives_nothing(cast: Cast) -> None:
    thief, officer = Thief(cast.stage), ident(cast, "ines")
    (kept,) = thief.rows("SELECT * FROM officers WHERE id = ?", officer)
    factors = thief.rows("SELECT * FROM second_factors WHERE id = ?", officer)
    assert end_access(cast, officer, "max", "stolen").status_code == 303
    thief.run("DELETE FROM officers WHERE id = ?", officer)
    thief.put("officers", kept)
    for row in factors:
        thief.put("second_factors", row)
    returned = Officer(cast.stage, "ines").sign_in()
    assert returned.get("/cases").status_code in {401, 403}
