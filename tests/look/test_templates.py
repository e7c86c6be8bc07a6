"""No page writes a form by itself, trusts markup or carries a script or a style."""

import re
from datetime import date
from pathlib import Path

import pytest
from flask import Flask, render_template_string

from tests.look.gallery import VAULT

FORBIDDEN = {
    "markup that is trusted": r"\|\s*safe\b|autoescape\s+false",
    "a style inside the page": r"\bstyle\s*=|<style\b",
    "an act of a script inside the page": r"\son[a-z]+\s*=|javascript:",
    "a script inside the page": r"<script(?![^>]*\bsrc=)",
    "an address of somebody else": r"(?:src|href|action)\s*=\s*[\"'](?:https?:)?//",
    "a picture inside the page": r"data:image",
}
OWN_FORM = r"<(?:form|input|select|textarea|button)\b"


def breaches(text: str, *, may_write_forms: bool) -> list[str]:
    """Return what a page's source does that no page may do."""
    # Comments are not on the page, and a macro called with style="quiet" writes no attribute.
    markup = re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%(?!\s*autoescape).*?%\}", " ", text, flags=re.DOTALL)
    found = [what for what, pattern in FORBIDDEN.items() if re.search(pattern, markup, re.IGNORECASE)]
    if re.search(FORBIDDEN["markup that is trusted"], text):
        found.append("markup that is trusted")
    if not may_write_forms and re.search(OWN_FORM, markup, re.IGNORECASE):
        found.append("a form of its own")
    return found


def test_no_page_does_what_none_may() -> None:
    pages = sorted(VAULT.glob("**/templates/**/*.html"))
    assert VAULT / "templates" / "base.html" in pages
    macros = VAULT / "templates" / "macros" / "form.html"
    found = {
        str(page.relative_to(VAULT)): wrong
        for page in pages
        if (wrong := breaches(page.read_text(encoding="utf-8"), may_write_forms=page == macros))
    }
    assert found == {}


@pytest.mark.parametrize(
    "planted",
    [
        "{{ note | safe }}",
        "{% autoescape false %}",
        '<p style="color: red">',
        '<a onclick="go()">',
        '<a href="javascript:go()">',
        "<script>go()</script>",
        '<script src="https://elsewhere.invalid/a.js"></script>',
        '<img src="data:image/gif;base64,R0lG">',
        '<form action="/" method="post">',
        '<INPUT name="street">',
        "<button>Go</button>",
    ],
)
def test_a_planted_breach_is_found(planted: str) -> None:
    assert breaches(planted, may_write_forms=False) != []


@pytest.mark.parametrize(
    "call",
    [
        "{{ parts.facts([('Name', planted)]) }}",
        "{{ parts.opened(planted, 1, [(planted, planted)], '/') }}",
        "{{ parts.sealed(planted, planted, '/', planted) }}",
        "{{ parts.tag(planted) }}",
        "{{ parts.alert(planted, 'error', planted) }}",
        "{{ parts.empty(planted, planted) }}",
        "{{ parts.steps([(planted, planted, 'now')]) }}",
        "{{ parts.breadcrumb([(planted, '/'), (planted, none)]) }}",
        "{{ parts.figure(planted, planted) }}",
        "{{ parts.cell(planted, planted) }}",
        "{{ forms.press('/', planted, carries={'what': planted}) }}",
    ],
)
def test_a_name_that_is_markup_is_shown_and_not_obeyed(app: Flask, call: str) -> None:
    source = "{% import 'macros/parts.html' as parts %}{% import 'macros/form.html' as forms %}" + call
    with app.test_request_context("/"):
        shown = render_template_string(source, planted="<marquee title='\">'>Roe</marquee>")
    assert "<marquee" not in shown
    assert "&lt;marquee title=&#39;&#34;&gt;&#39;&gt;Roe&lt;/marquee&gt;" in shown


def test_a_day_among_the_facts_is_told_as_people_tell_days(app: Flask) -> None:
    source = "{% import 'macros/parts.html' as parts %}{{ parts.facts([('Date of birth', day)]) }}"
    with app.test_request_context("/"):
        shown = render_template_string(source, day=date(1975, 2, 1))
    assert '<time datetime="1975-02-01">Feb 1, 1975</time>' in shown


def test_every_static_file_that_pages_name_is_there() -> None:
    named: set[str] = set()
    for page in VAULT.glob("**/templates/**/*.html"):
        named |= set(re.findall(r"filename='([^']+)'\)", page.read_text(encoding="utf-8")))
    own = {name for name in named if not name.startswith("uswds/")}
    assert own
    assert {name for name in own if not (VAULT / "static" / name).is_file()} == set()


def test_every_picture_that_the_style_names_is_there() -> None:
    style = Path(VAULT / "static" / "vault.css").read_text(encoding="utf-8")
    named = re.findall(r"url\(\"([^\"]+)\"\)", style)
    assert named
    assert [name for name in named if not (VAULT / "static" / name).is_file()] == []
