"""Every use of the bench is an entry; cases and places are found by their numbers; alerts stand together."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from tests.adversaries.walk import paths, rules
from tests.cast import Cast
from tests.oversight.test_read import newest, plain, queries, size_of
from tests.programme import OpenedCase, open_case
from vault.access.events import Event, record_apart
from vault.access.policy import Compartment, Reason
from vault.oversight.grouping import GROUPS_ON_A_PAGE, NOBODY
from vault.oversight.models import Alert, Rule
from vault.oversight.watching import catch_up

# What asks the database in words of its own is tried on both engines; a page is the same over either.
ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
SIDE_ENTRANCES = {"/ledger/log"}
"""Where a witness comes in, which is no officer and whose questions its own tests look at."""


def refuse_five_times(cast: Cast) -> UUID:
    """Ivo asks five times for what is not there; the alert that is raised."""
    for _ in range(5):
        assert cast["ivo"].get(f"/cases/{uuid4()}").status_code == 404
    return raised(cast)[0]


def raised(cast: Cast) -> list[UUID]:
    """The alerts that stand in the ledger, the newest first."""
    vault = cast.stage.vault
    catch_up(vault, cast.stage.clock())
    with vault.reading() as db:
        return [alert.id for alert in db.query(Alert).order_by(Alert.first_index.desc())]


def used(cast: Cast, case: OpenedCase, alert: UUID) -> list[str]:
    """Every page of the bench, with ids that are there."""
    app, week = cast.stage.app, cast.stage.clock().isocalendar()
    known = {
        "case_id": [case.id],
        "person_id": [case.witness],
        "house_id": [],
        "alert_id": [alert],
        "officer_id": [cast["ivo"].actor.officer],
        "witness_id": [],
    }
    found = []
    for rule in rules(app, "GET"):
        if rule.rule.startswith("/ledger") and not rule.rule.startswith(tuple(SIDE_ENTRANCES)):
            found += list(paths(app, rule, known))
    mark = cast["ivo"].actor.session
    running = f"{week.year}{week.week:02d}"
    swapped = [path.replace("/weeks/0", f"/weeks/{running}").replace("00000000", str(mark)) for path in found]
    return [path for path in swapped if not path.endswith((f"{running}/review", "/unflag"))]


@ON_SQLITE
def test_every_use_of_the_bench_is_an_entry_also_a_question_that_could_not_be_answered(cast: Cast) -> None:
    case, aud = open_case(cast, named=["ines"]), cast["aud"]
    alert = refuse_five_times(cast)
    pages = used(cast, case, alert)
    assert len(pages) >= 20
    asked = [
        "/ledger?since=tomorrow",
        f"/ledger?case={uuid4()}",
        "/ledger/alerts?rule=made-up",
        "/disclosure",
    ]
    for path in [*pages, *asked]:
        before = size_of(cast)
        assert aud.get(path).status_code in {200, 422}, path
        assert size_of(cast) > before, path
        assert newest(cast)["kept-event"] in {"ledger-read", "disclosure-log-read"}, path


@ON_SQLITE
def test_a_page_that_shows_before_it_records_would_be_noticed(cast: Cast) -> None:
    # What the test above relies on: a page that records nothing leaves the ledger as it was.
    aud = cast["aud"]
    before = size_of(cast)
    assert aud.get("/sessions").status_code == 200
    assert size_of(cast) == before


@ON_SQLITE
def test_a_decision_that_is_sent_without_a_reason_shows_the_alert_again_only_as_an_entry(cast: Cast) -> None:
    alert, aud = refuse_five_times(cast), cast["aud"]
    aud.get(f"/ledger/alerts/{alert}/dismiss")
    before = size_of(cast)
    assert aud.post(f"/ledger/alerts/{alert}/dismiss", why="").status_code == 422
    assert size_of(cast) == before + 1
    assert newest(cast)["page"] == "alert"


def narrow(cast: Cast, **answers: str) -> Any:
    cast["aud"].get("/ledger")
    return cast["aud"].post("/ledger/narrow", **answers)


@ON_SQLITE
def test_a_case_is_found_by_its_number_however_it_is_typed_and_no_word_stands_in_an_address(
    cast: Cast,
) -> None:
    case, aud = open_case(cast, named=[]), cast["aud"]
    for typed in (case.code, case.code.lower(), f" {case.code} ", case.code.replace("-", "\N{EN DASH}")):
        answer = narrow(cast, case_code=typed, outcome="done")
        assert answer.status_code == 303
        assert answer.location == f"/ledger?outcome=done&case={case.id}"
    page = aud.get(answer.location).text
    assert "Ada Amsel opened a case" in plain(page)
    assert f'value="{case.code}"' in page
    assert f'href="/ledger/subjects/case/{case.id}"' in page
    wrong = narrow(cast, case_code="Jane Roe")
    assert wrong.status_code == 422
    assert "Nothing has this number." in plain(wrong.text)
    assert newest(cast)["answered"] is False


@ON_SQLITE
def test_the_page_names_no_case_and_no_place_that_was_not_asked_for(cast: Cast) -> None:
    case, aud = open_case(cast, named=[]), cast["aud"]
    for _ in range(60):
        record_apart(cast.stage.vault, Event.SIGNED_IN, who=None, now=cast.stage.clock(), subjects=[])
    assert case.code not in aud.get("/ledger").text
    assert case.code in aud.get(f"/ledger?case={case.id}").text


@ON_SQLITE
def test_who_has_seen_is_asked_by_the_number_of_a_case_which_leads_to_its_people(cast: Cast) -> None:
    case, aud = open_case(cast, named=["ines"]), cast["aud"]
    aud.get("/ledger/subjects")
    found = aud.post("/ledger/subjects", code=case.code.lower())
    assert (found.status_code, found.location) == (303, f"/ledger/subjects/case/{case.id}")
    assert f"/ledger/subjects/person/{case.witness}" in aud.get(found.location).text
    for typed, says in (("", "Enter the number"), ("WP-1999-0001", "No case or place has this number.")):
        answer = aud.post("/ledger/subjects", code=typed)
        assert answer.status_code == 422
        assert says in plain(answer.text)


def look(cast: Cast, name: str, case: OpenedCase, number: int) -> None:
    for _ in range(number):
        record_apart(
            cast.stage.vault,
            Event.OPENED,
            who=cast[name].actor,
            now=cast.stage.clock(),
            subjects=[f"case:{case.id}", f"person:{case.witness}"],
            compartment=Compartment.IDENTITY,
            fields=["person.legal_name"],
            reason=Reason.VISIT,
        )


@ON_SQLITE
def test_whoever_saw_it_once_long_ago_is_named_beside_those_who_saw_it_often_since(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = open_case(cast, named=["ines"])
    look(cast, "dee", case, 1)
    look(cast, "ines", case, 60)
    monkeypatch.setattr("vault.oversight.finding.PORTION", 7)
    page = cast["aud"].get(f"/ledger/subjects/person/{case.witness}").text
    assert "Dee Drummer" in plain(page)
    assert "2 officers" in plain(page)
    older = re.search(r'href="(/ledger/subjects/person/[^"]+before=\d+)"', page)
    assert older is not None
    assert "Dee Drummer opened Identity" not in plain(page)
    assert "Dee Drummer opened Identity" in plain(cast["aud"].get(older[1]).text)


@ON_SQLITE
def test_a_session_tells_how_long_it_lasted_what_was_looked_at_and_where_nothing_was_done(cast: Cast) -> None:
    case, ines = open_case(cast, named=["ines"]), cast["ines"]
    cast.stage.clock.forward(minutes=9)
    look(cast, "ines", case, 2)
    page = plain(cast["aud"].get(f"/ledger/sessions/{ines.actor.session}").text)
    assert "Looks 2" in page
    assert "9 minutes later" in page
    assert "it was not signed out" in page
    assert f"/ledger/officers/{ines.actor.officer}" in cast["aud"].get(
        f"/ledger/sessions/{ines.actor.session}"
    ).text  # fmt: skip


def plant(cast: Cast, rows: Sequence[tuple[Rule, UUID | None, int]]) -> None:
    """Alerts as if they had been raised; what is tried is how they are shown."""
    values = [
        {
            "id": uuid4(),
            "rule": rule,
            "first_index": first,
            "last_index": first,
            "at": cast.stage.clock.now + timedelta(seconds=first),
            "officer": officer,
            "number": 5,
            "usual": 4,
            "version": 1,
        }
        for rule, officer, first in rows
    ]
    with cast.stage.vault.database.engine.begin() as connection:
        connection.execute(insert(Alert), values)


def test_alerts_of_one_kind_about_one_officer_stand_together_and_lead_to_all_of_them(cast: Cast) -> None:
    ines, ivo = cast["ines"].actor.officer, cast["ivo"].actor.officer
    many = [(Rule.ODD_HOURS, ines, 1000 + number) for number in range(27)]
    plant(cast, [*many, (Rule.ODD_HOURS, ivo, 2000), (Rule.PLANTED, None, 2001), (Rule.PLANTED, None, 2002)])
    page = cast["aud"].get("/ledger/alerts").text
    assert "Ines Inkpen: looks at an unusual hour, 27 times" in plain(page)
    assert plain(page).count("Ines Inkpen looked at something") == 5
    assert "Ivo Ironside: " not in plain(page)
    assert "Ivo Ironside looked at something" in plain(page)
    link = f"/ledger/alerts?state=open&amp;rule=odd-hours&amp;officer={ines}"
    assert f'href="{link}"' in page
    first = cast["aud"].get(link.replace("&amp;", "&")).text
    older = re.search(r'href="(/ledger/alerts\?[^"]+before=\d+)"', first)
    assert older is not None
    rest = cast["aud"].get(older[1].replace("&amp;", "&")).text
    assert [plain(shown).count("Ines Inkpen looked at something") for shown in (first, rest)] == [20, 7]
    nobody = cast["aud"].get(f"/ledger/alerts?state=open&rule=planted-entry&officer={NOBODY}").text
    assert plain(nobody).count("somebody wrote to the database past it") == 2


def test_groups_follow_page_by_page_without_a_gap_even_where_several_begin_with_one_entry(cast: Cast) -> None:
    kinds = [Rule.ODD_HOURS, Rule.LOCKED, Rule.HABIT]
    rows = [(rule, uuid4(), 5000 + number) for number in range(15) for rule in kinds]
    plant(cast, rows)
    path, seen, pages = "/ledger/alerts?state=open", list[str](), 0
    while path:
        page = cast["aud"].get(path).text
        seen += re.findall(r"/ledger/alerts/([0-9a-f-]{36})\"", page)
        older = re.search(r'href="(/ledger/alerts\?[^"]+before=\d+)"', page)
        path, pages = (older[1].replace("&amp;", "&") if older else ""), pages + 1
    assert len(seen) == len(set(seen)) == len(rows)
    assert pages == -(-len(rows) // (GROUPS_ON_A_PAGE + 1))


@ON_SQLITE
def test_the_list_of_alerts_asks_as_often_for_ten_times_the_alerts(cast: Cast) -> None:
    aud, rows = cast["aud"], [(Rule.ODD_HOURS, uuid4(), 9000 + number) for number in range(150)]
    plant(cast, rows[:3])
    aud.get("/ledger/alerts")
    few = queries(cast, lambda: aud.get("/ledger/alerts").status_code)
    plant(cast, rows[3:])
    assert queries(cast, lambda: aud.get("/ledger/alerts").status_code) == few
