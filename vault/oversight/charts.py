"""Where the parts of a chart stand: pure geometry, in the units of its own view box.

Charts are as wide as a telephone, so that their words stay readable there; on a screen they grow a little.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vault.oversight.figures import Point

WIDTH = 340
LEVELS = 4
_ROW, _HEAD, _SIDE = 20, 24, 46
_BAR_TOP, _BAR_HEIGHT, _BAR_FOOT = 18, 120, 22
_LINE = 42


def level(number: int, most: int) -> int:
    """How dark a number is drawn: 0 for none, then 1 to 4."""
    return 0 if number == 0 else min(LEVELS, 1 + number * LEVELS // (most + 1))


@dataclass(frozen=True)
class Box:
    """A rectangle with its number, and the words said of it when it is pointed at."""

    x: float
    y: float
    width: float
    height: float
    level: int
    number: int
    words: str


@dataclass(frozen=True)
class Mark:
    """Words at a place; `anchor` is start, middle or end."""

    x: float
    y: float
    anchor: str
    words: str


@dataclass(frozen=True)
class Chart:
    """Everything that is drawn."""

    width: int
    height: int
    boxes: Sequence[Box]
    marks: Sequence[Mark]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see."""
        return not any(box.number for box in self.boxes)


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def heat_map(grid: Sequence[Sequence[int]]) -> Chart:
    """Hours as rows, weekdays as columns, the number in each box."""
    most = max((number for row in grid for number in row), default=0)
    wide = (WIDTH - _SIDE) / len(WEEKDAYS)
    boxes = [
        Box(
            x=round(_SIDE + column * wide + 1, 1),
            y=_HEAD + hour * _ROW + 1,
            width=round(wide - 2, 1),
            height=_ROW - 2,
            level=level(number, most),
            number=number,
            words=f"{WEEKDAYS[column]}, {hour:02d}:00 to {hour:02d}:59: {number:,}",
        )
        for hour, row in enumerate(grid)
        for column, number in enumerate(row)
    ]
    days = [
        Mark(round(_SIDE + (column + 0.5) * wide, 1), 16, "middle", name[:3])
        for column, name in enumerate(WEEKDAYS)
    ]
    hours = [Mark(_SIDE - 6, _HEAD + hour * _ROW + 15, "end", f"{hour:02d}:00") for hour in range(len(grid))]
    return Chart(WIDTH, _HEAD + len(grid) * _ROW, boxes, [*days, *hours])


def columns(points: Sequence[Point]) -> Chart:
    """One column for each point, with a word under the first, the last and some between."""
    most = max((point.number for point in points), default=0)
    wide = WIDTH / max(len(points), 1)
    gap = min(4.0, wide / 5)
    foot = _BAR_TOP + _BAR_HEIGHT
    boxes: list[Box] = []
    marks: list[Mark] = []
    for place, point in enumerate(points):
        tall = round(_BAR_HEIGHT * point.number / most, 1) if most else 0
        left = round(place * wide + gap / 2, 1)
        words = f"{point.full}: {point.number:,}"
        boxes.append(Box(left, foot - tall, round(wide - gap, 1), tall, LEVELS, point.number, words))
        if most and point.number == most and not any(mark.y < foot for mark in marks):
            at = min(max(left + (wide - gap) / 2, 14), WIDTH - 14)
            marks.append(Mark(round(at, 1), foot - tall - 5, "middle", f"{most:,}"))
    thirds = sorted({0, len(points) // 3, 2 * len(points) // 3}) if points else []
    marks += [Mark(round(place * wide, 1), foot + 16, "start", points[place].short) for place in thirds]
    return Chart(WIDTH, foot + _BAR_FOOT, boxes, marks)


def bars(rows: Sequence[tuple[str, int]]) -> Chart:
    """One line for each row: its name and number, and under them the bar."""
    most = max((number for _, number in rows), default=0)
    boxes: list[Box] = []
    marks: list[Mark] = []
    for place, (name, number) in enumerate(rows):
        top = place * _LINE
        long = round((WIDTH - 2) * number / most, 1) if most else 0
        marks += [Mark(0, top + 15, "start", name), Mark(WIDTH, top + 15, "end", f"{number:,}")]
        boxes.append(Box(0, top + 21, max(long, 1), 13, LEVELS, number, f"{name}: {number:,}"))
    return Chart(WIDTH, max(len(rows), 1) * _LINE, boxes, marks)
