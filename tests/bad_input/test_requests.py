"""Whatever is sent to any route is answered in words, by its own kind of refusal, and changes nothing."""

import io
import re
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from werkzeug.test import TestResponse

from tests.adversaries.planting import MARK, Programme, one_each
from tests.adversaries.thief import Thief
from tests.adversaries.walk import is_for, is_guarded, paths, rules
from tests.bad_input.forms import OfferedForm, forms_on
from tests.cast import CAST, TOKEN, Officer, Stage
from vault.verification import recorded_models

NASTY = {
    "nul": "Jane\x00Roe",
    "escape": "\x1b[2J\x07",
    "reordering": "\u202eeoR enaJ",
    "too long": "x" * 40_000,
    "lines": "a\r\nSet-Cookie: vault=1\r\n\r\n<h1>",
    "markup": "<script>alert(1)</script>{{ 7 * 7 }}",
    "sql": "'; DROP TABLE people; --",
    "path": "../../../../etc/passwd",
    "number": "99999999999999999999999999",
    "negative": "-1",
    "float": "1e309",
    "emoji": "\U0001f469\u200d\U0001f467" * 20,
}
REFUSED = {303, 400, 403, 404, 409, 413, 422}
MALFORMED = ("x", "0", "-1", "%00", "..%2f..", "%2e%2e", "a" * 600, "%F0%9F%91%A9", "null", "1 OR 1=1")


def contents(stage: Stage) -> dict[str, list[str]]:
    """Every recorded row, as the database keeps it."""
    thief = Thief(stage)
    tables = [str(model.__table__.name) for model in recorded_models()]
    return {table: sorted(map(str, thief.rows(f"SELECT * FROM {table}"))) for table in tables}


def assert_in_words(answer: TestResponse) -> None:
    """A page for a person: a heading and a sentence, and nothing of a program's inside."""
    assert answer.mimetype == "text/html"
    assert "<h1" in answer.text
    for inside in ("Traceback", "sqlalchemy", "werkzeug", "Internal Server Error", "File &#34;"):
        assert inside not in answer.text


def offered(programme: Programme, name: str) -> Iterator[tuple[str, OfferedForm]]:
    """Each form on each page that is for an officer, once for its address."""
    app, officer, seen = programme.cast.stage.app, programme.cast[name], set[str]()
    for rule in rules(app, "GET"):
        if is_for(app, rule, CAST[name][1]):
            for path in paths(app, rule, one_each(programme.known)):
                for form in forms_on(officer.get(path).text):
                    if form.action not in seen and not form.action.endswith("/sign-out"):
                        seen.add(form.action)
                        yield path, form


@pytest.mark.parametrize("name", ["ada", "cal", "pat", "max"])
def test_nasty_text_in_every_box_of_every_form_is_refused_in_words(programme: Programme, name: str) -> None:
    officer, stage = programme.cast[name], programme.cast.stage
    stage.app.testing = False
    texts, tried = list(NASTY.values()), 0
    for _, form in list(offered(programme, name)):
        kept = {box: values[:1] for box, values in form.answers.items() if box != "csrf_token"}
        asked = [*form.written, *form.chosen]
        for turn in range(4 if asked else 0):
            # Each box is given another text each time, so that a few answers try all of them.
            nasty = {box: texts[(3 * place + turn + tried) % len(texts)] for place, box in enumerate(asked)}
            sent = kept | nasty
            answer = officer.post(form.action, **sent)
            assert answer.status_code in REFUSED | {200}, (form.action, nasty, answer.status_code)
            if answer.status_code != 303 and answer.mimetype == "text/html":
                assert_in_words(answer)
                assert "<script>alert" not in answer.text
                assert "{{" not in answer.text or "{{ 7 * 7 }}" in answer.text
                assert "Set-Cookie: vault=1" not in str(answer.headers)
            tried += 1
    assert tried >= 4


def test_letters_that_are_no_utf_8_are_refused_or_read_as_unknown_letters(programme: Programme) -> None:
    programme.cast.stage.app.testing = False
    pat = programme.cast["pat"]
    pat.get("/referrals/send")
    for raw in (b"%ED%A0%80", b"%FF%FE", b"%C0%80", b"%00", b"\xff\xfe"):
        body = b"csrf_token=" + pat.token.encode() + b"&witness=" + raw + b"&narrative=" + raw
        answer = pat.client.post(
            "/referrals/send", data=body, content_type="application/x-www-form-urlencoded"
        )
        assert answer.status_code in {400, 422}
        assert_in_words(answer)


