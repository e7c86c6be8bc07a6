"""Who can write to the database plants no record that opens, and changes nothing unnoticed."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner
from werkzeug.test import TestResponse

from crypto.errors import CryptoError
from crypto.identity import Identity, certify
from crypto.sealing import Holder, KeyName, seal_key
from tests.adversaries.thief import Thief
from tests.cast import Cast, Stage
from tests.programme import OpenedCase, open_case, send_referral
from vault.access.keyring import Keyring
from vault.commands import cli
from vault.officers.models import named
from vault.verification import verify

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
"""What is decided by keys and not by the engine is tried on one engine, to be quick."""


def findings(stage: Stage) -> tuple[str, ...]:
    """What verification finds."""
    return verify(stage.vault, lambda _count: None).findings


def id_of(stage: Stage, name: str) -> UUID:
    """An officer's id."""
    with stage.vault.reading() as db:
        return db.scalars(named(name)).one().id


def write_health(cast: Cast, case: OpenedCase, words: str) -> None:
    """Ada writes something down."""
    ada, place = cast["ada"], f"/records/person/{case.witness}/health"
    ada.get(f"{place}/change")
    page = ada.post(f"{place}/change", reason="case-work")
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version is not None
    assert ada.post(f"{place}/save", medical=words, version=version[1]).status_code == 303


def open_health(cast: Cast, case: OpenedCase) -> TestResponse:
    """Ada opens it, as in earnest: no error reaches the test past the pages."""
    cast.stage.app.testing = False
    ada, place = cast["ada"], f"/records/person/{case.witness}/health/open"
    ada.get(place)
    return ada.post(place, reason="review")


def assert_not_opened(answer: TestResponse) -> None:
    """The page says in words that what is kept was not opened."""
    assert answer.status_code == 500
    assert "not what an officer sealed" in answer.text
    assert "Recorded as entry" not in answer.text


def test_an_honest_vault_verifies(cast: Cast) -> None:
    case = open_case(cast, named=["ines", "cal"])
    send_referral(cast)
    write_health(cast, case, "asthma")
    cast["ines"].get(f"/cases/{uuid4()}")
    assert findings(cast.stage) == ()


def test_a_field_moved_to_another_person_is_not_opened_and_is_found(cast: Cast) -> None:
    first, second = open_case(cast, named=[]), open_case(cast, named=[])
    write_health(cast, first, "asthma")
    thief = Thief(cast.stage)
    stolen = thief.row("people", first.witness)["medical"]
    thief.run("UPDATE people SET medical = ? WHERE id = ?", stolen, second.witness)
    assert_not_opened(open_health(cast, second))
    found = findings(cast.stage)
    assert [line for line in found if str(second.witness) in line] == list(found)
    assert len(found) == 1
    assert "not as entry" in found[0]


@ONLY_SQLITE
def test_a_refusal_to_open_what_was_tampered_with_is_on_the_ledger(cast: Cast) -> None:
    case = open_case(cast, named=[])
    Thief(cast.stage).run("UPDATE people SET medical = treatment WHERE id = ?", case.witness)
    assert_not_opened(open_health(cast, case))
    with cast.stage.vault.reading() as db:
        newest = cast.stage.vault.ledger.head(db).size - 1
        entry = cast.stage.vault.ledger.entry(db, newest).entry
    assert (entry.event, entry.facts["why"]) == ("refused", "DoesNotOpen")


def test_a_row_rolled_back_to_an_older_state_is_found(cast: Cast) -> None:
    case, thief = open_case(cast, named=[]), Thief(cast.stage)
    write_health(cast, case, "asthma")
    older = thief.row("people", case.witness)
    write_health(cast, case, "asthma, and never penicillin")
    assert findings(cast.stage) == ()
    thief.overwrite("people", older)
    (found,) = findings(cast.stage)
    assert f"people/{case.witness}" in found


