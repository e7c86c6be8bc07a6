"""The only coordinator comes back with a key pinned on the server, and older certificates stay good."""

import stat

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from tests.cast import Cast, Stage
from tests.officers.returning import certify, enrol, ident, invite_again, sign_in
from vault.access.events import Event
from vault.commands import cli
from vault.officers.models import Officer as OfficerRow
from vault.officers.models import OfficerState
from vault.running import Trust

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def pin(stage: Stage, name: str, answer: str) -> tuple[int, str]:
    """Run the command as on the server; its exit code and what it told."""
    words = ["keys", "pin", "--data", str(stage.settings.data), "--name", name]
    result = CliRunner().invoke(cli, words, input=f"{answer}\n")
    return result.exit_code, result.output


def restart(stage: Stage) -> None:
    """The service reads trust.toml anew."""
    stage.vault.trust = Trust.load(stage.settings.trust, stage.vault.trust.voucher)


def state_of(stage: Stage, name: str) -> OfficerState:
    with stage.vault.reading() as db:
        return db.scalars(select(OfficerRow.state).where(OfficerRow.name == name)).one()


def test_the_only_coordinator_works_again_after_her_new_key_is_pinned(cast: Cast) -> None:
    stage = cast.stage
    words = enrol(cast, "ada", invite_again(cast, "ada", "coordinator"))
    before = stage.settings.trust.read_text()
    code, told = pin(stage, "ada", "yes")
    assert code == 0, told
    assert [line.split()[1] for line in told.splitlines() if line.startswith("  ")] == words
    assert state_of(stage, "ada") is OfficerState.ACTIVE
    assert stage.settings.trust.read_text().startswith(before)
    assert stat.S_IMODE(stage.settings.trust.stat().st_mode) == 0o444
    restart(stage)
    cast["ada"] = sign_in(cast, "ada")
    assert cast["ada"].get("/officers").status_code == 200
    # What her older key certified stays certified, and her new key certifies others.
    assert cast["ines"].get("/cases").status_code == 200
    enrol(cast, "ivo", invite_again(cast, "ivo", "inspector"))
    certify(cast, "ivo")
    assert sign_in(cast, "ivo").get("/cases").status_code == 200


@ONLY_SQLITE
def test_without_the_pin_she_is_signed_in_and_may_do_nothing(cast: Cast) -> None:
    enrol(cast, "ada", invite_again(cast, "ada", "coordinator"))
    ada = sign_in(cast, "ada")
    assert ada.get("/officers").status_code == 403
    assert ada.post(f"/officers/{ident(cast, 'ada')}/certify", compared="yes").status_code == 403


@ONLY_SQLITE
@pytest.mark.parametrize("answer", ["no", "y", "YES"])
def test_nothing_is_pinned_without_a_plain_yes(cast: Cast, answer: str) -> None:
    enrol(cast, "ada", invite_again(cast, "ada", "coordinator"))
    before = cast.stage.settings.trust.read_bytes()
    code, told = pin(cast.stage, "ada", answer)
    assert code == 1
    assert "Nothing was pinned" in told
    assert cast.stage.settings.trust.read_bytes() == before
    assert state_of(cast.stage, "ada") is OfficerState.ENROLLED


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("name", "says"),
    [("ines", "Only a coordinator"), ("ada", "no key that waits"), ("nobody", "nothing here")],
)
def test_who_has_nothing_to_pin_is_told_so_in_one_line(cast: Cast, name: str, says: str) -> None:
    code, told = pin(cast.stage, name, "yes")
    assert code == 1
    assert says in told
    assert "Traceback" not in told


@ONLY_SQLITE
def test_an_interruption_after_the_file_was_written_is_made_good_by_running_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(cast, "ada", invite_again(cast, "ada", "coordinator"))
    with monkeypatch.context() as patch:

        def stop(*_args: object, **_options: object) -> None:
            raise KeyboardInterrupt

        patch.setattr("vault.officers.pinning.record", stop)
        assert pin(cast.stage, "ada", "yes")[0] == 1
    written = cast.stage.settings.trust.read_text()
    assert state_of(cast.stage, "ada") is OfficerState.ENROLLED
    assert pin(cast.stage, "ada", "yes")[0] == 0
    assert cast.stage.settings.trust.read_text() == written


@ONLY_SQLITE
def test_the_ledger_tells_of_the_pin(cast: Cast) -> None:
    enrol(cast, "ada", invite_again(cast, "ada", "coordinator"))
    pin(cast.stage, "ada", "yes")
    page = cast["aud"].get(f"/ledger?event={Event.OFFICER_CERTIFIED}")
    assert "The command line certified the keys of Ada Amsel" in page.text