def test_a_body_that_is_too_large_is_refused_before_it_is_read(programme: Programme) -> None:
    pat = programme.cast["pat"]
    answer = pat.post("/referrals/send", narrative="x" * 2_000_000)
    assert answer.status_code == 413
    assert_in_words(answer)
    many = {f"box{number}": "1" for number in range(2000)}
    assert pat.post("/referrals/send", **many).status_code in {413, 422}
    file = {"witness": (io.BytesIO(b"x" * 2_000_000), "jane-roe.pdf")}
    assert pat.post("/referrals/send", **file).status_code == 413


@pytest.mark.parametrize("name", ["ada", "ivo"])
def test_ids_of_nothing_and_malformed_ids_are_answered_404(programme: Programme, name: str) -> None:
    app, officer = programme.cast.stage.app, programme.cast[name]
    app.testing = False
    before = contents(programme.cast.stage)
    nowhere = {parameter: [uuid4()] for parameter in programme.known}
    for method in ("GET", "POST"):
        for rule in rules(app, method):
            if not rule.arguments or not is_for(app, rule, CAST[name][1]):
                continue
            path = next(paths(app, rule, nowhere))
            answer = officer.get(path) if method == "GET" else officer.post(path)
            if re.search(r"[0-9a-f]{8}-", path) and "/ledger/" not in path:
                assert answer.status_code in {403, 404}, path
            for bad in MALFORMED[len(path) % 4 :: 4]:
                broken = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", bad, path)
                if broken != path:
                    answer = officer.get(broken) if method == "GET" else officer.post(broken)
                    assert answer.status_code in {404, 405}, broken
                    assert_in_words(answer)
    assert contents(programme.cast.stage) == before


def test_malformed_addresses_are_answered_in_words(programme: Programme) -> None:
    programme.cast.stage.app.testing = False
    ada = programme.cast["ada"]
    for path in (
        "/static/%00", "/static/../app.py", "/static/..%2f..%2fapp.py", "/%00", "//etc/passwd", "/cases/%ff",
        "/cases?page=%00", "/payments?state=%00&page=x", "/safe-housing?case=%00", "/safe-housing?case=x",
        "/payments?page=99999999999999999999", "/cases/" + "a" * 5000, "/.git/config", "/vault.db",
    ):  # fmt: skip
        answer = ada.get(path)
        assert answer.status_code in {200, 308, 400, 404}, path
        if answer.status_code in {400, 404}:
            assert_in_words(answer)


def test_every_route_refuses_every_method_but_its_own(programme: Programme) -> None:
    app, ada = programme.cast.stage.app, programme.cast["ada"]
    app.testing = False
    before = contents(programme.cast.stage)
    own: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        own.setdefault(rule.rule, set()).update(rule.methods or ())
    for rule in rules(app, "GET") + rules(app, "POST"):
        path = next(paths(app, rule, one_each(programme.known)))
        for method in ("PUT", "DELETE"):
            answer = ada.client.open(path, method=method, data={"csrf_token": ada.token})
            assert answer.status_code == 405, (method, path)
        if "POST" not in own[rule.rule] and "GET" in own[rule.rule]:
            answer = ada.post(path)
            assert answer.status_code == 405, path
            assert_in_words(answer)
    assert contents(programme.cast.stage) == before


@pytest.mark.parametrize("token", ["missing", "empty", "forged", "of another officer"])
def test_nothing_is_done_for_a_form_without_its_own_token(programme: Programme, token: str) -> None:
    stage, app = programme.cast.stage, programme.cast.stage.app
    app.testing = False
    other = TOKEN.search(programme.cast["dee"].get("/desk").text)
    assert other is not None
    given = {
        "missing": {},
        "empty": {"csrf_token": ""},
        "forged": {"csrf_token": "IjAwMDAi.aaaaaa.bbbb"},
        "of another officer": {"csrf_token": other[1]},
    }[token]
    before = contents(stage)
    for name in ("ada", "fin", "max"):
        client = programme.cast[name].client
        for rule in rules(app, "POST"):
            if is_guarded(app, rule):
                path = next(paths(app, rule, one_each(programme.known)))
                answer = client.post(path, data={"reason": "review", **given})
                assert answer.status_code == 400, path
    assert contents(stage) == before
    assert programme.cast["ada"].get("/desk").status_code == 200


def test_officers_end_no_session_and_use_no_naming_of_others(programme: Programme) -> None:
    stage, ines = programme.cast.stage, programme.cast["ines"]
    thief = Thief(stage)
    for row in thief.rows("SELECT id, officer_id FROM sessions"):
        if UUID(str(row["officer_id"])) != ines.actor.officer:
            assert ines.post(f"/sessions/{UUID(str(row['id']))}/end").status_code == 404
    (case,) = programme.known["case_id"]
    for assignment in programme.known["assignment_id"]:
        answer = ines.post(f"/cases/{case}/officers/{assignment}/remove")
        assert answer.status_code == 403
    assert programme.cast["ada"].get("/desk").status_code == 200


