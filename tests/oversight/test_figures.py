"""Charts: every number that is drawn stands in a table too, in its place, and nothing leaves the picture."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cast import CAST, Cast
from tests.oversight.test_read import newest, plain
from tests.oversight.test_watching import look, refuse
from vault.oversight.charts import LEVELS, Chart, bars, columns, heat_map, level
from vault.oversight.figures import Point

ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
NUMBERS = st.integers(0, 100_000)


def stays_inside(chart: Chart) -> bool:
    """Whether every box and word stands in the picture."""
    boxes = all(
        box.x >= 0 and box.y >= 0 and box.x + box.width <= chart.width + 0.2
        and box.y + box.height <= chart.height + 0.2 and box.width >= 0 and box.height >= 0
        for box in chart.boxes
    )  # fmt: skip
    return boxes and all(0 <= mark.x <= chart.width and 0 < mark.y <= chart.height for mark in chart.marks)


@given(st.lists(st.lists(NUMBERS, min_size=7, max_size=7), min_size=24, max_size=24))
def test_a_heat_map_draws_each_number_once_and_darker_for_more(grid: list[list[int]]) -> None:
    chart = heat_map(grid)
    assert [box.number for box in chart.boxes] == [number for row in grid for number in row]
    assert stays_inside(chart)
    by_number = sorted(chart.boxes, key=lambda box: box.number)
    assert [box.level for box in by_number] == sorted(box.level for box in chart.boxes)
    assert {box.level == 0 for box in chart.boxes if box.number == 0} <= {True}


@given(NUMBERS, NUMBERS)
def test_only_nothing_is_drawn_as_nothing(one: int, other: int) -> None:
    least, most = sorted((one, other))
    assert (level(least, most) == 0) is (least == 0)
    assert level(most, most) in {0, LEVELS}


@given(st.lists(NUMBERS, min_size=1, max_size=60))
def test_columns_are_as_tall_as_their_numbers(numbers: list[int]) -> None:
    chart = columns([Point("Nov 1", f"Day {place}", number) for place, number in enumerate(numbers)])
    assert stays_inside(chart)
    tallest = max(chart.boxes, key=lambda box: box.height)
    assert tallest.number == max(numbers)
    for box in chart.boxes:
        assert box.height * max(numbers) == pytest.approx(tallest.height * box.number, abs=max(numbers) * 0.2)


@given(st.lists(st.tuples(st.just("Ines Inkpen"), NUMBERS), max_size=30))
def test_bars_carry_their_names_and_numbers(rows: list[tuple[str, int]]) -> None:
    chart = bars(rows)
    assert stays_inside(chart)
    assert [mark.words for mark in chart.marks[1::2]] == [f"{number:,}" for _, number in rows]


@ON_SQLITE
def test_looks_and_refusals_stand_in_the_charts_and_in_their_tables(cast: Cast) -> None:
    look(cast, "ines", 4)
    refuse(cast, "ivo", 3)
    aud = cast["aud"]
    answer = aud.get("/ledger/figures")
    page = plain(answer.text)
    assert newest(cast)["page"] == "figures"
    assert "Monday, 10:00 to 10:59: 4" in answer.text
    assert re.search(r"Ines Inkpen 4 0 Ivo Ironside 0 3", page)
    assert "Week 2026-W48 Nov 23 3" in page
    assert answer.text.count('<svg class="vault-chart"') == 3
    assert " style=" not in answer.text
    for drawn in re.findall(r'aria-labelledby="([a-z]+)-title ([a-z]+)-desc"', answer.text):
        assert f'id="{drawn[0]}-title"' in answer.text
        assert f'id="{drawn[1]}-desc"' in answer.text
    assert aud.get("/ledger/figures?span=999").status_code == 422
    assert "Aug 31, 2026 to Nov 23, 2026" in page
    assert "Nov 2, 2026 to Nov 23, 2026" in plain(aud.get("/ledger/figures?span=4").text)


@ON_SQLITE
def test_an_officers_page_tells_their_looks_sessions_and_alerts_and_nobody_elses(cast: Cast) -> None:
    look(cast, "ines", 21)
    refuse(cast, "ivo", 2)
    aud, ines = cast["aud"], cast["ines"].actor
    aud.get("/ledger/alerts")
    page = plain(aud.get(f"/ledger/officers/{ines.officer}").text)
    assert newest(cast)["page"] == "officer"
    assert "Monday, November 23 21" in page
    assert "Ines Inkpen looked 21 times on one day" in page
    assert f"Session {ines.session} as a story" in page
    assert "Ivo Ironside" not in page
    for name in sorted(set(CAST) - {"aud"}):
        assert cast[name].get(f"/ledger/officers/{ines.officer}").status_code == 403
        assert cast[name].get("/ledger/figures").status_code == 403


@ON_SQLITE
def test_before_anything_happened_the_pages_say_so(cast: Cast) -> None:
    aud = cast["aud"]
    page = plain(aud.get("/ledger/figures").text)
    assert "Nobody looked at anything in this time." in page
    assert "Nothing was refused to anybody in this time." in page
    page = plain(aud.get(f"/ledger/officers/{aud.actor.officer}").text)
    assert "This officer looked at nothing in the last 28 days." in page
    assert "No alert was ever raised about this officer." in page
