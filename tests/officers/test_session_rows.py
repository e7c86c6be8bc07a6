"""What a row of the sessions table is good for, in the hands of somebody who can write to it."""

from datetime import timedelta

import pytest

from tests.adversaries.thief import Thief
from tests.cast import PASSWORD, Cast, Officer, Stage

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


@ONLY_SQLITE
def test_a_password_and_the_database_make_no_session_without_the_second_factor(stage: Stage) -> None:
    thief = Officer(stage, "ines")
    thief.get("/sign-in")
    thief.post("/sign-in", name="ines", password=PASSWORD.format("ines"), banner="yes")
    assert thief.get("/sign-in/second-factor").status_code == 200
    assert Thief(stage).run("UPDATE sessions SET stage = 'live'") == 1
    assert thief.get("/desk").status_code == 401


@ONLY_SQLITE
def test_a_session_whose_end_was_put_off_in_the_database_is_over(cast: Cast) -> None:
    ines = cast["ines"]
    assert ines.get("/desk").status_code == 200
    Thief(cast.stage).run("UPDATE sessions SET ends_at = '2036-11-23 15:00:00.000000'")
    assert ines.get("/desk").status_code == 401


@pytest.mark.parametrize("span", [timedelta(hours=13), timedelta(minutes=16)])
def test_the_row_of_a_session_that_is_over_is_gone_with_the_next_sign_in(cast: Cast, span: timedelta) -> None:
    ines, ada = cast["ines"].actor.officer, Officer(cast.stage, "ada")
    cast.stage.clock.forward(seconds=span.total_seconds())
    ada.sign_in()
    rows = Thief(cast.stage).rows("SELECT * FROM sessions")
    assert [row["stage"] for row in rows] == ["live"]
    assert Thief(cast.stage).rows("SELECT * FROM sessions WHERE officer_id = ?", ines) == []
    assert ada.get("/desk").status_code == 200
