"""A recovery carried out: the file for the offline machine goes out, and its answer comes in."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from audit.finding import Filters
from vault.access import recovering
from vault.access.actor import Actor
from vault.access.events import Event, is_vouched, record
from vault.access.seals import lock_boxes
from vault.announcing.actions import Announced, Weighty, announce
from vault.database import RecordedSession
from vault.errors import NotKnown, RuleForbids
from vault.keys import acts
from vault.keys.holdings import wanted_by, within
from vault.keys.models import KeyAct, KeyActKind
from vault.officers.models import Officer
from vault.running import RunningVault, Trust

LATEST = 50
"""Among so many files that were fetched for an officer, the words of this request's are looked for."""


def export(vault: RunningVault, who: Actor, act: UUID, now: datetime) -> tuple[str, int]:
    """The request as a file, and how many sealed places it asks for; each time an entry of its own.

    It may be fetched again until it is answered, should the first file be lost: it opens nothing by itself.
    It is announced first, and waits until that is signed. Raises NotKnown, RuleForbids and NotConfirmed.
    """
    with vault.reading() as db:
        asked = acts.get(db, who, act)
        _check_may_export(db, who, asked, now)
    announced = announce(vault, who, Weighty.RECOVERY, acts.subjects(asked), now)
    with vault.writing() as db:
        return _export(db, who, vault.trust, acts.held(db, who, act), announced, now)


def _check_may_export(db: Session, who: Actor, act: KeyAct, now: datetime) -> None:
    acts.check_asker(who, act)
    acts.check_approved(db, act, KeyActKind.RECOVERY, now)


def _export(
    db: RecordedSession, who: Actor, trust: Trust, act: KeyAct, announced: Announced, now: datetime
) -> tuple[str, int]:
    _check_may_export(db, who, act, now)
    if act.for_officer is None:
        raise NotKnown
    officer = db.get_one(Officer, act.for_officer)
    request = recovering.recovery_request(
        db, trust, act.id, officer.id, officer.full_name, wanted_by(db, act)
    )
    if not request.seals:
        raise RuleForbids("The matrix gives this officer nothing of it, so there is nothing to recover.")
    record(
        db,
        Event.RECOVERY_EXPORTED,
        who=who,
        now=now,
        subjects=acts.subjects(act),
        compartment=act.compartment,
        facts={
            "act": act.id,
            "places": len(request.seals),
            "key-version": request.officer.key_version,
            "words": "-".join(request.words()),
            "announced": announced.index,
        },
    )
    return request.to_text(), len(request.seals)


def words_of_request(vault: RunningVault, db: Session, act: KeyAct) -> Sequence[str]:
    """The eight words of the file that was fetched last, as the vault's own entry tells; none before."""
    found = vault.ledger.find(
        db,
        Filters(subject=f"officer:{act.for_officer}", event=str(Event.RECOVERY_EXPORTED), since=act.asked_at),
        before_index=None,
        limit=LATEST,
    )
    for woven in found:
        facts = woven.entry.facts
        if facts.get("act") == str(act.id) and is_vouched(woven.entry, woven.index, vault.confirms):
            return str(facts.get("words", "")).split("-")
    return ()


def take_in(db: RecordedSession, who: Actor, trust: Trust, act: KeyAct, answer: str, now: datetime) -> int:
    """Seal what was recovered to everybody who must hold it; return for how many sealed places.

    Only the officer to whom it was sealed takes it in, once. Raises NotKnown for anybody else,
    crypto.errors.NotRecovered for a file that is not the answer, and RuleForbids.
    """
    if act.for_officer != who.officer:
        raise NotKnown
    acts.check_approved(db, act, KeyActKind.RECOVERY, now)
    wanted = {box.id for box in wanted_by(db, act)}
    boxes = [box for box in lock_boxes(db, within(db, act.subject)) if box.id in wanted]
    taken = recovering.import_answer(db, who, trust, act.id, boxes, answer, now)
    acts.done(act, now)
    record(
        db,
        Event.RECOVERY_IMPORTED,
        who=who,
        now=now,
        subjects=acts.subjects(act),
        compartment=act.compartment,
        facts={"act": act.id, "places": taken},
    )
    return taken
