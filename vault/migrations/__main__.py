"""`python -m vault.migrations "What changes"`: write the next migration, to be read and corrected by hand."""

import sys
import tempfile
from pathlib import Path

from vault.database import connect
from vault.migrations import revise

with tempfile.TemporaryDirectory() as folder:
    engine = connect(f"sqlite:///{Path(folder) / 'shape.db'}")
    revise(engine, sys.argv[1])
