"""Where places are on the map: distances, and a small gazetteer of Connecticut towns."""

import csv
from functools import cache
from importlib.resources import files
from math import asin, cos, radians, sin, sqrt

Point = tuple[float, float]

_EARTH_RADIUS_MILES = 3958.7613


def haversine_miles(a: Point, b: Point) -> float:
    """The great-circle distance in statute miles of two points, each (latitude, longitude) in degrees."""
    lat_a, lon_a, lat_b, lon_b = (radians(degrees) for degrees in (*a, *b))
    chord = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin((lon_b - lon_a) / 2) ** 2
    # Rounding can carry the chord of opposite points a hair past one.
    return 2 * _EARTH_RADIUS_MILES * asin(min(1.0, sqrt(chord)))


@cache
def _gazetteer() -> dict[str, Point]:
    lines = files("housing").joinpath("towns.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(lines)
    return {row["town"]: (float(row["latitude"]), float(row["longitude"])) for row in rows}


def towns() -> dict[str, Point]:
    """Connecticut towns and their rough centres, to two decimals of a degree (about half a mile)."""
    return dict(_gazetteer())
