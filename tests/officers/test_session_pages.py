"""What stays in a browser: nothing of a page that was left, and no opened fields on a forgotten one."""

import re

import pytest
from flask import render_template_string

from tests.cast import Cast, Officer, Stage
from tests.programme import open_case
from vault.officers.sessions import cookie_name

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
GIVES_WAY = re.compile(r'<noscript><meta http-equiv="refresh" content="300; url=([^"]+)"></noscript>')


@ONLY_SQLITE
def test_signing_out_clears_the_browser_and_makes_a_copied_cookie_worthless(cast: Cast) -> None:
    ines = cast["ines"]
    copied = ines.holds()
    left = ines.post("/sign-out")
    assert left.status_code == 303
    assert left.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert left.headers["Cache-Control"] == "no-store"
    assert ines.client.get_cookie(cookie_name(cast.stage.settings)) is None
    assert Officer(cast.stage, "ines").take_up(copied).get("/desk").status_code == 401


@ONLY_SQLITE
def test_an_officer_ends_the_session_of_another_browser_and_is_told_which_is_this_one(stage: Stage) -> None:
    stage.settings.__dict__["sessions_per_officer"] = 2
    here, there = Officer(stage, "ines"), Officer(stage, "ines").sign_in()
    page = here.sign_in().get("/sessions").text
    ends = re.findall(r"/sessions/[0-9a-f-]{36}/end", page)
    assert page.count("This one") == len(ends) == 1
    assert here.post(ends[0]).status_code == 303
    assert there.get("/desk").status_code == 401
    assert here.get("/desk").status_code == 200


WORDS = "zolpidem, ten milligrams"


@ONLY_SQLITE
def test_without_a_script_opened_fields_give_way_to_the_question_that_opened_them(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    ines, place = cast["ines"], f"/records/person/{case.witness}/health"
    ines.get(f"{place}/open")
    form = ines.post(f"{place}/change", reason="visit", code=ines.code())
    version = re.search(r'name="version" value="(\d+)"', form.text)
    assert version is not None
    assert ines.post(f"{place}/save", medical=WORDS, version=version[1]).status_code == 303
    assert GIVES_WAY.search(ines.get(f"{place}/open").text) is None
    opened = ines.post(f"{place}/open", reason="visit")
    assert WORDS in opened.text
    assert "After five minutes this page gives way" in opened.text
    gives_way = GIVES_WAY.search(opened.text)
    assert gives_way is not None
    assert gives_way[1] == f"{place}/open"
    assert WORDS not in ines.get(gives_way[1]).text


PANEL = """{% extends "base.html" %}{% from "macros/parts.html" import opened %}
{% block heading %}Health{% endblock %}
{% block content %}{{ opened("Health", 7, [("Medicine", "None")], "/again?a=1&b=2") }}PLACE{% endblock %}"""


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("beside", "leaves"),
    [("", True), ('<textarea name="note"></textarea>', False), ('<input class="usa-input">', False)],
)
def test_a_page_on_which_somebody_writes_does_not_leave_by_itself(
    stage: Stage, beside: str, leaves: bool
) -> None:
    with stage.app.test_request_context("/"):
        page = render_template_string(PANEL.replace("PLACE", beside))
    found = GIVES_WAY.findall(page)
    assert found == (["/again?a=1&amp;b=2"] if leaves else [])


@ONLY_SQLITE
def test_every_page_of_an_officer_offers_signing_out(cast: Cast) -> None:
    pages = {"ada": ("/desk", "/cases", "/officers", "/search"), "max": ("/administration", "/officers/add")}
    for name, paths in pages.items():
        for path in (*paths, "/sessions", "/account", "/password", "/notices", "/nowhere"):
            page = cast[name].get(path).text
            assert page.count('action="/sign-out"') == 1, path
    assert 'action="/sign-out"' not in Officer(cast.stage, "ines").get("/sign-in").text


@ONLY_SQLITE
def test_every_page_leads_to_ones_own_account_which_is_not_among_the_officers(cast: Cast) -> None:
    ada, marked = cast["ada"], re.compile(r'<a href="([^"]+)" aria-current="page">')
    assert re.findall(r'<a href="/account"><strong>([^<]+)</strong>', ada.get("/desk").text) == ["Ada Amsel"]
    assert set(marked.findall(ada.get("/officers").text)) == {"/officers"}
    for page in ("/account", "/sessions", "/password", "/duress-password", "/authenticator-app"):
        assert marked.findall(ada.get(page).text) == []


@ONLY_SQLITE
def test_what_is_wrong_is_told_in_the_order_of_the_questions(cast: Cast) -> None:
    ines = cast["ines"]
    told = re.compile(r'<li><a [^>]*href="#([^"]+)"')
    assert told.findall(ines.post("/password").text) == ["old", "password", "again"]
    visitor = Officer(cast.stage, "nobody")
    asked = {"/recover": ["name", "recovery_code", "code", "password", "again"],
             "/enrol": ["name", "enrolment_code", "password", "again"]}  # fmt: skip
    for page, questions in asked.items():
        visitor.get(page)
        assert told.findall(visitor.post(page).text) == questions
