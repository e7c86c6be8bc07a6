"""`python -m tests.benchmarks.peer_tree EXPORT SIZE`: pymerkle builds the tree of an export's entries.

It runs by itself, so that its memory is its own, and says as JSON what it found. Reading the entries from
the files is not in its seconds; checking their form, which ours does, it does not do.
"""

import json
import resource
import sys
import time
from pathlib import Path
from statistics import median

from pymerkle import InmemoryTree

from audit.tiles import tile_path, tiles_of, unbundle

PROOFS = 50


def entries_of(export: Path, size: int) -> list[bytes]:
    """The entries of an export, in order."""
    paths = (str(tile_path("entries", number, width)) for number, width in tiles_of(size))
    return [leaf for path in paths for leaf in unbundle((export / path).read_bytes())]


def main(export: Path, size: int) -> None:
    """Build the tree, and there prove entries that lie evenly in it."""
    leaves = entries_of(export, size)
    begun = time.perf_counter()
    tree = InmemoryTree(algorithm="sha256")
    tree.append_entries(leaves)
    root = tree.get_root()
    spent, taken = time.perf_counter() - begun, []
    for index in range(1, size + 1, max(size // PROOFS, 1)):
        begun = time.perf_counter()
        tree.prove_inclusion(index)
        taken.append(time.perf_counter() - begun)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": spent, "root": root.hex(), "proof": median(taken), "megabytes": megabytes}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
