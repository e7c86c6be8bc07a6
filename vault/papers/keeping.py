"""A paper's way in and out: sealed while it is sent, opened while it is fetched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from crypto.errors import Refused
from vault.access.actor import Actor
from vault.access.events import Event
from vault.access.pieces import ContentKey, name_of, open_pieces, seal_pieces
from vault.access.policy import Compartment, Reason
from vault.access.reading import Opening, Part, open_rows
from vault.cases import actions as cases
from vault.papers import actions
from vault.papers.kinds import EXTENSIONS, PaperKind
from vault.papers.models import Paper
from vault.papers.receiving import Inspected
from vault.running import RunningVault


def keep(
    vault: RunningVault, who: Actor, case: UUID, paper: UUID, title: str, incoming: Inspected, key: bytes
) -> Paper:
    """Seal a paper into the case piece by piece as it arrives, under `key`, which no other paper has.

    Its row and its entry come last: whatever ends the upload before, a paper that is refused or a browser
    that goes away, leaves pieces that nothing opens, since their key was kept nowhere; they are cleared away
    at once, or by the next upload when the worker died. Raises PaperRefused, NotKnown, RuleForbids.
    """
    actions.clear_abandoned(vault, vault.now())
    try:
        kept = seal_pieces(incoming, partial(actions.keep_piece, vault, paper), key, name_of(paper, case))
        values: dict[str, str | int | bytes] = {
            "title": title,
            "media_type": incoming.kind().value,
            "length": incoming.length,
            "content_key": ContentKey(key, kept.digest).to_bytes(),
        }
        with vault.writing() as db:
            return actions.add(db, who, vault.trust, case, paper, values, kept, vault.now())
    except BaseException:
        # It leaves the pieces alone when the act was kept after all and only its receipt is late.
        actions.clear(vault, paper)
        raise


def remove(vault: RunningVault, who: Actor, case: UUID, paper: UUID, reason: Reason, now: datetime) -> None:
    """Remove a paper and clear its pieces away. Raises NotKnown, RuleForbids."""
    with vault.writing() as db:
        actions.remove(db, who, vault.trust, case, paper, reason, now)
    actions.clear(vault, paper)


@dataclass(frozen=True)
class Listing:
    """The papers of a case with what was opened of them. Never printed, never kept."""

    papers: Sequence[Paper]
    opening: Opening

    def __repr__(self) -> str:
        return "<listing>"


def open_list(vault: RunningVault, who: Actor, case: UUID, reason: Reason, now: datetime) -> Listing:
    """Open the titles, kinds and lengths of a case's papers under one entry. Raises as `open_rows` does."""
    with vault.reading() as db:
        known = cases.get(db, who, case)
        papers = db.scalars(actions.kept_in(known.id)).all()
        opening = open_rows(
            vault,
            db,
            who,
            Compartment.CASEWORK,
            [Part(paper, actions.LISTED) for paper in papers],
            about=[known.subject],
            reason=reason,
            now=now,
            event=Event.OPENED,
            facts={},
            details=None,
        )
    return Listing(papers, opening)


@dataclass(frozen=True)
class Delivery:
    """A paper on its way to the officer who opened it."""

    name: str
    kind: PaperKind
    length: int
    content: Iterator[bytes]

    def __repr__(self) -> str:
        return "<delivery>"


def deliver(
    vault: RunningVault, who: Actor, case: UUID, paper: UUID, reason: Reason, now: datetime
) -> Delivery:
    """Open a paper for an officer, once the entry of it is durable, and hand it over part by part.

    The pieces are compared with the sealed digest before any is opened, and each is authenticated before it
    is given on. Raises NotKnown, RoleMayNot, LedgerUnavailable, and crypto.errors.Refused for pieces that are
    not as they were kept: then nothing was given. The content raises Refused for one altered since.
    """
    with vault.reading() as db:
        known, row = actions.get(db, who, case, paper)
        opening = open_rows(
            vault,
            db,
            who,
            Compartment.CASEWORK,
            [Part(row, actions.DELIVERED)],
            about=[known.subject, row.subject],
            reason=reason,
            now=now,
            event=Event.PAPER_OPENED,
            facts={},
            details=None,
        )
    found = opening.of(row)
    kind, length = PaperKind(str(found["media_type"])), found["length"]
    content_key = ContentKey.from_bytes(found["content_key"])
    # The row's own digest is for whoever verifies without opening; the two must say the same.
    if not isinstance(length, int) or content_key.digest != row.digest:
        raise Refused("What is kept of the paper is not what was sealed.")
    fetch = partial(actions.fetch_piece, vault, row.id)
    content = open_pieces(fetch, row.pieces, content_key, name_of(row.id, known.id))
    return Delivery(f"{known.code}-{row.number}.{EXTENSIONS[kind]}", kind, length, content)
