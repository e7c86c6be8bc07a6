"""Roles that work with passkeys alone, officers who enrol with one, and the settings of both."""

from pathlib import Path

import pytest

from tests.cast import Cast, Officer, Stage
from tests.officers.devices import (
    ORIGIN,
    Device,
    add,
    asked,
    at_second_factor,
    last,
    make_codes,
    offer_passkeys,
    prove,
    sign_in,
    with_passkey,
)
from tests.officers.returning import OWN, certify, invite_again
from vault.commands import settings_file
from vault.officers.models import Passkey, SecondFactor
from vault.officers.second_factors import check_roles
from vault.settings import BadSettings, load

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


@ONLY_SQLITE
def test_an_officer_whose_role_wants_a_passkey_is_led_to_add_one_before_anything_else(cast: Cast) -> None:
    ines, ivo = cast["ines"], cast["ivo"]
    offer_passkeys(cast.stage, "inspector")
    for path in ("/desk", "/cases", "/sessions"):
        answer = ines.get(path)
        assert (answer.status_code, answer.location) == (303, "/passkeys/add")
    assert ines.post("/safe-housing/search").status_code == 409
    assert "Your role works with a passkey" in ines.get("/passkeys/add").text
    prove(ines)
    assert add(ines, Device(), "desk computer").status_code == 303
    assert ines.get("/cases").status_code == 200
    assert cast["ada"].get("/desk").status_code == 200
    assert ivo.post("/sign-out").status_code == 303


def test_in_such_a_role_the_app_is_refused_once_there_is_a_passkey(cast: Cast) -> None:
    stage, device = cast.stage, Device()
    ines = with_passkey_in_such_a_role(cast, device)
    codes = make_codes(ines)
    visitor = at_second_factor(stage, "ines")
    assert "Code from your authenticator app" not in visitor.get("/sign-in/second-factor").text
    answer = visitor.post("/sign-in/second-factor", code=visitor.code())
    assert (answer.status_code, "Your role signs in with a passkey" in answer.text) == (422, True)
    assert last(stage, "sign-in-failed").facts["step"] == "second-factor"
    assert sign_in(stage, "ines", device)[1] == 303
    assert at_second_factor(stage, "ines").post("/sign-in/second-factor", code=codes[0]).status_code == 303


def with_passkey_in_such_a_role(cast: Cast, device: Device) -> Officer:
    offer_passkeys(cast.stage, "inspector")
    return with_passkey(cast, "ines", device)


@ONLY_SQLITE
def test_in_such_a_role_the_last_passkey_stays(cast: Cast) -> None:
    ines = with_passkey_in_such_a_role(cast, Device())
    with cast.stage.vault.reading() as db:
        row = db.query(Passkey).one().id
    answer = ines.post(f"/passkeys/{row}/remove")
    assert (answer.status_code, "Add another one before" in answer.text) == (409, True)


def test_an_officer_enrols_with_a_passkey_and_needs_no_app(cast: Cast) -> None:
    stage, device = cast.stage, Device("EdDSA")
    offer_passkeys(stage)
    code = invite_again(cast, "ines", "inspector")
    visitor = Officer(stage, "ines")
    visitor.get("/enrol")
    visitor.post("/enrol", name="ines", enrolment_code=code, password=OWN, again=OWN)
    assert "Or make a passkey instead" in visitor.get("/enrol/second-factor").text
    made = device.create(asked(visitor, "/enrol/passkey/make"))
    assert visitor.post("/enrol/passkey", code=made).status_code == 200
    certify(cast, "ines")
    with stage.vault.reading() as db:
        assert db.get(SecondFactor, db.query(Passkey).one().officer) is None
    visitor.get("/sign-in")
    assert visitor.post("/sign-in", name="ines", password=OWN, banner="yes").status_code == 303
    page = visitor.get("/sign-in/second-factor").text
    assert "Use your passkey" in page
    assert "Code from your authenticator app" not in page
    answer = device.get(asked(visitor, "/sign-in/passkey"))
    assert visitor.post("/sign-in/second-factor", code=answer).status_code == 303
    assert visitor.get("/desk").status_code == 200


@ONLY_SQLITE
def test_a_passkey_of_another_site_enrols_nobody(cast: Cast) -> None:
    offer_passkeys(cast.stage)
    code = invite_again(cast, "ines", "inspector")
    visitor, device = Officer(cast.stage, "ines"), Device(origin="https://elsewhere.example")
    visitor.get("/enrol")
    visitor.post("/enrol", name="ines", enrolment_code=code, password=OWN, again=OWN)
    visitor.get("/enrol/second-factor")
    made = device.create(asked(visitor, "/enrol/passkey/make"))
    assert visitor.post("/enrol/passkey", code=made).status_code == 422
    assert last(cast.stage, "sign-in-failed").facts["why"] == "origin"
    with cast.stage.vault.reading() as db:
        assert db.query(Passkey).count() == 0


@ONLY_SQLITE
def test_who_enrols_again_has_no_passkey_of_before(cast: Cast) -> None:
    offer_passkeys(cast.stage)
    with_passkey(cast, "ines", Device())
    invite_again(cast, "ines", "inspector")
    with cast.stage.vault.reading() as db:
        assert db.query(Passkey).count() == 0


@pytest.mark.parametrize(
    "good", [ORIGIN, "https://vault.example:8443", "http://localhost:8000", "http://localhost"]
)
def test_a_public_origin_is_a_name_behind_tls_or_this_machine(tmp_path: Path, good: str) -> None:
    assert settings_file(tmp_path / "data", public_origin=good).public_origin == good


@pytest.mark.parametrize(
    "bad",
    ["http://vault.example", "https://10.0.0.7", "http://127.0.0.1:8000", f"{ORIGIN}/", "vault.example"],
)
def test_any_other_public_origin_is_refused_in_words(tmp_path: Path, bad: str) -> None:
    with pytest.raises(BadSettings, match="public_origin must be like"):
        settings_file(tmp_path / "data", public_origin=bad)


def test_roles_that_want_passkeys_are_a_list_of_roles_and_need_an_origin(tmp_path: Path) -> None:
    data = tmp_path / "data"
    good = settings_file(data, public_origin=ORIGIN, passkey_roles=["coordinator", "auditor"])
    assert good.passkey_roles == ("coordinator", "auditor")
    check_roles(good)
    assert load(data, {"VAULT_PASSKEY_ROLES": "finance, clerk"}).passkey_roles == ("finance", "clerk")
    with pytest.raises(BadSettings, match="names no role: janitor"):
        check_roles(load(data, {"VAULT_PASSKEY_ROLES": "janitor"}))
    with pytest.raises(BadSettings, match="public_origin is needed"):
        settings_file(data, passkey_roles=["auditor"])
    with pytest.raises(BadSettings, match="must be a list of words"):
        settings_file(data, public_origin=ORIGIN, passkey_roles=[1])


def test_a_wrong_role_keeps_the_vault_from_starting(stage: Stage) -> None:
    from vault.app import create_app

    offer_passkeys(stage, "janitor")
    with pytest.raises(BadSettings):
        create_app(stage.vault)
