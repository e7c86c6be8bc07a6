"""Alerts on the bench: listed, told with what is behind them, dismissed only with a reason that stays."""

import re
from uuid import UUID

import pytest
from sqlalchemy import select

from tests.cast import CAST, Cast
from tests.oversight.test_read import newest, plain, queries, size_of, worked
from tests.oversight.test_watching import look, refuse, watch_all
from tests.programme import open_case
from vault.access.events import Event, record_apart
from vault.access.policy import Compartment, Reason
from vault.errors import RuleForbids
from vault.oversight import actions
from vault.oversight.models import Alert, Rule

ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
SECRET = "She was called by the hospital; Quillfeather confirmed it."


def raised(cast: Cast) -> list[Alert]:
    """Every alert, after the ledger was watched."""
    watch_all(cast.stage.vault)
    with cast.stage.vault.reading() as db:
        return list(db.scalars(select(Alert).order_by(Alert.first_index)))


def state_of(cast: Cast, alert: UUID) -> Alert:
    with cast.stage.vault.reading() as db:
        return db.get_one(Alert, alert)


def test_an_alert_is_listed_told_dismissed_with_a_reason_and_can_be_seen_again(cast: Cast) -> None:
    refuse(cast, "ivo", 5)
    aud = cast["aud"]
    sentence = "Ivo Ironside was refused 5 times within ten minutes"
    page = aud.get("/ledger/alerts").text
    assert sentence in page
    assert "1 alert is open" in plain(page)
    (alert,) = raised(cast)
    path = f"/ledger/alerts/{alert.id}"
    told = plain(aud.get(path).text)
    assert told.count("Ivo Ironside was refused “cases, show”") == 5
    assert aud.post(f"{path}/dismiss", why=" ").status_code == 422
    assert state_of(cast, alert.id).dismissed_at is None
    aud.get(f"{path}/dismiss")
    assert aud.post(f"{path}/dismiss", why=SECRET).status_code == 303
    kept = state_of(cast, alert.id)
    assert (kept.dismissed_by, kept.dismissed_at) == (aud.actor.officer, cast.stage.clock.now)
    entry = size_of(cast) - 1
    assert newest(cast)["kept-event"] == "alert-dismissed"
    assert "No alert is open" in aud.get("/ledger/alerts").text
    assert sentence in aud.get("/ledger/alerts?state=dismissed").text
    again = plain(aud.get(path).text)
    assert "by Aud Atwater" in again
    assert "Aud Atwater dismissed an alert about Ivo Ironside" in again
    assert SECRET not in aud.get(path).text
    assert "Quillfeather" in aud.get(f"/ledger/{entry}").text
    assert aud.post(f"{path}/dismiss", why=SECRET).status_code == 409


@ON_SQLITE
def test_ordinary_work_raises_nothing_and_a_look_by_who_is_not_named_does(cast: Cast) -> None:
    case = worked(cast)
    people = [f"person:{case.witness}"]
    opened(cast, "ines", people)  # as a search among the people of one's own cases is told
    assert raised(cast) == []
    opened(cast, "ivo", [f"case:{case.id}", *people])
    opened(cast, "ivo", people)
    assert [(alert.rule, alert.officer) for alert in raised(cast)] == [
        (Rule.OUTSIDE_ASSIGNMENT, cast["ivo"].actor.officer)
    ] * 2
    assert f"Ivo Ironside opened something of {case.code} without being named there" in plain(
        cast["aud"].get("/ledger/alerts").text
    )


def opened(cast: Cast, name: str, subjects: list[str]) -> None:
    """The entry of a look, as if nothing had stopped it."""
    record_apart(
        cast.stage.vault,
        Event.OPENED,
        who=cast[name].actor,
        now=cast.stage.clock.now,
        subjects=subjects,
        compartment=Compartment.IDENTITY,
        fields=["person.legal_name"],
        reason=Reason.VISIT,
    )


@ON_SQLITE
def test_nobody_else_sees_an_alert_or_decides_on_it(cast: Cast) -> None:
    refuse(cast, "ivo", 5)
    (alert,) = raised(cast)
    for name in sorted(set(CAST) - {"aud"}):
        cast[name].get("/desk")
        for path in ("/ledger/alerts", f"/ledger/alerts/{alert.id}", f"/ledger/alerts/{alert.id}/dismiss"):
            assert cast[name].get(path).status_code == 403, (name, path)
        assert cast[name].post(f"/ledger/alerts/{alert.id}/dismiss", why=SECRET).status_code == 403
    assert state_of(cast, alert.id).dismissed_at is None


@ON_SQLITE
def test_an_auditor_does_not_dismiss_an_alert_about_themselves(cast: Cast) -> None:
    refuse(cast, "aud", 5)
    (alert,) = raised(cast)
    aud, path = cast["aud"], f"/ledger/alerts/{alert.id}"
    assert "This alert is about you" in aud.get(path).text
    aud.get(f"{path}/dismiss")
    assert aud.post(f"{path}/dismiss", why=SECRET).status_code == 409
    assert state_of(cast, alert.id).dismissed_at is None


