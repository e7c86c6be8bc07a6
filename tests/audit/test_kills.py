"""Writers and the notary killed at random moments, while others go on: nothing acknowledged is lost."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from sqlalchemy import Engine

from audit.checkpoints import Notary
from audit.examination import examine
from audit.ledger import Ledger
from audit.notes import NotaryKeys, check_signatures, parse
from audit.tree import Frontier, leaf_hash
from tests.audit.writers import kill, sign_until_killed, start, write_until_killed
from tests.audit.writing import NOON, PATIENCE, ignore, leaves

WRITERS = 4


@dataclass
class Office:
    """Four processes that write one ledger, a notary that signs it, and what each of them told."""

    url: str
    folder: Path
    keys: NotaryKeys
    writers: list[ForkServerProcess] = field(default_factory=list)
    notary: ForkServerProcess | None = None
    started: int = 0
    notes: set[str] = field(default_factory=set)

    def start_writer(self) -> ForkServerProcess:
        """One more writer, with a file of its own."""
        self.started += 1
        return start(write_until_killed, self.url, self.folder / f"told-{self.started}")

    def start_notary(self) -> None:
        """The notary, in a process of its own."""
        self.notary = start(
            sign_until_killed,
            self.url,
            self.folder / "notary.key",
            self.folder / "state",
            self.folder / "checkpoint",
        )

    def open(self) -> None:
        """Let everybody begin."""
        self.keys.save(self.folder / "notary.key")
        self.writers = [self.start_writer() for _ in range(WRITERS)]
        self.start_notary()

    def told(self) -> list[list[str]]:
        """Every whole line that any writer told, in words."""
        files = [path.read_text() for path in self.folder.glob("told-*")]
        return [line.split() for file in files for line in file.splitlines(keepends=True) if line[-1] == "\n"]

    def wait_for_more(self) -> None:
        """Wait until somebody has been acknowledged something more, and the notary has signed."""
        before, deadline = len(self.told()), time.monotonic() + 60
        while len(self.told()) < before + WRITERS or not (self.folder / "checkpoint").exists():
            assert time.monotonic() < deadline, "nobody writes any more"
            time.sleep(0.002)
        self.notes.add((self.folder / "checkpoint").read_text())

    def kill_a_writer(self, chance: random.Random) -> None:
        """Kill one writer at a random moment; another takes its place while three go on."""
        self.wait_for_more()
        time.sleep(chance.uniform(0, 0.02))
        victim = chance.randrange(WRITERS)
        kill(self.writers[victim])
        self.writers[victim] = self.start_writer()

    def kill_the_notary(self) -> None:
        """Kill the notary wherever it is, and start another."""
        assert self.notary is not None
        kill(self.notary)
        self.start_notary()

    def close(self) -> None:
        """Kill everybody at once."""
        for process in (*self.writers, self.notary):
            if process is not None:
                kill(process)


@pytest.fixture
def office(ledger: Ledger, database_url: str, tmp_path: Path, notary_keys: NotaryKeys) -> Iterator[Office]:
    """Four writers and a notary at work on each engine."""
    folder = tmp_path / "office"
    folder.mkdir()
    office = Office(database_url, folder, notary_keys)
    office.open()
    yield office
    office.close()


def check_nothing_lost(office: Office, ledger: Ledger, engine: Engine) -> None:
    """What was acknowledged is at its index, what was committed is woven, and the notary agrees."""
    ledger.settle([], PATIENCE)
    with engine.connect() as connection:
        found = examine(connection, ignore)
        woven = ledger.following(connection, 0, found.size + 1)
    assert found.waiting == 0
    assert [entry.index for entry in woven] == list(range(found.size))
    where = {str(one.entry.id): one.index for one in woven}
    acknowledged = {words[2]: int(words[1]) for words in office.told() if words[0] == "acknowledged"}
    assert {name: where.get(name) for name in acknowledged} == acknowledged
    assert {words[1] for words in office.told() if words[0] == "committed"} <= where.keys()
    check_every_note(office, leaves(engine))
    notary = Notary(lambda: office.keys, office.folder / "state", office.folder / "checkpoint")
    with engine.connect() as connection:
        notary.sign_next(connection, NOON)
    newest = notary.latest()
    assert newest is not None
    assert (newest.size, newest.root) == (found.size, found.root)


def check_every_note(office: Office, written: list[bytes]) -> None:
    """Each note that was ever published is of a tree that the ledger went through."""
    frontier, roots = Frontier(), {}
    for leaf in written:
        frontier.append(leaf_hash(leaf))
        roots[frontier.size] = frontier.root()
    for note in map(parse, office.notes):
        check_signatures(note, office.keys.verifier_keys())
        assert note.root == roots[note.size]


def test_writers_and_a_notary_killed_at_random_lose_nothing_acknowledged(
    office: Office, ledger: Ledger, engine: Engine
) -> None:
    chance = random.Random(7)
    for number in range(7):
        office.kill_a_writer(chance)
        if number % 3 == 2:
            office.kill_the_notary()
    office.wait_for_more()
    office.close()
    check_nothing_lost(office, ledger, engine)


@pytest.mark.soak
def test_two_hundred_kills_of_writers_and_of_the_notary_lose_nothing_acknowledged(
    office: Office, ledger: Ledger, engine: Engine
) -> None:
    seed = random.randrange(1 << 32)
    print(f"The moments are drawn with seed {seed}.")
    chance = random.Random(seed)
    for number in range(200):
        office.kill_a_writer(chance)
        if number % 4 == 3:
            office.kill_the_notary()
    office.close()
    check_nothing_lost(office, ledger, engine)
    told = office.told()
    print(f"{len(told)} lines told, {len(office.notes)} notes, {len(leaves(engine))} entries.")


def test_a_lost_acknowledgement_would_be_noticed(office: Office, ledger: Ledger, engine: Engine) -> None:
    office.wait_for_more()
    office.close()
    with (office.folder / "told-1").open("a") as told:
        told.write("committed 0191d5a0-0000-7000-8000-000000000000\n")
    with pytest.raises(AssertionError):
        check_nothing_lost(office, ledger, engine)
