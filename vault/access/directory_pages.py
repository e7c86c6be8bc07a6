"""The sealed pages of the directory: opened one by one to be searched, rewritten when slips are filed."""

from collections.abc import Iterator
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from crypto.columns import place_of, put
from crypto.directory import PAGE_ENTRIES, Listing, ids_on_page, pack_page, unpack_page
from crypto.errors import Malformed
from crypto.lockbox import LockboxKey, Sealer
from vault.access.models import DirectoryPage

ROWS_AT_ONCE = 128
_PLACE = place_of(DirectoryPage(id=UUID(int=0)), "entries")
_PAGES = select(DirectoryPage.id, DirectoryPage.entries).order_by(DirectoryPage.number)


def opened_pages(db: Session, key: LockboxKey) -> Iterator[bytes]:
    """Every page, opened one after the other, so that a worker never holds the whole directory."""
    for row, entries in db.execute(_PAGES).yield_per(ROWS_AT_ONCE):
        page = key.open(entries.blob, _PLACE._replace(row=row))
        if not isinstance(page, bytes):
            raise Malformed("This page of the directory cannot be read.")
        yield page


class Book:
    """The pages while they are changed, under the lockbox's locked row; all but the last stay full."""

    def __init__(self, db: Session, key: LockboxKey) -> None:
        self._db = db
        self._rows = list(db.scalars(select(DirectoryPage).order_by(DirectoryPage.number)))
        self._packed = list(opened_pages(db, key))
        ids = [ids_on_page(page) for page in self._packed]
        self._sizes = [len(found) for found in ids]
        self._page_of = {ref: page for page, found in enumerate(ids) for ref, _ in found}
        self._case_of = {ref: case for found in ids for ref, case in found}
        self._changed: dict[int, list[Listing]] = {}

    def _page(self, number: int) -> list[Listing]:
        """The listings of one page, taken apart because it changes."""
        if number not in self._changed:
            self._changed[number] = unpack_page(self._packed[number])
        return self._changed[number]

    def put(self, listing: Listing) -> None:
        """Add a listing, or replace the one of the same ref."""
        ref = listing.ref.bytes
        if ref in self._page_of:
            page = self._page(self._page_of[ref])
            page[[one.ref.bytes for one in page].index(ref)] = listing
        else:
            self._append(listing)
        self._case_of[ref] = listing.case.bytes

    def _append(self, listing: Listing) -> None:
        if not self._sizes or self._sizes[-1] >= PAGE_ENTRIES:
            self._sizes.append(0)
            self._packed.append(pack_page([]))
        last = len(self._sizes) - 1
        self._page(last).append(listing)
        self._sizes[last] += 1
        self._page_of[listing.ref.bytes] = last

    def remove(self, ref: bytes) -> None:
        """Take a listing out, if it is there; the last listing of all moves into its place."""
        if ref not in self._page_of:
            return
        number = self._page_of.pop(ref)
        del self._case_of[ref]
        page = self._page(number)
        place = [one.ref.bytes for one in page].index(ref)
        last = self._take_last()
        if last.ref.bytes != ref:
            page[place] = last
            self._page_of[last.ref.bytes] = number

    def _take_last(self) -> Listing:
        """The last listing of all, off its page; a page that is empty then goes."""
        last = len(self._sizes) - 1
        taken = self._page(last).pop()
        self._sizes[last] -= 1
        if self._sizes[last] == 0:
            self._sizes.pop()
            self._packed.pop()
            del self._changed[last]
        return taken

    def refs_of_case(self, case: UUID) -> list[bytes]:
        """The refs of one case's listings."""
        return [ref for ref, owner in self._case_of.items() if owner == case.bytes]

    def save(self, sealer: Sealer) -> int:
        """Seal the pages that changed into their rows; return how many changed or went."""
        gone = self._rows[len(self._sizes) :]
        for row in gone:
            self._db.delete(row)
        for number, listings in sorted(self._changed.items()):
            if number == len(self._rows):
                self._rows.append(DirectoryPage(id=uuid4(), number=number))
            put(self._rows[number], "entries", pack_page(listings), sealer)
            self._db.add(self._rows[number])
        return len(self._changed) + len(gone)
