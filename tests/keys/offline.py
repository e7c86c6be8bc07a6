"""The offline machine of a drill: a program of its own that is given two files and the shares."""

import subprocess
import sys
from pathlib import Path

from tests.cast import SHARES, Cast

ROOT = Path(__file__).parents[2]


def shares(cast: Cast) -> list[str]:
    """The words in the five envelopes."""
    return cast.stage.secrets[SHARES].splitlines()


def combine(folder: Path, request: str, words: list[str], answer: str) -> tuple[str, Path]:
    """Type these shares and, twice, this answer into the program; what it told, and where its file is."""
    asked, out = folder / "request.json", folder / "answer.json"
    asked.write_text(request)
    told = subprocess.run(
        [sys.executable, "-m", "crypto.recovery", "combine", "--request", str(asked), "--out", str(out)],
        cwd=ROOT,
        input="".join(f"{line}\n" for line in [*words, answer, answer]),
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout + told.stderr, out
