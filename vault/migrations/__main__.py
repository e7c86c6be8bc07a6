"""`python -m vault.migrations "What changes"`: write the next migration, to be read and corrected by hand."""

import sys
import tempfile
from pathlib import Path

from vault.database import connect
from vault.migrations import revise, upgrade

with tempfile.TemporaryDirectory() as folder:
    engine = connect(f"sqlite:///{Path(folder) / 'shape.db'}")
    upgrade(engine)
    revise(engine, sys.argv[1])
