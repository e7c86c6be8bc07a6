"""What leaves the vault for whoever verifies it: the export as one file, and what the notary signed last."""

import tempfile
import zipfile
from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from audit.errors import NotVerified
from audit.notes import MLDSA44, Checkpoint, VerifierKey, key_id, parse, read_verifier_keys
from vault.notarising import check_published, counted, write_export
from vault.running import RunningVault


def archive(vault: RunningVault) -> tuple[IO[bytes], int]:
    """The export as an open zip that is gone when it is closed, and how many entries it holds.

    It is the export of the command line, file by file. Raises what `write_export` raises.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the answer closes it when it has been sent
    try:
        with tempfile.TemporaryDirectory(prefix="ledger-") as folder:
            directory = Path(folder) / "export"
            size = write_export(vault, directory, lambda _count: None)
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
                for path in sorted(directory.rglob("*")):
                    packed.write(path, path.relative_to(directory))
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file, size


@dataclass(frozen=True)
class Signed:
    """The newest checkpoint, whether its signatures hold, and the newest keys, to pin elsewhere.

    `counted` is how many entries of the whole ledger it counts; None when the ledger lacks its volume.
    """

    checkpoint: Checkpoint | None
    signed_at: datetime | None
    is_believed: bool
    keys: tuple[VerifierKey, ...]
    counted: int | None


def newest_checkpoint(vault: RunningVault) -> Signed:
    """What the notary has published, checked against its public keys."""
    try:
        keys = tuple(read_verifier_keys(vault.settings.notary_public.read_text("utf-8")))
    except (OSError, ValueError, NotVerified):
        keys = ()
    try:
        checkpoint = parse(vault.settings.checkpoint.read_text("utf-8"))
    except (OSError, ValueError, NotVerified):
        return Signed(None, None, False, keys, 0)
    try:
        with vault.reading() as db:
            number: int | None = counted(db, vault.settings, checkpoint)
    except NotVerified:
        number = None
    try:
        keys = check_published(vault.settings, checkpoint)
    except (OSError, NotVerified):
        return Signed(checkpoint, None, False, keys, number)
    return Signed(checkpoint, _signed_at(checkpoint, keys), bool(keys), keys, number)


def _signed_at(checkpoint: Checkpoint, keys: tuple[VerifierKey, ...]) -> datetime | None:
    """The time that the ML-DSA-44 cosignature states and signs (c2sp.org/tlog-cosignature)."""
    starts = [key_id(key.name, key.kind, key.public) for key in keys if key.kind == MLDSA44]
    for line in checkpoint.text.partition("\n\n")[2].splitlines():
        signature = b64decode(line.rpartition(" ")[2])
        if signature[:4] in starts:
            return datetime.fromtimestamp(int.from_bytes(signature[4:12], "big"), UTC)
    return None
