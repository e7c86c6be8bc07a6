"""The demonstration, made once for the whole run by the command itself, as anybody makes it."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vault.running import RunningVault, wall_clock
from vault.settings import load

ROOT = Path(__file__).resolve().parents[2]


def run_vault(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run `python -m vault …` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "vault", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@dataclass(frozen=True)
class Made:
    """The demonstration's folder and what the first call printed."""

    data: Path
    stdout: str
    stderr: str

    @property
    def keys(self) -> Path:
        """The folder of its keys."""
        return self.data.with_name(self.data.name + "-keys")

    @property
    def told(self) -> dict[str, Any]:
        """The object that was printed."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    def copy_to(self, folder: Path) -> "Made":
        """The same, for a test that writes into it."""
        for part in (self.data, self.keys):
            shutil.copytree(part, folder / part.name)
        return Made(folder / self.data.name, self.stdout, self.stderr)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The demonstration, shared by every worker of this run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "demonstration"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        out, err = folder / "stdout", folder / "stderr"
        if not out.exists():
            done = run_vault("demo", "--data", folder / "demo", "--port", 8123, "--json", "--no-serve")
            assert done.returncode == 0, done.stderr
            err.write_text(done.stderr)
            out.write_text(done.stdout)
    return Made(folder / "demo", out.read_text(), err.read_text())


@pytest.fixture(scope="session")
def vault(made: Made) -> Iterator[RunningVault]:
    """The demonstration's vault, to look into."""
    running = RunningVault.start(load(made.data, {}), wall_clock)
    yield running
    running.close()
