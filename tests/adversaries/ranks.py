"""Whether two kinds of answers can be told apart by their durations, by ranks alone (Mann and Whitney 1947).

Ranks ask nothing of the machine: how fast it is, how busy, and how its times are distributed do not count.
"""

import gc
import random
import time
from collections.abc import Callable, Sequence

SEED = 20261123


def chance_of_slower(ones: Sequence[float], others: Sequence[float]) -> float:
    """How often one of the first took longer than one of the others; where both took as long, half counts."""
    ordered = sorted([(duration, True) for duration in ones] + [(duration, False) for duration in others])
    total, start = 0.0, 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end][0] == ordered[start][0]:
            end += 1
        # Equal durations share the mean of their ranks.
        total += (start + end + 1) / 2 * sum(is_one for _, is_one in ordered[start:end])
        start = end
    least = len(ones) * (len(ones) + 1) / 2
    return (total - least) / (len(ones) * len(others))


def deviation(number: int) -> float:
    """The standard deviation of that chance for so many of each where nothing tells them apart."""
    return float(((2 * number + 1) / (12 * number * number)) ** 0.5)


def durations(
    one: Callable[[], object], other: Callable[[], object], pairs: int
) -> tuple[list[float], list[float]]:
    """The seconds that each took, in turns; a coin that falls the same in each run says who begins."""
    coin, acts = random.Random(SEED), (one, other)
    spent: tuple[list[float], list[float]] = ([], [])
    one(), other()
    gc.collect()
    gc.disable()
    try:
        for _ in range(pairs):
            for side in coin.sample((0, 1), 2):
                begun = time.perf_counter()
                acts[side]()
                spent[side].append(time.perf_counter() - begun)
    finally:
        gc.enable()
    return spent
