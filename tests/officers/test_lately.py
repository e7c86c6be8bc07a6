"""At the next sign-in an officer is told of the last one and of what happened to their account since."""

import pytest

from tests.adversaries.thief import Thief
from tests.cast import PASSWORD, Cast, Officer, Stage
from tests.officers.devices import Device, add, at_second_factor, make_codes, offer_passkeys, prove
from vault.access.events import Event

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
NOT_YOU = "If that was not you"


def desk_after_sign_in(stage: Stage, name: str) -> str:
    visitor = Officer(stage, name)
    visitor.get("/sign-in")
    visitor.post("/sign-in", name=name, password=PASSWORD.format(name), banner="yes")
    visitor.get("/sign-in/second-factor")
    assert visitor.post("/sign-in/second-factor", code=visitor.code()).status_code == 303
    return visitor.get("/desk").text


def fail(stage: Stage, name: str) -> None:
    stranger = Officer(stage, name)
    stranger.get("/sign-in")
    stranger.post("/sign-in", name=name, password="wrong wrong wrong wrong", banner="yes")


def test_the_last_sign_in_is_told_and_nothing_else_where_nothing_happened(stage: Stage) -> None:
    first = desk_after_sign_in(stage, "ines")
    assert "You last signed in" not in first
    stage.clock.forward(days=1)
    page = desk_after_sign_in(stage, "ines")
    assert "You last signed in on Nov 23, 2026, 10:00 am, with your authenticator app." in page
    assert NOT_YOU not in page


@ONLY_SQLITE
def test_failures_and_a_password_without_its_second_factor_are_told_once(stage: Stage) -> None:
    desk_after_sign_in(stage, "ines")
    fail(stage, "ines")
    fail(stage, "ines")
    fail(stage, "ivo")
    at_second_factor(stage, "ines")
    page = desk_after_sign_in(stage, "ines")
    assert "Since then: 2 tries failed; your password was given 1 time without a second factor. " in page
    assert NOT_YOU in page
    again = desk_after_sign_in(stage, "ines")
    assert "You last signed in" in again
    assert NOT_YOU not in again


@ONLY_SQLITE
def test_what_was_changed_of_how_one_signs_in_is_told_and_stands_on_the_accounts_page(
    cast: Cast,
) -> None:
    stage, ines = cast.stage, cast["ines"]
    offer_passkeys(stage)
    prove(ines)
    assert add(ines, Device(), "desk computer").status_code == 303
    make_codes(ines)
    page = desk_after_sign_in(stage, "ines")
    assert "Since then: " in page
    for change in ("passkey added", "backup codes made"):
        assert change in page
    assert NOT_YOU in page
    account = cast["ines"].sign_in().get("/account").text
    lately = account[account.index("Your account lately") :]
    assert lately.index("Signed in") < lately.index("Backup codes made") < lately.index("Passkey added")
    assert "Right password given" not in lately


@ONLY_SQLITE
def test_a_lock_and_its_release_are_told(cast: Cast) -> None:
    stage, keeper, path = cast.stage, cast["max"], f"/officers/{cast['ivo'].actor.officer}"
    for _ in range(5):
        fail(stage, "ivo")
    keeper.get(path)
    assert keeper.post(f"{path}/release", code=keeper.code()).status_code == 303
    page = desk_after_sign_in(stage, "ivo")
    assert "5 tries failed; " in page
    assert "account locked" in page
    assert Event.OFFICER_RELEASED.label.lower() in page


@ONLY_SQLITE
def test_a_failure_of_somebody_else_that_is_put_to_an_officers_name_is_not_told(cast: Cast) -> None:
    stage, ines, ivo = cast.stage, cast["ines"].actor.officer, cast["ivo"].actor.officer
    fail(stage, "ivo")
    thief = Thief(stage)
    thief.disarm_ledger()
    moved = thief.run(
        "UPDATE ledger_subjects SET subject = ? WHERE subject = ?", f"officer:{ines}", f"officer:{ivo}"
    )
    assert moved >= 1
    page = desk_after_sign_in(stage, "ines")
    assert "You last signed in" in page
    assert "failed" not in page