@ONLY_SQLITE
def test_a_planted_row_is_not_opened_and_is_found(cast: Cast) -> None:
    case, thief, ada = open_case(cast, named=[]), Thief(cast.stage), cast["ada"]
    ada.get(f"/cases/{case.id}/add/note")
    assert ada.post(f"/cases/{case.id}/add/note", kind="note", text="Moved.").status_code == 303
    planted = uuid4()
    thief.put("case_notes", thief.rows("SELECT * FROM case_notes")[0] | {"id": planted})
    cast.stage.app.testing = False
    place = f"/records/case/{case.id}/casework/open"
    ada.get(place)
    assert_not_opened(ada.post(place, reason="review"))
    (found,) = findings(cast.stage)
    assert found == f"Row case_notes/{planted}: no entry tells of it; it was put there past the vault."


@ONLY_SQLITE
def test_a_removed_row_is_found(cast: Cast) -> None:
    case, thief = open_case(cast, named=[]), Thief(cast.stage)
    whereabouts = thief.rows("SELECT id FROM whereabouts")[0]["id"]
    thief.run("DELETE FROM whereabouts WHERE case_id = ?", case.id)
    (found,) = findings(cast.stage)
    assert f"whereabouts/{UUID(str(whereabouts))}: it is gone" in found


def test_a_row_that_cannot_be_read_is_found_and_hides_no_other(cast: Cast) -> None:
    case, thief = open_case(cast, named=[]), Thief(cast.stage)
    thief.run("UPDATE cases SET state = 'vanished' WHERE id = ?", case.id)
    thief.run("UPDATE people SET number = 9 WHERE id = ?", case.witness)
    found = "\n".join(findings(cast.stage))
    assert "cases/" in found
    assert "cannot be read" in found
    assert f"people/{case.witness}: it is not as" in found


@ONLY_SQLITE
def test_a_swapped_public_key_gets_nothing_sealed_to_it_and_is_found(cast: Cast) -> None:
    case, thief = open_case(cast, named=[]), Thief(cast.stage)
    ines = id_of(cast.stage, "ines")
    public = Identity.generate().public.to_bytes()
    assert thief.run("UPDATE holder_keys SET public = ? WHERE holder = ?", public, ines) == 1
    cast.stage.app.testing = False
    ada = cast["ada"]
    ada.get(f"/cases/{case.id}/officers/name")
    assert_not_opened(ada.post(f"/cases/{case.id}/officers/name", officer=str(ines)))
    assert thief.rows("SELECT id FROM seals WHERE holder = ? AND key_kind = 'lockbox'", ines) == []
    row, *seals = findings(cast.stage)
    assert "holder_keys/" in row
    assert seals == [
        f"Seal that no officer of ours signed: the key that the role inspector shares, officer {ines}."
    ]


@ONLY_SQLITE
def test_an_officer_whose_key_was_swapped_can_do_nothing(cast: Cast) -> None:
    case, thief, ines = open_case(cast, named=["ines"]), Thief(cast.stage), cast["ines"]
    assert ines.get(f"/cases/{case.id}").status_code == 200
    public = Identity.generate().public.to_bytes()
    thief.run("UPDATE holder_keys SET public = ? WHERE holder = ?", public, id_of(cast.stage, "ines"))
    assert ines.get(f"/cases/{case.id}").status_code == 403


@ONLY_SQLITE
def test_a_certificate_signed_by_the_thief_is_refused(cast: Cast) -> None:
    stage, thief, forger = cast.stage, Thief(cast.stage), Identity.generate()
    ada, victim = id_of(stage, "ada"), id_of(stage, "ines")
    public = Identity.generate().public
    signed = certify(forger, ada, "officer", victim, "inspector", 1, public).signature
    thief.run(
        "UPDATE holder_keys SET public = ?, signature = ? WHERE holder = ?", public.to_bytes(), signed, victim
    )
    with stage.vault.reading() as db, pytest.raises(CryptoError):
        Keyring(db, stage.vault.trust).public(victim, None)


@ONLY_SQLITE
def test_a_certificate_by_an_officer_who_is_no_coordinator_is_refused(cast: Cast) -> None:
    """Ivo, an inspector, owns the database and vouches for a key of his own making."""
    stage, thief, ivo = cast.stage, Thief(cast.stage), cast["ivo"]
    victim, own = id_of(stage, "ines"), Identity.generate().public
    signed = certify(ivo.actor.identity, ivo.actor.officer, "officer", victim, "inspector", 1, own).signature
    for role in ("inspector", "coordinator"):
        thief.run("UPDATE holder_keys SET role = ? WHERE holder = ?", role, ivo.actor.officer)
        thief.run(
            "UPDATE holder_keys SET public = ?, signature = ?, issued_by = ? WHERE holder = ?",
            own.to_bytes(), signed, ivo.actor.officer, victim,
        )  # fmt: skip
        with stage.vault.reading() as db, pytest.raises(CryptoError):
            Keyring(db, stage.vault.trust).public(victim, None)


