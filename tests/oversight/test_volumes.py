"""The ledger's volumes as the vault begins them, and old details that it forgets: told, proved and shown."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, select
from sqlalchemy.exc import DatabaseError

from audit import tables
from audit.__main__ import main as audit_command
from audit.checkpoints import closed_checkpoint
from audit.errors import LedgerUnavailable, NotaryRefuses
from audit.joints import CLOSED, OPENED
from audit.notes import parse
from audit.retention import old_details
from tests.cast import Cast, Stage
from tests.oversight.test_read import plain
from vault.access.events import Event, is_vouched, record_apart
from vault.announcing.models import KeptCheckpoint
from vault.commands import cli
from vault.errors import RuleForbids
from vault.notarising import check_published, extend_export, prove_entry, vault_size, write_export
from vault.oversight.forgetting import forget_details
from vault.oversight.volumes import NotDue, begin_volume, is_signed, keep_closed, tell_volumes
from vault.settings import BadSettings, load
from vault.verification import verify

# What asks the database in words of its own is tried on both engines; a page is the same over either.
ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
LONG_AGO = datetime(2012, 2, 29, 12, 0, tzinfo=UTC)


def ignore(_count: int) -> None:
    """A progress that nobody looks at."""


def begin(stage: Stage) -> int:
    return begin_volume(stage.vault, stage.clock.now, even_if_young=True).first_index


def findings(stage: Stage) -> tuple[str, ...]:
    return verify(stage.vault, ignore).findings


def verified(folder: Path, key: Path) -> Result:
    return CliRunner().invoke(audit_command, ["verify", str(folder), "--key", str(key)])


def test_a_volume_begins_is_signed_kept_exported_and_verified(
    stage: Stage, cast: Cast, tmp_path: Path
) -> None:
    vault, settings = stage.vault, stage.settings
    write_export(vault, tmp_path / "going-on", ignore)
    first = begin(stage)
    cast["ada"].get("/desk")
    begin(stage)
    cast["ines"].get("/desk")
    assert len(keep_closed(vault, stage.clock.now)) == 2
    assert keep_closed(vault, stage.clock.now) == []
    with vault.reading() as db:
        kept = db.scalars(select(KeptCheckpoint).where(KeptCheckpoint.witness.is_(None))).all()
        told = tell_volumes(vault, db)
        closing, opening = (vault.ledger.entry(db, index) for index in (first - 1, first))
    assert {one.size for one in kept} == {told[0].size, told[1].size}
    for one in kept:
        assert check_published(settings, parse(one.note))
    for woven, event in ((closing, CLOSED), (opening, OPENED)):
        assert woven.entry.event == event
        assert is_vouched(woven.entry, woven.index, vault.confirms)
    assert all(is_signed(vault, one.volume) for one in told[:2])
    count = write_export(vault, tmp_path / "whole", ignore)
    assert count == vault_size(vault)
    answer = verified(tmp_path / "whole", settings.notary_public)
    assert answer.exit_code == 0, answer.output
    assert "volume 3" in answer.output
    extend_export(vault, tmp_path / "going-on", 0, ignore)
    assert verified(tmp_path / "going-on", settings.notary_public).exit_code == 0
    for index in (0, first - 1, first, count - 1):
        proof = tmp_path / f"entry-{index}"
        proof.write_text(prove_entry(vault, index, None).to_text())
        assert verified(proof, settings.notary_public).exit_code == 0
    assert findings(stage) == ()


@ON_SQLITE
def test_an_older_database_put_back_across_a_volume_is_a_finding(stage: Stage, tmp_path: Path) -> None:
    vault = stage.vault
    begin(stage)
    write_export(vault, tmp_path / "export", ignore)
    with vault.database.engine.begin() as connection:
        for (name,) in connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).all():
            connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
        first = connection.exec_driver_sql("SELECT first_index FROM ledger_volumes").scalar_one()
        for statement in (
            "DELETE FROM ledger_volumes",
            f'DELETE FROM ledger_entries WHERE "index" >= {first - 1}',
            f'DELETE FROM ledger_subjects WHERE "index" >= {first - 1}',
            f"DELETE FROM ledger_heads WHERE size >= {first}",
        ):
            connection.exec_driver_sql(statement)
    assert any("a volume that is not there" in line for line in findings(stage))
    with pytest.raises(NotaryRefuses, match="older database"):
        write_export(vault, tmp_path / "again", ignore)


@ON_SQLITE
def test_a_lost_final_checkpoint_is_asked_for_by_its_name(stage: Stage, tmp_path: Path) -> None:
    begin(stage)
    write_export(stage.vault, tmp_path / "export", ignore)
    path = closed_checkpoint(stage.settings.checkpoint, 1)
    words = path.read_text()
    for spoilt in (None, "spoilt", stage.settings.checkpoint.read_text()):
        path.unlink()
        if spoilt is not None:
            path.write_text(spoilt)
        with pytest.raises(LedgerUnavailable, match=r"Put a copy back as checkpoint\.1"):
            prove_entry(stage.vault, 0, None)
        path.write_text(words)
    assert prove_entry(stage.vault, 0, None).index == 0


def run(stage: Stage, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["ledger", *arguments, "--data", str(stage.settings.data)])


@ON_SQLITE
def test_the_command_refuses_a_young_volume_and_begins_one_all_the_same_when_told_to(stage: Stage) -> None:
    early = run(stage, "new-volume")
    assert early.exit_code == 75
    assert "is not due yet" in early.output
    with stage.vault.reading() as db:
        assert len(tell_volumes(stage.vault, db)) == 1
    answer = run(stage, "new-volume", "--now")
    assert answer.exit_code == 0, answer.output
    assert "volume-2" in answer.output
    with stage.vault.reading() as db:
        assert len(tell_volumes(stage.vault, db)) == 2
        assert len(db.scalars(select(KeptCheckpoint)).all()) == 1
    assert findings(stage) == ()


@ON_SQLITE
def test_a_volume_is_due_after_a_year_and_may_begin_a_little_before(stage: Stage) -> None:
    with stage.vault.reading() as db:
        (told,) = tell_volumes(stage.vault, db)
    began = told.began_at
    assert [told.is_due(began + timedelta(days=days)) for days in (0, 366, 367)] == [False, False, True]
    with pytest.raises(NotDue):
        begin_volume(stage.vault, began + timedelta(days=299), even_if_young=False)
    assert begin_volume(stage.vault, began + timedelta(days=301), even_if_young=False).number == 2


@ON_SQLITE
def test_the_checkpoint_page_tells_of_the_volumes_and_when_the_next_is_due(stage: Stage, cast: Cast) -> None:
    page = plain(cast["aud"].get("/ledger/checkpoint").text)
    assert "Volume 1" in page
    assert "No volume has been closed yet" in page
    first = begin(stage)
    keep_closed(stage.vault, stage.clock.now)
    page = plain(cast["aud"].get("/ledger/checkpoint").text)
    assert f"Written now Volume 2 Begins at Entry {first:,}" in " ".join(page.split())
    assert "Signed and kept" in page
    assert "is due" not in page
    stage.vault.settings = replace(stage.vault.settings, unused_days=400)
    stage.clock.forward(days=367)
    cast["aud"].sign_in()
    assert "A new volume is due" in plain(cast["aud"].get("/ledger/checkpoint").text)


def look_long_ago(stage: Stage, words: str) -> int:
    """Somebody searched, many years ago; what for is in the details."""
    receipt = record_apart(
        stage.vault, Event.DIRECTORY_SEARCHED, who=None, now=LONG_AGO, subjects=[], details={"name": words}
    )
    return receipt.index


def keep_details_for(stage: Stage, years: int) -> None:
    stage.vault.settings = replace(stage.vault.settings, details_kept_years=years)


def details_of(stage: Stage, index: int) -> bytes | None:
    with stage.vault.reading() as db:
        return stage.vault.ledger.entry(db, index).details


def test_details_that_are_old_enough_are_forgotten_once_the_ledger_has_told_of_it(stage: Stage) -> None:
    old = [look_long_ago(stage, "Ann Archer"), look_long_ago(stage, "Ben Bowyer")]
    young = record_apart(
        stage.vault,
        Event.DIRECTORY_SEARCHED,
        who=None,
        now=stage.clock.now,
        subjects=[],
        details={"name": "Cy"},
    ).index
    keep_details_for(stage, 6)
    begin(stage)
    assert forget_details(stage.vault, stage.clock.now, ignore) == 2
    assert [details_of(stage, index) is None for index in (*old, young)] == [True, True, False]
    with stage.vault.reading() as db:
        told = stage.vault.ledger.entry(db, vault_size(stage.vault) - 1).entry
    facts = {name: told.facts[name] for name in ("before", "first-entry", "last-entry", "count")}
    assert told.event == "details-forgotten"
    assert facts == {"before": "2020-11-23", "first-entry": old[0], "last-entry": old[1], "count": 2}
    assert findings(stage) == ()
    size = vault_size(stage.vault)
    assert forget_details(stage.vault, stage.clock.now, ignore) == 0
    assert vault_size(stage.vault) == size


def test_what_was_told_and_not_yet_deleted_is_forgotten_by_the_next_run(stage: Stage) -> None:
    old = look_long_ago(stage, "Ann Archer")
    keep_details_for(stage, 5)
    with stage.vault.database.engine.connect() as connection:
        found = old_details(connection, stage.clock.now.date().replace(year=2021), 10)
    assert found is not None
    record_apart(
        stage.vault, Event.DETAILS_FORGOTTEN, who=None, now=stage.clock.now, subjects=[], facts=found.facts()
    )
    assert findings(stage) == ()
    assert forget_details(stage.vault, stage.clock.now, ignore) == 1
    assert details_of(stage, old) is None
    assert findings(stage) == ()


def delete_past_the_vault(stage: Stage, index: int) -> None:
    """Somebody with the database's password deletes details that its triggers let go."""
    entries, details = tables.entries.c, tables.details.c
    name = select(entries.id).where(entries.index == index).scalar_subquery()
    with stage.vault.database.engine.execution_options(writing=True).begin() as connection:
        assert connection.execute(delete(tables.details).where(details.id == name)).rowcount == 1


