"""The weekly review: of a week that has ended, with nothing left open, signed once and for ever."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from tests.cast import CAST, Cast
from tests.oversight.test_alerts import raised
from tests.oversight.test_prove import exported
from tests.oversight.test_read import altering, newest, plain, size_of
from tests.oversight.test_watching import refuse
from vault import verification
from vault.oversight.models import WeeklyReview
from vault.oversight.weeks import Week, WeekState, weeks_from

ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
ZONE = ZoneInfo("America/New_York")
FIRST = 202648  # the clock of the tests begins on Monday of this week
REMARK = "Two late looks; both were moves by Quillfeather."


def review(cast: Cast, week: int, remark: str) -> int:
    """Aud signs a week off; the status of the answer."""
    aud, path = cast["aud"], f"/ledger/weeks/{week}/review"
    page = aud.get(path)
    code = {"code": aud.code()} if 'name="code"' in page.text else {}
    return aud.post(path, remark=remark, **code).status_code


def later(cast: Cast, **span: float) -> None:
    """Time passes, and Aud signs in again."""
    cast.stage.clock.forward(**span)
    cast["aud"].sign_in()


def test_a_week_is_signed_off_once_with_its_figures_and_never_changed(cast: Cast) -> None:
    refuse(cast, "ivo", 2)
    aud = cast["aud"]
    assert "This week is still running" in aud.get(f"/ledger/weeks/{FIRST}").text
    assert review(cast, FIRST, REMARK) == 409
    later(cast, days=7)
    page = plain(aud.get(f"/ledger/weeks/{FIRST}").text)
    assert "To be reviewed" in page
    assert "Refusals 4" in page  # two of Ivo's, and asking for and sending the review too early
    assert review(cast, FIRST, REMARK) == 303
    entry = size_of(cast) - 1
    told = newest(cast)
    assert (told["kept-event"], told["week"], told["alerts"]) == ("week-reviewed", "2026-W48", 0)
    page = aud.get(f"/ledger/weeks/{FIRST}").text
    assert "Reviewed by Aud Atwater" in page
    assert REMARK not in page
    assert f'href="/ledger/{entry}"' in page
    assert "Quillfeather" in aud.get(f"/ledger/{entry}").text
    assert review(cast, FIRST, "Something else.") == 409
    with cast.stage.vault.reading() as db:
        assert [row.week for row in db.scalars(select(WeeklyReview))] == [FIRST]


def test_a_review_that_is_altered_in_the_database_is_found(cast: Cast) -> None:
    later(cast, days=7)
    assert review(cast, FIRST, "") == 303
    altering(cast, "weekly_reviews", "UPDATE weekly_reviews SET alerts = 7")
    told = verification.verify(cast.stage.vault, lambda _count: None)
    assert [words for words in told.findings if words.startswith("Row weekly_reviews/")]


@ON_SQLITE
def test_with_an_open_alert_a_week_waits_until_it_is_dismissed_or_carried_over(cast: Cast) -> None:
    refuse(cast, "ivo", 5)
    (alert,) = raised(cast)
    aud, path = cast["aud"], f"/ledger/alerts/{alert.id}"
    aud.get(f"{path}/carry-over")
    assert aud.post(f"{path}/carry-over", why="Too early.").status_code == 409
    later(cast, days=7)
    assert "dismiss or carry over 1 open alert" in plain(aud.get(f"/ledger/weeks/{FIRST}").text)
    assert review(cast, FIRST, "") == 409
    aud.get(f"{path}/carry-over")
    assert aud.post(f"{path}/carry-over", why="").status_code == 422
    assert aud.post(f"{path}/carry-over", why="Ivo is on leave.").status_code == 303
    assert review(cast, FIRST, "") == 303
    assert (newest(cast)["alerts"], newest(cast)["carried"]) == (1, 1)
    later(cast, days=7)
    assert review(cast, FIRST + 1, "") == 409
    aud.get(f"{path}/dismiss")
    assert aud.post(f"{path}/dismiss", why="Ivo had the wrong link.").status_code == 303
    assert review(cast, FIRST + 1, "") == 303


@ON_SQLITE
def test_an_alert_nobody_had_read_yet_stops_the_review_all_the_same(cast: Cast) -> None:
    refuse(cast, "ivo", 5)
    later(cast, days=7)
    assert review(cast, FIRST, "") == 409
    assert len(raised(cast)) == 1


@ON_SQLITE
def test_a_review_asks_for_the_code(cast: Cast) -> None:
    later(cast, days=7)
    aud, path = cast["aud"], f"/ledger/weeks/{FIRST}/review"
    aud.get(path)
    assert aud.post(path, remark="").status_code == 422
    wrong = aud.post(path, remark=REMARK, code="000000")
    assert wrong.status_code == 422
    assert REMARK in wrong.text
    with cast.stage.vault.reading() as db:
        assert db.scalars(select(WeeklyReview)).all() == []


@ON_SQLITE
def test_a_missed_week_stays_missed_when_it_is_reviewed_too_late(cast: Cast) -> None:
    later(cast, days=15)
    aud = cast["aud"]
    page = plain(aud.get("/ledger/weeks").text)
    assert "3 weeks since the vault was founded" in page
    assert page.count("2026-W48") == 2
    assert page.count("Look over week") == page.count("waits for its review") == 1
    assert review(cast, FIRST, "") == 303
    page = plain(aud.get("/ledger/weeks").text)
    assert page.count("Missed, reviewed late") == 2
    assert f"Week {FIRST}" not in aud.get("/desk").text
    assert "Week 2026-W49" in aud.get("/desk").text


@ON_SQLITE
def test_weeks_before_the_founding_and_after_today_are_not_there(cast: Cast) -> None:
    for week in (202647, 202649, 0, 999_999_999_999, 202654, 202600):
        assert cast["aud"].get(f"/ledger/weeks/{week}").status_code == 404, week


@ON_SQLITE
def test_nobody_but_the_auditor_reviews(cast: Cast) -> None:
    for name in sorted(set(CAST) - {"aud"}):
        cast[name].get("/desk")
        for path in ("/ledger/weeks", f"/ledger/weeks/{FIRST}", f"/ledger/weeks/{FIRST}/review"):
            assert cast[name].get(path).status_code == 403, (name, path)
        assert cast[name].post(f"/ledger/weeks/{FIRST}/review", remark="").status_code == 403


@ON_SQLITE
def test_each_review_keeps_the_checkpoint_of_its_time_and_a_ledger_put_back_shows(cast: Cast) -> None:
    exported(cast)
    later(cast, days=7)
    assert review(cast, FIRST, "") == 303
    page = cast["aud"].get("/ledger/checkpoint").text
    assert "The ledger still goes through it" in page
    assert "No witness yet" in page
    with cast.stage.vault.reading() as db:
        size = db.scalars(select(WeeklyReview.signed_size)).one()
    altering(
        cast, "ledger_heads", "UPDATE ledger_heads SET root = :root WHERE size = :size", root=b"x", size=size
    )
    assert "The ledger was changed" in cast["aud"].get("/ledger/checkpoint").text


@given(st.dates(date(1990, 1, 1), date(2100, 12, 31)))
def test_every_day_is_in_the_one_week_that_its_code_leads_back_to(day: date) -> None:
    week = Week.of(day)
    assert week.monday <= day <= week.sunday
    assert Week.from_code(week.code) == week
    assert week.next().previous() == week
    assert week.begins(ZONE) < week.ends(ZONE) == week.next().begins(ZONE)
    year, number, _ = day.isocalendar()
    assert week.name == f"{year}-W{number:02d}"


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.integers(0, 60))
def test_no_week_is_left_out_between_two(day: date, number: int) -> None:
    first = Week.of(day)
    found = weeks_from(first, Week.of(day + timedelta(weeks=number)))
    assert len(found) == number + 1
    assert all(newer.previous() == older for newer, older in pairwise(found))


def test_a_week_is_due_in_the_week_after_it_and_then_missed_for_ever() -> None:
    week = Week.from_code(202648)
    sunday = datetime(2026, 11, 30, 4, 59, 59, tzinfo=UTC)  # Sunday night on the unit's clock
    monday, late = sunday + timedelta(seconds=1), sunday + timedelta(days=7, seconds=1)
    assert week.state(None, sunday, ZONE) is WeekState.RUNNING
    assert week.state(None, monday, ZONE) is WeekState.DUE
    assert week.state(None, late, ZONE) is WeekState.MISSED
    assert week.state(monday, late, ZONE) is WeekState.REVIEWED
    assert week.state(late, late, ZONE) is WeekState.LATE
