"""What every answer carries, behind TLS: pages, redirects, refusals, errors and files alike."""

import re
from dataclasses import replace
from http.cookies import SimpleCookie
from importlib.resources import files

import pytest
from werkzeug.test import TestResponse

from tests.cast import PASSWORD, TOKEN, Stage
from vault.app import create_app

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
HOST = "https://vault.example"
CARRIED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def lacking(answer: TestResponse) -> set[str]:
    """Which protection of the browser an answer does not ask for."""
    policy = {part.strip() for part in answer.headers.get("Content-Security-Policy", "").split(";")}
    wanted = {"default-src 'self'", "base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'"}
    found = {name for name, value in CARRIED.items() if answer.headers.get(name) != value}
    hsts = answer.headers.get("Strict-Transport-Security", "")
    found |= wanted - policy
    if "includeSubDomains" not in hsts or int("0" + hsts.partition("=")[2].partition(";")[0]) < 31_536_000:
        found.add("Strict-Transport-Security")
    return found | {name for name, _ in answer.headers if name.startswith("Access-Control-")}


@ONLY_SQLITE
def test_every_kind_of_answer_asks_the_browser_to_protect_it(stage: Stage) -> None:
    stage.vault.settings = replace(stage.vault.settings, tls=True)
    visitor = create_app(stage.vault).test_client()
    statuses = set()
    for path in ("/sign-in", "/", "/desk", "/nowhere", "/static/vault.js", "/healthz", "/sign-out"):
        answer = visitor.get(path, base_url=HOST)
        assert lacking(answer) == set(), path
        statuses.add(answer.status_code)
    forged = visitor.post("/sign-in", base_url=HOST, headers={"Origin": "https://elsewhere.example"})
    assert lacking(forged) == set()
    assert statuses | {forged.status_code} >= {200, 303, 400, 401, 404, 405}


@ONLY_SQLITE
def test_an_answer_that_lacks_its_protection_is_found(stage: Stage) -> None:
    visitor = stage.app.test_client()
    assert lacking(visitor.get("/sign-in")) == {"Strict-Transport-Security"}  # There is no TLS on this stage.
    answer = visitor.get("/sign-in")
    answer.headers["Content-Security-Policy"] = "default-src 'self'"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    assert lacking(answer) >= {"base-uri 'none'", "frame-ancestors 'none'", "Access-Control-Allow-Origin"}


@ONLY_SQLITE
def test_behind_tls_both_cookies_are_for_this_host_alone(stage: Stage) -> None:
    stage.vault.settings = replace(stage.vault.settings, tls=True)
    visitor = create_app(stage.vault).test_client()
    token = TOKEN.search(visitor.get("/sign-in", base_url=HOST).text)
    assert token is not None
    answers = {"name": "ada", "password": PASSWORD.format("ada"), "banner": "yes", "csrf_token": token[1]}
    answer = visitor.post("/sign-in", base_url=HOST, data=answers, headers={"Referer": f"{HOST}/sign-in"})
    assert answer.status_code == 303
    page = visitor.get("/sign-in/second-factor", base_url=HOST)
    cookies = {}
    for line in [*answer.headers.getlist("Set-Cookie"), *page.headers.getlist("Set-Cookie")]:
        if "Expires=Thu, 01 Jan 1970" not in line:
            cookies |= SimpleCookie(line)
    assert set(cookies) == {"__Host-vault", "__Host-page"}
    for name, cookie in cookies.items():
        assert cookie["secure"], name
        assert cookie["httponly"], name
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Strict", "/", ""), name
        assert len(name + cookie.value) < 4096, name


KEEPING = re.compile(
    r"\b(?:localStorage|sessionStorage|indexedDB|caches|cookieStore|serviceWorker|document\.cookie)\b"
)


def test_no_script_keeps_anything_in_the_browser() -> None:
    scripts = sorted(files("vault").joinpath("static").iterdir(), key=lambda one: one.name)
    scripts = [one for one in scripts if one.name.endswith(".js")]
    assert [one.name for one in scripts] == ["vault.js"]
    assert [found for one in scripts for found in KEEPING.findall(one.read_text())] == []
    assert KEEPING.findall("localStorage.setItem('name', name)") == ["localStorage"]
