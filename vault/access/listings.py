"""The directory of names: changes to it are left as slips, filed into its pages, and searched there.

Whoever changes an identity may not read the directory, so their change is sealed to those who may: a slip.
A coordinator's next search files what waits. Two who file at once wait for each other at the lockbox's row.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.entries import Fact
from audit.ledger import Receipt
from crypto import directory
from crypto.directory import How as Comparison
from crypto.directory import Listing, has_words, matching_names
from crypto.encoding import enc
from crypto.errors import CryptoError, Malformed
from crypto.folding import numbers_in
from crypto.sealing import open_message, seal_message
from vault.access.actor import Actor
from vault.access.custody import KeyCase
from vault.access.directory_pages import Book, opened_pages
from vault.access.events import Event, record, record_apart
from vault.access.keyring import Keyring
from vault.access.models import DIRECTORY, DirectorySlip, HolderKey, Lockbox
from vault.access.pacing import take_turn
from vault.access.policy import Compartment, Hold, Reason, Role, hold
from vault.access.reading import check_may_open
from vault.access.seals import new_lockbox
from vault.database import RecordedSession
from vault.errors import NotKnown, RoleMayNot
from vault.running import RunningVault, Trust

__all__ = [
    "SUBJECT", "Comparison", "Listing", "Searched", "file_slips", "find_in", "forget_case", "has_begun",
    "has_words", "leave_slip", "matching_names", "numbers_in", "search", "waiting",
]  # fmt: skip

SUBJECT = f"directory:{DIRECTORY}"


def find_in(listings: Sequence[Listing], words: str, how: Comparison) -> list[Listing]:
    """Those of these listings that the words find, as they would in the directory."""
    size = directory.PAGE_ENTRIES
    pages = (directory.pack_page(listings[at : at + size]) for at in range(0, len(listings), size))
    return directory.search_pages(pages, words, how)


def _context(slip: UUID, ref: UUID, row_version: int) -> bytes:
    return enc("vault/directory-slip/v1", slip, ref, row_version)


def _circle(db: Session, is_alone: bool) -> HolderKey:
    """The coordinators' current key, which nobody replaces until this act is kept.

    `is_alone` lets nobody else leave a slip meanwhile, or make the directory's lockbox.
    """
    query = select(HolderKey).where(
        HolderKey.kind == "circle", HolderKey.role == Role.COORDINATOR, HolderKey.withdrawn_at.is_(None)
    )
    query = query.order_by(HolderKey.version.desc()).limit(1)
    found = db.scalars(query.with_for_update(read=not is_alone, key_share=is_alone)).first()
    if found is None:
        raise NotKnown
    return found


def leave_slip(
    db: RecordedSession, trust: Trust, listing: Listing, row_version: int, removed: bool, now: datetime
) -> None:
    """Leave a change to the directory, sealed to the coordinators' circle; the caller's entry covers it.

    Call it after the flush that gave the changed row its version, and before `record`.
    """
    circle, ident = _circle(db, False), uuid4()
    content = directory.pack_page([] if removed else [listing])
    public = Keyring(db, trust).public(circle.holder, circle.version)
    db.add(
        DirectorySlip(
            id=ident,
            ref=listing.ref,
            row_version=row_version,
            made_at=now,
            holder_version=circle.version,
            blob=seal_message(content, public, _context(ident, listing.ref, row_version)),
        )
    )


def waiting(db: Session) -> set[UUID]:
    """The refs whose changes wait to be filed."""
    return set(db.scalars(select(DirectorySlip.ref).distinct()))


def has_begun(db: Session) -> bool:
    """Whether the directory has its lockbox: the first who files makes it."""
    return _directory(db) is not None


def _directory(db: Session) -> Lockbox | None:
    query = select(Lockbox).where(Lockbox.subject == SUBJECT, Lockbox.compartment == Compartment.DIRECTORY)
    return db.scalars(query).first()


def _locked(db: Session) -> Lockbox | None:
    """The directory's lockbox as it is now, and nobody else's to change until this act is kept."""
    query = select(Lockbox).where(Lockbox.subject == SUBJECT, Lockbox.compartment == Compartment.DIRECTORY)
    fresh = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return db.scalars(fresh).first()


def _locked_or_new(db: RecordedSession, who: Actor, trust: Trust, now: datetime) -> Lockbox:
    """The same; made first where there is none. Of two who would make it, one waits at the circle's key."""
    box = _locked(db)
    if box is None:
        _circle(db, True)
        box = _locked(db)
    if box is None:
        new_lockbox(db, who, trust, SUBJECT, None, Compartment.DIRECTORY, now)
        box = _locked(db)
    if box is None:
        raise NotKnown
    return box


@dataclass(frozen=True)
class _Change:
    """The latest change to one ref that could be opened, and the slips that it settles."""

    ref: UUID
    listing: Listing | None
    settled: Sequence[DirectorySlip]


def _opened_slip(keys: KeyCase, circle: UUID, slip: DirectorySlip) -> Listing | None:
    """What a slip says; nothing when it removes. Raises CryptoError or NotKnown."""
    identity = keys.circle(circle, slip.holder_version)
    content = open_message(slip.blob, identity, _context(slip.id, slip.ref, slip.row_version))
    said = directory.unpack_page(content)
    if len(said) > 1 or any(listing.ref != slip.ref for listing in said):
        raise Malformed("This slip of the directory cannot be read.")
    return said[0] if said else None


