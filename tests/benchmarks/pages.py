"""The whole page of an opened place over HTTP, and what a worker occupies after a thousand of them."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.benchmarks.harness import Measured, Run, alternate, row
from tests.benchmarks.house import FIELDS, House, NotAnswered, Visitor

CONNECTIONS = 4
"""As many at a time as a worker has threads, so that each thread's memory is in the sum."""


def sealed_place(house: House) -> str:
    """Where the threat to the case is opened: twenty sealed fields under one entry."""
    return f"/records/case/{house.case}/threat/open"


def plain_place(house: House) -> str:
    """Where its twin is shown: the same twenty fields from plain tables, and no entry."""
    return f"/plain/{house.case}/open"


def without_what_differs(page: str) -> str:
    """A page without form tokens, its place in the navigation, and the number of its ledger entry."""
    page = re.sub(r'(name="csrf_token"[^>]*value=)"[^"]*"', r"\1", page)
    page = page.replace(' aria-current="page"', "")
    return re.sub(r"\bentry [\d,]+", "entry", page)


def check_same(sealed: str, twin: str) -> None:
    """Raise NotAnswered unless both pages say the same, so that like is measured beside like."""
    if without_what_differs(sealed) != without_what_differs(twin):
        raise NotAnswered("The sealed page and its plain twin do not say the same.")


def _page(run: Run, officer: str, words: str) -> Measured:
    house, visitor = run.house, run.pages.sign_in(officer)
    sealed, plain = sealed_place(house), plain_place(house)
    check_same(visitor.look(sealed), visitor.look(plain))
    house.forget_haste()
    before = house.entries()
    ours, peer = alternate(
        lambda: visitor.look(sealed), lambda: visitor.look(plain), run.effort.pages, 1, time.perf_counter
    )
    if house.entries() - before != run.effort.pages + 1:
        raise NotAnswered("Each sealed page should have made one entry, and each plain page none.")
    name = f"page of {FIELDS} opened fields, {words}"
    twin = "the same page, neither sealed nor recorded"
    return Measured(name, ours * 1e3, peer * 1e3, twin, "ms", 2.5, None)


@row
def record_page_of_a_named_inspector(run: Run) -> Iterator[Measured]:
    """Ines is named on the case: the lockbox is sealed to her own key."""
    yield _page(run, "ines", "by the inspector who is named")


@row
def record_page_of_the_coordinator(run: Run) -> Iterator[Measured]:
    """Ada holds the lockbox through the coordinators' circle, whose seal must be opened first."""
    yield _page(run, "ada", "by the coordinator through her circle")


def _look_often(visitors: list[Visitor], path: str, times: int) -> None:
    def look(number: int) -> None:
        for _ in range(number, times, len(visitors)):
            visitors[number].look(path)

    with ThreadPoolExecutor(len(visitors)) as threads:
        list(threads.map(look, range(len(visitors))))


@row
def memory_of_a_worker(run: Run) -> Iterator[Measured]:
    """One fresh worker, all its threads busy; it must not have grown between the early page and the last."""
    early, late = run.effort.memory_pages
    with run.house.serving("vault.wsgi:app") as server:
        visitor = server.sign_in("ada")
        server.refuse_password()
        visitors = [visitor, *(visitor.at(server) for _ in range(CONNECTIONS - 1))]
        run.house.forget_haste()
        _look_often(visitors, sealed_place(run.house), early)
        run.house.forget_haste()
        peer = server.resident_megabytes()
        _look_often(visitors, sealed_place(run.house), late - early)
        ours = server.resident_megabytes()
    name = f"memory of one worker after {late:,} pages of {FIELDS} opened fields"
    yield Measured(name, ours, peer, f"the same worker after {early:,} pages", "MB", 1.05, 150.0)