def test_of_two_auditors_who_dismiss_at_once_the_second_is_told(cast: Cast) -> None:
    refuse(cast, "ivo", 5)
    (alert,) = raised(cast)
    vault, who = cast.stage.vault, cast["aud"].actor
    with vault.writing() as db:
        actions.dismiss(db, who, alert.id, SECRET, vault.now())
    with pytest.raises(RuleForbids, match="already"), vault.writing() as db:
        actions.dismiss(db, who, alert.id, "Again.", vault.now())


@ON_SQLITE
def test_the_list_is_narrowed_by_kind_and_officer_and_a_wrong_question_shows_nothing(cast: Cast) -> None:
    refuse(cast, "ivo", 5)
    look(cast, "ines", 21)
    aud, ines = cast["aud"], cast["ines"].actor.officer
    both = aud.get("/ledger/alerts?state=").text
    assert "Ivo Ironside was refused" in both
    assert "Ines Inkpen looked 21 times" in both
    for query in (f"officer={ines}", "rule=far-above-habit", f"officer={ines}&rule=far-above-habit"):
        page = aud.get(f"/ledger/alerts?state=open&{query}").text
        assert "Ines Inkpen looked 21 times" in page, query
        assert "Ivo Ironside was refused" not in page, query
    for query in ("state=gone", "rule=whim", "officer=nobody", "before=-1"):
        answer = aud.get(f"/ledger/alerts?{query}")
        assert answer.status_code == 422, query
        assert "Ines Inkpen looked" not in answer.text


@ON_SQLITE
def test_a_flagged_case_tells_of_every_officer_who_is_new_to_it(cast: Cast) -> None:
    case, aud = open_case(cast, named=[]), cast["aud"]
    page = aud.get(f"/ledger/subjects/case/{case.id}").text
    assert "Flag this case" in page
    path = f"/ledger/cases/{case.id}/flag"
    aud.get(path)
    assert aud.post(path, why="").status_code == 422
    assert aud.post(path, why=SECRET).status_code == 303
    assert newest(cast)["kept-event"] == "case-flagged"
    assert "No longer flag this case" in aud.get(f"/ledger/subjects/case/{case.id}").text
    assert aud.post(path, why=SECRET).status_code == 409
    ada = cast["ada"]
    ada.get(f"/cases/{case.id}/officers/name")
    named = ada.post(f"/cases/{case.id}/officers/name", officer=str(cast["ines"].actor.officer))
    assert named.status_code == 303
    found = raised(cast)
    assert [(alert.rule, alert.subject) for alert in found] == [(Rule.FLAGGED_CASE, f"case:{case.id}")]
    assert f"Ines Inkpen is new on {case.code}, which is flagged" in plain(aud.get("/ledger/alerts").text)
    other = f"/ledger/cases/{case.id}/unflag"
    aud.get(other)
    assert aud.post(other, why="It was another family.").status_code == 303
    assert "Flag this case" in aud.get(f"/ledger/subjects/case/{case.id}").text


@ON_SQLITE
def test_the_pages_ask_as_often_for_ten_times_the_alerts(cast: Cast) -> None:
    aud, ivo = cast["aud"], cast["ivo"].actor
    refuse(cast, "ivo", 5)
    (alert,) = raised(cast)
    paths = ["/ledger/alerts", f"/ledger/alerts/{alert.id}", "/ledger/weeks", "/ledger/weeks/202648", "/desk"]
    paths += ["/ledger/figures", f"/ledger/officers/{ivo.officer}"]

    def asked() -> list[int]:
        for path in paths:
            aud.get(path)
        return [queries(cast, lambda path=path: aud.get(path).status_code) for path in paths]  # type: ignore[misc]

    few = asked()
    for _ in range(50):
        record_apart(
            cast.stage.vault,
            Event.REFUSED,
            who=ivo,
            now=cast.stage.clock.now,
            subjects=[f"case:{UUID(int=0x404)}"],
            outcome="refused",
        )
    look(cast, "ines", 90)
    assert len(raised(cast)) == 14
    assert asked() == few


@ON_SQLITE
def test_the_auditors_desk_counts_open_alerts_and_nobody_elses_does(cast: Cast) -> None:
    refuse(cast, "ivo", 5)
    assert "1 open alert" in cast["aud"].get("/desk").text
    for name in ("ada", "ivo", "max"):
        assert "open alert" not in cast[name].get("/desk").text


@ON_SQLITE
def test_pages_of_alerts_follow_one_another_without_a_gap(cast: Cast) -> None:
    ivo, aud = cast["ivo"].actor, cast["aud"]
    for _ in range(5 * 60):
        record_apart(
            cast.stage.vault, Event.REFUSED, who=ivo, now=cast.stage.clock.now, subjects=[], outcome="refused"
        )
    found = {str(alert.id) for alert in raised(cast)}
    path, seen = f"/ledger/alerts?rule=burst-of-refusals&state=&officer={ivo.officer}", list[str]()
    while path:
        page = aud.get(path).text
        seen += re.findall(r'href="/ledger/alerts/([0-9a-f-]{36})"', page)
        older = re.search(r'href="(/ledger/alerts\?[^"]*before=\d+)"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    assert len(found) == 60
    assert sorted(seen) == sorted(found)
