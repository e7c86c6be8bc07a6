"""The records of a case destroyed: what opens them is gone for everybody, and the ledger still tells of them.

It is one transaction, so that a power cut leaves the case whole or destroyed, never half.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from vault.access import listings, seals
from vault.access.actor import Actor
from vault.access.custody import KeyCase, find_lockbox
from vault.access.events import Event, record
from vault.access.models import Assignment
from vault.access.policy import Compartment
from vault.access.rekeying import rekey
from vault.announcing.actions import Announced, Weighty, announce
from vault.cases.models import Case
from vault.database import Database, RecordedSession
from vault.keys import acts
from vault.keys.holdings import DIRECTORY_SUBJECT, disclosures_of, subjects_of, within
from vault.keys.models import KeyAct, KeyActKind
from vault.papers.models import Paper, PaperPiece
from vault.referrals.models import Referral
from vault.running import RunningVault, Trust
from vault.vocabulary import CaseState


def destroy(vault: RunningVault, who: Actor, act: UUID, now: datetime) -> int:
    """Destroy the records of the case that two approvals name; return how many sealed places they were.

    It is announced first, and waits until that is signed. Raises NotKnown, RuleForbids and NotConfirmed; then
    everything is as it was.
    """
    with vault.reading() as db:
        asked = acts.get(db, who, act)
        _check_may_destroy(db, who, asked, db.get_one(Case, UUID(asked.subject.partition(":")[2])), now)
    announced = announce(vault, who, Weighty.DESTRUCTION, acts.subjects(asked), now)
    with vault.writing() as db:
        count = _destroy(db, who, vault.trust, acts.held(db, who, act), announced, now)
    forget_old_pages(vault.database)
    return count


def _check_may_destroy(db: Session, who: Actor, act: KeyAct, case: Case, now: datetime) -> None:
    acts.check_asker(who, act)
    acts.check_approved(db, act, KeyActKind.DESTRUCTION, now)
    acts.check_ended(case)


def _destroy(
    db: RecordedSession, who: Actor, trust: Trust, act: KeyAct, announced: Announced, now: datetime
) -> int:
    case = db.get_one(Case, UUID(act.subject.partition(":")[2]), with_for_update=True, populate_existing=True)
    _check_may_destroy(db, who, act, case, now)
    boxes = [box for box in seals.lock_boxes(db, within(db, case.subject)) if box.destroyed_at is None]
    for box in boxes:
        seals.destroy_lockbox(db, box, now)
    _end_namings(db, subjects_of(db, case), now)
    _remove_papers(db, case, now)
    _mark(db, case, now)
    acts.done(act, now)
    record(
        db,
        Event.CASE_DESTROYED,
        who=who,
        now=now,
        subjects=[*acts.subjects(act), *([f"referral:{case.referral}"] if case.referral else [])],
        facts={
            "act": act.id,
            "code": case.code,
            "places": len(boxes),
            "ground": act.ground,
            "announced": announced.index,
        },
    )
    _forget_names(db, who, trust, case, now)
    return len(boxes)


def _end_namings(db: Session, subjects: Iterable[str], now: datetime) -> None:
    ids = [UUID(subject.partition(":")[2]) for subject in subjects]
    live = select(Assignment).where(Assignment.subject_id.in_(ids), Assignment.ended_at.is_(None))
    for assignment in db.scalars(live):
        assignment.ended_at = now


def _remove_papers(db: Session, case: Case, now: datetime) -> None:
    """The pieces go too: they open no more, and only fill the disk."""
    for paper in db.scalars(select(Paper).where(Paper.case == case.id)):
        db.execute(delete(PaperPiece).where(PaperPiece.paper == paper.id))
        paper.removed_at = paper.removed_at or now


def _mark(db: Session, case: Case, now: datetime) -> None:
    """The plain facts stay, with the day; lists leave them out."""
    case.state, case.destroyed_on = CaseState.DESTROYED, now.date()
    if case.referral is not None:
        db.get_one(Referral, case.referral).destroyed_on = now.date()
    for request in disclosures_of(db, case):
        request.destroyed_on = now.date()
        request.version += 1


def _forget_names(db: RecordedSession, who: Actor, trust: Trust, case: Case, now: datetime) -> None:
    """Take the household out of the directory, whose new key shuts the older pages that backups keep."""
    listings.forget_case(db, who, trust, case.id, now)
    if listings.has_begun(db):
        box = find_lockbox(db, DIRECTORY_SUBJECT, Compartment.DIRECTORY)
        rekey(db, who, trust, box, KeyCase(db, who, trust), now)


def forget_old_pages(database: Database) -> None:
    """Write what was deleted over in SQLite's own files; on PostgreSQL VACUUM does it (see the runbook)."""
    if database.engine.dialect.name == "sqlite":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
