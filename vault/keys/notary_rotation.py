"""New keys for the notary of this vault, and the entries that tell of each hand-over."""

from audit.entries import Fact
from audit.finding import Filters
from audit.handovers import HandOver, check_chain
from audit.rotating import hand_over
from vault.access.events import Event, is_vouched, record
from vault.notarising import key_place, notary_of
from vault.running import RunningVault

MOST_HAND_OVERS = 10_000


def rotate(vault: RunningVault, *, is_unfinished: bool) -> HandOver:
    """Replace the notary's keys and tell the ledger; an unfinished hand-over is finished, and none begun.

    Raises NotaryRefuses, and NotVerified when the published hand-overs are not the notary's.
    """
    place, settings = key_place(vault.settings), vault.settings
    published = place.published()
    if is_unfinished and published and not place.next_key.exists():
        return published[-1][1][-1]
    made = hand_over(place, lambda: notary_of(settings), vault.now())
    announce(vault)
    return made


def announce(vault: RunningVault) -> int:
    """Enter every hand-over in the ledger that it does not tell of; return how many. Raises NotVerified."""
    published = key_place(vault.settings).published()
    for _, made in published:
        check_chain(made)
    told = _told(vault) if published else set()
    missing = [
        (volume, one) for volume, made in published for one in made if (volume, one.number) not in told
    ]
    for volume, one in missing:
        with vault.writing() as db:
            facts: dict[str, Fact] = {"volume": volume, "hand-over": one.number, "size": one.size}
            record(db, Event.NOTARY_ROTATED, who=None, now=vault.now(), subjects=[], facts=facts)
    return len(missing)


def _told(vault: RunningVault) -> set[tuple[int, int]]:
    """The volume and number of each hand-over that the vault's own entries tell of."""
    vault.ledger.settle([], vault.settings.record_timeout_seconds)
    with vault.reading() as db:
        found = vault.ledger.find(
            db, Filters(event=str(Event.NOTARY_ROTATED)), before_index=None, limit=MOST_HAND_OVERS
        )
    own = [woven.entry for woven in found if is_vouched(woven.entry, woven.index, vault.confirms)]
    # Entries of a time without volumes tell of the first.
    return {(int(str(entry.facts.get("volume", 1))), int(str(entry.facts["hand-over"]))) for entry in own}
