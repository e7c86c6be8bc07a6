"""How tests are dealt out to workers: whole files, the journeys together, the longest first.

What a file shares is made once for it, and all journeys share one served vault; whoever begins with the
longest is not still at it when the others are done.
"""

from collections.abc import Sequence

import pytest
from xdist.scheduler import LoadFileScheduling

TOGETHER = "tests/journeys"
LONGEST = (
    f"{TOGETHER}/",
    "tests/keys/test_key_model.py",
    "tests/demonstration/",
    "tests/benchmarks/",
    "tests/bad_input/",
    "tests/look/",
    "tests/adversaries/",
    "tests/keys/",
)


class LongestFirst(LoadFileScheduling):
    """Deals out files in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: object) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)  # type: ignore[arg-type]

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return TOGETHER if file.startswith(f"{TOGETHER}/") else file


def rank(nodeid: str) -> int:
    """Where in the list of the longest a test stands, or behind all of them."""
    return next((place for place, start in enumerate(LONGEST) if nodeid.startswith(start)), len(LONGEST))


def in_order(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The longest files first; within one rank nothing changes places."""
    return sorted(items, key=lambda item: rank(item.nodeid))
