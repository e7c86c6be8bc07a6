"""What outside witnesses refused to cosign: an entry with both notes sealed beside it, and so an alert."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from audit.entries import Fact
from audit.errors import NotVerified
from audit.finding import Filters
from audit.ledger import Woven
from audit.notes import Checkpoint, parse
from vault.access.events import Event, record_apart
from vault.notarising import check_published
from vault.oversight.models import RegisteredWitness
from vault.running import RunningVault

AGAIN_AFTER = timedelta(days=1)
"""A refusal that goes on is told again after a day: an entry for each try makes the next tree to refuse."""
MOST_A_DAY = 10
LONGEST_WORDS = 400


def note_refusal(
    vault: RunningVault, witness: RegisteredWitness, words: str, offered: str, accepted: str, now: datetime
) -> None:
    """Record that a witness refuses a checkpoint, with both notes and its words for auditors alone.

    `accepted` is the last note that it accepted, empty when there is none. Raises NotVerified else.
    """
    new = parse(offered)
    old = parse(accepted) if accepted else None
    facts: dict[str, Fact] = {"offered-size": _size(new), "offered-root": new.root.hex()}
    if old is not None:
        facts |= {"accepted-size": _size(old), "accepted-root": old.root.hex()}
    facts["notary-signed-it"] = _is_signed(vault, new)
    with vault.reading() as db:
        before = _refusals(vault, db, witness, now - AGAIN_AFTER)
    if any(_accepted(one) == (facts.get("accepted-size"), facts.get("accepted-root")) for one in before):
        return
    if len(before) >= MOST_A_DAY:
        return
    details: dict[str, str | list[str]] = {"why": words[:LONGEST_WORDS], "offered": offered}
    record_apart(
        vault,
        Event.WITNESS_REFUSED,
        who=None,
        now=now,
        subjects=[witness.subject_name],
        outcome="refused",
        facts=facts,
        details=details | ({"accepted": accepted} if accepted else {}),
    )


def refused_since(
    vault: RunningVault, db: Session, witness: RegisteredWitness, last: datetime | None
) -> Woven | None:
    """The newest refusal of a witness, unless a note that it cosigned was taken in after it, at `last`."""
    newest = next(iter(_refusals(vault, db, witness, last)), None)
    return None if newest is None or (last is not None and newest.entry.at <= last) else newest


def _size(checkpoint: Checkpoint) -> Fact:
    """The size a note states, as it states it where that is no number the ledger takes: it may be forged."""
    return checkpoint.size if checkpoint.size < 1 << 53 else str(checkpoint.size)


def _is_signed(vault: RunningVault, checkpoint: Checkpoint) -> bool:
    try:
        check_published(vault.settings, checkpoint)
    except (NotVerified, OSError):
        return False
    return True


def _accepted(refusal: Woven) -> tuple[Fact | None, Fact | None]:
    return refusal.entry.facts.get("accepted-size"), refusal.entry.facts.get("accepted-root")


def _refusals(
    vault: RunningVault, db: Session, witness: RegisteredWitness, since: datetime | None
) -> list[Woven]:
    return vault.ledger.find(
        db,
        Filters(subject=witness.subject_name, event=str(Event.WITNESS_REFUSED), since=since),
        before_index=None,
        limit=MOST_A_DAY,
    )
