"""Afterwards: somebody else reviews each use within three working days, and the auditor hears of it."""

from datetime import date

import pytest
from sqlalchemy import select

from tests.cast import Cast, Officer
from tests.emergency.errands import answer, ask, entries, give, later, open_it, request_of, write_address
from tests.keys.reading import plain
from tests.programme import open_case
from vault.emergency.models import Verdict
from vault.oversight.models import Alert, Rule

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def alerts(cast: Cast) -> list[Rule]:
    """The alerts that the auditor finds, in the order of the ledger."""
    assert cast["aud"].get("/desk").status_code == 200
    with cast.stage.vault.reading() as db:
        return [alert.rule for alert in db.scalars(select(Alert).order_by(Alert.first_index))]


def test_coordinator_and_deputy_see_at_once_that_it_is_open_and_neither_reviews_their_own(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    request = ask(cast, "pat", case.code, "location")
    grant = give(cast, request, "ada")
    for name in ("ada", "dee"):
        assert "Emergency access is open" in plain(cast[name].get("/desk").text)
    later(cast, grant.ends_at, "ada", "dee")
    assert "Emergency: a review" not in cast["ada"].get("/desk").text
    assert "Emergency: a review" in cast["dee"].get("/desk").text
    answer(cast, request, "ada", verdict="justified", words="I gave it myself.")
    assert request_of(cast, request).verdict is None
    answered = answer(cast, request, "dee", verdict="not-justified", words="A call would have done.")
    assert answered.status_code == 303
    kept = request_of(cast, request)
    assert (kept.verdict, kept.reviewed_by) == (Verdict.NOT_JUSTIFIED, cast["dee"].actor.officer)
    assert "Emergency" not in cast["dee"].get("/desk").text.split("Waiting for you")[1]
    shown = cast["ada"].post(f"/emergency/{request}/words", reason="review")
    assert "A call would have done." in shown.text


@ONLY_SQLITE
def test_it_is_not_reviewed_while_it_lasts_nor_twice(cast: Cast) -> None:
    case = open_case(cast, named=[])
    request = ask(cast, "pat", case.code, "location")
    grant = give(cast, request, "ada")
    answer(cast, request, "dee", verdict="justified", words="Too early.")
    assert request_of(cast, request).verdict is None
    later(cast, grant.ends_at, "dee")
    answer(cast, request, "dee", verdict="justified", words="It was right.")
    answer(cast, request, "dee", verdict="not-justified", words="Once more.")
    assert request_of(cast, request).verdict is Verdict.JUSTIFIED


@ONLY_SQLITE
def test_every_use_is_an_alert_and_none_is_told_as_a_look_without_a_naming(cast: Cast) -> None:
    case = open_case(cast, named=[])
    write_address(cast, case)
    request = ask(cast, "pat", case.code, "location")
    give(cast, request, "ada")
    open_it(cast, request, "pat")
    found = alerts(cast)
    assert found.count(Rule.BREAK_GLASS) == 2  # It was given, and it was looked at.
    assert Rule.OUTSIDE_ASSIGNMENT not in found


@ONLY_SQLITE
def test_a_use_that_nobody_reviewed_in_three_working_days_is_red_and_told_once(cast: Cast) -> None:
    case = open_case(cast, named=[])
    request = ask(cast, "pat", case.code, "location")
    give(cast, request, "ada")
    assert request_of(cast, request).review_due_on == date(2026, 11, 26)  # From a Monday on.
    cast.stage.clock.forward(days=3)
    cast["aud"] = Officer(cast.stage, "aud").sign_in()
    assert Rule.UNREVIEWED not in alerts(cast)
    cast.stage.clock.forward(days=1)
    for name in ("aud", "dee"):
        cast[name] = Officer(cast.stage, name).sign_in()
    assert "Emergency: review overdue Urgent" in plain(cast["aud"].get("/desk").text)
    assert "Emergency: a review Urgent" in plain(cast["dee"].get("/desk").text)
    assert alerts(cast).count(Rule.UNREVIEWED) == 1
    assert len(entries(cast, "emergency-unreviewed")) == 1
