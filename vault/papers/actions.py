"""What is done with papers: kept piece by piece, listed, opened, removed, and cleared of what broke off."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from crypto.columns import put
from vault.access import custody
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.pieces import SealedPieces
from vault.access.policy import Compartment, Hold, Reason, Role, hold
from vault.cases import actions as cases
from vault.cases.models import Case
from vault.database import RecordedSession
from vault.errors import NotKnown, RoleMayNot, RuleForbids
from vault.papers.models import Paper, PaperPiece
from vault.running import RunningVault, Trust

LISTED = ("title", "media_type", "length")
"""What a list of papers opens of each."""
DELIVERED = ("media_type", "length", "content_key")
"""What is opened to hand a paper's content over; its title is not needed for that."""
SEALED = ("title", "media_type", "length", "content_key")
FIELDS = [f"paper.{name}" for name in sorted(SEALED)]
"""As entries name them."""
SILENCE = timedelta(hours=1)
"""An upload of which no piece came for so long has broken off."""


def check_holds(who: Actor) -> None:
    """Raise RoleMayNot unless this officer's role may ever open the compartment that papers lie in."""
    if hold(Compartment.CASEWORK, who.role) is Hold.NEVER:
        raise RoleMayNot("Your role does not open the papers of a case.")


def kept_in(case: UUID) -> Select[Paper]:
    """The papers of a case that were not removed, the newest first."""
    papers = select(Paper).where(Paper.case == case, Paper.removed_at.is_(None))
    return papers.order_by(Paper.number.desc())


def get(db: Session, who: Actor, case: UUID, paper: UUID) -> tuple[Case, Paper]:
    """A paper that was not removed, and its case. Raises NotKnown."""
    known = cases.get(db, who, case)
    found = db.scalars(kept_in(known.id).where(Paper.id == paper)).first()
    if found is None:
        raise NotKnown
    return known, found


def keep_piece(vault: RunningVault, paper: UUID, number: int, content: bytes) -> None:
    """Keep one sealed piece of a paper that still arrives.

    A transaction of its own, so that a slow upload never holds the database's write lock.
    """
    with vault.writing() as db:
        db.add(PaperPiece(id=uuid4(), paper=paper, number=number, kept_at=vault.now(), content=content))


def add(
    db: RecordedSession,
    who: Actor,
    trust: Trust,
    case: UUID,
    paper: UUID,
    values: dict[str, str | int | bytes],
    kept: SealedPieces,
    now: datetime,
) -> Paper:
    """Make a paper of the pieces that arrived: from here on it is one of the case's.

    Raises NotKnown when the officer was taken off the case meanwhile, and RuleForbids when pieces were
    cleared away because nothing had come for an hour.
    """
    known = cases.get(db, who, case)
    # The lock keeps the pieces from being cleared away between this count and the end of the act.
    locked = select(PaperPiece.id).where(PaperPiece.paper == paper).with_for_update()
    if len(db.scalars(locked).all()) != kept.count:
        raise RuleForbids("Sending this file was interrupted for too long. Send it again.")
    sealer = custody.sealer(db, who, trust, known.subject, Compartment.CASEWORK)
    number = _next_number(db, known)
    row = Paper(id=paper, case=known.id, number=number, added_by=who.officer, added_at=now)
    row.pieces, row.digest = kept.count, kept.digest
    for name in SEALED:
        put(row, name, values[name], sealer)
    db.add(row)
    record(
        db,
        Event.PAPER_ADDED,
        who=who,
        now=now,
        subjects=[known.subject, row.subject],
        compartment=Compartment.CASEWORK,
        fields=FIELDS,
    )
    return row


def _next_number(db: RecordedSession, case: Case) -> int:
    """The next paper's number in its case; numbers of removed ones are never given again."""
    db.refresh(case, with_for_update=True)  # Two papers that end at one moment wait for one another here.
    return (db.scalar(select(func.max(Paper.number)).where(Paper.case == case.id)) or 0) + 1


def may_remove(who: Actor, paper: Paper) -> bool:
    """Whether this officer may remove the paper: who added it, or the coordinator."""
    return who.role is Role.COORDINATOR or who.officer == paper.added_by


def remove(
    db: RecordedSession, who: Actor, trust: Trust, case: UUID, paper: UUID, reason: Reason, now: datetime
) -> None:
    """Remove a paper: its title and its content's key go in this act, so that its pieces open no more.

    The row stays, so that the ledger's entries of it keep their row and numbers never move. The caller clears
    the pieces away afterwards. Raises RuleForbids for somebody else's paper.
    """
    known, row = get(db, who, case, paper)
    if not may_remove(who, row):
        raise RuleForbids("Whoever added a paper removes it, or the coordinator. Ask one of them.")
    sealer = custody.sealer(db, who, trust, known.subject, Compartment.CASEWORK)
    row.removed_at = now
    for name in SEALED:
        put(row, name, None, sealer)
    record(
        db,
        Event.PAPER_REMOVED,
        who=who,
        now=now,
        subjects=[known.subject, row.subject],
        compartment=Compartment.CASEWORK,
        fields=FIELDS,
        reason=reason,
    )


def clear(vault: RunningVault, paper: UUID) -> None:
    """Take away the pieces of a paper that was removed or never came to be; those of a kept one stay.

    One piece in each transaction, so that nobody waits for a large one.
    """
    while True:
        with vault.writing() as db:
            piece = db.scalars(
                select(PaperPiece.id).where(PaperPiece.paper == paper).limit(1).with_for_update()
            ).first()
            # Asked once the piece is locked: the upload may have ended well in the meantime.
            if piece is None or db.scalars(_live(paper)).first() is not None:
                return
            db.execute(delete(PaperPiece).where(PaperPiece.id == piece))


def clear_abandoned(vault: RunningVault, now: datetime) -> None:
    """Take away what uploads left that broke off with their worker, and what removals left that did."""
    last = func.max(PaperPiece.kept_at)
    silent = select(PaperPiece.paper).group_by(PaperPiece.paper).having(last < now - SILENCE)
    live = select(Paper.id).where(Paper.removed_at.is_(None))
    with vault.reading() as db:
        abandoned = db.scalars(silent.where(PaperPiece.paper.not_in(live))).all()
    for paper in abandoned:
        clear(vault, paper)


def fetch_piece(vault: RunningVault, paper: UUID, number: int) -> bytes:
    """One sealed piece, in a transaction of its own; nothing where there is none.

    A slow download thus holds no transaction open.
    """
    with vault.reading() as db:
        found = select(PaperPiece.content).where(PaperPiece.paper == paper, PaperPiece.number == number)
        return db.scalars(found).first() or b""


def _live(paper: UUID) -> Select[UUID]:
    return select(Paper.id).where(Paper.id == paper, Paper.removed_at.is_(None))
