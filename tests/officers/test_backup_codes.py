"""Ten codes on paper: each stands in once for the second factor, anywhere it is asked, and never for more."""

import math

import pytest
from sqlalchemy import select

from tests.cast import Cast, Officer, Stage
from tests.officers.devices import at_second_factor, entries, last, make_codes
from vault.access.events import Event, record
from vault.officers import recovery_codes
from vault.officers.models import RecoveryCode

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def try_code(stage: Stage, code: str) -> tuple[Officer, int]:
    visitor = at_second_factor(stage, "ines")
    return visitor, visitor.post("/sign-in/second-factor", code=code).status_code


def test_a_backup_code_signs_in_once_and_tells_how_many_are_left(cast: Cast) -> None:
    stage, codes = cast.stage, make_codes(cast["ines"])
    made = last(stage, "recovery-codes-made")
    assert made.facts["codes"] == 10
    ines, status = try_code(stage, codes[3])
    assert status == 303
    assert "9 codes left" in ines.get("/desk").text
    assert "9 codes are left" in ines.get("/account").text
    used = last(stage, "recovery-code-used")
    assert (used.facts["left"], used.officer) == (9, ines.actor.officer)
    assert last(stage, "signed-in").facts["factor"] == "backup-code"
    visitor, again = try_code(stage, codes[3])
    assert again == 422
    assert visitor.get("/desk").status_code == 401


@ONLY_SQLITE
def test_a_backup_code_is_read_however_it_is_typed(cast: Cast) -> None:
    codes = make_codes(cast["ines"])
    for typed in (codes[0].lower(), codes[1].replace("-", " "), codes[2].replace("-", "")):
        assert try_code(cast.stage, typed)[1] == 303


@ONLY_SQLITE
def test_new_codes_end_the_old_ones(cast: Cast) -> None:
    old = make_codes(cast["ines"])
    new = make_codes(cast["ines"])
    assert last(cast.stage, "recovery-codes-made").facts["ended"] == 10
    assert [try_code(cast.stage, code)[1] for code in (old[0], new[0])] == [422, 303]


@ONLY_SQLITE
def test_nobody_signs_in_with_the_codes_of_somebody_else(cast: Cast) -> None:
    codes = make_codes(cast["ivo"])
    assert try_code(cast.stage, codes[0])[1] == 422
    assert last(cast.stage, "sign-in-failed").subjects == (f"officer:{cast['ines'].actor.officer}",)


@ONLY_SQLITE
def test_a_backup_code_steps_up_and_the_page_says_how_many_are_left(cast: Cast) -> None:
    ines = cast["ines"]
    codes = make_codes(ines)
    cast.stage.clock.forward(minutes=6)
    assert "Use a backup code" in ines.get("/backup-codes").text
    answer = ines.post("/backup-codes", code=["", codes[0]])
    assert (answer.status_code, "9 codes left" in answer.text) == (200, True)
    assert last(cast.stage, "stepped-up").facts["factor"] == "backup-code"


@ONLY_SQLITE
def test_wrong_backup_codes_count_toward_the_lock(cast: Cast) -> None:
    make_codes(cast["ines"])
    visitor = at_second_factor(cast.stage, "ines")
    for _ in range(5):
        visitor.post("/sign-in/second-factor", code="ABCDEF-GHJKMN-PQRSTU")
    assert next(entry.event for entry in entries(cast.stage)) == "account-locked"


@ONLY_SQLITE
def test_the_codes_are_kept_nowhere(cast: Cast) -> None:
    codes = make_codes(cast["ines"])
    files = [path.read_bytes() for path in cast.stage.settings.data.iterdir() if path.is_file()]
    for code in codes:
        assert not any(form.encode() in raw for form in (code, code.replace("-", "")) for raw in files)


@ONLY_SQLITE
def test_who_enrols_again_has_no_codes_left(cast: Cast) -> None:
    make_codes(cast["ines"])
    ines = cast["ines"].actor.officer
    page = cast["max"].get(f"/officers/{ines}/enrol-again")
    code = {"code": cast["max"].code()} if 'name="code"' in page.text else {}
    answer = cast["max"].post(f"/officers/{ines}/enrol-again", role="inspector", **code)
    assert answer.status_code == 200
    from vault.officers.models import RecoveryCode

    with cast.stage.vault.reading() as db:
        assert db.query(RecoveryCode).count() == 0


def test_a_code_has_more_random_bits_than_anybody_can_try() -> None:
    codes = {recovery_codes.new_code() for _ in range(200)}
    assert len(codes) == 200
    (length,) = {len(code.replace("-", "")) for code in codes}
    assert length * math.log2(len(recovery_codes.LETTERS)) >= 112


@ONLY_SQLITE
def test_a_code_of_an_earlier_version_is_still_taken_once(cast: Cast) -> None:
    ines, vault, earlier = cast["ines"], cast.stage.vault, "ABCDEF-GHJKMN-PQRSTU"
    make_codes(ines)
    who = ines.actor
    with vault.writing() as db:
        row = db.scalars(select(RecoveryCode).where(RecoveryCode.officer == who.officer)).first()
        assert row is not None
        row.digest = recovery_codes._digest(who.officer, earlier.replace("-", ""))
        row.code = vault.trust.voucher.vouch(recovery_codes._statement(row))
        record(db, Event.RECOVERY_CODES_MADE, who=who, now=row.made_at, subjects=[f"officer:{who.officer}"],
               facts={"batch": row.batch})  # fmt: skip
    assert [try_code(cast.stage, earlier)[1] for _ in range(2)] == [303, 422]
