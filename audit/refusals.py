"""Why the notary does not sign, left in a file beside its checkpoint for as long as it refuses."""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from audit.durable import PUBLIC, sync_folder, write_whole
from audit.entries import timestamp

FILE = "notary.refusal"
LONGEST = 4096
UNREADABLE = "The notary left word that it refuses, and that word cannot be read."


@dataclass(frozen=True)
class Refusing:
    """What the notary said last, and since when it has said so; None when that cannot be read."""

    words: str
    since: datetime | None


def refusal_beside(checkpoint: Path) -> Path:
    """Where a notary that publishes here leaves why it refuses."""
    return checkpoint.with_name(FILE)


def leave_refusal(checkpoint: Path, words: str, now: datetime) -> None:
    """Leave word for whoever reads the checkpoint; the time stays that of the first in these words."""
    before = read_refusal(checkpoint)
    if before is not None and before.words == words and before.since is not None:
        return
    told = {"since": timestamp(now), "words": words}
    write_whole(refusal_beside(checkpoint), json.dumps(told).encode() + b"\n", PUBLIC)


def forget_refusal(checkpoint: Path) -> None:
    """The notary signs again."""
    path = refusal_beside(checkpoint)
    if path.exists():
        with suppress(FileNotFoundError):
            path.unlink()
        sync_folder(path.parent)


def read_refusal(checkpoint: Path) -> Refusing | None:
    """What the notary refuses now, or None. A file that cannot be read tells of a refusal all the same."""
    try:
        with refusal_beside(checkpoint).open("rb") as file:
            told = json.loads(file.read(LONGEST))
        words, since = told["words"], datetime.fromisoformat(told["since"])
        if not isinstance(words, str) or since.tzinfo is None:
            return Refusing(UNREADABLE, None)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return Refusing(UNREADABLE, None)
    return Refusing(words, since)
