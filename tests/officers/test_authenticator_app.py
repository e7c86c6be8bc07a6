"""The app is replaced once its successor works, removed where a passkey is left, and never comes back."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pyotp
import pytest

from tests.adversaries.thief import Thief
from tests.cast import Cast, Officer, Stage
from tests.officers.devices import (
    Device,
    at_second_factor,
    last,
    offer_passkeys,
    prove,
    sign_in,
    with_passkey,
)
from tests.officers.returning import ident
from vault.access.events import Event
from vault.errors import RuleForbids
from vault.officers import authenticator, passkey_acts, passkeys, second_factors
from vault.officers.models import Officer as OfficerRow
from vault.verification import verify

ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
LETTERS = re.compile(r"[A-Z2-7]{4}(?: [A-Z2-7]{4}){7}")


def begin(officer: Officer) -> str:
    """The officer proves who they are, and is shown the secret of the new app."""
    asks = 'name="code"' in officer.get("/authenticator-app").text
    answer = officer.post("/authenticator-app", **({"code": officer.code()} if asks else {}))
    assert answer.status_code == 303, answer.text
    found = LETTERS.search(officer.get("/authenticator-app/new").text)
    assert found is not None
    return found[0].replace(" ", "")


def code_of(stage: Stage, secret: str) -> str:
    """What the new app shows now."""
    return pyotp.TOTP(secret).at(stage.clock.now)


def replace_app(officer: Officer) -> str:
    """The officer has a new app; its secret, and theirs from now on."""
    secret = begin(officer)
    answer = officer.post("/authenticator-app/new", code=code_of(officer.stage, secret))
    assert answer.status_code == 303, answer.text
    officer.stage.secrets[officer.name] = secret
    return secret


def test_the_new_app_counts_from_its_first_code_on_and_the_old_one_until_then(cast: Cast) -> None:
    stage, ines = cast.stage, cast["ines"]
    old = stage.secrets["ines"]
    new = begin(ines)
    assert new != old
    wrong = ines.post("/authenticator-app/new", code="000000")
    assert wrong.status_code == 422
    assert "not the code of the new entry" in wrong.text
    stage.clock.forward(minutes=1)
    visitor = at_second_factor(stage, "ines")
    assert visitor.post("/sign-in/second-factor", code=code_of(stage, new)).status_code == 422
    assert Officer(stage, "ines").sign_in().get("/desk").status_code == 200
    ines = Officer(stage, "ines").sign_in()
    new = replace_app(ines)
    told = last(stage, Event.APP_SET)
    assert (told.facts["replaced"], told.officer) == (True, ident(cast, "ines"))
    assert new not in told.canonical().decode()
    assert "Authenticator app set up" in ines.get("/account").text
    stage.clock.forward(minutes=1)
    visitor = at_second_factor(stage, "ines")
    assert visitor.post("/sign-in/second-factor", code=code_of(stage, old)).status_code == 422
    assert visitor.post("/sign-in/second-factor", code=code_of(stage, new)).status_code == 303
    assert verify(stage.vault, lambda _count: None).findings == ()


@ON_SQLITE
def test_the_code_that_confirmed_the_app_is_used_up(cast: Cast) -> None:
    stage, ines = cast.stage, cast["ines"]
    secret = replace_app(ines)
    used = code_of(stage, secret)
    assert at_second_factor(stage, "ines").post("/sign-in/second-factor", code=used).status_code == 422


@ON_SQLITE
def test_without_the_second_factor_just_now_no_app_is_begun_shown_or_kept(cast: Cast) -> None:
    stage, ines = cast.stage, cast["ines"]
    ines.get("/authenticator-app")
    assert ines.post("/authenticator-app", code="000000").status_code == 422
    assert ines.get("/authenticator-app/new").status_code == 303
    secret = begin(ines)
    stage.clock.forward(minutes=6)
    assert ines.get("/authenticator-app/new").status_code == 303
    assert ines.post("/authenticator-app/new", code=code_of(stage, secret)).status_code == 303
    stage.clock.forward(minutes=1)
    visitor = at_second_factor(stage, "ines")
    assert visitor.post("/sign-in/second-factor", code=code_of(stage, secret)).status_code == 422


@ON_SQLITE
def test_the_row_of_the_old_app_put_back_opens_nothing(cast: Cast) -> None:
    stage, ines, thief = cast.stage, cast["ines"], Thief(cast.stage)
    (kept,) = thief.rows("SELECT * FROM second_factors WHERE id = ?", ident(cast, "ines"))
    old = stage.secrets["ines"]
    replace_app(ines)
    thief.run("DELETE FROM second_factors WHERE id = ?", ident(cast, "ines"))
    thief.put("second_factors", kept)
    stage.clock.forward(minutes=1)
    visitor = at_second_factor(stage, "ines")
    assert visitor.post("/sign-in/second-factor", code=code_of(stage, old)).status_code == 422


@ON_SQLITE
def test_an_app_is_removed_only_beside_a_passkey_and_its_row_put_back_opens_nothing(cast: Cast) -> None:
    stage, ines, device, thief = cast.stage, cast["ines"], Device(), Thief(cast.stage)
    offer_passkeys(stage)
    prove(ines)
    ines.get("/authenticator-app/remove")
    refused = ines.post("/authenticator-app/remove")
    assert refused.status_code == 409
    assert "only way to sign in" in refused.text
    ines = with_passkey(cast, "ines", device)
    (kept,) = thief.rows("SELECT * FROM second_factors WHERE id = ?", ident(cast, "ines"))
    ines.get("/authenticator-app/remove")
    assert ines.post("/authenticator-app/remove").status_code == 303
    assert "You have not set up an app." in ines.get("/account").text
    assert last(stage, Event.APP_REMOVED).officer == ident(cast, "ines")
    (passkey,) = thief.rows("SELECT * FROM passkeys WHERE officer_id = ?", ident(cast, "ines"))
    ines.get(f"/passkeys/{passkey['id']}/remove")
    thief.put("second_factors", kept)
    stage.clock.forward(minutes=1)
    visitor = at_second_factor(stage, "ines")
    assert visitor.post("/sign-in/second-factor", code=visitor.code()).status_code == 422
    assert sign_in(stage, "ines", device)[1] == 303


@ON_SQLITE
def test_the_other_browsers_of_an_officer_are_signed_out_when_the_app_changes(stage: Stage) -> None:
    stage.settings.__dict__["sessions_per_officer"] = 2
    there, here = Officer(stage, "ines").sign_in(), Officer(stage, "ines").sign_in()
    replace_app(here)
    assert there.get("/desk").status_code == 401
    assert here.get("/desk").status_code == 200


def test_of_app_and_passkey_removed_at_once_one_is_left(cast: Cast) -> None:
    stage = cast.stage
    offer_passkeys(stage)
    ines = with_passkey(cast, "ines", Device())
    vault, now, start = stage.vault, stage.clock.now + timedelta(seconds=1), Barrier(2)
    session = uuid4()  # What is ended beside it is not asked here.
    who = ines.actor
    with vault.reading() as db:
        officer = db.get_one(OfficerRow, who.officer)
        (passkey,) = passkeys.own(db, vault.trust, officer)

    def act(remove: object) -> bool:
        start.wait()
        try:
            if remove == "app":
                authenticator.remove(vault, who, session, now)
            else:
                passkey_acts.remove(vault, who, session, passkey.id, now)
        except RuleForbids:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(act, what) for what in ("app", "passkey")]
        assert sorted(one.result() for one in done) == [False, True]
    with vault.reading() as db:
        officer = db.get_one(OfficerRow, who.officer)
        left = second_factors.has_app(db, officer.id) + len(passkeys.own(db, vault.trust, officer))
    assert left == 1
