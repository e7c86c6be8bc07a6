"""Distances on the map and the gazetteer."""

from math import pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from housing.places import haversine_miles, towns

points = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
HALFWAY_ROUND = 3958.7613 * pi


@pytest.mark.parametrize(
    ("a", "b", "miles"),
    [
        # One degree of a great circle is 69.09 statute miles; the others are published distances.
        ((0, 0), (0, 1), 69.09),
        ((0, 0), (1, 0), 69.09),
        ((0, 0), (0, 180), 12436.8),
        ((40.7128, -74.0060), (51.5074, -0.1278), 3461.3),
        ((36.12, -86.67), (33.94, -118.40), 1793.6),
    ],
)
def test_distances_agree_with_published_ones(
    a: tuple[float, float], b: tuple[float, float], miles: float
) -> None:
    assert haversine_miles(a, b) == pytest.approx(miles, rel=2e-3)


@given(points, points)
def test_distance_is_the_same_both_ways_and_never_more_than_halfway_round(
    a: tuple[float, float], b: tuple[float, float]
) -> None:
    assert haversine_miles(a, b) == pytest.approx(haversine_miles(b, a), abs=1e-6)
    assert 0 <= haversine_miles(a, b) <= HALFWAY_ROUND + 1e-6
    assert haversine_miles(a, a) == 0


def test_every_town_lies_in_connecticut() -> None:
    assert len(towns()) >= 40
    for latitude, longitude in towns().values():
        assert 40.95 < latitude < 42.06
        assert -73.74 < longitude < -71.78


def test_the_gazetteer_cannot_be_changed_by_its_reader() -> None:
    towns().clear()
    assert "Hartford" in towns()
