"""How a number is measured: ours and its peer in alternation, in one run, and the medians of both."""

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from tests.benchmarks.house import House, Server, found_house


@dataclass(frozen=True)
class Effort:
    """How often each thing is measured."""

    rounds: int  # of a thing that takes microseconds
    calls: int  # in each of those rounds
    pages: int  # of each kind, fetched in alternation
    memory_pages: tuple[int, int]  # after how many pages a worker's memory is read: early, and at the end


FULL = Effort(rounds=300, calls=100, pages=300, memory_pages=(200, 1000))
BRIEF = Effort(rounds=2, calls=2, pages=3, memory_pages=(2, 4))
"""For the test that every row still works; its numbers mean nothing."""


@dataclass(frozen=True)
class Measured:
    """One number beside its peer's. The ratio is ours to the peer's: the smaller, the better for us."""

    name: str
    ours: float
    peer: float
    peer_name: str
    unit: str
    highest_ratio: float | None  # the goals: the ratio and the number that ours should not go above
    highest: float | None

    @property
    def ratio(self) -> float:
        """Ours in terms of the peer's."""
        return self.ours / self.peer

    @property
    def reaches_goal(self) -> bool:
        """Whether every goal that was set is met."""
        by_ratio = self.highest_ratio is None or self.ratio <= self.highest_ratio
        return by_ratio and (self.highest is None or self.ours <= self.highest)

    def line(self) -> str:
        """The JSON line that is printed and kept."""
        return json.dumps(
            {
                "name": self.name,
                "ours": float(f"{self.ours:.4g}"),
                "peer": float(f"{self.peer:.4g}"),
                "peer_name": self.peer_name,
                "ratio": float(f"{self.ratio:.4g}"),
                "unit": self.unit,
            },
            ensure_ascii=False,
        )

    def words(self) -> str:
        """What the goal was and whether it was met, for whoever watches."""
        goals = [f"ratio at most {self.highest_ratio:g}"] if self.highest_ratio is not None else []
        goals += [f"at most {self.highest:g} {self.unit}"] if self.highest is not None else []
        return f"{'met' if self.reaches_goal else 'MISSED'}: {', '.join(goals)}" if goals else "no goal"


class Run:
    """One run of the benchmarks: how much effort to take, and the vaults that rows share, made when asked."""

    def __init__(self, effort: Effort) -> None:
        self.effort = effort
        self._ends = ExitStack()

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *fault: object) -> None:
        self._ends.close()

    @cached_property
    def house(self) -> House:
        """A founded vault in a folder of its own, with the cast, a case and its plain twin."""
        return self._ends.enter_context(found_house())

    @cached_property
    def pages(self) -> Server:
        """Gunicorn over the house, with the plain twin of the measured page."""
        return self._ends.enter_context(self.house.serving("tests.benchmarks.twin:served()"))


Row = Callable[[Run], Iterator[Measured]]
ROWS: list[Row] = []


def row(function: Row) -> Row:
    """Declare a function that measures and yields one number or several; `make bench` runs them in order."""
    ROWS.append(function)
    return function


def alternate(
    ours: Callable[[], object],
    peer: Callable[[], object],
    rounds: int,
    calls: int,
    clock: Callable[[], float],
) -> tuple[float, float]:
    """The median seconds of one call of each, taken in turns; who begins a round changes with each round.

    `clock` is time.thread_time for what only calculates, so that other programs on the machine count less,
    and time.perf_counter for what waits. The garbage collector rests meanwhile, as it does in `timeit`.
    """
    ours(), peer()
    spent: dict[int, list[float]] = {0: [], 1: []}
    sides = [(0, ours), (1, peer)]
    collects = gc.isenabled()
    gc.disable()
    try:
        for turn in range(rounds):
            for side, act in sides if turn % 2 else reversed(sides):
                begun = clock()
                for _ in range(calls):
                    act()
                spent[side].append((clock() - begun) / calls)
    finally:
        if collects:
            gc.enable()
    return median(spent[0]), median(spent[1])