@ONLY_SQLITE
@pytest.mark.parametrize("founder", ["max", "aud"])
def test_a_founder_given_another_role_in_the_database_may_do_nothing_at_all(cast: Cast, founder: str) -> None:
    stage, thief, officer = cast.stage, Thief(cast.stage), cast[founder]
    thief.run("UPDATE holder_keys SET role = 'coordinator' WHERE holder = ?", officer.actor.officer)
    thief.run("UPDATE officers SET role = 'coordinator' WHERE id = ?", officer.actor.officer)
    for page in ("/cases", "/referrals", "/officers"):
        assert officer.get(page).status_code == 403
    with stage.vault.reading() as db, pytest.raises(CryptoError):
        Keyring(db, stage.vault.trust).public(officer.actor.officer, None)


@ONLY_SQLITE
def test_an_officer_given_another_role_in_the_database_may_do_nothing_at_all(cast: Cast) -> None:
    open_case(cast, named=[])
    ivo = cast["ivo"]
    Thief(cast.stage).run("UPDATE officers SET role = 'coordinator' WHERE id = ?", ivo.actor.officer)
    assert ivo.get("/cases").status_code == 403
    assert [line for line in findings(cast.stage) if line.startswith("Row officers/")]


@ONLY_SQLITE
def test_a_circle_planted_by_the_thief_gets_nothing_sealed_to_it(cast: Cast) -> None:
    case, thief, stage = open_case(cast, named=[]), Thief(cast.stage), cast.stage
    pattern = thief.rows("SELECT * FROM holder_keys WHERE kind = 'circle' AND role = 'coordinator'")[0]
    planted = uuid4()
    public = Identity.generate().public.to_bytes()
    thief.put("holder_keys", pattern | {"id": uuid4(), "holder": planted, "public": public})
    stage.app.testing = False
    ada = cast["ada"]
    ada.get(f"/cases/{case.id}/people/add")
    assert_not_opened(ada.post(f"/cases/{case.id}/people/add", position="child"))
    assert thief.rows("SELECT id FROM seals WHERE holder = ?", planted) == []
    assert [line for line in findings(stage) if "no entry tells of it" in line]


@ONLY_SQLITE
def test_a_forged_seal_opens_nothing_and_is_found(cast: Cast) -> None:
    """The thief seals a key of their own to the coordinators, to make them write under it."""
    case, thief, stage = open_case(cast, named=[]), Thief(cast.stage), cast.stage
    subject = f"person:{case.witness}"
    box = thief.rows("SELECT * FROM lockboxes WHERE subject = ? AND compartment = 'health'", subject)[0]
    seal = next(
        row for row in thief.rows("SELECT * FROM seals WHERE key_id = ?", box["id"])
        if row["holder_kind"] == "circle"
        and thief.rows("SELECT role FROM holder_keys WHERE holder = ?", row["holder"])[0]["role"]
        == "coordinator"
    )  # fmt: skip
    circle, lockbox = UUID(str(seal["holder"])), UUID(str(box["id"]))
    with stage.vault.reading() as db:
        public = Keyring(db, stage.vault.trust).public(circle, None)
    name = KeyName("lockbox", lockbox, 1, subject, "health")
    forged = seal_key(bytes(32), name, Holder("circle", circle, 1, public), Identity.generate())
    thief.overwrite(
        "seals",
        seal | {"blob": forged.blob, "commitment": forged.commitment, "signature": forged.signature},
    )
    assert_not_opened(open_health(cast, case))
    (found,) = findings(stage)
    assert found == f"Seal that no officer of ours signed: health of {subject}, circle {circle}."


