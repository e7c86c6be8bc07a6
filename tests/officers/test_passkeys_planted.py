"""Who writes to the database plants no passkey and no backup code, and brings none back, unseen or seen."""

from uuid import UUID, uuid4

import pytest

from crypto.encoding import enc
from tests.adversaries.thief import Thief
from tests.cast import Cast, Stage
from tests.officers.devices import (
    Device,
    asked,
    at_second_factor,
    last,
    make_codes,
    offer_passkeys,
    sign_in,
    with_passkey,
)
from vault.keys.rotating import rotate_root
from vault.officers.models import named
from vault.verification import verify

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def origin(stage: Stage) -> None:
    offer_passkeys(stage)


def findings(stage: Stage) -> tuple[str, ...]:
    return verify(stage.vault, lambda _count: None).findings


def id_of(stage: Stage, name: str) -> UUID:
    with stage.vault.reading() as db:
        return db.scalars(named(name)).one().id


def test_a_passkey_planted_in_the_database_is_refused_recorded_and_found(cast: Cast) -> None:
    stage, thief = cast.stage, Thief(cast.stage)
    with_passkey(cast, "ivo", Device())
    (row,) = thief.rows("SELECT * FROM passkeys")
    planted = Device()
    fresh = {"id": uuid4(), "officer_id": id_of(stage, "ines"), "credential": planted.credential}
    thief.put("passkeys", {**row, **fresh, "public_key": planted._cose()})
    visitor = at_second_factor(stage, "ines")
    assert visitor.post("/sign-in/passkey").status_code == 409
    options = {"challenge": "AA", "rpId": "vault.example", "userVerification": "required"}
    assert visitor.post("/sign-in/second-factor", code=planted.get(options)).status_code == 422
    found = findings(stage)
    assert any(f"Passkey {fresh['id']} of officer" in line for line in found)
    assert any(f"passkeys/{fresh['id']}: no entry tells of it" in line for line in found)


@pytest.mark.parametrize("column", ["officer_id", "public_key", "credential", "key_version"])
@ONLY_SQLITE
def test_a_passkey_that_was_altered_in_the_database_signs_nobody_in(cast: Cast, column: str) -> None:
    stage, thief, other = cast.stage, Thief(cast.stage), Device()
    device = Device()
    with_passkey(cast, "ivo", device)
    if column == "credential":
        device.credential = other.credential
    worth = {
        "officer_id": id_of(stage, "ines"),
        "public_key": other._cose(),
        "credential": other.credential,
        "key_version": 2,
    }[column]
    thief.run(f"UPDATE passkeys SET {column} = ?", worth)
    victim, key = ("ines", device) if column == "officer_id" else ("ivo", device)
    if column == "public_key":
        key._curve = other._curve
    with_second = Device()
    with_passkey(cast, victim, with_second)  # So that the vault asks for a passkey at all.
    assert sign_in(stage, victim, key)[1] == 422
    assert last(stage, "sign-in-failed").facts["why"] == "not-kept-by-the-vault"
    assert any("the vault did not keep it" in line for line in findings(stage))


def test_a_passkey_put_back_after_its_removal_is_refused_and_found(cast: Cast) -> None:
    stage, thief, lost, other = cast.stage, Thief(cast.stage), Device(), Device()
    ines = with_passkey(cast, "ines", lost)
    (row,) = thief.rows("SELECT * FROM passkeys")
    ident = row["id"] if isinstance(row["id"], UUID) else UUID(row["id"])
    ines.get(f"/passkeys/{ident}/remove")
    assert ines.post(f"/passkeys/{ident}/remove").status_code == 303
    with_passkey(cast, "ines", other)
    thief.put("passkeys", row)
    assert sign_in(stage, "ines", lost)[1] == 422
    assert last(stage, "sign-in-failed").facts["why"] == "removed"
    assert any("tells that it was removed, and it is there again" in line for line in findings(stage))
    assert sign_in(stage, "ines", other)[1] == 303


@ONLY_SQLITE
def test_what_a_passkey_is_asked_cannot_be_planted(cast: Cast) -> None:
    stage, thief, device = cast.stage, Thief(cast.stage), Device()
    with_passkey(cast, "ines", device)
    visitor = at_second_factor(stage, "ines")
    options = asked(visitor, "/sign-in/passkey")
    assert thief.run("UPDATE passkey_challenges SET challenge = ?", bytes(32)) == 1
    answer = device.get({**options, "challenge": "A" * 43})
    assert visitor.post("/sign-in/second-factor", code=answer).status_code == 422
    options = asked(visitor, "/sign-in/passkey")
    assert thief.run("UPDATE passkey_challenges SET ends_at = '2036-11-23 15:00:00.000000'") == 1
    assert visitor.post("/sign-in/second-factor", code=device.get(options)).status_code == 422


def test_a_used_backup_code_is_refused_although_its_row_was_put_back(cast: Cast) -> None:
    stage, thief = cast.stage, Thief(cast.stage)
    codes = make_codes(cast["ines"])
    before = thief.rows("SELECT * FROM recovery_codes")
    assert at_second_factor(stage, "ines").post("/sign-in/second-factor", code=codes[0]).status_code == 303
    thief.run("UPDATE recovery_codes SET used_at = NULL")
    assert at_second_factor(stage, "ines").post("/sign-in/second-factor", code=codes[0]).status_code == 422
    assert len(findings(stage)) == 1
    fresh = make_codes(cast["ines"].sign_in())
    thief.put("recovery_codes", before[1])
    assert at_second_factor(stage, "ines").post("/sign-in/second-factor", code=codes[1]).status_code == 422
    assert at_second_factor(stage, "ines").post("/sign-in/second-factor", code=fresh[1]).status_code == 303


@ONLY_SQLITE
def test_a_backup_code_planted_in_the_database_is_refused_and_found(cast: Cast) -> None:
    import hashlib

    stage, thief = cast.stage, Thief(cast.stage)
    make_codes(cast["ines"])
    row = thief.rows("SELECT * FROM recovery_codes")[0]
    letters = "ABCDEFGHJKMNPQRSTU"
    digest = hashlib.sha256(enc("vault/backup-code/v1", id_of(stage, "ines"), letters)).digest()
    thief.put("recovery_codes", {**row, "id": uuid4(), "digest": digest})
    assert at_second_factor(stage, "ines").post("/sign-in/second-factor", code=letters).status_code == 422
    assert any("the vault did not keep it" in line for line in findings(stage))


@ONLY_SQLITE
def test_passkeys_and_backup_codes_outlive_a_new_root_key(cast: Cast) -> None:
    stage, device = cast.stage, Device()
    codes = make_codes(with_passkey(cast, "ines", device))
    rotate_root(stage.vault, in_token=False, progress=lambda _count: None, pause=lambda: None)
    stage.vault.trust.voucher.reread()
    assert sign_in(stage, "ines", device)[1] == 303
    assert at_second_factor(stage, "ines").post("/sign-in/second-factor", code=codes[0]).status_code == 303
    assert findings(stage) == ()
