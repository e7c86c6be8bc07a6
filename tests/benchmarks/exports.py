"""An export of a million entries, verified and proved by the commands that an auditor uses, beside pymerkle.

The entries are invented, and written as `ledger export` writes them; no database is needed. Verifying is
measured from outside: the seconds of the whole command, and the memory of it and of its processes together.
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from audit.checkpoints import NotaryKeys
from audit.export import Writer
from audit.exported import files_in, read_checkpoint
from audit.proofs import prove_exported
from audit.tiles import CHECKPOINT
from audit.tree import from_leaves
from tests.benchmarks.harness import BRIEF, Measured, Run, row
from tests.benchmarks.house import ROOT

ENTRIES = 1_000_000
SIZES = (1_000, 10_000, 100_000, ENTRIES)
HIGHEST_MICROSECONDS = 4.0
"""For each entry: 250,000 a second."""
HIGHEST_MEGABYTES = 300.0
HIGHEST_TO_PEER = 1 / 8
HIGHEST_PROOF_MILLISECONDS = 1.0
RUNS = 3
PROOFS = 50
PEER = "pymerkle building the same tree"

_BEGIN = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_LEAF = (
    '{"at":"%s","compartment":"identity","details":null,"event":"compartment-opened",'
    '"facts":{"vouched":"%s"},"fields":["legal_name","birth_date"],"id":"%s",'
    '"officer":"0191d5a0-0000-7000-8000-00000000ada0","outcome":"done","reason":"court-date","rows":{},'
    '"session":"5f2c9a10","subjects":["case:0191d5a0-0000-7000-8000-%012x","person:%d"],"v":1}'
)


def leaves(count: int) -> Iterator[bytes]:
    """Looks as the vault records them, 144 a second, the same on every machine."""
    chance = random.Random(count)
    begin = int(_BEGIN.timestamp() * 1000)
    for number in range(count):
        at = (_BEGIN + timedelta(milliseconds=7 * number)).isoformat(timespec="milliseconds")
        digits = f"{(begin + 7 * number) << 80 | 0x7 << 76 | 0b10 << 62 | chance.getrandbits(62):032x}"
        name = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
        code = f"{chance.getrandbits(172):043x}"
        yield (_LEAF % (at[:-6] + "Z", code, name, number % 997, number % 9973)).encode()


@dataclass(frozen=True)
class Export:
    """A signed export in a folder of its own, and what pymerkle makes of its entries."""

    folder: Path
    size: int
    keys: NotaryKeys

    @classmethod
    def write(cls, folder: Path, size: int) -> "Export":
        """Write the export of so many entries."""
        writer = Writer(folder, from_leaves([]), 0)
        for leaf in leaves(size):
            writer.add(leaf)
        writer.finish()
        keys = NotaryKeys.generate("vault.example/ledger")
        (folder / CHECKPOINT).write_text(keys.sign(size, writer.frontier.root(), _BEGIN).text)
        return cls(folder, size, keys)

    def verify(self) -> tuple[float, float]:
        """Run the auditor's command: its seconds, and the most megabytes of it and its processes together."""
        keys = "\n".join(key.to_text() for key in self.keys.verifier_keys())
        (self.folder.parent / "vkeys").write_text(keys)
        command = [sys.executable, "-m", "audit", "verify", str(self.folder)]
        begun = time.perf_counter()
        with subprocess.Popen(
            [*command, "--key", str(self.folder.parent / "vkeys")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as running:
            peaks: dict[int, int] = {}
            while running.poll() is None:
                peaks |= peaks_of(running.pid)
                time.sleep(0.02)
            taken = time.perf_counter() - begun
            said = running.stdout.read() if running.stdout else ""
        if running.returncode or not said.startswith(f"Verified: {self.size:,} entries"):
            raise RuntimeError("The export was not verified, so there is no number.")
        return taken, sum(peaks.values()) / 1024

    @cached_property
    def by_peer(self) -> Any:
        """What pymerkle says in a process of its own, whose root must be ours."""
        command = [sys.executable, "-m", "tests.benchmarks.peer_tree", str(self.folder)]
        said = subprocess.run(
            [*command, str(self.size)], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
        )
        found = json.loads(said.stdout)
        if found["root"] != read_checkpoint(files_in(self.folder)).root.hex():
            raise RuntimeError("The two trees are not the same tree, so there is no number.")
        return found

    def seconds_of_proof(self) -> float:
        """The median of proving and checking entries that lie evenly in the tree, as `audit prove` does."""
        taken = []
        for index in range(0, self.size, max(self.size // PROOFS, 1)):
            begun = time.perf_counter()
            prove_exported(files_in(self.folder), index)
            taken.append(time.perf_counter() - begun)
        return median(taken)


def peaks_of(pid: int) -> dict[int, int]:
    """The most kibibytes that a process and its children have held so far, each by its number."""
    peaks = {}
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for one in (pid, *map(int, children)):
            status = Path(f"/proc/{one}/status").read_text()
            peaks[one] = int(status.partition("VmHWM:")[2].split()[0])
    except (FileNotFoundError, ProcessLookupError, IndexError):
        pass  # It is just ending and holds nothing more; what was read before stays.
    return peaks


@row
def exports_verified_and_proved(run: Run) -> Iterator[Measured]:
    """Verifying an export as an auditor does, and proving one entry of it, in trees of four sizes."""
    folder = Path(tempfile.mkdtemp(prefix="vault-export-"))
    sizes = [size // 100 if run.effort is BRIEF else size for size in SIZES]
    try:
        exports = [Export.write(folder / str(size), size) for size in sizes]
        yield from _verified(exports[-1], 1 if run.effort is BRIEF else RUNS)
        yield from _proved(exports)
    finally:
        shutil.rmtree(folder)


def _verified(export: Export, runs: int) -> Iterator[Measured]:
    runs_of_ours = [export.verify() for _ in range(runs)]
    seconds, megabytes = (median(column) for column in zip(*runs_of_ours, strict=True))
    peer = export.by_peer
    name = f"verify each entry of an export of {ENTRIES:,}"
    ours, theirs = (taken / export.size * 1e6 for taken in (seconds, peer["seconds"]))
    yield Measured(name, ours, theirs, PEER, "µs", HIGHEST_TO_PEER, HIGHEST_MICROSECONDS)
    name = f"memory to verify an export of {ENTRIES:,} entries, all processes"
    yield Measured(name, megabytes, peer["megabytes"], PEER, "MB", None, HIGHEST_MEGABYTES)


def _proved(exports: list[Export]) -> Iterator[Measured]:
    taken = {}
    for export, size in zip(exports, SIZES, strict=True):
        taken[size] = export.seconds_of_proof()
        highest = HIGHEST_PROOF_MILLISECONDS if size == ENTRIES else None
        name = f"prove one of {size:,} entries, from the files of the export"
        peer = export.by_peer["proof"]
        yield Measured(name, taken[size] * 1e3, peer * 1e3, "pymerkle, in memory", "ms", None, highest)
    # The way to the root is twice as long: were the cost more than a logarithm's, it would show here.
    name, peer_name = f"a proof among {ENTRIES:,} in proofs among {SIZES[0]:,}", "how much longer the way is"
    yield Measured(name, taken[ENTRIES] / taken[SIZES[0]], 2.0, peer_name, "times", 1.0, None)
