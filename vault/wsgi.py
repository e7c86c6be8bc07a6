"""What gunicorn serves: `vault.wsgi:app`, over the data folder named by VAULT_DATA."""

import os
from pathlib import Path

from vault.app import create_app
from vault.hardening import start_log
from vault.running import RunningVault, wall_clock
from vault.settings import load

start_log()
app = create_app(RunningVault.start(load(Path(os.environ["VAULT_DATA"])), wall_clock))
