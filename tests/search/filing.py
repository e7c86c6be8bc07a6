"""Short ways to leave slips, to file them and to read the whole directory, past the pages of the web."""

from uuid import UUID

from sqlalchemy import select

from crypto.directory import PAGE_ENTRIES, unpack_page
from tests.cast import Cast, Stage
from vault.access.actor import Actor
from vault.access.custody import KeyCase, find_lockbox
from vault.access.directory_pages import opened_pages
from vault.access.events import Event, record
from vault.access.listings import SUBJECT, Listing, file_slips, has_begun, leave_slip
from vault.access.models import DirectoryPage
from vault.access.policy import Compartment


def leave(stage: Stage, who: Actor, left: list[tuple[Listing, int, bool]]) -> None:
    """Leave slips in one act: listings, each with its row's version and whether it is removed."""
    now = stage.clock.now
    with stage.vault.writing() as db:
        for listing, version, removed in left:
            leave_slip(db, stage.vault.trust, listing, version, removed, now)
        record(db, Event.RECORD_CHANGED, who=who, now=now, subjects=[])


def file(stage: Stage, who: Actor) -> int:
    """File what waits, in one act."""
    with stage.vault.writing() as db:
        return file_slips(db, who, stage.vault.trust, stage.clock.now)


def filed(cast: Cast) -> dict[UUID, Listing]:
    """Every entry of the directory by its ref; none stands twice, and all pages but the last are full."""
    vault, ada = cast.stage.vault, cast["ada"].actor
    with vault.reading() as db:
        if not has_begun(db):
            return {}
        box = find_lockbox(db, SUBJECT, Compartment.DIRECTORY)
        key = KeyCase(db, ada, vault.trust).lockbox(box)
        pages = [unpack_page(page) for page in opened_pages(db, key)]
        numbers = list(db.scalars(select(DirectoryPage.number).order_by(DirectoryPage.number)))
    assert numbers == list(range(len(pages)))
    assert all(len(page) == PAGE_ENTRIES for page in pages[:-1])
    assert all(pages)
    entries = [listing for page in pages for listing in page]
    by_ref = {listing.ref: listing for listing in entries}
    assert len(by_ref) == len(entries)
    return by_ref
