"""The notary as the vault runs it, and the export of what the notary has signed."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy.orm import Session

from audit.checkpoints import Notary, NotaryThread, closed_checkpoint, sign_if_free
from audit.errors import LedgerUnavailable, NotaryRefuses, NotVerified
from audit.exporting import export_volumes, extend_volumes, folder_of_volume
from audit.handovers import HAND_OVERS, Keys, carry_over, check_chain, check_signed, read_hand_overs
from audit.notes import Checkpoint, VerifierKey, parse, read_verifier_keys
from audit.origins import origin_of, parted
from audit.proofs import SavedProof
from audit.refusals import read_refusal
from audit.rotating import KeyPlace, keys_in_use
from audit.subtrees import prove_woven
from audit.volumes import Volume, volume_around, volume_named, volumes_in
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
    """Check a checkpoint against the notary's first keys, followed to the newest of its volume; return those.

    Raises NotVerified, OSError.
    """
    ledger, number = parted(checkpoint.origin)
    if ledger != settings.origin:
        raise NotVerified(f"The checkpoint is of another log, {checkpoint.origin}.")
    place = key_place(settings)
    keys: Sequence[VerifierKey] = read_verifier_keys(settings.notary_public.read_text("utf-8"))
    for earlier in range(1, number):
        hand_overs = read_hand_overs(place.hand_overs_of(earlier))
        keys = carry_over(keys, hand_overs, origin_of(ledger, earlier + 1))
    return check_signed(checkpoint, keys, read_hand_overs(place.hand_overs_of(number)))


def notary_generations(settings: Settings) -> list[Keys]:
    """Every pair of keys that the notary ever had, as its own files tell, the first ones first.

    Those that a spoilt or missing file would tell of are not among them.
    """
    generations = list[Keys]()
    with suppress(NotVerified, OSError):
        generations.append(tuple(read_verifier_keys(settings.notary_public.read_text("utf-8"))))
        for _, hand_overs in key_place(settings).published():
            check_chain(hand_overs)
            generations += [one.new for one in hand_overs]
    return generations


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


def counted(db: Session, settings: Settings, checkpoint: Checkpoint) -> int:
    """How many entries of the whole ledger a checkpoint of one of its volumes counts.

    Raises NotVerified for a checkpoint of no volume of this ledger.
    """
    if parted(checkpoint.origin)[0] != settings.origin:
        raise NotVerified(f"The checkpoint is of another log, {checkpoint.origin}.")
    return volume_named(db, checkpoint.origin).first_index + checkpoint.size


def final_checkpoint(settings: Settings, volume: Volume) -> Checkpoint:
    """What the notary signed last of a volume that was closed.

    Raises LedgerUnavailable when it is not, or not as the notary signed it, where the notary keeps it.
    """
    path = closed_checkpoint(settings.checkpoint, volume.number)
    try:
        final = parse(path.read_text("utf-8"))
        check_published(settings, final)
    except (OSError, ValueError, NotVerified):
        final = None
    if final is None or (final.origin, final.size) != (
        volume.origin,
        (volume.end_index or 0) - volume.first_index,
    ):
        raise LedgerUnavailable(
            f"The notary's last checkpoint of volume {volume.number} is missing or spoilt. "
            f"Put a copy back as {path.name}, beside the notary's checkpoint."
        )
    return final


def checkpoints(vault: RunningVault) -> list[Checkpoint]:
    """The final checkpoint of each closed volume, then the newest; raises what `await_signed` raises."""
    newest = _signed(vault, vault_size(vault))
    with vault.reading() as db:
        volumes = volumes_in(db, vault.settings.origin)
    closed = [volume for volume in volumes if volume.number < parted(newest.origin)[1]]
    return [*(final_checkpoint(vault.settings, volume) for volume in closed), newest]


def vault_size(vault: RunningVault) -> int:
    """How many entries the ledger has."""
    with vault.reading() as db:
        return vault.ledger.head(db).size


def _signed(vault: RunningVault, size: int) -> Checkpoint:
    return await_signed(vault, size, PATIENCE_SECONDS)


def await_signed(vault: RunningVault, size: int, patience: float) -> Checkpoint:
    """A checkpoint that counts so many entries of the whole ledger, of our own notary or the one elsewhere.

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
            if _is_signed_by_newest(settings, checkpoint) and _counts(vault, checkpoint) >= size:
                return checkpoint
        if time.monotonic() > deadline:
            raise LedgerUnavailable("The notary has not signed the newest entries. Look at its own log.")
        time.sleep(0.1)


def _counts(vault: RunningVault, checkpoint: Checkpoint) -> int:
    with vault.reading() as db:
        try:
            return counted(db, vault.settings, checkpoint)
        except NotVerified:
            return 0


def prove_entry(vault: RunningVault, index: int, cosigned: Checkpoint | None) -> SavedProof:
    """The proof that an entry is in its volume of the ledger, under the cosigned note if that counts it.

    Raises audit.errors: Damaged, NotaryRefuses, and LedgerUnavailable while the notary does not sign.
    """
    newest = cosigned or _signed(vault, index + 1)
    with vault.reading() as db:
        volume = volume_around(db, vault.settings.origin, index)
    if newest.origin != volume.origin:
        newest = final_checkpoint(vault.settings, volume)
    with vault.database.engine.connect() as connection:
        return prove_woven(connection, index, newest)


def write_export(vault: RunningVault, directory: Path, progress: Callable[[int], None]) -> int:
    """Export everything the notary has signed, with its public keys beside; return how many entries."""
    signed = checkpoints(vault)
    with vault.database.engine.connect() as connection:
        export_volumes(connection, signed, directory, progress)
    _write_keys(vault, signed, directory)
    return sum(one.size for one in signed)


def extend_export(vault: RunningVault, directory: Path, since: int, progress: Callable[[int], None]) -> int:
    """Bring an earlier export to what the notary has signed by now; return how many entries it has then.

    Raises what `audit.exporting.extend_volumes` raises.
    """
    signed = checkpoints(vault)
    with vault.database.engine.connect() as connection:
        extend_volumes(connection, signed, directory, since, progress)
    _write_keys(vault, signed, directory)
    return sum(one.size for one in signed)


def _write_keys(vault: RunningVault, signed: Sequence[Checkpoint], directory: Path) -> None:
    (directory / "notary.vkey").write_text(vault.settings.notary_public.read_text())
    place = key_place(vault.settings)
    for number in range(1, len(signed) + 1):
        made = place.hand_overs_of(number)
        if made.exists():
            (folder_of_volume(directory, signed, number) / HAND_OVERS).write_bytes(made.read_bytes())
