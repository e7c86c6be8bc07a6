"""The notary as the vault runs it: in a worker's thread by default, or as a process of its own."""

import threading

from audit.checkpoints import Notary, NotaryThread, run_notary
from audit.notes import NotaryKeys
from vault.running import RunningVault

EVERY_SECONDS = 1.0


def notary_of(vault: RunningVault) -> Notary:
    """The notary with its keys and its last-signed state. Raises audit.errors.NotaryRefuses."""
    settings = vault.settings
    keys = NotaryKeys.load(settings.notary_key, settings.origin)
    return Notary(keys, settings.notary_state, settings.checkpoint)


def start_in_process(vault: RunningVault) -> NotaryThread | None:
    """Start the notary's thread unless this vault has a notary of its own elsewhere."""
    if not vault.settings.notary_in_process:
        return None
    thread = NotaryThread(vault.database.engine, notary_of(vault), EVERY_SECONDS)
    thread.start()
    return thread


def run(vault: RunningVault, stop: threading.Event) -> None:
    """Notarise until told to stop."""
    run_notary(stop, vault.database.engine, notary_of(vault), EVERY_SECONDS)
