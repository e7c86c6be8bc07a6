"""What the ledger cannot tell by itself is noticed and told to it: a notary that refuses, a gap in recording.

Whoever comes by notices it first, in any worker; the ledger holds it once, and the rules make an alert of it.
"""

from datetime import datetime

from audit.errors import LedgerUnavailable
from audit.refusals import Refusing, read_refusal
from vault.access.events import Event
from vault.access.once import record_once
from vault.interruptions import Interruption
from vault.running import RunningVault


def notice_refusal(vault: RunningVault, now: datetime) -> Refusing | None:
    """What the notary refuses now, told to the ledger if nobody did.

    A ledger that cannot be written is no reason not to say it.
    """
    refusing = read_refusal(vault.settings.checkpoint)
    if refusing is None:
        return None
    since = refusing.since or now.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        record_once(
            vault,
            Event.NOTARY_REFUSED,
            of=since,
            told=refusing.words,
            now=now,
            facts={"since": since},
            details={"words": refusing.words},
        )
    except LedgerUnavailable as error:
        vault.note_unrecorded(error)
    return refusing


def tell_interruption(vault: RunningVault, now: datetime) -> bool:
    """Tell the ledger how many acts could not be recorded, and from when to when; whether there were any.

    Raises audit.errors.LedgerUnavailable and OSError; then it is told another time.
    """

    def record(gap: Interruption) -> None:
        record_once(
            vault,
            Event.RECORDING_INTERRUPTED,
            of=gap.first,
            told=gap.to_line().decode(),
            now=now,
            facts={"since": gap.first, "until": gap.last, "refused": gap.refused, "delayed": gap.delayed},
            details=None,
        )

    return vault.interruptions.tell(record)
