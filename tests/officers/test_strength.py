"""A new password is measured by what nothing foretells, and looked up where the agency brings a list."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cast import PASSWORD, Cast, Officer
from tests.officers.returning import OWN, invite_again
from vault.errors import RuleForbids
from vault.officers.admission import groups_of, new_code
from vault.officers.breached import CANNOT_LOOK, KNOWN, check_not_breached, is_listed
from vault.officers.strength import check_strength, fresh, strength_words, words_of
from vault.settings import Settings, load

on_sqlite = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
PHRASE = "eleven green teapots sing"


@pytest.mark.parametrize(
    "password",
    [
        "1qaz2wsx3edc4rfv",
        "q1w2e3r4t5y6u7i8",
        "12345678987654321",
        "abcdefghijklmnopqrst",
        "zxcvbnm,./zxcvbnm",
        "teapotteapotteapot",
        "P4ssw0rd P4ssw0rd!",
        "Sunshine1985Sunshine",
        "witnessprotection2026",
        "monkey dragon shadow",
        "aaaaabbbbbaaaaabbbbb",
    ],
)
def test_what_guessers_foretell_is_refused_however_long(password: str) -> None:
    with pytest.raises(RuleForbids, match="first"):
        check_strength(password, ())


@pytest.mark.parametrize(
    "password",
    [
        PHRASE,
        "trumpet otter gravel",
        "vR7#kq-Xw2!mZp9",
        "\N{SNOWMAN}" + PHRASE,
        "   " + PHRASE,
        "é à ü ñ ß æ ø å",
    ],
)
def test_unrelated_words_and_random_letters_of_any_kind_are_taken(password: str) -> None:
    check_strength(password, words_of("Ada Amsel"))


def test_a_run_a_repetition_a_listed_word_and_a_year_count_for_nothing() -> None:
    alone = fresh(PHRASE, ())
    for foretold in ("asdf", "8765", "password", "1985", "teapots"):
        assert fresh(PHRASE + foretold, ()) <= alone + 1, foretold
    assert fresh(PHRASE + " marmalade", ()) > alone + 5


def test_an_officers_own_names_count_for_nothing() -> None:
    own = words_of("Nora Nightingale", "Programme coordinator")
    check_strength("Nora Nightingale 7 oaks", ())
    with pytest.raises(RuleForbids, match="no names of yours"):
        check_strength("Nora Nightingale 7 oaks", own)


def test_strength_is_told_in_words_and_more_is_stronger() -> None:
    weak, strong, best = "seventeen oaks!", "seventeen quiet lanterns", PHRASE + " under marble clouds"
    assert strength_words(weak, ()).startswith("strong enough")
    assert strength_words(strong, ()) == "strong"
    assert strength_words(best, ()) == "very strong"


def digest_of(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


def breached(path: Path, passwords: list[str], counted: bool) -> Path:
    digests = sorted(digest_of(one) for one in passwords)
    ends = [f":{number * 37}" if counted else "" for number, _ in enumerate(digests)]
    path.write_text("".join(f"{digest}{end}\r\n" for digest, end in zip(digests, ends, strict=True)))
    return path


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 300])
def test_every_password_of_the_list_is_found_and_no_other(tmp_path: Path, size: int, counted: bool) -> None:
    known = [f"known phrase {number}" for number in range(size)]
    path = breached(tmp_path / "list", known, counted)

    def listed(password: str) -> bool:
        return is_listed(digest_of(password).encode(), path)

    assert all(listed(password) for password in known)
    assert not any(listed(f"other phrase {number}") for number in range(50))


def test_an_empty_list_knows_nothing(tmp_path: Path) -> None:
    assert not is_listed(b"0" * 40, breached(tmp_path / "list", [], False))


def trial(tmp_path: Path, breached_passwords_file: str) -> Settings:
    return replace(load(tmp_path / "data"), breached_passwords_file=breached_passwords_file)


def test_a_list_that_cannot_be_read_lets_no_password_through(tmp_path: Path) -> None:
    check_not_breached(trial(tmp_path, ""), PHRASE)
    with pytest.raises(RuleForbids, match=CANNOT_LOOK):
        check_not_breached(trial(tmp_path, str(tmp_path / "nowhere")), PHRASE)
    path = breached(tmp_path / "list", [PHRASE], True)
    with pytest.raises(RuleForbids, match=KNOWN):
        check_not_breached(trial(tmp_path, str(path)), PHRASE)


@on_sqlite
def test_a_breached_password_is_refused_where_one_is_changed_and_the_old_one_stays(
    cast: Cast, tmp_path: Path
) -> None:
    vault, ines = cast.stage.vault, cast["ines"]
    path = breached(tmp_path / "list", [PHRASE], True)
    vault.settings = replace(vault.settings, breached_passwords_file=str(path))
    ines.get("/password")
    refused = ines.post("/password", old=PASSWORD.format("ines"), password=PHRASE, again=PHRASE)
    assert refused.status_code == 422
    assert "breach elsewhere" in refused.text
    fresh_one = "seventeen quiet lanterns"
    taken = ines.post("/password", old=PASSWORD.format("ines"), password=fresh_one, again=fresh_one)
    assert taken.status_code == 200
    assert "It is strong." in taken.text
    assert fresh_one not in taken.text


@on_sqlite
def test_an_officers_name_makes_no_password_and_no_page_repeats_it(cast: Cast) -> None:
    ines = cast["ines"]
    ines.get("/password")
    own = "inkpen ines vault inspector 7"
    answer = ines.post("/password", old=PASSWORD.format("ines"), password=own, again=own)
    assert answer.status_code == 422
    assert "no names of yours" in answer.text
    assert own not in answer.text


def test_an_enrolment_code_is_known_in_its_groups_and_makes_no_password() -> None:
    code = new_code()
    for typed in (code, code.replace("-", ""), code.lower()):
        with pytest.raises(RuleForbids):
            check_strength(typed, groups_of(code))


@on_sqlite
def test_the_enrolment_code_becomes_nobodys_password(cast: Cast) -> None:
    code = invite_again(cast, "ines", "inspector")
    visitor = Officer(cast.stage, "ines")
    visitor.get("/enrol")
    answer = visitor.post("/enrol", name="ines", enrolment_code=code, password=code, again=code)
    assert answer.status_code == 422
    visitor.get("/enrol")
    taken = visitor.post("/enrol", name="ines", enrolment_code=code, password=OWN, again=OWN)
    assert taken.status_code == 200
