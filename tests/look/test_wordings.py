"""Days, moments, sums and deadlines in words."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from vault import templating

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 22, 19, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (date(2026, 11, 22), "Nov 22, 2026"),
        (datetime(2026, 11, 22, 4, 59, tzinfo=UTC), "Nov 21, 2026"),
        (datetime(2026, 7, 4, 4, 0, tzinfo=UTC), "Jul 4, 2026"),
        (None, "Not recorded"),
    ],
)
def test_a_day_is_worded_on_the_unit_s_calendar(moment: date | None, words: str) -> None:
    assert templating.day(moment, ZONE) == words


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (NOW, "Nov 22, 2026, 2:05 pm"),
        (datetime(2026, 11, 22, 5, 0, tzinfo=UTC), "Nov 22, 2026, 12:00 am"),
        (datetime(2026, 7, 4, 16, 0, tzinfo=UTC), "Jul 4, 2026, 12:00 pm"),
    ],
)
def test_a_moment_is_worded_on_the_unit_s_clock(moment: datetime, words: str) -> None:
    assert templating.when(moment, ZONE) == words


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        templating.when(datetime(2026, 11, 22), ZONE)  # noqa: DTZ001 - the breach that is planted


@pytest.mark.parametrize(
    ("moment", "ago", "due", "urgency"),
    [
        (date(2026, 11, 19), "3 days ago", "overdue by 3 days", "overdue"),
        (date(2026, 11, 21), "1 day ago", "overdue by 1 day", "overdue"),
        (date(2026, 11, 22), "today", "due today", "soon"),
        (date(2026, 11, 24), "in 2 days", "due in 2 days", "soon"),
        (date(2026, 12, 22), "in 30 days", "due in 30 days", "later"),
        (NOW - timedelta(hours=5), "5 hours ago", "overdue by 5 hours", "overdue"),
        (NOW + timedelta(minutes=1), "in 1 minute", "due in 1 minute", "soon"),
        (NOW, "now", "due now", "soon"),
        (NOW + timedelta(days=4), "in 4 days", "due in 4 days", "later"),
    ],
)
def test_a_distance_is_worded(moment: date, ago: str, due: str, urgency: str) -> None:
    assert templating.ago(moment, NOW, ZONE) == ago
    assert templating.due(moment, NOW, ZONE) == due
    assert templating.urgency(moment, NOW, ZONE) == urgency


def test_a_day_is_not_overdue_before_the_unit_s_midnight() -> None:
    before = datetime(2026, 11, 23, 4, 59, tzinfo=UTC)
    assert templating.urgency(date(2026, 11, 22), before, ZONE) == "soon"
    assert templating.urgency(date(2026, 11, 22), before + timedelta(minutes=1), ZONE) == "overdue"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (lambda: templating.money(125050), "$1,250.50"),
        (lambda: templating.money(5), "$0.05"),
        (lambda: templating.money(-100), "−$1.00"),
        (lambda: templating.money(None), "Not recorded"),
        (lambda: templating.count(18204), "18,204"),
        (lambda: templating.counted(1, "night"), "1 night"),
        (lambda: templating.counted(2, "night"), "2 nights"),
        (lambda: templating.counted(0, "child", "children"), "0 children"),
    ],
)
def test_sums_and_numbers_are_worded(words: Callable[[], str], expected: str) -> None:
    assert words() == expected


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (
            "H-012 of WP-2026-0004: done",
            '<span class="vault-whole">H-012</span> of <span class="vault-whole">WP-2026-0004</span>: done',
        ),
        ("R-2026-0001", '<span class="vault-whole">R-2026-0001</span>'),
        ("took a 5-7 hour well-kept way", "took a 5-7 hour well-kept way"),
        ("<b>A-1</b>", '&lt;b&gt;<span class="vault-whole">A-1</span>&lt;/b&gt;'),
        ("", ""),
    ],
)
def test_a_number_stays_on_one_line_and_nothing_else_becomes_markup(words: str, shown: str) -> None:
    assert templating.whole(words) == shown


def test_what_is_markup_already_stays_so_around_a_number() -> None:
    heading = Markup("Papers &amp; notes of WP-2026-0001")
    assert templating.whole(heading) == 'Papers &amp; notes of <span class="vault-whole">WP-2026-0001</span>'


@given(st.integers(min_value=-(10**9), max_value=10**9))
def test_every_moment_has_one_side_of_now(seconds: int) -> None:
    moment = NOW + timedelta(seconds=seconds)
    overdue = templating.due(moment, NOW, ZONE).startswith("overdue")
    assert overdue == (moment <= NOW - timedelta(minutes=1))
    assert (templating.urgency(moment, NOW, ZONE) == "overdue") == (moment < NOW)