def _changes(db: Session, keys: KeyCase) -> Iterator[_Change]:
    """For each ref the latest slip that opens; it says all that the earlier ones did, so it settles them.

    A slip that does not open stays: it must not keep the others from being filed, and when it was put there
    past the vault, verification finds a row that no entry tells of.
    """
    coordinators = select(HolderKey.holder).where(
        HolderKey.kind == "circle", HolderKey.role == Role.COORDINATOR, HolderKey.withdrawn_at.is_(None)
    )
    circle = db.scalars(coordinators.limit(1)).one()
    slips = db.scalars(select(DirectorySlip).order_by(DirectorySlip.ref, DirectorySlip.row_version))
    for ref, group in groupby(slips.all(), lambda slip: slip.ref):
        of_ref = list(group)
        while of_ref:
            try:
                yield _Change(ref, _opened_slip(keys, circle, of_ref[-1]), of_ref)
            except (CryptoError, NotKnown):
                of_ref.pop()
            else:
                break


def file_slips(db: RecordedSession, who: Actor, trust: Trust, now: datetime) -> int:
    """File what waits into the directory's pages, and return how many slips that settled.

    No entry is lost and none stands twice, whoever files or changes names at the same time. Only for those
    who hold the directory: RoleMayNot or NotKnown otherwise.
    """
    return _file(db, who, trust, None, now)


def forget_case(db: RecordedSession, who: Actor, trust: Trust, case: UUID, now: datetime) -> int:
    """Take every entry of a case out of the directory, filed or waiting; return how many changes that were.

    Call it once the lockboxes of the case's people are locked or gone, so that nobody leaves another slip.
    The pages' older bytes stay readable to the directory's key until its lockbox is given a new one.
    """
    return _file(db, who, trust, case, now)


def _file(db: RecordedSession, who: Actor, trust: Trust, forgotten: UUID | None, now: datetime) -> int:
    _check_holds(who)
    if not waiting(db) and (forgotten is None or not has_begun(db)):
        return 0
    box = _locked_or_new(db, who, trust, now)
    keys = KeyCase(db, who, trust)
    key = keys.lockbox(box)
    book, settled = Book(db, key), 0
    for change in _changes(db, keys):
        if change.listing is None:
            book.remove(change.ref.bytes)
        else:
            book.put(change.listing)
        for slip in change.settled:
            db.delete(slip)
        settled += len(change.settled)
    left_out = book.refs_of_case(forgotten) if forgotten else []
    for ref in left_out:
        book.remove(ref)
    facts = {"changes": settled, "forgotten": len(left_out), "pages": book.save(key.sealer())}
    subjects = [SUBJECT] + ([f"case:{forgotten}"] if forgotten else [])
    record(
        db,
        Event.DIRECTORY_FILED,
        who=who,
        now=now,
        subjects=subjects,
        compartment=Compartment.DIRECTORY,
        fields=["directorypage.entries"],
        facts=facts,
    )
    return settled + len(left_out)


def _check_holds(who: Actor) -> None:
    if not who.certified or hold(Compartment.DIRECTORY, who.role) is not Hold.ALL:
        raise RoleMayNot("Your role does not open the directory of names.")


@dataclass(frozen=True)
class Searched:
    """Whom a search of the directory found, and the ledger's receipt for it. Never printed, never kept."""

    receipt: Receipt
    found: Sequence[Listing]
    is_complete: bool  # False while a change waits that this officer cannot file

    def __repr__(self) -> str:
        return "<searched>"


def search(
    vault: RunningVault,
    who: Actor,
    words: str,
    how: Comparison,
    facts: Mapping[str, Fact],
    reason: Reason,
    now: datetime,
) -> Searched:
    """Search the whole directory, once the search is on the ledger, and what waits is filed.

    Raises RoleMayNot, StepUpNeeded, SlowDown, and audit.errors.LedgerUnavailable when the entry cannot be
    made durable: then nothing was decrypted.
    """
    _check_holds(who)
    with vault.reading() as db:
        check_may_open(vault, db, who, [], Compartment.DIRECTORY, now)
    take_turn(vault, who, Event.DIRECTORY_SEARCHED, now)
    receipt = record_apart(
        vault,
        Event.DIRECTORY_SEARCHED,
        who=who,
        now=now,
        subjects=[SUBJECT],
        compartment=Compartment.DIRECTORY,
        fields=["directorypage.entries"],
        reason=reason,
        facts=facts,
        details={"words": words},
    )
    _file_waiting(vault, who, now)
    with vault.reading() as db:
        box = _directory(db)
        is_complete = not waiting(db)
        if box is None:
            return Searched(receipt, [], is_complete)
        key = KeyCase(db, who, vault.trust).lockbox(box)
        return Searched(receipt, directory.search_pages(opened_pages(db, key), words, how), is_complete)


def _file_waiting(vault: RunningVault, who: Actor, now: datetime) -> None:
    with vault.reading() as db:
        has_slips = bool(waiting(db))
    if has_slips:
        with vault.writing() as db:
            file_slips(db, who, vault.trust, now)