@ONLY_SQLITE
def test_a_seal_and_half_a_key_that_were_removed_are_found(cast: Cast) -> None:
    case, thief = open_case(cast, named=["ines"]), Thief(cast.stage)
    boxes = thief.rows("SELECT id FROM lockboxes WHERE subject = ?", f"person:{case.witness}")
    ines = id_of(cast.stage, "ines")
    assert thief.run("DELETE FROM seals WHERE key_id = ? AND holder = ?", boxes[0]["id"], ines) == 1
    thief.run("DELETE FROM shred_parts WHERE lockbox_id = ?", boxes[1]["id"])
    found = findings(cast.stage)
    assert [line.partition(":")[0] for line in found] == [
        "Seal missing", "Half of a key is gone, so nothing opens it",
    ]  # fmt: skip


@ONLY_SQLITE
def test_naming_oneself_in_the_database_opens_nothing_and_is_found(cast: Cast) -> None:
    case, thief, ivo = open_case(cast, named=["ines"]), Thief(cast.stage), cast["ivo"]
    theirs = thief.rows("SELECT * FROM assignments WHERE kind = 'case'")[0]
    planted = theirs | {"id": uuid4(), "officer": ivo.actor.officer}
    thief.put("assignments", planted)
    place = f"/records/person/{case.witness}/health/open"
    ivo.get(place)
    assert ivo.post(place, reason="visit").status_code == 404
    found = findings(cast.stage)
    assert f"Row assignments/{planted['id']}: no entry tells of it; it was put there past the vault." in found
    assert [line for line in found if line.startswith("Seal missing")]


def cut_newest(thief: Thief) -> None:
    """The thief removes the newest entries, and everything that told of them."""
    head = thief.rows("SELECT size, previous FROM ledger_heads ORDER BY size DESC")[0]
    thief.run("DELETE FROM ledger_heads WHERE size = ?", head["size"])
    for table in ("ledger_entries", "ledger_subjects"):
        thief.run(f'DELETE FROM {table} WHERE "index" >= ?', head["previous"])


def alter_one(thief: Thief) -> None:
    """The thief says that another officer did it."""
    thief.run('UPDATE ledger_entries SET officer = NULL WHERE "index" = 5')


def remove_one(thief: Thief) -> None:
    """The thief takes one entry out of the middle."""
    thief.run('DELETE FROM ledger_entries WHERE "index" = 5')


def empty_all(thief: Thief) -> None:
    """The thief begins the ledger anew."""
    for table in ("ledger_entries", "ledger_subjects", "ledger_heads", "ledger_details"):
        thief.run(f"DELETE FROM {table}")


@pytest.mark.parametrize("act", [cut_newest, alter_one, remove_one, empty_all])
def test_an_entry_removed_or_altered_is_found(cast: Cast, act: Callable[[Thief], None]) -> None:
    from audit.checkpoints import sign_if_free
    from vault.notarising import notary_of

    stage, thief = cast.stage, Thief(cast.stage)
    open_case(cast, named=[])
    assert sign_if_free(stage.vault.database.engine, notary_of(stage.settings), datetime.now(UTC))
    assert findings(stage) == ()
    thief.disarm_ledger()
    act(thief)
    assert [line for line in findings(stage) if line.startswith("Ledger: ")]


@ONLY_SQLITE
def test_the_ledger_refuses_every_change_while_its_triggers_stand(cast: Cast) -> None:
    open_case(cast, named=[])
    for act in (alter_one, remove_one, cut_newest):
        with pytest.raises(Exception, match="the ledger only grows"):
            act(Thief(cast.stage))
    assert findings(cast.stage) == ()


@ONLY_SQLITE
def test_the_command_prints_each_finding_and_exits_with_1(cast: Cast) -> None:
    case, stage = open_case(cast, named=[]), cast.stage
    arguments = ["verify", "--data", str(stage.settings.data)]
    honest = CliRunner().invoke(cli, arguments)
    assert honest.exit_code == 0, honest.output
    assert "are as the officers left them" in honest.output
    Thief(stage).run("UPDATE cases SET ceiling_cents = 1 WHERE id = ?", case.id)
    told = CliRunner().invoke(cli, arguments)
    assert told.exit_code == 1
    assert f"Row cases/{case.id}: it is not as entry" in told.output
    assert "tell the auditor" in told.output
