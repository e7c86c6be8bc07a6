"""A locked account is locked at every step of signing in."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

import crypto.wraps
from tests.cast import PASSWORD, Cast, Officer, Stage
from vault.access.events import Event
from vault.commands import cli
from vault.errors import NotSignedIn
from vault.officers import admission, failing, passwords, proofs, sessions, signing_in
from vault.officers.sessions import Found

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


CALLER = failing.Caller("10.0.0.9", "a browser")
NEW = "seven quiet lanterns by the brook"


def locked(stage: Stage, _found: Found) -> None:
    """Somebody else fails five times."""
    with stage.vault.reading() as db:
        officer = admission.get_by_name(db, "ines")
    for _ in range(5):
        error = proofs.ProofRefused(proofs.NOT_RIGHT, officer.id)
        failing.note(stage.vault, Event.SIGN_IN_FAILED, error, CALLER, "password", None, stage.clock())


def changed(stage: Stage, found: Found) -> None:
    """The officer changes their password."""
    vault, now = stage.vault, stage.clock()
    known = signing_in.recognise(vault, stage.secrets["cookie"], now)
    assert known is not None
    with vault.writing() as db:
        passwords.change(db, vault.root, vault.settings, known[1], NEW, found, now)


@pytest.mark.parametrize("happens", [locked, changed])
def test_what_happens_while_a_right_password_is_stretched_counts(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, happens: Callable[[Stage, Found], None]
) -> None:
    stage = cast.stage
    found = signed_in(cast, "ines")
    real, waiting = crypto.wraps.stretch, [happens]

    def stretch(*given: Any) -> bytes:
        made = real(*given)
        if waiting:
            waiting.pop()(stage, found)
        return made

    with monkeypatch.context() as patch:
        patch.setattr(crypto.wraps, "stretch", stretch)
        officer = Officer(stage, "ines")
        officer.get("/sign-in")
        answer = officer.post("/sign-in", name="ines", password=PASSWORD.format("ines"), banner="yes")
    assert not waiting
    assert (answer.status_code, "was not right" in answer.text) == (422, True)


def signed_in(cast: Cast, name: str) -> Found:
    """The session of one of the cast; its cookie is kept among what the test knows."""
    cast[name].get("/desk")
    cookie = cast[name].client.get_cookie(sessions.cookie_name(cast.stage.settings))
    assert cookie is not None
    cast.stage.secrets["cookie"] = cookie.value
    known = signing_in.recognise(cast.stage.vault, cookie.value, cast.stage.clock())
    assert known is not None
    return known[0]


def test_a_sign_in_that_the_officer_ended_is_over_although_its_code_was_under_way(cast: Cast) -> None:
    """The old password and a right code, while the officer chooses a new password."""
    stage, vault = cast.stage, cast.stage.vault
    own = signed_in(cast, "ines")
    cookie = signing_in.give_password(vault, "ines", PASSWORD.format("ines"), CALLER, stage.clock())
    begun = signing_in.recognise(vault, cookie, stage.clock())
    assert begun is not None
    changed(stage, own)
    with pytest.raises(NotSignedIn):
        signing_in.give_code(vault, begun[0], Officer(stage, "ines").code(), CALLER, stage.clock())
    with vault.reading() as db:
        assert [row.id for row in db.query(sessions.SignedInSession).all()] == [own.row.id]
