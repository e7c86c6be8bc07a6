"""Signing in: two proofs, one use of a code, the same answer for every mistake, and a lock after five."""

import pytest

from tests.cast import PASSWORD, Cast, Officer, Stage
from tests.officers.returning import end_access, release


def test_an_officer_signs_in_with_password_and_code_and_reaches_the_desk(cast: Cast) -> None:
    assert cast["ada"].get("/desk").status_code == 200


def test_nobody_reaches_the_desk_without_signing_in(stage: Stage) -> None:
    assert Officer(stage, "ada").get("/desk").status_code == 401


def test_a_password_alone_signs_nobody_in(stage: Stage) -> None:
    ada = Officer(stage, "ada")
    ada.get("/sign-in")
    ada.post("/sign-in", name="ada", password=PASSWORD.format("ada"), banner="yes")
    assert ada.get("/desk").status_code == 401


def test_a_code_is_good_once(stage: Stage) -> None:
    ada = Officer(stage, "ada").sign_in()
    other = Officer(stage, "ada")
    other.get("/sign-in")
    other.post("/sign-in", name="ada", password=PASSWORD.format("ada"), banner="yes")
    other.get("/sign-in/second-factor")
    stage.clock.forward(seconds=-30)
    answer = other.post("/sign-in/second-factor", code=other.code())
    assert answer.status_code == 422
    assert "used already" in answer.text
    assert ada.get("/desk").status_code == 200


@pytest.mark.parametrize("name", ["ada", "nobody-of-this-name"])
def test_a_wrong_password_is_answered_alike_for_officers_and_strangers(stage: Stage, name: str) -> None:
    visitor = Officer(stage, "ada")
    visitor.get("/sign-in")
    answer = visitor.post("/sign-in", name=name, password="wrong wrong wrong wrong", banner="yes")
    assert answer.status_code == 422
    assert "was not right" in answer.text


def test_five_failures_lock_the_account_until_an_administrator_releases_it(cast: Cast) -> None:
    stage = cast.stage
    ines = Officer(stage, "ines")
    for _ in range(5):
        ines.get("/sign-in")
        ines.post("/sign-in", name="ines", password="wrong wrong wrong wrong", banner="yes")
    ines.get("/sign-in")
    answer = ines.post("/sign-in", name="ines", password=PASSWORD.format("ines"), banner="yes")
    assert answer.status_code == 422
    with stage.vault.reading() as db:
        from vault.officers.models import named

        officer = db.scalars(named("ines")).one()
    assert release(cast, officer.id).status_code == 303
    assert Officer(stage, "ines").sign_in().get("/desk").status_code == 200


def test_a_session_ends_after_fifteen_idle_minutes(cast: Cast) -> None:
    ada = cast["ada"]
    cast.stage.clock.forward(minutes=14)
    assert ada.get("/desk").status_code == 200
    cast.stage.clock.forward(minutes=16)
    assert ada.get("/desk").status_code == 401


def test_a_session_ends_after_twelve_hours_however_busy(cast: Cast) -> None:
    ada = cast["ada"]
    statuses = []
    for _ in range(80):
        cast.stage.clock.forward(minutes=10)
        statuses.append(ada.get("/desk").status_code)
    assert statuses[70] == 200
    assert statuses[72] == 401


def test_a_copied_cookie_is_worthless_after_sign_out(cast: Cast) -> None:
    ada, thief = cast["ada"], Officer(cast.stage, "ada")
    for name in ("vault", "page"):
        cookie = ada.client.get_cookie(name)
        assert cookie is not None
        thief.client.set_cookie(name, cookie.value)
    assert thief.get("/desk").status_code == 200
    ada.post("/sign-out")
    assert thief.get("/desk").status_code == 401


def test_a_second_sign_in_ends_the_first_session(cast: Cast) -> None:
    first = cast["ada"]
    Officer(cast.stage, "ada").sign_in()
    assert first.get("/desk").status_code == 401


def test_a_revoked_officer_is_out_at_once(cast: Cast) -> None:
    ines = cast["ines"]
    assert end_access(cast, ines.actor.officer, "max", "left").status_code == 303
    assert ines.get("/desk").status_code == 401
