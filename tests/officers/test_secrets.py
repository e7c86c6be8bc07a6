"""What nobody may guess: how long it is, that it is new each time, and that there is no other way in."""

import base64
import math

import pytest

from tests.cast import CAST, Cast, Officer, Stage
from tests.officers.devices import Device, asked, at_second_factor, offer_passkeys, raw, with_passkey
from tests.officers.returning import LETTERS, OWN, invite_again
from vault.officers import admission
from vault.officers.models import in_order
from vault.officers.second_factors import Factor
from vault.officers.sessions import cookie_name

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


@ONLY_SQLITE
def test_a_cookie_is_new_at_each_step_of_signing_in_and_nobody_guesses_it(stage: Stage) -> None:
    name = cookie_name(stage.settings)
    cookies = []
    for _ in range(2):
        visitor = at_second_factor(stage, "ines")
        for step in ("password", "code"):
            if step == "code":
                assert visitor.post("/sign-in/second-factor", code=visitor.code()).status_code == 303
            cookie = visitor.client.get_cookie(name)
            assert cookie is not None
            cookies.append(cookie.value)
    decoded = [base64.urlsafe_b64decode(one + "=" * (-len(one) % 4)) for one in cookies]
    assert len({one[:16] for one in decoded}) == len({one[16:] for one in decoded}) == 4
    assert {len(one) for one in decoded} == {48}
    begun = Officer(stage, "ines")
    begun.client.set_cookie(name, cookies[-2])
    assert begun.get("/sign-in/second-factor").status_code == 401


@ONLY_SQLITE
def test_what_a_passkey_signs_is_256_random_bits_and_never_the_same(cast: Cast) -> None:
    offer_passkeys(cast.stage)
    ines = with_passkey(cast, "ines", Device())
    challenges = {raw(asked(ines, "/passkeys/use")["challenge"]) for _ in range(5)}
    assert len(challenges) == 5
    assert {len(one) for one in challenges} == {32}


def test_an_enrolment_code_is_as_long_as_a_password_and_nobody_guesses_it() -> None:
    codes = {admission.new_code() for _ in range(100)}
    assert len(codes) == 100
    for code in codes:
        assert len(code) >= 15
        assert len(code.replace("-", "")) * math.log2(31) > 98


@ONLY_SQLITE
def test_the_secret_of_an_app_has_160_bits_and_is_another_one_at_each_enrolment(cast: Cast) -> None:
    secrets = set()
    for _ in range(2):
        code = invite_again(cast, "ines", "inspector")
        visitor = Officer(cast.stage, "ines")
        visitor.get("/enrol")
        visitor.post("/enrol", name="ines", enrolment_code=code, password=OWN, again=OWN)
        letters = LETTERS.search(visitor.get("/enrol/second-factor").text)
        assert letters is not None
        secrets.add(base64.b32decode(letters[0].replace(" ", "")))
    assert {len(secret) for secret in secrets} == {20}
    assert len(secrets) == 2


@ONLY_SQLITE
def test_no_officer_is_there_whom_nobody_named(stage: Stage) -> None:
    with stage.vault.reading() as db:
        assert {officer.name for officer in db.scalars(in_order())} == set(CAST)


def test_no_mail_telephone_or_question_is_a_second_factor() -> None:
    assert {str(factor) for factor in Factor} == {"passkey", "authenticator-app", "backup-code"}
