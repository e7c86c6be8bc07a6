"""An account that nobody uses for ninety days is off, and no row of the database says otherwise."""

import re

import pytest
from click.testing import CliRunner

from tests.adversaries.thief import Thief
from tests.cast import CAST, PASSWORD, Cast, Officer, Stage
from tests.keys.renewing import findings
from tests.officers.devices import entries, last
from tests.officers.returning import OWN, come_back, end_access, ident, release
from vault.access.events import Event
from vault.access.policy import Role
from vault.commands import cli
from vault.officers import admission, unused
from vault.officers.models import Officer as OfficerRow
from vault.verification import verify

NEW = "four small herons wading"
ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def off(stage: Stage) -> set[str]:
    """The names of those who are put off now."""
    return {officer.name for officer in unused.sweep(stage.vault, stage.clock.now).off}


def at_password(stage: Stage, name: str) -> tuple[Officer, int, str]:
    """Somebody gives the right name and password; the answer."""
    visitor = Officer(stage, name)
    visitor.get("/sign-in")
    answer = visitor.post("/sign-in", name=name, password=PASSWORD.format(name), banner="yes")
    return visitor, answer.status_code, answer.text


def gets_in(stage: Stage, name: str) -> bool:
    """Whether the officer gets as far as a session."""
    visitor, status, _ = at_password(stage, name)
    if status != 303:
        return False
    visitor.get("/sign-in/second-factor")
    return visitor.post("/sign-in/second-factor", code=visitor.code()).status_code == 303


def test_the_sweep_puts_off_who_was_away_for_ninety_days_and_not_a_day_earlier(stage: Stage) -> None:
    stage.clock.forward(days=89, hours=23)
    assert off(stage) == set()
    Officer(stage, "ines").sign_in()
    stage.clock.forward(hours=2)
    swept = unused.sweep(stage.vault, stage.clock.now)
    assert {officer.name for officer in swept.off} == CAST.keys() - {"ines", "ada", "max"}
    assert {officer.name for officer in swept.spared} == {"ada", "max"}
    assert last(stage, Event.ACCOUNT_UNUSED).facts["days"] == 90
    assert unused.sweep(stage.vault, stage.clock.now).off == []
    assert gets_in(stage, "ines")
    assert not gets_in(stage, "ivo")
    assert verify(stage.vault, lambda _count: None).findings == ()


@ON_SQLITE
def test_the_answer_to_a_right_password_is_the_one_to_any_mistake(stage: Stage) -> None:
    stage.clock.forward(days=91)
    assert "cal" in off(stage)
    _, status, page = at_password(stage, "cal")
    stranger = Officer(stage, "nobody")
    stranger.get("/sign-in")
    other = stranger.post("/sign-in", name="nobody", password=PASSWORD.format("cal"), banner="yes")
    wrong = "The name, password or code was not right"
    assert (status, wrong in page) == (other.status_code, wrong in other.text) == (422, True)


@ON_SQLITE
def test_before_any_sweep_and_with_its_row_put_back_a_right_password_gets_no_further(cast: Cast) -> None:
    stage = cast.stage
    stage.clock.forward(days=91)
    _, status, page = at_password(stage, "cal")
    assert (status, "was not right" in page) == (422, True)
    assert "dee" in off(stage)
    Thief(stage).run("UPDATE officers SET unused_at = NULL WHERE name = 'dee'")
    _, status, page = at_password(stage, "dee")
    assert (status, "was not right" in page) == (422, True)
    assert last(stage, Event.SIGN_IN_FAILED).subjects == (f"officer:{ident(cast, 'dee')}",)


@ON_SQLITE
def test_before_any_sweep_nobody_unused_gets_in_either_but_the_last_who_are_needed(
    stage: Stage,
) -> None:
    stage.clock.forward(days=91)
    assert not gets_in(stage, "cal")
    assert not gets_in(stage, "dee")
    assert gets_in(stage, "ada")
    assert gets_in(stage, "max")


@ON_SQLITE
@pytest.mark.parametrize(("days", "status"), [(89, 200), (91, 422)])
def test_the_recovery_code_brings_nobody_back_to_an_unused_account(
    cast: Cast, days: int, status: int
) -> None:
    cal = cast["cal"]
    cal.get("/password")
    page = cal.post("/password", old=PASSWORD.format("cal"), password=NEW, again=NEW).text
    recovery = re.search(r"\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){7}\b", page)
    assert recovery is not None
    cal.post("/sign-out")
    cast.stage.clock.forward(days=days)
    visitor = Officer(cast.stage, "cal")
    visitor.get("/recover")
    answers = {"name": "cal", "recovery_code": recovery[0], "password": OWN, "again": OWN}
    assert visitor.post("/recover", **answers, code=visitor.code()).status_code == status


