"""The administrator's pages: how the vault runs, who is signed in, and nothing of any record."""

from uuid import UUID

import pytest
from click.testing import CliRunner
from markupsafe import escape

from audit.refusals import forget_refusal, leave_refusal
from tests.cast import Cast, Officer, Stage
from tests.officers.returning import release
from tests.oversight.failing import sign
from vault.access.policy import PERMISSIONS, Permission, Role
from vault.administration import actions
from vault.administration.health import MEBIBYTE, health, size_of
from vault.commands import cli
from vault.errors import NotKnown
from vault.officers.models import SignedInSession
from vault.settings import load

on_sqlite = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
READER = UUID(int=1)
"""Somebody who is no officer, and so never forced."""
PAGES = ("/administration", "/administration/sessions", "/administration/roles", "/administration/settings")


def facts_of_last(stage: Stage, event: str) -> tuple[tuple[str, ...], dict[str, object]]:
    """Subjects and facts of the newest entry of this kind."""
    with stage.vault.reading() as db:
        size = stage.vault.ledger.head(db).size
        for index in reversed(range(size)):
            entry = stage.vault.ledger.entry(db, index).entry
            if entry.event == event:
                return entry.subjects, dict(entry.facts)
    raise AssertionError(f"no entry tells {event}")


def test_each_page_answers_the_administrator_and_health_tells_of_every_part(cast: Cast, stage: Stage) -> None:
    for page in PAGES:
        assert cast["max"].get(page).status_code == 200, page
    seen = cast["max"].get("/administration").text
    engine = "SQLite" if stage.vault.database.engine.dialect.name == "sqlite" else "PostgreSQL"
    for words in (
        f"{engine} answers and holds",
        "No entry waits",
        "Notary",
        "None is registered",
        "No backup is known",
        "Python",
        "percent.",
    ):
        assert words in seen, words
    lines = {line.label: line for line in health(stage.vault, READER, stage.clock.now).lines}
    assert lines["Database"].well
    assert not lines["Backups"].well


def test_health_tells_when_the_notary_refuses_and_when_it_stopped_signing(cast: Cast, stage: Stage) -> None:
    max_ = cast["max"]
    leave_refusal(stage.settings.checkpoint, "The ledger is smaller than what was signed.", stage.clock.now)
    page = max_.get("/administration").text
    assert "The notary refuses to sign the ledger" in page
    assert "smaller than what was signed" in page
    assert "Refuses to sign" in page
    forget_refusal(stage.settings.checkpoint)
    stage.settings.checkpoint.unlink(missing_ok=True)
    assert "Has published no checkpoint that can be read." in max_.get("/administration").text


@on_sqlite
def test_a_notary_that_stopped_is_not_called_well_because_people_go_on_working(
    cast: Cast, stage: Stage
) -> None:
    def notary_is_well() -> bool:
        return next(
            line.well for line in health(stage.vault, READER, stage.clock.now).lines if line.label == "Notary"
        )

    sign(stage)
    cast["ada"].get("/desk")
    assert notary_is_well()
    stage.clock.forward(minutes=11)
    del cast["ada"]
    cast["ada"].get("/desk")
    assert not notary_is_well()


def test_sizes_are_told_in_words() -> None:
    assert size_of(3 * MEBIBYTE) == "3 MiB"
    assert size_of(20 * 1024 * MEBIBYTE) == "20 GiB"


@on_sqlite
def test_settings_show_no_secret_and_where_each_came_from(cast: Cast, stage: Stage) -> None:
    page = cast["max"].get("/administration/settings").text
    assert "password_<wbr>cost" in page
    assert "vault.toml" in page
    assert "as delivered" in page
    assert "postgresql" not in page


def test_a_database_with_a_password_is_only_called_set(cast: Cast, stage: Stage) -> None:
    page = cast["max"].get("/administration/settings").text
    url = stage.settings.database
    assert not url or url not in page


@on_sqlite
def test_roles_are_told_as_the_policy_says(cast: Cast) -> None:
    page = cast["max"].get("/administration/roles").text
    for role in Role:
        assert str(escape(role.label)) in page
    assert "See health, settings, sessions and locks of the vault" in page
    assert "run-vault" not in page
    assert "Nothing that is sealed" in page
    assert "Payment details (where named)" in page


def test_the_administrator_ends_anybodys_session_and_it_is_recorded(cast: Cast, stage: Stage) -> None:
    ines, max_ = cast["ines"], cast["max"]
    with stage.vault.reading() as db:
        pairs = {officer.name: row.id for row, officer in actions.live_sessions(db)}
        ines_id = next(o.id for _, o in actions.live_sessions(db) if o.name == "ines")
    assert "Ines Inkpen" in max_.get("/administration/sessions").text
    assert max_.post(f"/administration/sessions/{pairs['ines']}/end").status_code == 303
    assert ines.get("/desk").status_code == 401
    assert facts_of_last(stage, "officer-signed-out")[0] == (f"officer:{ines_id}",)
    assert max_.post(f"/administration/sessions/{pairs['ines']}/end").status_code == 404
    assert "Ines Inkpen" not in max_.get("/administration/sessions").text


