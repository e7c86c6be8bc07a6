"""What a cookie, a password or the sessions table is worth to whoever stole it, and for how long."""

import base64
import hashlib
import os
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from audit.entries import Entry
from tests.adversaries.effort import effort
from tests.adversaries.thief import Thief
from tests.adversaries.walk import is_guarded, paths, rules
from tests.cast import PASSWORD, Cast, Officer, Stage
from tests.officers.returning import end_access
from tests.programme import open_case

pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
FORBIDDEN = {401, 403, 404, 405}


def newest(stage: Stage, count: int) -> list[Entry]:
    """The newest entries of the ledger, oldest first."""
    with stage.vault.reading() as db:
        size = stage.vault.ledger.head(db).size
        return [stage.vault.ledger.entry(db, index).entry for index in range(size - count, size)]


def with_stolen_cookie(victim: Officer) -> Officer:
    """A thief's browser with the victim's session cookie and nothing else."""
    cookie = victim.client.get_cookie("vault")
    assert cookie is not None
    thief = Officer(victim.stage, victim.name)
    thief.client.set_cookie("vault", cookie.value)
    return thief


def test_a_stolen_cookie_reaches_what_its_officer_reaches_and_never_a_step_up_act(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ines = cast["ines"]
    place = f"/records/person/{case.witness}/identity/open"
    ines.get(place)
    assert ines.post(place, reason="visit", code=ines.code()).status_code == 200
    thief = with_stolen_cookie(ines)
    assert thief.get(f"/cases/{case.id}").status_code == 200
    cast.stage.clock.forward(minutes=5, seconds=1)
    thief.get(place)
    for code in ("", "000000", "123456"):
        answer = thief.post(place, reason="visit", code=code)
        assert answer.status_code == 422
        assert "Recorded as entry" not in answer.text


def test_guessing_the_second_factor_in_a_stolen_session_ends_the_session_and_locks_the_account(
    cast: Cast,
) -> None:
    case = open_case(cast, named=["ines"])
    thief = with_stolen_cookie(cast["ines"])
    place = f"/records/person/{case.witness}/identity/open"
    thief.get(place)
    statuses = [thief.post(place, reason="visit", code=f"{n:06}").status_code for n in range(6)]
    assert statuses[:5] == [422] * 5
    assert statuses[5] in {400, 401}
    assert thief.get("/desk").status_code == 401
    events = [entry.event for entry in newest(cast.stage, 6)]
    assert events.count("step-up-failed") == 5
    assert events[-1] == "account-locked"


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda cast: cast.stage.clock.forward(minutes=15, seconds=1), id="idle"),
        pytest.param(lambda cast: cast["ines"].post("/sign-out"), id="signed-out"),
        pytest.param(lambda cast: Officer(cast.stage, "ines").sign_in(), id="signed-in-elsewhere"),
        pytest.param(
            lambda cast: end_access(cast, cast["ines"].actor.officer, "max", "stolen"), id="revoked"
        ),
    ],
)
def test_a_stolen_cookie_is_worthless_from_the_moment_its_session_ends(
    cast: Cast, end: Callable[[Cast], object]
) -> None:
    case = open_case(cast, named=["ines"])
    thief = with_stolen_cookie(cast["ines"])
    cast["max"].get("/officers")
    assert thief.get(f"/cases/{case.id}").status_code == 200
    end(cast)
    assert thief.get(f"/cases/{case.id}").status_code == 401


def test_a_stolen_cookie_kept_busy_ends_after_twelve_hours(cast: Cast) -> None:
    thief = with_stolen_cookie(cast["ines"])
    began = cast.stage.clock.now
    while (answer := thief.get("/desk")).status_code == 200:
        cast.stage.clock.forward(minutes=14)
    assert answer.status_code == 401
    assert timedelta(hours=11, minutes=30) < cast.stage.clock.now - began <= timedelta(hours=12, minutes=14)


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda cookie: "", id="empty"),
        pytest.param(lambda cookie: "x", id="one-letter"),
        pytest.param(lambda cookie: "\u00e9" * 64, id="not-ascii"),
        pytest.param(lambda cookie: "=" * 64, id="padding"),
        pytest.param(lambda cookie: cookie[:-4], id="cut"),
        pytest.param(lambda cookie: cookie + "AAAA", id="longer"),
        pytest.param(lambda cookie: cookie[:22] + "A" * 42, id="secret-of-zeros"),
        pytest.param(lambda cookie: cookie[::-1], id="reversed"),
        pytest.param(lambda cookie: "A" * 100_000, id="huge"),
        pytest.param(
            lambda cookie: (
                base64.urlsafe_b64encode(base64.urlsafe_b64decode(cookie)[:16] + os.urandom(32))
                .decode()
                .rstrip("=")
            ),
            id="right-session-other-secret",
        ),
    ],
)
def test_a_forged_cookie_signs_nobody_in(cast: Cast, forge: Callable[[str], str]) -> None:
    cookie = cast["ines"].client.get_cookie("vault")
    assert cookie is not None
    visitor = Officer(cast.stage, "ines")
    answer = visitor.client.get("/desk", headers={"Cookie": f"vault={forge(cookie.value)}"})
    assert answer.status_code == 401