@ON_SQLITE
def test_who_writes_to_the_database_keeps_no_account_alive_and_puts_none_off_unnoticed(stage: Stage) -> None:
    thief = Thief(stage)
    stage.clock.forward(days=91)
    assert "cal" in off(stage)
    assert thief.run("UPDATE officers SET unused_at = NULL WHERE name = 'cal'") == 1
    assert not gets_in(stage, "cal")
    found = verify(stage.vault, lambda _count: None).findings
    assert any("officers" in finding for finding in found)
    Officer(stage, "ada").sign_in()
    assert "cal" in off(stage)


@ON_SQLITE
def test_an_entry_planted_as_a_sign_in_counts_for_nothing(cast: Cast) -> None:
    stage, ident_of_cal = cast.stage, ident(cast, "cal")
    Officer(stage, "cal").sign_in()
    with stage.vault.reading() as db:
        before = unused.last_used(db, stage.vault.trust, ident_of_cal)
    thief = Thief(stage)
    index = next(number for number, entry in numbered(stage) if entry.event == Event.SIGNED_IN)
    # The newest sign-in of somebody else is put under this officer's name.
    stage.clock.forward(days=5)
    Officer(stage, "ivo").sign_in()
    newest = max(number for number, entry in numbered(stage) if entry.event == Event.SIGNED_IN)
    assert newest > index
    (row,) = thief.rows('SELECT * FROM ledger_subjects WHERE "index" = ? LIMIT 1', newest)
    thief.put("ledger_subjects", {**row, "subject": f"officer:{ident_of_cal}"})
    with stage.vault.reading() as db:
        assert unused.last_used(db, stage.vault.trust, ident_of_cal) == before


def numbered(stage: Stage) -> list[tuple[int, object]]:
    """The entries with their numbers, the newest first."""
    found = list(entries(stage))
    return [(len(found) - 1 - place, entry) for place, entry in enumerate(found)]


@ON_SQLITE
def test_an_administrator_reads_since_when_and_releases_it_with_a_code(cast: Cast) -> None:
    stage = cast.stage
    stage.clock.forward(days=91)
    assert "cal" in off(stage)
    cal, max_ = ident(cast, "cal"), cast["max"].sign_in()
    assert "not used for 90 days" in max_.get("/officers").text
    assert "Off since" in max_.get(f"/officers/{cal}").text
    assert "<dd>Off, because unused</dd>" in max_.get(f"/officers/{cal}").text
    assert "Not used for 90 days" in max_.get("/administration/sessions").text
    stage.clock.forward(minutes=6)
    max_.get(f"/officers/{cal}/release")
    assert max_.post(f"/officers/{cal}/release").status_code == 422
    assert not gets_in(stage, "cal")
    assert release(cast, cal).status_code == 303
    told = last(stage, Event.OFFICER_RELEASED)
    assert (told.officer, told.facts["was-unused"]) == (ident(cast, "max"), True)
    assert gets_in(stage, "cal")
    assert release(cast, cal).status_code == 409


@ON_SQLITE
def test_of_two_coordinators_who_are_both_away_the_one_who_was_there_last_is_left(cast: Cast) -> None:
    stage = cast.stage
    come_back(cast, "cal", "coordinator")
    stage.clock.forward(days=1)
    Officer(stage, "ada").sign_in()
    stage.clock.forward(days=91)
    cast["max"].sign_in()
    assert "stays on as the last programme coordinator" in cast["max"].get("/officers").text
    swept = unused.sweep(stage.vault, stage.clock.now)
    assert {officer.name for officer in swept.off} >= {"cal", "ines"}
    assert [officer.name for officer in swept.spared] == ["ada"]
    assert gets_in(stage, "ada")


@ON_SQLITE
def test_the_command_puts_off_and_tells_whom(stage: Stage) -> None:
    told = CliRunner().invoke(cli, ["officer", "sweep", "--data", str(stage.settings.data)])
    assert told.exit_code == 0, told.output
    assert "Cal Candle" in told.output or "used in time" in told.output


@ON_SQLITE
def test_whose_access_ended_is_not_listed_as_unused(cast: Cast) -> None:
    officer = ident(cast, "ivo")
    assert end_access(cast, officer, "max", "left").status_code == 303
    cast.stage.clock.forward(days=91)
    assert "ivo" not in off(cast.stage)
    with cast.stage.vault.reading() as db:
        assert admission.get(db, officer).unused_at is None
        assert db.query(OfficerRow).filter_by(role=Role.CLERK).one().unused_at is not None
    assert findings(cast) == ()
