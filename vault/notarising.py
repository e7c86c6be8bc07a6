"""The notary as the vault runs it, and the export of what the notary has signed."""

import time
from collections.abc import Callable
from pathlib import Path

from audit.checkpoints import Notary, NotaryThread, sign_if_free
from audit.errors import LedgerUnavailable, NotaryRefuses, NotVerified
from audit.export import export
from audit.handovers import HAND_OVERS, check_signed, read_hand_overs
from audit.increments import extend
from audit.notes import Checkpoint, VerifierKey, parse, read_verifier_keys
from audit.proofs import SavedProof
from audit.refusals import read_refusal
from audit.rotating import KeyPlace, keys_in_use
from audit.subtrees import prove_woven
from vault.running import RunningVault
from vault.settings import Settings

EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 10.0


def notary_of(settings: Settings) -> Notary:
    """The notary with its keys and its last-signed state. Raises audit.errors.NotaryRefuses."""
    place = key_place(settings)
    return Notary(lambda: keys_in_use(place), settings.notary_state, settings.checkpoint)


def key_place(settings: Settings) -> KeyPlace:
    """Where the notary's keys are, and where their replacement is published."""
    return KeyPlace(settings.notary_key, settings.notary_hand_overs, settings.origin)


def check_published(settings: Settings, checkpoint: Checkpoint) -> tuple[VerifierKey, ...]:
    """Check a checkpoint against the notary's first keys, followed to the newest; return those.

    Raises NotVerified, OSError.
    """
    pinned = read_verifier_keys(settings.notary_public.read_text("utf-8"))
    return check_signed(checkpoint, pinned, read_hand_overs(settings.notary_hand_overs))


def _is_signed_by_newest(settings: Settings, checkpoint: Checkpoint) -> bool:
    try:
        check_published(settings, checkpoint)
    except (NotVerified, OSError):
        return False
    return True


def start_in_process(vault: RunningVault) -> NotaryThread | None:
    """Start the notary's thread unless this vault has a notary of its own elsewhere."""
    if not vault.settings.notary_in_process:
        return None
    thread = NotaryThread(vault.database.engine, notary_of(vault.settings), EVERY_SECONDS)
    thread.start()
    return thread


def vault_size(vault: RunningVault) -> int:
    """How many entries the ledger has."""
    with vault.reading() as db:
        return vault.ledger.head(db).size


def _signed(vault: RunningVault, size: int) -> Checkpoint:
    return await_signed(vault, size, PATIENCE_SECONDS)


def await_signed(vault: RunningVault, size: int, patience: float) -> Checkpoint:
    """A checkpoint of at least this size: asked of our own notary, or waited for from the one elsewhere.

    Raises NotaryRefuses as soon as the notary says so, and LedgerUnavailable after `patience` seconds.
    """
    settings = vault.settings
    deadline = time.monotonic() + patience
    while True:
        if settings.notary_in_process:
            sign_if_free(vault.database.engine, notary_of(settings), vault.now())
        elif (refusing := read_refusal(settings.checkpoint)) is not None:
            raise NotaryRefuses(refusing.words)
        if settings.checkpoint.exists():
            checkpoint = parse(settings.checkpoint.read_text())
            if checkpoint.size >= size and _is_signed_by_newest(settings, checkpoint):
                return checkpoint
        if time.monotonic() > deadline:
            raise LedgerUnavailable("The notary has not signed the newest entries. Look at its own log.")
        time.sleep(0.1)


def prove_entry(vault: RunningVault, index: int, cosigned: Checkpoint | None) -> SavedProof:
    """The proof that an entry is in the ledger, under a checkpoint that counts it: the cosigned one, if any.

    Raises audit.errors: Damaged, NotaryRefuses, and LedgerUnavailable while the notary does not sign.
    """
    checkpoint = cosigned or _signed(vault, index + 1)
    with vault.database.engine.connect() as connection:
        return prove_woven(connection, index, checkpoint)


def write_export(vault: RunningVault, directory: Path, progress: Callable[[int], None]) -> int:
    """Export everything the notary has signed, with its public keys beside; return how many entries."""
    checkpoint = _signed(vault, vault_size(vault))
    with vault.database.engine.connect() as connection:
        export(connection, checkpoint.text, directory, progress)
    _write_keys(vault, directory)
    return checkpoint.size


def extend_export(vault: RunningVault, directory: Path, since: int, progress: Callable[[int], None]) -> int:
    """Bring an earlier export to what the notary has signed by now; return how many entries it has then.

    Raises what `audit.increments.extend` raises.
    """
    checkpoint = _signed(vault, vault_size(vault))
    with vault.database.engine.connect() as connection:
        extend(connection, checkpoint.text, directory, since, progress)
    _write_keys(vault, directory)
    return checkpoint.size


def _write_keys(vault: RunningVault, directory: Path) -> None:
    (directory / "notary.vkey").write_text(vault.settings.notary_public.read_text())
    if vault.settings.notary_hand_overs.exists():
        (directory / HAND_OVERS).write_bytes(vault.settings.notary_hand_overs.read_bytes())
