"""What recoveries and destructions wait for from one officer, in two questions however many there are."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from vault.access.actor import Actor
from vault.keys import acts
from vault.keys.models import KeyAct, KeyActDecision, KeyActKind, KeyActState
from vault.keys.standing import Standing, may_decide
from vault.officers.models import Officer

OPEN = (KeyActState.ASKED, KeyActState.APPROVED)


def _open(db: Session) -> Iterator[Standing]:
    """Every request that is not settled, with the answers to it."""
    found = list(db.scalars(acts.all_acts().where(KeyAct.state.in_(OPEN))))
    answers: dict[UUID, list[tuple[KeyActDecision, Officer]]] = {act.id: [] for act in found}
    rows = db.execute(
        select(KeyActDecision, Officer)
        .join(Officer, Officer.id == KeyActDecision.officer)
        .where(KeyActDecision.act.in_(answers))
        .order_by(KeyActDecision.at)
    )
    for decision, officer in rows:
        answers[decision.act].append((decision, officer))
    for act in found:
        yield Standing(act, tuple(answers[act.id]))


def pending(db: Session, who: Actor, now: datetime) -> Iterator[tuple[Standing, str, str]]:
    """Each request on which this officer is to do something: what it is called, and what to do."""
    for here in _open(db):
        act = here.act
        kind = "Recovery" if act.kind is KeyActKind.RECOVERY else "Destruction of records"
        if may_decide(who, here):
            yield (
                here,
                f"{kind}: a decision",
                "Talk to the officer who asked for it, then approve or refuse it.",
            )
        if act.state is not KeyActState.APPROVED or here.has_lapsed(now):
            continue
        if who.officer == act.asked_by:
            to_do = (
                "Approved. Fetch the file for the offline machine."
                if act.kind is KeyActKind.RECOVERY
                else "Approved. You can destroy the records now."
            )
            yield here, f"{kind}: approved", to_do
        elif who.officer == act.for_officer:
            yield (
                here,
                f"{kind}: keys for you",
                "Take in the file when it comes back from the offline machine.",
            )
