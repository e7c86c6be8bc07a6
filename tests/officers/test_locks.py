"""A locked account is locked at every step of signing in."""

import pytest
from click.testing import CliRunner

from tests.cast import PASSWORD, Officer, Stage
from vault.commands import cli

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def with_right_password(stage: Stage, name: str) -> Officer:
    """An officer, or a thief with their password, before the second factor."""
    officer = Officer(stage, name)
    officer.get("/sign-in")
    answer = officer.post("/sign-in", name=name, password=PASSWORD.format(name), banner="yes")
    assert answer.status_code == 303
    officer.get("/sign-in/second-factor")
    return officer


@ONLY_SQLITE
def test_five_wrong_codes_end_the_guessing_also_for_the_sign_in_under_way(stage: Stage) -> None:
    thief = with_right_password(stage, "ines")
    for _ in range(5):
        assert thief.post("/sign-in/second-factor", code="000000").status_code == 422
    answer = thief.post("/sign-in/second-factor", code=thief.code())
    assert answer.status_code == 422
    assert thief.get("/desk").status_code == 401


@ONLY_SQLITE
def test_failures_elsewhere_stop_a_sign_in_under_way(stage: Stage) -> None:
    under_way, other = with_right_password(stage, "ines"), Officer(stage, "ines")
    other.get("/sign-in")
    for _ in range(5):
        other.post("/sign-in", name="ines", password="wrong wrong wrong wrong", banner="yes")
    assert under_way.post("/sign-in/second-factor", code=under_way.code()).status_code == 422
    assert under_way.get("/desk").status_code == 401


@ONLY_SQLITE
def test_the_command_line_releases_an_administrator_whom_a_stranger_locked_out(stage: Stage) -> None:
    stranger = Officer(stage, "max")
    stranger.get("/sign-in")
    for _ in range(5):
        stranger.post("/sign-in", name="max", password="wrong wrong wrong wrong", banner="yes")
    arguments = ["officer", "release", "--data", str(stage.settings.data), "--name", "max"]
    told = CliRunner().invoke(cli, arguments)
    assert told.exit_code == 0, told.output
    assert Officer(stage, "max").sign_in().get("/desk").status_code == 200
    again = CliRunner().invoke(cli, arguments)
    assert again.exit_code == 1
    assert "not locked" in again.output
