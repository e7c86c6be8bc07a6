"""Whoever writes to the database cannot silence the alarms about those who watch it from outside."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from audit.notes import NotaryKeys, parse
from tests.adversaries.thief import Thief
from tests.cast import Cast
from tests.keys.asking import state_of
from tests.keys.renewing import revoke
from tests.officers.returning import come_back
from tests.oversight.failing import told, without_notary
from tests.oversight.log_machine import Machine, sign
from tests.oversight.test_acts_that_wait import approved
from tests.oversight.test_read import plain, size_of
from vault.access.events import Event, record_apart
from vault.announcing.actions import Weighty, announce
from vault.errors import NotConfirmed
from vault.keys.notary_rotation import rotate
from vault.oversight.alarms import AlarmKind, alarms
from vault.oversight.history import history
from vault.oversight.registering import registered
from vault.oversight.volumes import begin_volume

ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def forged(cast: Cast, size: int, root: bytes) -> str:
    """A checkpoint of this ledger that a thief signed with keys of their own."""
    return NotaryKeys.generate(cast.stage.settings.origin).sign(size, root, cast.stage.clock.now).text


def sounding(cast: Cast) -> set[AlarmKind]:
    return {alarm.kind for alarm in alarms(cast.stage.vault, cast.stage.clock.now)}


def watched(cast: Cast, folder: Path) -> tuple[Machine, str]:
    """A witness that vouched once, and the note that the vault took in."""
    machine = Machine(cast, folder / "w", "laptop")
    sign(cast)
    note = machine.cosign(cast.stage.clock.now)
    assert machine.give(note).status_code == 204
    return machine, note


def disarmed(cast: Cast) -> Thief:
    """A thief who owns the database, so that no trigger of the ledger is in the way."""
    thief = Thief(cast.stage)
    thief.disarm_ledger()
    if not thief.is_sqlite:
        thief.run("ALTER TABLE ledger_volumes DISABLE TRIGGER ALL")
    return thief


def test_no_time_written_beside_a_note_makes_a_refusal_an_old_one(cast: Cast, tmp_path: Path) -> None:
    machine, note = watched(cast, tmp_path)
    cast.stage.clock.forward(minutes=1)
    assert machine.tell("entries were cut off", forged(cast, 3, bytes(32)), note).status_code == 204
    assert AlarmKind.WITNESS_REFUSES in sounding(cast)
    thief = Thief(cast.stage)
    thief.run("UPDATE kept_checkpoints SET kept_at = ?", "2036-11-23 15:00:00.000000")
    assert AlarmKind.WITNESS_REFUSES in sounding(cast)
    thief.run("UPDATE kept_checkpoints SET note = ?", "spoilt")
    assert AlarmKind.WITNESS_REFUSES in sounding(cast)
    thief.run("DELETE FROM kept_checkpoints")
    assert AlarmKind.WITNESS_REFUSES in sounding(cast)


def test_a_witness_that_somebody_changed_or_took_away_is_an_alarm(cast: Cast, tmp_path: Path) -> None:
    watched(cast, tmp_path)
    assert AlarmKind.WITNESS_GONE not in sounding(cast)
    thief = Thief(cast.stage)
    (row,) = thief.rows("SELECT * FROM witnesses")
    thief.run("UPDATE witnesses SET key = ?", NotaryKeys.generate("x").verifier_keys()[0].to_text())
    assert AlarmKind.WITNESS_GONE in sounding(cast)
    thief.overwrite("witnesses", row)
    assert AlarmKind.WITNESS_GONE not in sounding(cast)
    thief.run("UPDATE witnesses SET ended_at = registered_at, ended_by = registered_by")
    assert AlarmKind.WITNESS_GONE in sounding(cast)
    thief.run("DELETE FROM witnesses")
    assert AlarmKind.WITNESS_GONE in sounding(cast)
    assert "A witness was changed or taken away" in cast["aud"].get("/ledger/witnesses").text


@ON_SQLITE
def test_a_witness_that_an_auditor_ended_is_no_alarm(cast: Cast, tmp_path: Path) -> None:
    watched(cast, tmp_path)
    with cast.stage.vault.reading() as db:
        (witness,) = registered(cast.stage.vault, db)
    cast["aud"].get(f"/ledger/witnesses/{witness.id}/end")
    assert cast["aud"].post(f"/ledger/witnesses/{witness.id}/end").status_code == 303
    assert AlarmKind.WITNESS_GONE not in sounding(cast)
    page = cast["aud"].get("/ledger/witnesses").text
    assert "No longer asked" in page
    assert "A witness was changed or taken away" not in page


@ON_SQLITE
@pytest.mark.parametrize(
    "planted",
    [
        "INSERT INTO ledger_pending (id, leaf) VALUES ('x', 'x')",
        "UPDATE kept_checkpoints SET kept_at = 'x'",
        "UPDATE ledger_entries SET at = 'x'",
    ],
)
def test_what_cannot_be_read_is_an_alarm_and_silences_no_other(
    cast: Cast, tmp_path: Path, planted: str
) -> None:
    watched(cast, tmp_path)
    cast["ada"].get("/desk")
    disarmed(cast).run(planted)
    cast.stage.settings.checkpoint.with_name("notary.refusal").write_text("spoilt")
    assert {AlarmKind.UNREADABLE, AlarmKind.NOTARY_REFUSES} <= sounding(cast)
    assert "The notary refuses to sign the ledger" in cast["ada"].get("/desk").text


@ON_SQLITE
def test_a_refusal_of_a_note_that_states_more_than_any_ledger_holds_is_taken_down(
    cast: Cast, tmp_path: Path
) -> None:
    machine, note = watched(cast, tmp_path)
    cast.stage.clock.forward(minutes=1)
    assert machine.tell("forged", forged(cast, 10**17, bytes(32)), note).status_code == 204
    (entry,) = told(cast, Event.WITNESS_REFUSED)
    assert entry.facts["offered-size"] == str(10**17)
    assert AlarmKind.WITNESS_REFUSES in sounding(cast)


@ON_SQLITE
def test_who_has_addresses_without_end_fills_the_ledger_no_further_than_one_line_may(
    cast: Cast, tmp_path: Path
) -> None:
    machine, _ = watched(cast, tmp_path)
    most, size = cast.stage.settings.attempts_per_address, size_of(cast)

    def ask(address: str) -> None:
        wrong = {"Authorization": "Bearer " + "x" * 43}
        answer = machine.client.get(
            "/ledger/log/checkpoint", headers=wrong, environ_base={"REMOTE_ADDR": address}
        )
        assert answer.status_code == 401

    for number in range(most + 5):
        ask(f"2001:db8:1:2:{number:x}::{number:x}")
    assert size_of(cast) == size + most
    for other in ("2001:db8:1:3::1", "::ffff:192.0.2.1"):
        ask(other)
    assert size_of(cast) == size + most + 2
    for _ in range(most + 5):
        ask("192.0.2.1")
    assert size_of(cast) == size + most + 1 + most


def test_moving_where_a_volume_begins_lets_no_act_go_ahead_of_the_signature(cast: Cast) -> None:
    vault, ada, now = cast.stage.vault, cast["ada"].actor, cast.stage.clock.now
    begin_volume(vault, now, even_if_young=True)
    for _ in range(4):
        done = announce(vault, ada, Weighty.DESTRUCTION, [], now)
    assert (done.note.origin, done.note.size) == (f"{vault.settings.origin}/volume-2", 5)
    without_notary(cast.stage)
    record_apart(vault, Event.SEALS_AUDITED, who=ada, now=now, subjects=[])
    # Three further on the edge of the tree, which has two hashes for six entries as for three, still fits.
    disarmed(cast).run("UPDATE ledger_volumes SET first_index = first_index + 3")
    with pytest.raises(NotConfirmed, match="the signature is of something else"):
        announce(vault, ada, Weighty.DESTRUCTION, [], now)
    assert [entry.facts.get("why") for entry in told(cast, Event.ACT_ANNOUNCED)][-1] == "not-counted"


@ON_SQLITE
def test_an_act_that_waits_is_not_done_for_an_officer_whose_access_ended_meanwhile(cast: Cast) -> None:
    come_back(cast, "ivo", "coordinator")  # The last coordinator's access is never ended.
    act, stage, ada = approved(cast), cast.stage, cast["ada"]
    code = {"code": ada.code()} if 'name="code"' in ada.get(f"/keys/acts/{act}").text else {}
    stage.vault.settings = replace(stage.settings, notary_in_process=False, acts_wait_seconds=60.0)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ada.post, f"/keys/acts/{act}/destroy", sure="yes", **code)
        while not told(cast, Event.ACT_ANNOUNCED):
            assert not answer.done()
        revoke(cast, "ada")
        sign(cast)
        assert answer.result().status_code == 503
    assert told(cast, Event.CASE_DESTROYED) == []
    assert told(cast, Event.ACT_ANNOUNCED)[-1].facts["why"] == "access-ended"
    assert state_of(cast, act) == "approved"


def test_the_history_believes_a_kept_note_for_its_signatures_alone(cast: Cast, tmp_path: Path) -> None:
    vault, clock = cast.stage.vault, cast.stage.clock
    _, note = watched(cast, tmp_path)
    announce(vault, cast["ada"].actor, Weighty.DESTRUCTION, [], clock.now)
    rotate(vault, is_unfinished=False)
    announce(vault, cast["ada"].actor, Weighty.DESTRUCTION, [], clock.now)
    with vault.reading() as db:
        before = history(vault, db)
        (root,) = vault.ledger.roots_at(db, [parse(note).size]).values()
    assert [kept.still_holds for kept in before] == [True] * 3
    thief = Thief(cast.stage)
    for row in thief.rows("SELECT * FROM kept_checkpoints"):
        planted = forged(cast, parse(note).size, root)
        other = {"id": thief._given(uuid4()), "note": planted, "size": parse(note).size, "root": root}
        thief.run("DELETE FROM kept_checkpoints WHERE id = ?", row["id"])
        thief.put("kept_checkpoints", {**row, **other})
    with vault.reading() as db:
        after = history(vault, db)
    assert [(kept.still_holds, kept.entries) for kept in after] == [(False, None)] * 3
    page = plain(cast["aud"].get("/ledger/checkpoint").text)
    assert "The ledger is not what was signed" in page