def test_details_that_somebody_else_deleted_are_a_finding_also_where_others_were_forgotten(
    stage: Stage,
) -> None:
    one, two = look_long_ago(stage, "Ann Archer"), look_long_ago(stage, "Ben Bowyer")
    keep_details_for(stage, 5)
    delete_past_the_vault(stage, one)
    assert [line for line in findings(stage) if f"Entry {one:,}: its details are gone" in line]
    forget_details(stage.vault, stage.clock.now, ignore)
    assert details_of(stage, two) is None
    assert [f"Entry {index:,}: its details are gone" in "".join(findings(stage)) for index in (one, two)] == [
        True, False,
    ]  # fmt: skip


def test_the_database_itself_keeps_details_that_are_not_five_years_old(stage: Stage) -> None:
    index = record_apart(
        stage.vault,
        Event.DIRECTORY_SEARCHED,
        who=None,
        now=stage.clock.now,
        subjects=[],
        details={"name": "Cy"},
    ).index
    with pytest.raises(DatabaseError, match="the ledger only grows"):
        delete_past_the_vault(stage, index)
    assert details_of(stage, index) is not None


@ON_SQLITE
def test_the_page_of_an_entry_says_when_its_details_were_forgotten_or_that_nobody_tells(
    stage: Stage, cast: Cast
) -> None:
    gone, old = look_long_ago(stage, "Ann Archer"), look_long_ago(stage, "Ben Bowyer")
    delete_past_the_vault(stage, gone)
    keep_details_for(stage, 5)
    forget_details(stage.vault, stage.clock.now, ignore)
    page = plain(cast["aud"].get(f"/ledger/{old}").text)
    assert "were forgotten on Nov 23, 2026, because they were old enough" in page
    assert "no entry tells of it" in plain(cast["aud"].get(f"/ledger/{gone}").text)


