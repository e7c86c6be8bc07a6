"""What changes an account ends its sessions, in every worker and with the next request."""

from collections.abc import Callable, Iterator

import pytest

from tests.cast import PASSWORD, Cast, Officer, Stage
from tests.officers.returning import end_access, ident, invite_again
from tests.officers.test_authenticator_app import replace_app
from vault.administration import actions
from vault.app import create_app
from vault.officers import unused
from vault.officers.models import SignedInSession
from vault.running import RunningVault

ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
NEW = "eleven green teapots sing"


@pytest.fixture
def other_worker(stage: Stage) -> Iterator[Stage]:
    """The same vault in another process's place: its own connections and application."""
    vault = RunningVault.start(stage.settings, stage.clock)
    app = create_app(vault)
    app.testing = True
    yield Stage(vault, stage.clock, stage.secrets, app)
    vault.close()


def by_administrator(cast: Cast) -> None:
    with cast.stage.vault.reading() as db:
        row = next(row for row, officer in actions.live_sessions(db) if officer.name == "ines")
    cast["max"].get("/administration/sessions")
    assert cast["max"].post(f"/administration/sessions/{row.id}/end").status_code == 303


def by_a_changed_password(cast: Cast) -> None:
    elsewhere = Officer(cast.stage, "ines").sign_in()
    elsewhere.get("/password")
    answer = elsewhere.post("/password", old=PASSWORD.format("ines"), password=NEW, again=NEW)
    assert answer.status_code == 200


def by_a_new_app(cast: Cast) -> None:
    replace_app(Officer(cast.stage, "ines").sign_in())


def by_wrong_codes_in_a_session(cast: Cast) -> None:
    thief = Officer(cast.stage, "ines").sign_in()
    thief.get("/backup-codes")
    for _ in range(5):
        thief.post("/backup-codes", code="000000")
    assert thief.get("/desk").status_code == 401


ENDS: dict[str, Callable[[Cast], object]] = {
    "ended by the administrator": by_administrator,
    "password changed elsewhere": by_a_changed_password,
    "app replaced elsewhere": by_a_new_app,
    "wrong codes in a session": by_wrong_codes_in_a_session,
    "asked to enrol again": lambda cast: invite_again(cast, "ines", "inspector"),
    "another role": lambda cast: invite_again(cast, "ines", "clerk"),
    "access ended": lambda cast: end_access(cast, ident(cast, "ines"), "max", "danger"),
    "signed out": lambda cast: cast["ines"].post("/sign-out"),
}


@ON_SQLITE
@pytest.mark.parametrize("end", ENDS)
def test_a_session_that_ended_answers_no_request_at_any_worker(
    cast: Cast, other_worker: Stage, end: str
) -> None:
    for stage in (cast.stage, other_worker):
        stage.settings.__dict__["sessions_per_officer"] = 3
    ines = cast["ines"]
    there = Officer(other_worker, "ines").take_up(ines.holds())
    assert there.get("/desk").status_code == 200
    ENDS[end](cast)
    assert there.get("/desk").status_code == 401
    assert Officer(cast.stage, "ines").take_up(ines.holds()).get("/desk").status_code == 401


@ON_SQLITE
def test_an_account_that_is_put_off_leaves_no_begun_sign_in(stage: Stage) -> None:
    stage.clock.forward(days=90, minutes=-1)
    visitor = Officer(stage, "cal")
    visitor.get("/sign-in")
    assert (
        visitor.post("/sign-in", name="cal", password=PASSWORD.format("cal"), banner="yes").status_code == 303
    )
    stage.clock.forward(minutes=3)
    assert "cal" in {officer.name for officer in unused.sweep(stage.vault, stage.clock.now).off}
    with stage.vault.reading() as db:
        assert db.query(SignedInSession).count() == 0
    assert visitor.get("/sign-in/second-factor").status_code == 401