def test_the_page_cookie_signs_nobody_in(cast: Cast) -> None:
    page = cast["ines"].client.get_cookie("page")
    assert page is not None
    visitor = Officer(cast.stage, "ines")
    visitor.client.set_cookie("page", page.value)
    visitor.client.set_cookie("vault", page.value)
    assert visitor.get("/desk").status_code == 401


def test_the_sessions_table_without_cookies_makes_no_cookie_and_holds_no_seed(cast: Cast) -> None:
    ines, thief = cast["ines"], Thief(cast.stage)
    seed = ines.actor.identity.seed
    (row,) = thief.rows("SELECT * FROM sessions WHERE stage = 'live'")
    kept = {name: bytes(value) for name, value in row.items() if isinstance(value, bytes | memoryview)}
    assert set(kept) == {"sid_hash", "seed"}
    assert seed not in kept["seed"]
    cookie = ines.client.get_cookie("vault")
    assert cookie is not None
    secret = base64.urlsafe_b64decode(cookie.value)
    assert not any(secret[start : start + 8] in kept["seed"] for start in range(0, 48, 8))
    for sid in (
        kept["sid_hash"][:16],
        UUID(str(row["id"])).bytes,
        hashlib.sha256(kept["seed"]).digest()[:16],
    ):
        for rest in (bytes(32), kept["sid_hash"], kept["seed"][:32], kept["seed"][-32:]):
            guess = base64.urlsafe_b64encode(sid + rest).decode().rstrip("=")
            visitor = Officer(cast.stage, "ines")
            visitor.client.set_cookie("vault", guess)
            assert visitor.get("/desk").status_code == 401


def test_a_row_of_the_sessions_table_given_to_another_officer_signs_nobody_in(cast: Cast) -> None:
    ines, ada, thief = cast["ines"], cast["ada"], Thief(cast.stage)
    thief.run(
        "UPDATE sessions SET officer_id = ? WHERE officer_id = ?", ada.actor.officer, ines.actor.officer
    )
    assert ines.get("/desk").status_code == 401


def test_the_cookie_is_for_this_site_alone_and_out_of_reach_of_scripts(stage: Stage) -> None:
    ada = Officer(stage, "ada")
    ada.get("/sign-in")
    answer = ada.post("/sign-in", name="ada", password=PASSWORD.format("ada"), banner="yes")
    (cookie,) = [line for line in answer.headers.getlist("Set-Cookie") if line.startswith("vault=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert "Expires" not in cookie


def test_a_password_alone_opens_no_page_and_is_on_the_ledger(cast: Cast) -> None:
    stage = cast.stage
    officer = cast["ines"].actor.officer
    thief = Officer(stage, "ines")
    thief.get("/sign-in")
    answer = thief.post("/sign-in", name="ines", password=PASSWORD.format("ines"), banner="yes")
    assert answer.status_code == 303
    (told,) = newest(stage, 1)
    assert (told.event, told.officer, told.subjects) == ("password-given", None, (f"officer:{officer}",))
    app, nowhere = stage.app, defaultdict(lambda: [UUID(int=7)])
    guarded = [rule for rule in rules(app, "GET") if is_guarded(app, rule)]
    reached = {thief.get(path).status_code for rule in guarded for path in paths(app, rule, nowhere)}
    assert reached == {401}
    thief.get("/sign-in/second-factor")
    assert thief.post("/sign-in/second-factor", code="000000").status_code == 422
    assert newest(stage, 1)[0].event == "sign-in-failed"
    for path in ("/enrol/second-factor", "/sign-out", "/sessions"):
        assert thief.get(path).status_code in FORBIDDEN


def test_passwords_are_guessed_alike_for_officers_locked_officers_and_strangers(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same words, same status, the same questions to the database and one derivation of a key each."""
    thief = Officer(stage, "ines")
    for _ in range(5):
        thief.get("/sign-in")
        thief.post("/sign-in", name="ivo", password="wrong wrong wrong wrong", banner="yes")
    told = {}
    for name in ("ines", "nobody", "ivo"):
        thief.get("/sign-in")
        with effort(stage, monkeypatch) as spent:
            answer = thief.post("/sign-in", name=name, password="wrong wrong wrong wrong", banner="yes")
        words = answer.text.replace(f'value="{name}"', "").replace(thief.token, "")
        told[name] = (answer.status_code, words, spent.derivations)
    assert told["ines"] == told["nobody"] == told["ivo"]
    assert told["nobody"][2] == 1