def test_a_naming_of_another_case_cannot_be_removed_through_this_one(programme: Programme) -> None:
    ada, before = programme.cast["ada"], contents(programme.cast.stage)
    theirs = programme.known["assignment_id"]
    referral_only = [
        UUID(str(row["id"]))
        for row in Thief(programme.cast.stage).rows("SELECT id FROM assignments WHERE kind <> 'case'")
    ]
    assert set(referral_only) < set(theirs)
    (case,) = programme.known["case_id"]
    persons = Thief(programme.cast.stage).rows("SELECT id FROM assignments WHERE kind = 'person'")
    for assignment in set(referral_only) - {UUID(str(row["id"])) for row in persons}:
        assert ada.post(f"/cases/{case}/officers/{assignment}/remove").status_code == 404
    assert contents(programme.cast.stage) == before


def test_a_code_that_stepped_up_once_steps_up_no_second_time(programme: Programme) -> None:
    ines, clock = programme.cast["ines"], programme.cast.stage.clock
    (person,) = programme.known["person_id"]
    place = f"/records/person/{person}/identity/open"
    clock.forward(minutes=6)
    ines.get(place)
    code = ines.code()
    assert ines.post(place, reason="visit", code=code).status_code == 200
    programme.cast.stage.vault.settings.__dict__["step_up_minutes"] = 0
    clock.forward(seconds=1)
    ines.get(place)
    again = ines.post(place, reason="visit", code=code)
    assert again.status_code == 422
    assert "used already" in again.text
    assert "Recorded as entry" not in again.text


def boxes(officer: Officer, place: str, **answers: str) -> tuple[str, TestResponse]:
    """The version of a sealed page that an officer opened to change it."""
    officer.get(f"{place}/change")
    page = officer.post(f"{place}/change", reason="case-work", **answers)
    found = re.search(r'name="version" value="(\d+)"', page.text)
    assert found is not None, page.text
    return found[1], page


@pytest.mark.parametrize("compartment", ["health", "supervision"])
def test_of_two_tabs_on_one_record_the_second_is_told_and_loses_nothing(
    programme: Programme, compartment: str
) -> None:
    ada, ines = programme.cast["ada"], programme.cast["ines"]
    (person,) = programme.known["person_id"]
    place = f"/records/person/{person}/{compartment}"
    column = {"health": "medical", "supervision": "supervision_terms"}[compartment]
    version, _ = boxes(ada, place)
    same, _ = boxes(ines, place)
    assert version == same
    assert ada.post(f"{place}/save", **{column: "first tab", "version": version}).status_code == 303
    second = ines.post(f"{place}/save", **{column: "second tab", "version": same})
    assert second.status_code == 409
    assert "second tab" in second.text
    assert_in_words(second)
    _, page = boxes(ada, place)
    assert "first tab" in page.text
    found = re.search(r'name="version" value="(\d+)"', second.text)
    assert found is not None
    assert ines.post(f"{place}/save", **{column: "second tab", "version": found[1]}).status_code == 303


def test_of_two_tabs_that_move_one_case_the_second_is_told(programme: Programme) -> None:
    ada, dee = programme.cast["ada"], programme.cast["dee"]
    (case,) = programme.known["case_id"]
    versions = [
        re.search(r'name="version" value="(\d+)"', officer.get(f"/cases/{case}").text)
        for officer in (ada, dee)
    ]
    assert versions[0] is not None
    assert versions[1] is not None
    assert ada.post(f"/cases/{case}/move", state="offered", version=versions[0][1]).status_code == 303
    answer = dee.post(f"/cases/{case}/move", state="offered", version=versions[1][1])
    assert answer.status_code in {409, 422}
    row = Thief(programme.cast.stage).row("cases", case)
    assert row["state"] == "offered"


def test_a_form_with_errors_names_no_typed_word_in_its_errors_or_its_address(programme: Programme) -> None:
    pat = programme.cast["pat"]
    typed = {name: f"{MARK} {name} " + "x" * 9000 for name in ("witness", "docket", "felony", "contact")}
    pat.get("/referrals/send")
    answer = pat.post("/referrals/send", **typed, household=MARK, trial_starts=MARK, harm=MARK)
    assert answer.status_code == 422
    assert answer.location is None
    errors = re.findall(r'class="usa-error-message"[^>]*>(.*?)<', answer.text, re.DOTALL)
    summary = re.findall(r"usa-alert--error.*?</div>\s*</div>", answer.text, re.DOTALL)
    assert len(errors) >= 6
    assert MARK not in " ".join([*errors, *summary])