@ON_SQLITE
def test_a_vault_that_keeps_details_for_ever_forgets_none(stage: Stage) -> None:
    index = look_long_ago(stage, "Ann Archer")
    with pytest.raises(RuleForbids, match="for ever"):
        forget_details(stage.vault, stage.clock.now, ignore)
    answer = run(stage, "forget-details")
    assert answer.exit_code == 75
    assert "details_kept_years" in answer.output
    assert details_of(stage, index) is not None
    with (stage.settings.data / "vault.toml").open("a") as file:
        file.write("details_kept_years = 5\n")
    answer = run(stage, "forget-details")
    assert answer.exit_code == 0, answer.output
    assert "The details of 1 entries were forgotten" in answer.output


@pytest.mark.parametrize("years", [-1, 1, 4])
def test_fewer_than_five_years_are_refused_in_words(tmp_path: Path, years: int) -> None:
    with pytest.raises(BadSettings, match="details_kept_years must be 0, to keep"):
        load(tmp_path, {"VAULT_DETAILS_KEPT_YEARS": str(years)})
    assert load(tmp_path, {"VAULT_DETAILS_KEPT_YEARS": "5"}).details_kept_years == 5


def test_an_origin_that_ends_like_a_volume_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="must not end like a volume"):
        load(tmp_path, {"VAULT_ORIGIN": "vault.example/ledger/volume-2"})


@ON_SQLITE
@pytest.mark.parametrize("origin", ["vault.example/" + "l" * 60, "vault.example/~ledger"])
def test_an_origin_that_no_entry_can_name_is_said(stage: Stage, origin: str) -> None:
    stage.vault.settings = replace(stage.vault.settings, origin=origin)
    with pytest.raises(RuleForbids, match="setting origin"):
        begin_volume(stage.vault, stage.clock.now, even_if_young=True)
