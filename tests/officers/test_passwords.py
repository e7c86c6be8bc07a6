"""A new password locks the same keys; the recovery code is good once and never without the second factor."""

import re
from dataclasses import replace

import pytest

from tests.cast import PASSWORD, Cast, Officer
from tests.programme import open_case

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
NEW = "eleven green teapots sing"


def sign_in_with(visitor: Officer, password: str) -> int:
    visitor.get("/sign-in")
    return visitor.post("/sign-in", name=visitor.name, password=password, banner="yes").status_code


def shown_code(page: str) -> str:
    found = re.search(r'class="vault-code">([0-9A-Z-]{39})<', page)
    assert found is not None
    return found[1]


def test_after_a_change_only_the_new_password_signs_in_and_the_same_records_open(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ines = cast["ines"]
    ines.get("/password")
    old = PASSWORD.format("ines")
    assert ines.post("/password", old=old, password=NEW, again=NEW).status_code == 200
    assert sign_in_with(Officer(cast.stage, "ines"), old) == 422
    again = Officer(cast.stage, "ines")
    assert sign_in_with(again, NEW) == 303
    again.get("/sign-in/second-factor")
    again.post("/sign-in/second-factor", code=again.code())
    again.get(f"/records/person/{case.witness}/health/open")
    assert again.post(f"/records/person/{case.witness}/health/open", reason="visit").status_code == 200


def test_the_recovery_code_sets_a_new_password_once_and_ends_every_session(cast: Cast) -> None:
    ines = cast["ines"]
    ines.get("/password")
    page = ines.post("/password", old=PASSWORD.format("ines"), password=NEW, again=NEW).text
    code, visitor = shown_code(page), Officer(cast.stage, "ines")
    visitor.get("/recover")
    third = "seventeen quiet lanterns"
    answers = {"name": "ines", "recovery_code": code, "password": third, "again": third}
    assert visitor.post("/recover", **answers, code="000000").status_code == 422
    assert visitor.post("/recover", **answers, code=visitor.code()).status_code == 200
    assert ines.get("/desk").status_code == 401
    visitor.get("/recover")
    assert visitor.post("/recover", **answers, code=visitor.code()).status_code == 422
    assert sign_in_with(Officer(cast.stage, "ines"), third) == 303


def test_a_weak_password_is_refused_in_words(cast: Cast) -> None:
    ines = cast["ines"]
    ines.get("/password")
    for weak, says in (("short", "at least 15"), ("password1234567", "first"), ("a" * 20, "first")):
        answer = ines.post("/password", old=PASSWORD.format("ines"), password=weak, again=weak)
        assert answer.status_code == 422
        assert says in answer.text


def test_guessing_recovery_codes_locks_the_account(cast: Cast) -> None:
    visitor = Officer(cast.stage, "ivo")
    for _ in range(5):
        visitor.get("/recover")
        answers = {"name": "ivo", "recovery_code": "0000-" * 7 + "0000", "password": NEW, "again": NEW}
        assert visitor.post("/recover", **answers, code="123456").status_code == 422
    assert sign_in_with(Officer(cast.stage, "ivo"), PASSWORD.format("ivo")) == 422


LONGEST = "seventeen quiet lanterns over the harbour " * 3 + "ab"


@ONLY_SQLITE
def test_a_password_is_taken_exactly_as_it_was_typed_and_nothing_is_cut_off(cast: Cast) -> None:
    ines, long_one = (
        cast["ines"],
        "  Otter, Gravel & trumpet über 7 Bays! " + "kettle orchids march on " * 3 + "!",
    )
    assert 64 < len(long_one) <= 128
    ines.get("/password")
    taken = ines.post("/password", old=PASSWORD.format("ines"), password=long_one, again=long_one)
    assert taken.status_code == 200
    for other in (long_one[:-1], long_one.strip(), long_one.lower(), long_one + "!"):
        assert sign_in_with(Officer(cast.stage, "ines"), other) == 422
    assert sign_in_with(Officer(cast.stage, "ines"), long_one) == 303


@ONLY_SQLITE
def test_a_password_that_is_too_long_is_refused_and_not_shortened(cast: Cast) -> None:
    ines = cast["ines"]
    ines.get("/password")
    too_long = LONGEST + "!"
    assert (len(LONGEST), len(too_long)) == (128, 129)
    refused = ines.post("/password", old=PASSWORD.format("ines"), password=too_long, again=too_long)
    assert refused.status_code == 422
    assert "128 characters or fewer" in refused.text


@ONLY_SQLITE
def test_a_password_is_good_for_as_long_as_its_officer_keeps_it(cast: Cast) -> None:
    for _ in range(6):
        cast.stage.clock.forward(days=75)
        visitor = Officer(cast.stage, "ines").sign_in()
        assert visitor.get("/desk").status_code == 200


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("path", "boxes"),
    [
        ("/sign-in", ["current-password"]),
        ("/recover", ["new-password"] * 2),
        ("/enrol", ["new-password"] * 2),
    ],
)
def test_boxes_for_passwords_hide_them_and_let_managers_fill_and_paste(
    cast: Cast, path: str, boxes: list[str]
) -> None:
    page = Officer(cast.stage, "ines").get(path).text
    asked = re.findall(r"<input[^>]*data-secret[^>]*>", page)
    assert [re.findall(r'autocomplete="([^"]+)"', box) for box in asked] == [[one] for one in boxes]
    for box in asked:
        assert 'type="password"' in box
        assert "maxlength" not in box
    assert "onpaste" not in page


@ONLY_SQLITE
def test_a_change_asks_for_the_password_in_use_and_ends_the_other_sessions(cast: Cast) -> None:
    vault = cast.stage.vault
    vault.settings = replace(vault.settings, sessions_per_officer=2)
    ines, elsewhere = cast["ines"], Officer(cast.stage, "ines").sign_in()
    ines.get("/password")
    for wrong in ("", PASSWORD.format("ivo")):
        assert ines.post("/password", old=wrong, password=NEW, again=NEW).status_code == 422
    assert elsewhere.get("/desk").status_code == 200
    assert ines.post("/password", old=PASSWORD.format("ines"), password=NEW, again=NEW).status_code == 200
    assert elsewhere.get("/desk").status_code == 401
    assert ines.get("/desk").status_code == 200
