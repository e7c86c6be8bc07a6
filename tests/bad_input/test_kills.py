"""A power cut in the middle of any act loses nothing that was acknowledged, and the ledger still verifies."""

import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from audit.__main__ import main as audit_command
from tests.bad_input.served import Answer, Served, Visitor, version_on
from vault.access import custody
from vault.access.policy import Compartment
from vault.cases.models import Note, Person
from vault.commands import cli
from vault.running import RunningVault, wall_clock
from vault.verification import verify

REFERRAL = {
    "contact": "555-0101",
    "household": "1",
    "docket": "CR-26-0001",
    "felony": "Murder",
    "defendants": "John Doe",
    "harm": ["threat"],
    "basis": "has-occurred",
    "narrative": "Followed home.",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """A served vault on each engine, with one worker so that it is soon back."""
    database = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    served = Served(tmp_path, database, workers=1).start()
    yield served
    served.kill_all()


@dataclass
class Day:
    """What Pat and Ada do, what was acknowledged to them, and what was cut off before it was."""

    served: Served
    case: str = ""
    person: str = ""
    referrals: list[str] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)
    looks: list[int] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    hanging: str | None = None
    cut: int = 0
    count: int = 0

    def __post_init__(self) -> None:
        self.pat, self.ada = Visitor(self.served, "pat").sign_in(), Visitor(self.served, "ada").sign_in()

    def begin(self) -> None:
        """One case to work on."""
        self.refer()
        referral = self.referrals[0]
        self.ada.get(referral)
        for version, outcome in enumerate(("yes", "yes", "services"), 1):
            answer = self.ada.post(f"{referral}/decide", outcome=outcome, reasons="So.", version=version)
            assert answer.status == 303, answer.text
        answer = self.ada.post(f"{referral}/open-case", ceiling="4000", days="30")
        self.case = answer.headers["Location"]
        found = re.search(r"/records/person/[0-9a-f-]{36}", self.ada.get(self.case).text)
        assert found is not None
        self.person = found[0]

    def acts(self) -> list[Callable[[], None]]:
        """Each kind of act: sending, writing down, replacing, and looking."""
        return [self.refer, self.note, self.change, self.look]

    def acknowledged(self, answer: Answer, status: int) -> bool:
        """Whether the act was answered as done; when it was cut off, that is counted."""
        self.count += 1
        if answer.status in {0, 503}:
            self.cut += answer.status == 0
            return False
        assert answer.status == status, answer.text
        return True

    def refer(self) -> None:
        """Pat sends a referral."""
        answer = self.pat.post("/referrals/send", witness=f"Jane Roe {self.count}", **REFERRAL)
        if self.acknowledged(answer, 303):
            self.referrals.append(answer.headers["Location"])

    def note(self) -> None:
        """Ada adds a note."""
        text = f"note number {self.count} of the day"
        if self.acknowledged(self.ada.post(f"{self.case}/add/note", kind="note", text=text), 303):
            self.notes.add(text)

    def change(self) -> None:
        """Ada replaces what is written of Jane's health."""
        page = self.ada.post(f"{self.person}/health/change", reason="case-work")
        if not self.acknowledged(page, 200):
            return
        self.hanging = f"state {self.count} of the day"
        answer = self.ada.post(f"{self.person}/health/save", medical=self.hanging, version=version_on(page))
        if self.acknowledged(answer, 303):
            self.health.append(self.hanging)
            self.hanging = None

    def look(self) -> None:
        """Ada looks at where Jane's case stands."""
        answer = self.ada.post(f"{self.person}/supervision/open", reason="review")
        if self.acknowledged(answer, 200):
            found = re.search(r"Recorded as entry ([\d,]+)", answer.text)
            assert found is not None
            self.looks.append(int(found[1].replace(",", "")))


def strike(day: Day, act: Callable[[], None], chance: random.Random, kill: Callable[[], None]) -> None:
    """Kill the server at a random moment while officers go on acting, then wait until it is back."""
    began = time.monotonic()
    act()
    struck = threading.Timer(chance.uniform(0.0, 1.5) * (time.monotonic() - began), kill)
    struck.start()
    while struck.is_alive():
        act()
    struck.join()
    if kill == day.served.kill_all:
        day.served.start()
    day.served.wait()


def run(served: Served, kills: int, seed: int) -> Day:
    """Go through `kills` power cuts, in turn in each kind of act and in turn of the worker and of all."""
    day, chance = Day(served), random.Random(seed)
    day.begin()
    acts = day.acts()
    number = 0
    # A cut may also fall between two acts; some more are made until enough of them fell into one.
    while number < kills or (day.cut < kills // 3 and number < 5 * kills):
        kill = served.kill_all if number % 5 == 4 else served.kill_workers
        strike(day, acts[number % len(acts)], chance, kill)
        number += 1
    return day


def check_nothing_lost(day: Day) -> None:
    """What was acknowledged is there; what was not is there whole or not at all; everything verifies."""
    for address in day.referrals:
        assert day.pat.get(address).status == 200
    page = day.ada.post(f"{day.case.replace('/cases/', '/records/case/')}/casework/open", reason="review")
    assert {text for text in day.notes if text in page.text} == day.notes
    page = day.ada.post(f"{day.person}/health/open", reason="review")
    kept = [text for text in (day.health[-1], day.hanging) if text]
    assert [text for text in kept if text in page.text] in [[text] for text in kept]
    day.served.kill_all()
    vault = RunningVault.start(day.served.settings, wall_clock)
    try:
        result = verify(vault, lambda _count: None)
        assert result.findings == ()
        with vault.reading() as db:
            for number in day.looks:
                assert vault.ledger.entry(db, number).entry.event == "opened"
            # No half of an act: each note and each person has its lockbox, and each column is sealed.
            for row in [*db.scalars(select(Note)), *db.scalars(select(Person))]:
                compartment = Compartment.CASEWORK if isinstance(row, Note) else Compartment.HEALTH
                assert custody.find_lockbox(db, row.lockbox_subject(compartment), compartment)
    finally:
        vault.close()


def check_export(served: Served) -> None:
    """The ledger's export verifies on a machine that has nothing but the notary's public keys."""
    folder, data = served.folder / "export", str(served.settings.data)
    told = CliRunner().invoke(cli, ["ledger", "export", str(folder), "--data", data])
    assert told.exit_code == 0, told.output
    told = CliRunner().invoke(audit_command, ["verify", str(folder), "--key", str(folder / "notary.vkey")])
    assert told.exit_code == 0, told.output
    told = CliRunner().invoke(cli, ["verify", "--data", data])
    assert told.exit_code == 0, told.output


def test_power_cuts_in_every_act_lose_nothing_acknowledged(served: Served) -> None:
    kills = 11 if served.settings.database == "" else 4
    day = run(served, kills, seed=11)
    assert day.cut >= kills // 3, "the cuts must fall into acts, or they prove nothing"
    check_nothing_lost(day)
    check_export(served)


@pytest.mark.soak
def test_two_hundred_power_cuts_lose_nothing_acknowledged(served: Served) -> None:
    day = run(served, 200, seed=time.monotonic_ns())
    check_nothing_lost(day)
    check_export(served)
