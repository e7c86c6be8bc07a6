"""Making the demonstration once, whole or not at all, and finding it again."""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from audit.checkpoints import sign_if_free
from vault.access.policy import Role
from vault.demonstration.admitting import admit
from vault.demonstration.cast import CAST, FOUNDERS, Login
from vault.demonstration.stage import Fortnight, Stage
from vault.demonstration.telling import tell
from vault.errors import RuleForbids
from vault.notarising import notary_of
from vault.running import RunningVault
from vault.settings import Settings, load

SEED = 54_82
LOGINS = "demonstration.json"
SETTINGS = "tls = false\ndemonstration = true\nunused_days = 330\n"
STEPS = len(CAST) + 2 - len(FOUNDERS) + 10
"""How many steps `make` tells of: each officer who is admitted and each working day."""


def logins_of(data: Path) -> list[Login] | None:
    """Who can sign in to the demonstration in this folder, or None when there is none yet.

    Raises RuleForbids when something else is in the folder.
    """
    if not data.exists() or not any(data.iterdir()):
        return None
    settings = load(data)
    kept = settings.keys / LOGINS
    if not settings.demonstration or not kept.exists():
        raise RuleForbids(
            "This folder holds something else than a demonstration. It was not touched; choose another."
        )
    rows = json.loads(kept.read_text())
    return [Login(**{**row, "role": Role(row["role"])}) for row in rows]


def make(data: Path, now: datetime, progress: Callable[[int], None]) -> list[Login]:
    """Make a demonstration that ends now, beside its place, and put it there when it is whole.

    Whoever stops it in the middle leaves nothing that would be served. Raises RuleForbids while another
    process is making the same one.
    """
    data = data.absolute()
    with _workshop(data) as workshop:
        made = logins_of(data)
        if made is not None:
            return made
        new = workshop / data.name
        new.mkdir(mode=0o700)
        (new / "vault.toml").write_text(SETTINGS)
        settings = load(new, {})
        logins = _tell(settings, now, progress)
        _keep(settings.keys / LOGINS, logins)
        _put(settings, data)
    return logins


@contextmanager
def _workshop(data: Path) -> Iterator[Path]:
    """An empty folder beside the data folder, ours alone while it is open; what a stopped run left goes."""
    workshop = data.with_name(f"{data.name}-unfinished")
    workshop.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(workshop, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuleForbids(
                "Another process is making this demonstration. Wait until it is done."
            ) from None
        for left in workshop.iterdir():
            shutil.rmtree(left)
        yield workshop
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
        os.close(handle)


def _tell(settings: Settings, now: datetime, progress: Callable[[int], None]) -> list[Login]:
    fortnight = Fortnight(now, ZoneInfo(settings.time_zone))
    stage = admit(settings, fortnight, SEED, progress)
    try:
        tell(stage, progress)
        _sign(stage, now)
        return [stage.seats[member.name].login for member in CAST]
    finally:
        stage.vault.close()


def _sign(stage: Stage, now: datetime) -> None:
    """The notary signs what was told."""
    vault: RunningVault = stage.vault
    sign_if_free(vault.database.engine, notary_of(vault.settings), now)


def _keep(path: Path, logins: list[Login]) -> None:
    """Write down who can sign in, for their owner alone, beside the keys and never in the data folder."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump([asdict(login) for login in logins], file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def _put(settings: Settings, data: Path) -> None:
    """Move the keys, then the data: without its data folder a demonstration is not there yet."""
    keys = load(data, {}).keys
    if keys.exists():
        if not (keys / LOGINS).exists():
            raise RuleForbids(f"{keys.name} holds keys of another vault. Choose another folder.")
        shutil.rmtree(keys)
    os.rename(settings.keys, keys)
    os.rename(settings.data, data)
