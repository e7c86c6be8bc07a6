"""Passkeys: what signs in and steps up; everything else is refused alike and told to the ledger."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from tests.cast import Cast, Officer, Stage
from tests.officers.devices import (
    PRESENT,
    Device,
    add,
    asked,
    at_second_factor,
    entries,
    last,
    offer_passkeys,
    prove,
    sign_in,
    with_passkey,
)
from vault.officers.models import Passkey, SecondFactor, named
from vault.verification import verify

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
REFUSED = "That code was not right."


@pytest.fixture(autouse=True)
def origin(stage: Stage) -> None:
    offer_passkeys(stage)


def findings(stage: Stage) -> tuple[str, ...]:
    return verify(stage.vault, lambda _count: None).findings


def kept(stage: Stage) -> list[Passkey]:
    with stage.vault.reading() as db:
        return list(db.query(Passkey).order_by(Passkey.added_at))


@pytest.mark.parametrize("kind", ["ES256", "EdDSA", "RS256"])
def test_a_passkey_is_added_signs_in_and_steps_up_and_each_is_told(cast: Cast, kind: str) -> None:
    stage, device = cast.stage, Device(kind)
    with_passkey(cast, "ines", device)
    (row,) = kept(stage)
    assert last(stage, "passkey-added").subjects[-1] == f"passkey:{row.id}"
    ines, status = sign_in(stage, "ines", device)
    assert status == 303
    signed_in = last(stage, "signed-in")
    assert (signed_in.facts["factor"], signed_in.subjects[-1]) == ("passkey", f"passkey:{row.id}")
    stage.clock.forward(minutes=6)
    page = ines.get("/backup-codes")
    assert 'data-passkey="/passkeys/use"' in page.text
    answer = device.get(asked(ines, "/passkeys/use"))
    assert ines.post("/backup-codes", code=answer).status_code == 200
    assert last(stage, "stepped-up").facts["factor"] == "passkey"
    assert findings(stage) == ()


def test_the_authenticator_app_still_signs_in_beside_a_passkey_and_the_entry_says_so(cast: Cast) -> None:
    with_passkey(cast, "ines", Device())
    assert Officer(cast.stage, "ines").sign_in().get("/desk").status_code == 200
    assert last(cast.stage, "signed-in").facts["factor"] == "authenticator-app"


def _other_origin(device: Device) -> None:
    device.origin = "https://vault.example.invalid"


def _unverified(device: Device) -> None:
    device.flags = PRESENT


def _another_key(device: Device) -> None:
    device._curve = Device()._curve


def _wrong_act(device: Device) -> None:
    device.client_type["get"] = "webauthn.create"


def _went_back(device: Device) -> None:
    device.count -= 1


def _other_handle(device: Device) -> None:
    device.handle = UUID(int=5).bytes


def _unknown(device: Device) -> None:
    device.credential = bytes(32)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_other_origin, "origin"),
        (_unverified, "user-verification"),
        (_another_key, "signature"),
        (_wrong_act, "signature"),
        (_went_back, "counter"),
        (_other_handle, "credential"),
        (_unknown, "credential"),
    ],
)
@ONLY_SQLITE
def test_an_answer_that_proves_nothing_is_refused_as_a_wrong_code_is_and_recorded(
    cast: Cast, spoil: Callable[[Device], None], why: str
) -> None:
    stage, device = cast.stage, Device()
    with_passkey(cast, "ines", device)
    spoil(device)
    visitor = at_second_factor(stage, "ines")
    answer = visitor.post("/sign-in/second-factor", code=device.get(asked(visitor, "/sign-in/passkey")))
    typed = visitor.post("/sign-in/second-factor", code="000000")
    assert (answer.status_code, REFUSED in answer.text) == (422, True)
    assert (typed.status_code, REFUSED in typed.text) == (422, True)
    failed = [entry for entry in entries(stage) if entry.event == "sign-in-failed"]
    assert [entry.facts.get("why") for entry in failed] == [None, why]
    assert visitor.get("/desk").status_code == 401


@ONLY_SQLITE
def test_a_counter_that_went_back_is_an_event_of_its_own_and_nobody_can_feign_it(cast: Cast) -> None:
    stage, device = cast.stage, Device()
    with_passkey(cast, "ines", device)
    stolen = device.twin()
    assert sign_in(stage, "ines", device)[1] == 303
    feigned = device.twin()
    feigned._curve, feigned.count = Device()._curve, 0
    assert sign_in(stage, "ines", feigned)[1] == 422
    assert "passkey-suspected" not in [entry.event for entry in entries(stage)]
    assert sign_in(stage, "ines", stolen)[1] == 422
    (row,) = kept(stage)
    assert last(stage, "passkey-suspected").subjects[-1] == f"passkey:{row.id}"


def test_a_device_that_never_counts_is_taken_each_time(cast: Cast) -> None:
    device = Device(counts=False)
    with_passkey(cast, "ines", device)
    assert [sign_in(cast.stage, "ines", device)[1] for _ in range(2)] == [303, 303]


@ONLY_SQLITE
def test_an_answer_is_good_once_within_five_minutes_in_its_own_session(cast: Cast) -> None:
    stage, device = cast.stage, Device()
    with_passkey(cast, "ines", device)
    visitor = at_second_factor(stage, "ines")
    options = asked(visitor, "/sign-in/passkey")
    other = at_second_factor(stage, "ines")
    assert other.post("/sign-in/second-factor", code=device.get(options)).status_code == 422
    again = device.get(options)
    assert visitor.post("/sign-in/second-factor", code=again).status_code == 303
    third = at_second_factor(stage, "ines")
    assert third.post("/sign-in/second-factor", code=again).status_code == 422
    late = asked(third, "/sign-in/passkey")
    stage.clock.forward(minutes=4, seconds=59)
    fresh = at_second_factor(stage, "ines")
    in_time = asked(fresh, "/sign-in/passkey")
    stage.clock.now += timedelta(seconds=2)
    assert third.post("/sign-in/second-factor", code=device.get(late)).status_code in {401, 422}
    assert fresh.post("/sign-in/second-factor", code=device.get(in_time)).status_code == 303


@ONLY_SQLITE
def test_a_failed_answer_uses_up_what_was_asked(cast: Cast) -> None:
    device = Device()
    with_passkey(cast, "ines", device)
    visitor = at_second_factor(cast.stage, "ines")
    options = asked(visitor, "/sign-in/passkey")
    liar = device.twin()
    liar._curve = Device()._curve
    assert visitor.post("/sign-in/second-factor", code=liar.get(options)).status_code == 422
    assert visitor.post("/sign-in/second-factor", code=device.get(options)).status_code == 422
    assert last(cast.stage, "sign-in-failed").facts["why"] == "challenge"


@ONLY_SQLITE
def test_an_answer_for_one_purpose_serves_no_other(cast: Cast) -> None:
    device, stage = Device(), cast.stage
    ines = with_passkey(cast, "ines", device)
    options = asked(ines, "/passkeys/make")
    stage.clock.forward(minutes=6)
    answer = device.get({**options, "rpId": options["rp"]["id"], "userVerification": "required"})
    ines.get("/backup-codes")
    assert ines.post("/backup-codes", code=answer).status_code == 422
    assert last(stage, "step-up-failed").facts["why"] == "challenge"


@ONLY_SQLITE
def test_another_officers_passkey_is_refused_and_never_asked_for(cast: Cast) -> None:
    mine, theirs = Device(), Device()
    with_passkey(cast, "ines", mine)
    with_passkey(cast, "ivo", theirs)
    visitor = at_second_factor(cast.stage, "ines")
    options = asked(visitor, "/sign-in/passkey")
    assert len(options["allowCredentials"]) == 1
    assert visitor.post("/sign-in/second-factor", code=theirs.get(options)).status_code == 422
    assert last(cast.stage, "sign-in-failed").facts["why"] == "credential"


@pytest.mark.parametrize(
    "sent", ["{", "{}", '{"attestationObject": 1}', '{"id": "x"}' + " " * 20_000, "{\u00e9}"]
)
@ONLY_SQLITE
def test_garbage_in_the_place_of_an_answer_is_refused(cast: Cast, sent: str) -> None:
    with_passkey(cast, "ines", Device())
    visitor = at_second_factor(cast.stage, "ines")
    assert visitor.post("/sign-in/second-factor", code=sent).status_code == 422


@ONLY_SQLITE
def test_five_wrong_answers_lock_the_account(cast: Cast) -> None:
    stage, device = cast.stage, Device()
    with_passkey(cast, "ines", device)
    liar = device.twin()
    liar._curve = Device()._curve
    visitor = at_second_factor(stage, "ines")
    for _ in range(5):
        visitor.post("/sign-in/second-factor", code=liar.get(asked(visitor, "/sign-in/passkey")))
    assert last(stage, "account-locked").subjects
    honest = device.get(asked(visitor, "/sign-in/passkey"))
    assert visitor.post("/sign-in/second-factor", code=honest).status_code == 422


def test_a_removed_passkey_signs_nobody_in_and_the_other_still_does(cast: Cast) -> None:
    lost, other, stage = Device(), Device("EdDSA"), cast.stage
    ines = with_passkey(cast, "ines", lost)
    assert add(ines, other, "blue key").status_code == 303
    row = next(row for row in kept(stage) if row.name == "desk computer")
    ines.get(f"/passkeys/{row.id}/remove")
    assert ines.post(f"/passkeys/{row.id}/remove").status_code == 303
    assert sign_in(stage, "ines", lost)[1] == 422
    assert sign_in(stage, "ines", other)[1] == 303
    assert [entry.event for entry in entries(stage)].count("passkey-removed") == 1
    assert findings(stage) == ()


@ONLY_SQLITE
@pytest.mark.parametrize("act", ["add", "remove"])
def test_every_other_session_ends_when_a_passkey_is_added_or_removed(cast: Cast, act: str) -> None:
    stage = cast.stage
    stage.vault.settings = replace(stage.vault.settings, sessions_per_officer=2)
    ines = with_passkey(cast, "ines", Device())
    elsewhere = Officer(stage, "ines").sign_in()
    assert elsewhere.get("/desk").status_code == 200
    prove(ines)
    if act == "add":
        assert add(ines, Device(), "blue key").status_code == 303
        told = last(stage, "passkey-added")
    else:
        (row,) = kept(stage)
        assert ines.post(f"/passkeys/{row.id}/remove").status_code == 303
        told = last(stage, "passkey-removed")
    assert told.facts["other-sessions-ended"] == 1
    assert elsewhere.get("/desk").status_code == 401
    assert ines.get("/desk").status_code == 200


@ONLY_SQLITE
def test_adding_and_removing_ask_for_the_second_factor_again(cast: Cast) -> None:
    ines = with_passkey(cast, "ines", Device())
    (row,) = kept(cast.stage)
    cast.stage.clock.forward(minutes=6)
    assert ines.post("/passkeys/make").status_code == 403
    assert ines.post(f"/passkeys/{row.id}/remove").status_code == 422
    assert ines.post("/backup-codes").status_code == 422
    assert len(kept(cast.stage)) == 1


@ONLY_SQLITE
def test_nobody_removes_a_passkey_of_somebody_else(cast: Cast) -> None:
    with_passkey(cast, "ines", Device())
    (row,) = kept(cast.stage)
    prove(cast["ivo"])
    assert cast["ivo"].get(f"/passkeys/{row.id}/remove").status_code == 404
    assert cast["ivo"].post(f"/passkeys/{row.id}/remove").status_code == 404


@ONLY_SQLITE
def test_the_last_way_to_sign_in_is_never_removed(cast: Cast) -> None:
    device = Device()
    ines = with_passkey(cast, "ines", device)
    (row,) = kept(cast.stage)
    with cast.stage.vault.writing() as db:
        db.delete(db.get_one(SecondFactor, db.scalars(named("ines")).one().id))
    answer = ines.post(f"/passkeys/{row.id}/remove")
    assert (answer.status_code, "only way to sign in" in answer.text) == (409, True)
    assert sign_in(cast.stage, "ines", device)[1] == 303


@ONLY_SQLITE
def test_a_name_or_a_device_is_kept_once(cast: Cast) -> None:
    device = Device()
    ines = with_passkey(cast, "ines", device)
    assert add(ines, Device(), "Desk Computer").status_code == 409
    assert add(ines, device, "another name").status_code == 409
    options = asked(ines, "/passkeys/make")
    assert len(options["excludeCredentials"]) == 1
    assert len(kept(cast.stage)) == 1


@pytest.mark.parametrize(("spoil", "why"), [(_other_origin, "origin"), (_unverified, "user-verification")])
@ONLY_SQLITE
def test_a_passkey_made_for_another_site_or_without_its_officer_is_not_kept(
    cast: Cast, spoil: Callable[[Device], None], why: str
) -> None:
    device = Device()
    spoil(device)
    prove(cast["ines"])
    assert add(cast["ines"], device, "desk computer").status_code == 422
    assert last(cast.stage, "step-up-failed").facts["why"] == why
    assert kept(cast.stage) == []


@ONLY_SQLITE
def test_without_a_public_origin_no_passkey_is_offered(cast: Cast) -> None:
    from dataclasses import replace

    vault = cast.stage.vault
    vault.settings = replace(vault.settings, public_origin="")
    assert cast["ines"].get("/passkeys/add").status_code == 409
    assert "Passkeys cannot be added yet" in cast["ines"].get("/account").text
