"""What cannot be undone is announced, and done only once notary or witness have signed the announcement."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from werkzeug.test import TestResponse

from audit.errors import NotVerified
from audit.notes import Checkpoint, parse, read_verifier_keys, signature_line, witnessed_message
from audit.refusals import leave_refusal
from audit.subtrees import prove_woven
from audit.witness import Witness
from tests.cast import Cast
from tests.disclosure.errands import Errand
from tests.disclosure.test_release import granted
from tests.keys.asking import admit_deciders, approve, ask_destruction, ask_recovery, closed_case, state_of
from tests.oversight.failing import cut_off, told, without_notary
from tests.oversight.log_machine import registered
from tests.programme import open_case
from vault.access.events import Event
from vault.announcing.actions import Weighty, announce
from vault.announcing.models import KeptCheckpoint
from vault.commands import cli
from vault.disclosure.models import Packet
from vault.errors import NotConfirmed
from vault.keys.models import KeyAct
from vault.notarising import check_published
from vault.oversight.models import RegisteredWitness
from vault.oversight.registering import registered as believed
from vault.oversight.witnessing import take_in
from vault.running import RunningVault
from vault.settings import BadSettings, load

ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
NOTHING = "Nothing was done."
PASSWORD = re.compile("[A-Z2-7]{4}(?:-[A-Z2-7]{4}){5}")


def kept(cast: Cast) -> list[KeptCheckpoint]:
    """The notes that are kept for acts."""
    with cast.stage.vault.reading() as db:
        return list(db.scalars(select(KeptCheckpoint).where(KeptCheckpoint.witness.is_(None))))


def destroy(cast: Cast, act: UUID) -> TestResponse:
    """Ada presses the button of an approved destruction."""
    ada = cast["ada"]
    code = {"code": ada.code()} if 'name="code"' in ada.get(f"/keys/acts/{act}").text else {}
    return ada.post(f"/keys/acts/{act}/destroy", sure="yes", **code)


def approved(cast: Cast) -> UUID:
    """A destruction that two approved."""
    admit_deciders(cast)
    return approve(cast, ask_destruction(cast, closed_case(cast).id, "ada"), "dee", "dora")


def assert_failed(cast: Cast, act: Weighty, why: str) -> None:
    """The announcement stands in the ledger, and beside it that nothing came of it."""
    announced, failed = told(cast, Event.ACT_ANNOUNCED)
    assert (announced.facts["act"], announced.outcome) == (act, "done")
    assert (failed.facts["act"], failed.facts["why"], failed.outcome) == (act, why, "failed")
    assert failed.officer == announced.officer
    assert failed.subjects == announced.subjects
    assert kept(cast) == []


def test_a_destruction_waits_for_the_notary_and_keeps_its_note(cast: Cast) -> None:
    act, stage = approved(cast), cast.stage
    without_notary(stage)
    refused = destroy(cast, act)
    assert refused.status_code == 503
    assert NOTHING in refused.text
    assert "the notary has not answered" in refused.text
    assert 'name="sure"' in refused.text
    assert state_of(cast, act) == "approved"
    assert told(cast, Event.CASE_DESTROYED) == []
    assert_failed(cast, Weighty.DESTRUCTION, "notary-away")

    stage.vault.settings = replace(stage.settings, notary_in_process=True)
    assert destroy(cast, act).status_code == 303
    assert state_of(cast, act) == "done"
    (done,) = told(cast, Event.CASE_DESTROYED)
    index = done.facts["announced"]
    assert isinstance(index, int)
    (note,) = kept(cast)
    checkpoint = parse(note.note)
    assert (note.origin, note.size, note.root) == (checkpoint.origin, checkpoint.size, checkpoint.root)
    check_published(stage.settings, checkpoint)
    with stage.vault.reading() as db:
        woven = stage.vault.ledger.entry(db, index)
    assert (woven.entry.event, woven.entry.facts["act"]) == (Event.ACT_ANNOUNCED, Weighty.DESTRUCTION)
    assert f"case:{_case_of(cast, act)}" in woven.entry.subjects
    with stage.vault.database.engine.connect() as connection:
        proof = prove_woven(connection, index, checkpoint)
    keys = read_verifier_keys(stage.settings.notary_public.read_text())
    assert proof.index == index
    assert len(proof.check(keys, []).signers) == 2
    with pytest.raises(NotVerified):
        check_published(stage.settings, parse(note.note.replace(f"\n{note.size}\n", f"\n{note.size + 1}\n")))


def _case_of(cast: Cast, act: UUID) -> str:
    with cast.stage.vault.reading() as db:
        return db.get_one(KeyAct, act).subject.partition(":")[2]


@ON_SQLITE
def test_nothing_is_destroyed_while_the_notary_refuses(cast: Cast) -> None:
    act = approved(cast)
    cut_off(cast.stage)
    refused = destroy(cast, act)
    assert refused.status_code == 503
    assert NOTHING in refused.text
    assert "The notary refuses to sign the ledger" in refused.text
    assert "Call the auditor now" in refused.text
    assert state_of(cast, act) == "approved"
    assert_failed(cast, Weighty.DESTRUCTION, "notary-refuses")


@ON_SQLITE
def test_a_notary_elsewhere_that_refuses_is_believed_at_once(cast: Cast) -> None:
    stage, ada = cast.stage, cast["ada"].actor
    stage.vault.settings = replace(stage.settings, notary_in_process=False, acts_wait_seconds=3600.0)
    leave_refusal(stage.settings.checkpoint, "The ledger lacks entries.", stage.clock.now)
    with pytest.raises(NotConfirmed, match="The ledger lacks entries"):
        announce(stage.vault, ada, Weighty.DESTRUCTION, [], stage.clock.now)


@ON_SQLITE
def test_a_packet_is_not_released_or_even_read_while_the_notary_is_away(cast: Cast) -> None:
    errand = granted(cast)
    without_notary(cast.stage)
    looks = len(told(cast, Event.OPENED))
    page = errand.give("ada", "release")
    assert page.status_code == 503
    assert NOTHING in page.text
    assert "Release it" in page.text, "the form is there again"
    assert PASSWORD.search(page.text) is None
    assert len(told(cast, Event.OPENED)) == looks
    assert errand.row().state == "decided"
    assert_failed(cast, Weighty.RELEASE, "notary-away")
    cast.stage.vault.settings = replace(cast.stage.settings, notary_in_process=True)
    errand.release()
    _check_packet(cast, errand)


def _check_packet(cast: Cast, errand: Errand) -> None:
    (released,) = told(cast, Event.DISCLOSURE_RELEASED)
    with cast.stage.vault.reading() as db:
        announced = cast.stage.vault.ledger.entry(db, int(str(released.facts["announced"])))
        assert db.scalars(select(Packet.request)).one() == errand.id
    assert announced.entry.facts["act"] == Weighty.RELEASE
    assert errand.row().subject in announced.entry.subjects


@ON_SQLITE
def test_a_recovery_file_and_an_export_are_not_given_out_while_the_notary_is_away(
    cast: Cast, tmp_path: Path
) -> None:
    admit_deciders(cast)
    case, ada, aud = open_case(cast, ["ines"]), cast["ada"], cast["aud"]
    act = approve(cast, ask_recovery(cast, "ada", f"case:{case.id}", None, "ines"), "dee", "dora")
    without_notary(cast.stage)
    ada.get(f"/keys/acts/{act}")
    answer = ada.post(f"/keys/acts/{act}/export", code=ada.code())
    assert (answer.status_code, answer.mimetype, NOTHING in answer.text) == (503, "text/html", True)
    assert told(cast, Event.RECOVERY_EXPORTED) == []
    aud.get("/ledger/export")
    answer = aud.post("/ledger/export", code=aud.code())
    assert (answer.status_code, answer.mimetype, NOTHING in answer.text) == (503, "text/html", True)
    assert told(cast, Event.LEDGER_EXPORTED) == []
    environment = {"VAULT_NOTARY_IN_PROCESS": "false", "VAULT_ACTS_WAIT_SECONDS": "0.1"}
    command = ["ledger", "export", str(tmp_path / "export"), "--data", str(cast.stage.settings.data)]
    done = CliRunner().invoke(cli, command, env=environment)
    assert (done.exit_code, NOTHING in done.output) == (1, True)
    assert not (tmp_path / "export").exists()
    assert told(cast, Event.LEDGER_EXPORTED) == []
    acts = [entry.facts["act"] for entry in told(cast, Event.ACT_ANNOUNCED) if entry.outcome == "failed"]
    assert acts == [Weighty.RECOVERY, Weighty.EXPORT, Weighty.EXPORT]
    cast.stage.vault.settings = replace(cast.stage.settings, notary_in_process=True)
    ada.get(f"/keys/acts/{act}")
    assert ada.post(f"/keys/acts/{act}/export").mimetype == "application/json"
    assert CliRunner().invoke(cli, command).exit_code == 0


def register_witness(cast: Cast, folder: Path) -> None:
    """The auditor registers a witness, which is not running yet."""
    witness = Witness(folder / "witness", cast.stage.settings.origin)
    with witness.alone():
        _, named = witness.key()
    registered(cast, named.to_text(), "laptop in the audit office")


@contextmanager
def cosigning(cast: Cast, folder: Path) -> Iterator[Witness]:
    """A registered witness that cosigns, on its own thread, each checkpoint that the notary publishes."""
    witness = Witness(folder / "witness", cast.stage.settings.origin)
    with witness.alone():
        key, named = witness.key()
    vault, now, stop = cast.stage.vault, cast.stage.clock.now, threading.Event()
    with vault.reading() as db:
        row = db.scalars(select(RegisteredWitness)).one()

    def cosigned(note: Checkpoint, at: datetime) -> str:
        seconds = int(at.timestamp())
        signature = seconds.to_bytes(8, "big") + key.sign(witnessed_message(seconds, note))
        return note.text + signature_line(named, signature)

    def watch() -> None:
        last = ""
        while not stop.wait(0.02):
            text = vault.settings.checkpoint.read_text() if vault.settings.checkpoint.exists() else ""
            if text and text != last:
                take_in(vault, row, cosigned(parse(text), now), now)
                last = text

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield witness
    finally:
        stop.set()
        thread.join()


def strictly(cast: Cast, seconds: float) -> None:
    """Acts wait for the witness."""
    vault = cast.stage.vault
    vault.settings = replace(vault.settings, acts_wait_for="witness", acts_wait_seconds=seconds)


@ON_SQLITE
def test_in_the_strictest_setting_an_act_waits_for_the_witness(cast: Cast, tmp_path: Path) -> None:
    act = approved(cast)
    register_witness(cast, tmp_path)
    strictly(cast, 0.2)
    refused = destroy(cast, act)
    assert refused.status_code == 503
    assert "the outside witness has seen that it was announced" in refused.text
    assert_failed(cast, Weighty.DESTRUCTION, "witness-away")
    assert state_of(cast, act) == "approved"
    strictly(cast, 60.0)
    with cosigning(cast, tmp_path):
        assert destroy(cast, act).status_code == 303
    assert state_of(cast, act) == "done"
    (done,) = told(cast, Event.CASE_DESTROYED)
    (note,) = kept(cast)
    assert note.size > int(str(done.facts["announced"]))
    vault = cast.stage.vault
    with vault.reading() as db:
        (witness,) = believed(vault, db)
    keys = read_verifier_keys(vault.settings.notary_public.read_text() + witness.key + "\n")
    with vault.database.engine.connect() as connection:
        proof = prove_woven(connection, note.size - 1, parse(note.note))
    assert len(proof.check(keys, []).signers) == 3


@ON_SQLITE
def test_where_no_witness_is_registered_an_act_is_told_so_and_waits_for_nobody(cast: Cast) -> None:
    act = approved(cast)
    strictly(cast, 60.0)
    refused = destroy(cast, act)
    assert refused.status_code == 503
    assert "no witness is registered. Ask the auditor to register one" in refused.text
    assert_failed(cast, Weighty.DESTRUCTION, "no-witness")
    assert state_of(cast, act) == "approved"


@ON_SQLITE
def test_an_export_never_waits_for_the_witness_to_whom_it_is_carried(cast: Cast) -> None:
    strictly(cast, 0.2)
    aud = cast["aud"]
    aud.get("/ledger/export")
    answer = aud.post("/ledger/export", code=aud.code())
    assert answer.status_code == 200
    answer.close()


@ON_SQLITE
def test_an_act_without_anybody_who_knows_witnesses_is_not_done(cast: Cast) -> None:
    strictly(cast, 0.1)
    alone = RunningVault.start(cast.stage.vault.settings, cast.stage.clock)
    with pytest.raises(NotConfirmed, match="witness"):
        announce(alone, cast["ada"].actor, Weighty.DESTRUCTION, [], cast.stage.clock.now)
    alone.close()


@ON_SQLITE
def test_one_note_is_kept_once_and_each_newer_one_too(cast: Cast) -> None:
    vault, ada, now = cast.stage.vault, cast["ada"].actor, cast.stage.clock.now
    first = announce(vault, ada, Weighty.DESTRUCTION, [], now)
    second = announce(vault, ada, Weighty.DESTRUCTION, [], now)
    assert first.index < first.note.size <= second.index < second.note.size
    assert [row.size for row in kept(cast)] == [first.note.size, second.note.size]


@pytest.mark.parametrize("value", ["", "notary", "Checkpoint", "none"])
def test_a_word_that_acts_cannot_wait_for_is_refused_at_the_start(tmp_path: Path, value: str) -> None:
    with pytest.raises(BadSettings, match="acts_wait_for"):
        load(tmp_path, {"VAULT_ACTS_WAIT_FOR": value})
    assert load(tmp_path, {"VAULT_ACTS_WAIT_FOR": "witness"}).acts_wait_for == "witness"
