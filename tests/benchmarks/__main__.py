"""`python -m tests.benchmarks`: measure every row, print each number as a JSON line, keep them in build/."""

import sys
from importlib import import_module

from tests.benchmarks.harness import FULL, ROWS, Run
from tests.benchmarks.house import ROOT

MODULES = ("fields", "lockboxes", "names", "renewal", "ledger", "exports", "sign_in", "pages")
"""The modules of rows, in the order in which they are measured."""


def main(wanted: list[str]) -> int:
    """Measure the rows whose names contain one of these words, or all of them."""
    for module in MODULES:
        import_module(f"tests.benchmarks.{module}")
    chosen = [
        function for function in ROWS if not wanted or any(word in function.__name__ for word in wanted)
    ]
    kept = ROOT / "build/bench.jsonl"
    kept.parent.mkdir(exist_ok=True)
    with Run(FULL) as run, kept.open("w") as lines:
        for function in chosen:
            for measured in function(run):
                print(measured.line(), flush=True)
                print(f"  {measured.words()}", file=sys.stderr, flush=True)
                lines.write(measured.line() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
