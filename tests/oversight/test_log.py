"""What the vault gives to the machine of an outside witness, and takes from it: hashes and signatures."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from audit.exported import files_in
from audit.notes import NotaryKeys, parse
from tests.adversaries.thief import Thief
from tests.audit.writing import some_entries
from tests.cast import Cast
from tests.oversight.log_machine import Machine, sign
from tests.oversight.test_alerts import raised
from tests.oversight.test_read import newest, plain, size_of
from vault.notarising import write_export
from vault.oversight.alarms import AlarmKind, alarms
from vault.oversight.models import KeptCheckpoint, RegisteredWitness, Rule
from vault.oversight.registering import digest_of
from vault.oversight.registering import registered as believed
from vault.oversight.volumes import begin_volume
from vault.oversight.witnessing import cosigned_covering

# What asks the database in words of its own is tried on both engines; a page is the same over either.
ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
WRONG = "x" * 43


def kept(cast: Cast, machine: Machine) -> list[str]:
    """The notes that the vault keeps of this witness, the earliest first."""
    with cast.stage.vault.reading() as db:
        witness = db.scalars(select(RegisteredWitness.id).where(RegisteredWitness.key == machine.key)).one()
        query = select(KeptCheckpoint.note).where(KeptCheckpoint.witness == witness)
        return list(db.scalars(query.order_by(KeptCheckpoint.kept_at)))


def refusals(cast: Cast) -> int:
    """How many entries tell of a witness that refuses."""
    rows = Thief(cast.stage).rows("SELECT count(*) AS n FROM ledger_entries WHERE event = 'witness-refused'")
    return int(rows[0]["n"])


def test_what_a_witness_fetches_and_gives_makes_no_entry_and_of_each_day_the_last_note_is_kept(
    cast: Cast, tmp_path: Path
) -> None:
    clock, machine = cast.stage.clock, Machine(cast, tmp_path / "w", "laptop")
    sign(cast)
    size = size_of(cast)
    first = machine.cosign(clock.now)
    assert machine.give(first).status_code == 204
    assert size_of(cast) == size
    assert kept(cast, machine) == [first]
    with cast.stage.vault.reading() as db:
        assert cosigned_covering(cast.stage.vault, db, size) == parse(first)
        assert cosigned_covering(cast.stage.vault, db, size + 1) is None
    again = machine.cosign(clock.now + timedelta(seconds=5))
    assert machine.give(again).status_code == 204
    assert kept(cast, machine) == [again]
    clock.forward(days=1)
    del cast["aud"]
    cast["aud"].get("/ledger")
    sign(cast)
    later = machine.cosign(clock.now)
    assert machine.give(later).status_code == 204
    assert kept(cast, machine) == [again, later]
    assert "Vouches" in plain(cast["aud"].get("/ledger/witnesses").text)


def test_every_hash_tile_is_that_of_the_export_and_no_entry_is_ever_given(cast: Cast, tmp_path: Path) -> None:
    machine = Machine(cast, tmp_path / "w", "laptop")
    entries = some_entries(1100)
    for start in range(0, len(entries), 220):
        cast.stage.vault.weave([(entry, None) for entry in entries[start : start + 220]])
    write_export(cast.stage.vault, tmp_path / "export", lambda _count: None)
    tiles = [
        path.relative_to(tmp_path / "export")
        for path in (tmp_path / "export" / "tile").rglob("*")
        if path.is_file() and "entries" not in path.parts
    ]
    assert len(tiles) > 5
    for _ in range(2):
        for path in tiles:
            assert machine.get(f"volumes/1/{path}").data == files_in(tmp_path / "export")(str(path)), path
    # A tile that grew since it was remembered, and one of a smaller tree.
    for width in (1, 3, 4, 2):
        answer = machine.get(f"volumes/1/tile/1/000.p/{width}").data
        assert answer == files_in(tmp_path / "export")("tile/1/000.p/4")[: 32 * width]
    for path in (
        "volumes/1/tile/entries/000", "volumes/1/tile/0/005", "volumes/1/tile/0/004.p/250",
        "volumes/1/tile/0/000.p/256", "volumes/1/tile/0/0", "volumes/1/tile/8/000", "volumes/0/tile/0/000",
        "volumes/1/tile/0/x000/001", "volumes/1/tile/0/999", "volumes/1/tile/7/x999/x999/x999/999",
        "volumes/2/tile/0/000",
    ):  # fmt: skip
        assert machine.get(path).status_code == 404, path


def test_a_witness_goes_on_into_the_next_volume_and_vouches_for_the_whole_ledger(
    cast: Cast, tmp_path: Path
) -> None:
    machine, vault, clock = Machine(cast, tmp_path / "w", "laptop"), cast.stage.vault, cast.stage.clock
    sign(cast)
    assert machine.give(machine.cosign(clock.now)).status_code == 204
    begin_volume(vault, clock.now, even_if_young=True)
    sign(cast)
    machine.volume, size = 2, size_of(cast)
    note = machine.cosign(clock.now)
    assert (parse(note).origin, parse(note).size) == (f"{cast.stage.settings.origin}/volume-2", 1)
    assert machine.give(note).status_code == 204
    with vault.reading() as db:
        assert cosigned_covering(vault, db, size) == parse(note)
        assert cosigned_covering(vault, db, size + 1) is None
    assert b'"ledger-volume-opened"' in machine.get("volumes/2/opening").data
    assert parse(machine.get("volumes/1/checkpoint").text).size == size - 1
    for path in ("volumes/1/opening", "volumes/2/checkpoint", "volumes/3/opening", "volumes/2/hand-overs"):
        assert machine.get(path).status_code == 404, path


def test_wrong_ended_and_missing_tokens_are_answered_alike_and_a_wrong_one_is_recorded(
    cast: Cast, tmp_path: Path
) -> None:
    machine = Machine(cast, tmp_path / "w", "laptop")
    sign(cast)
    assert machine.get("checkpoint").status_code == 200
    aud, right = cast["aud"], machine.token
    size = size_of(cast)
    missing = machine.client.get("/ledger/log/checkpoint")
    assert size_of(cast) == size
    machine.token = WRONG
    wrong = machine.get("checkpoint")
    assert size_of(cast) == size + 1
    assert newest(cast)["why"] == "WrongToken"
    assert WRONG not in str(newest(cast))
    (witness,) = Thief(cast.stage).rows("SELECT id FROM witnesses")
    aud.get(f"/ledger/witnesses/{UUID(str(witness['id']))}/end")
    assert aud.post(f"/ledger/witnesses/{UUID(str(witness['id']))}/end").status_code == 303
    machine.token = right
    ended = machine.get("checkpoint")
    assert {(answer.status_code, answer.text) for answer in (missing, wrong, ended)} == {(401, missing.text)}
    for path in ("volumes/1/hand-overs", "volumes/1/checkpoint", "volumes/1/tile/0/000"):
        assert machine.get(path).status_code == 401, path
    assert machine.give("x").status_code == machine.tell("x", "x", "").status_code == 401
    assert "Someone was refused “outside witness”: the token was not right" in plain(aud.get("/ledger").text)


@ON_SQLITE
def test_wrong_tokens_fill_the_ledger_no_further_than_failed_sign_ins_and_lock_nobody_out(
    cast: Cast, tmp_path: Path
) -> None:
    machine = Machine(cast, tmp_path / "w", "laptop")
    sign(cast)
    right, machine.token = machine.token, WRONG
    most, size = cast.stage.settings.attempts_per_address, size_of(cast)
    for _ in range(most + 5):
        assert machine.get("checkpoint").status_code == 401
    assert size_of(cast) == size + most
    machine.token = right
    assert machine.get("checkpoint").status_code == 200
    assert cast["ada"].get("/desk").status_code == 200


def test_the_token_is_in_no_row_and_a_row_that_no_entry_tells_of_is_no_witness(
    cast: Cast, tmp_path: Path
) -> None:
    machine = Machine(cast, tmp_path / "w", "laptop")
    sign(cast)
    thief = Thief(cast.stage)
    (row,) = thief.rows("SELECT * FROM witnesses")
    assert machine.token not in str(row)
    planted = Machine.__new__(Machine)
    planted.cast, planted.client, planted.token = cast, machine.client, WRONG
    other = {**row, "id": thief._given(uuid4()), "key": row["key"] + "x", "token_digest": digest_of(WRONG)}
    thief.put("witnesses", other)
    assert planted.get("checkpoint").status_code == 401
    assert machine.get("checkpoint").status_code == 200
    assert "Somebody planted a witness" in cast["aud"].get("/ledger/witnesses").text
    # An ended witness is not brought back by whoever writes to the database, nor is its key exchanged.
    aud, ident = cast["aud"], UUID(str(row["id"]))
    aud.get(f"/ledger/witnesses/{ident}/end")
    assert aud.post(f"/ledger/witnesses/{ident}/end").status_code == 303
    assert machine.get("checkpoint").status_code == 401
    thief.run("UPDATE witnesses SET ended_at = NULL, ended_by = NULL, version = 1 WHERE id = ?", ident)
    assert machine.get("checkpoint").status_code == 401
    with cast.stage.vault.reading() as db:
        assert believed(cast.stage.vault, db) == []


@ON_SQLITE
def test_a_note_that_is_not_this_witnesss_or_not_of_this_ledger_is_not_taken_in(
    cast: Cast, tmp_path: Path
) -> None:
    clock = cast.stage.clock
    one, two = Machine(cast, tmp_path / "1", "laptop"), Machine(cast, tmp_path / "2", "cellar")
    sign(cast)
    note = one.cosign(clock.now)
    checkpoint = parse(note)
    forged = NotaryKeys.generate(checkpoint.origin).sign(checkpoint.size, checkpoint.root, clock.now).text
    for wrong in ("nonsense", "", forged + note.splitlines(keepends=True)[-1], forged, b"\xff\xfe"):
        assert one.give(wrong).status_code == 422, wrong
    assert two.give(note).status_code == 422
    assert one.give("x" * 70_000).status_code == 413
    assert one.give(one.cosign(clock.now + timedelta(days=2))).status_code == 409
    later = one.cosign(clock.now + timedelta(minutes=1))
    assert one.give(later).status_code == 204
    assert one.give(note).status_code == 409
    assert kept(cast, one) == [later]
    assert kept(cast, two) == []
    assert two.give(two.cosign(clock.now)).status_code == 204
    page = plain(cast["aud"].get("/ledger/witnesses").text)
    assert page.count("Vouches") == 2


@ON_SQLITE
def test_a_refusal_is_one_entry_a_day_an_alert_and_a_red_word_until_the_witness_cosigns_again(
    cast: Cast, tmp_path: Path
) -> None:
    machine, clock = Machine(cast, tmp_path / "w", "laptop"), cast.stage.clock
    sign(cast)
    accepted = machine.cosign(clock.now)
    assert machine.give(accepted).status_code == 204
    forged = NotaryKeys.generate(parse(accepted).origin).sign(3, bytes(32), clock.now).text
    clock.forward(minutes=1)
    for offered in (forged, accepted, forged):
        assert machine.tell("entries were cut off", offered, accepted).status_code == 204
    assert refusals(cast) == 1
    assert machine.tell("no note", "nonsense", "").status_code == 422
    entry = size_of(cast) - 1
    assert [alert.rule for alert in raised(cast) if alert.first_index == entry] == [Rule.WITNESS]
    aud = cast["aud"]
    for path in ("/ledger/checkpoint", "/ledger/witnesses"):
        page = plain(aud.get(path).text)
        assert "Refuses" in page
        assert f"Entry {entry} keeps both notes" in page
    (alarm,) = (one for one in alarms(cast.stage.vault, clock.now) if one.kind is AlarmKind.WITNESS_REFUSES)
    assert alarm.since == clock.now
    told = plain(aud.get(f"/ledger/{entry}").text)
    assert "was told that the outside witness “laptop” refuses to cosign the ledger" in told
    assert forged.splitlines()[-1].split()[-1] in told
    assert "An outside witness refuses to cosign" in aud.get("/ledger/alerts").text
    for number in range(12):
        lying = NotaryKeys.generate(parse(accepted).origin).sign(number, bytes(32), clock.now).text
        assert machine.tell("x", forged, lying).status_code == 204
    assert refusals(cast) == 10
    clock.forward(minutes=1)
    sign(cast)
    assert machine.give(machine.cosign(clock.now)).status_code == 204
    assert "Refuses" not in plain(aud.get("/ledger/checkpoint").text)


@ON_SQLITE
def test_registering_asks_for_the_code_and_refuses_a_key_that_is_none(cast: Cast, tmp_path: Path) -> None:
    machine = Machine(cast, tmp_path / "w", "laptop")
    aud = cast["aud"]
    notary = cast.stage.settings.notary_public.read_text().splitlines()[0]
    foreign = NotaryKeys.generate("other.example/ledger").verifier_keys()[0].to_text()
    for key in (notary, foreign, "nonsense", machine.key[:-4], ""):
        aud.get("/ledger/witnesses/register")
        answer = aud.post("/ledger/witnesses/register", name="a desk", key=key)
        assert answer.status_code == 422, key
        assert "a desk" in answer.text
        assert ("Copy the whole line of the file witness.vkey" in answer.text) == (
            key in ("nonsense", machine.key[:-4])
        )
    assert aud.post("/ledger/witnesses/register", name="a desk", key=machine.key).status_code == 409
    cast.stage.clock.forward(minutes=6)
    page = aud.get("/ledger/witnesses/register").text
    assert 'name="code"' in page
    assert aud.post("/ledger/witnesses/register", name="a desk", key=machine.key).status_code == 422
    assert newest(cast)["kept-event"] != "witness-registered"