def test_the_administrator_ends_every_session_of_an_officer(cast: Cast, stage: Stage) -> None:
    ines, max_ = cast["ines"], cast["max"]
    max_.get("/administration/sessions")
    with stage.vault.reading() as db:
        ines_id = next(officer.id for _, officer in actions.live_sessions(db) if officer.name == "ines")
    # An unfinished sign-in elsewhere ends too, and a cookie kept from before opens nothing.
    other = Officer(stage, "ines")
    other.get("/sign-in")
    other.post("/sign-in", name="ines", password="a long password of ines", banner="yes")
    assert max_.post(f"/administration/officers/{ines_id}/end-sessions").status_code == 303
    assert ines.get("/desk").status_code == 401
    assert other.get("/sign-in/second-factor").status_code == 401
    subjects, told = facts_of_last(stage, "officer-signed-out")
    assert subjects == (f"officer:{ines_id}",)
    assert told["ended"] == 2
    with stage.vault.reading() as db:
        assert db.query(SignedInSession).filter_by(officer=ines_id).count() == 0


@on_sqlite
def test_nobody_but_the_administrator_ends_sessions_of_others(cast: Cast, stage: Stage) -> None:
    with stage.vault.reading() as db:
        cast["ines"].get("/sessions")
        ines = next(row.id for row, officer in actions.live_sessions(db) if officer.name == "ines")
    for name in ("ada", "aud", "dee"):
        cast[name].get("/sessions")
        assert cast[name].post(f"/administration/sessions/{ines}/end").status_code == 403
    assert cast["ines"].get("/desk").status_code == 200


@on_sqlite
def test_a_begun_sign_in_is_not_shown_and_not_ended_as_a_session(cast: Cast, stage: Stage) -> None:
    begun = Officer(stage, "cal")
    begun.get("/sign-in")
    begun.post("/sign-in", name="cal", password="a long password of cal", banner="yes")
    who = cast["max"].actor
    with stage.vault.reading() as db:
        row = db.query(SignedInSession).filter_by(stage="password").one()
    with pytest.raises(NotKnown), stage.vault.writing() as db:
        actions.end_session(db, who, row.id, stage.clock.now)
    assert "Cal Candle" not in cast["max"].get("/administration/sessions").text


def test_locked_accounts_are_listed_and_released(cast: Cast, stage: Stage) -> None:
    max_ = cast["max"]
    stranger = Officer(stage, "cal")
    for _ in range(5):
        stranger.get("/sign-in")
        stranger.post("/sign-in", name="cal", password="never the password", banner="yes")
    page = max_.get("/administration/sessions").text
    assert "Cal Candle" in page
    with stage.vault.reading() as db:
        (cal,) = actions.locked_officers(db)
    assert release(cast, cal.id).status_code == 303
    assert "No account is locked." in max_.get("/administration/sessions").text


def test_a_stranger_hears_one_word(stage: Stage) -> None:
    answer = stage.app.test_client().get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")
    stage.vault.database.engine.dispose()
    broken = stage.vault.settings.data / "vault.db"
    if broken.exists():
        for file in stage.settings.data.glob("vault.db*"):
            file.rename(file.with_name("away-" + file.name))
        broken.mkdir()  # SQLite cannot open a folder.
        answer = stage.app.test_client().get("/healthz")
        assert (answer.status_code, answer.text) == (503, "not\n")
        broken.rmdir()
        for file in stage.settings.data.glob("away-*"):
            file.rename(file.with_name(file.name.removeprefix("away-")))
        assert stage.app.test_client().get("/healthz").status_code == 200


@on_sqlite
def test_the_terminal_prints_settings_without_a_secret(stage: Stage) -> None:
    file = stage.settings.data / "vault.toml"
    file.write_text(
        file.read_text().replace('database = ""', 'database = "postgresql+psycopg://v:hunter2@/x"')
    )
    done = CliRunner().invoke(
        cli, ["settings", "--data", str(stage.settings.data)], env={"VAULT_IDLE_MINUTES": "7"}
    )
    assert done.exit_code == 0, done.output
    lines = {line.split()[0]: line for line in done.output.splitlines()}
    assert lines["idle_minutes"].endswith("7  (environment)")
    assert lines["tls"].endswith("false  (vault.toml)")
    assert lines["hold_minutes"].endswith("90  (as delivered)")
    assert "hunter2" not in done.output
    assert lines["database"].endswith("set  (vault.toml)")
    assert set(lines) == {one.name for one in load(stage.settings.data, {}).shown()}
    refused = CliRunner().invoke(
        cli, ["settings", "--data", str(stage.settings.data)], env={"VAULT_IDLE_MINUTES": "0"}
    )
    assert refused.exit_code == 1
    assert "The setting idle_minutes must be from 1 to 30." in refused.output


def test_nobody_else_has_the_administrators_permission() -> None:
    assert PERMISSIONS[Permission.RUN_VAULT] == frozenset({Role.ADMINISTRATOR})
