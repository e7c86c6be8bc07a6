"""Where a request for a recovery or a destruction stands, and whose yes or no is still asked for."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from vault.access.actor import Actor
from vault.access.policy import Permission, Role
from vault.keys.models import KeyAct, KeyActDecision, KeyActState
from vault.officers.models import Officer, OfficerState

APPROVALS = 2
VALID_FOR = timedelta(days=7)
"""How long two approvals stand; after that somebody asks anew."""


@dataclass(frozen=True)
class Standing:
    """Where a request stands: who said what, and until when an approval may be used."""

    act: KeyAct
    decisions: tuple[tuple[KeyActDecision, Officer], ...]

    @property
    def approved_at(self) -> datetime | None:
        """When the approval that was needed last was given."""
        if self.act.state not in {KeyActState.APPROVED, KeyActState.DONE}:
            return None
        return max((decision.at for decision, _ in self.decisions if decision.approved), default=None)

    @property
    def valid_until(self) -> datetime | None:
        """Until when it may be carried out."""
        return self.approved_at + VALID_FOR if self.approved_at else None

    def has_lapsed(self, now: datetime) -> bool:
        """Whether it was approved and not carried out in time."""
        until = self.valid_until
        return self.act.state is KeyActState.APPROVED and until is not None and now > until


def standing(db: Session, act: KeyAct) -> Standing:
    """The request with every answer to it, in order."""
    rows = db.execute(
        select(KeyActDecision, Officer)
        .join(Officer, Officer.id == KeyActDecision.officer)
        .where(KeyActDecision.act == act.id)
        .order_by(KeyActDecision.at, KeyActDecision.id)
    )
    return Standing(act, tuple((decision, officer) for decision, officer in rows))


def may_decide(who: Actor, standing: Standing) -> bool:
    """Whether this officer's yes or no is still asked for."""
    act = standing.act
    return (
        act.state is KeyActState.ASKED
        and who.may(Permission.DECIDE_KEY_ACT)
        and who.officer not in {act.asked_by, act.for_officer}
        and all(decision.officer != who.officer for decision, _ in standing.decisions)
    )


def lacks_deputy(who: Actor, standing: Standing) -> bool:
    """Whether this officer's yes would be the last one needed, and none of them a deputy's."""
    others = approvers(standing)
    return len(others) >= APPROVALS - 1 and Role.DEPUTY not in {who.role, *(o.role for o in others)}


def approvers(standing: Standing) -> list[Officer]:
    """Those who said yes and whose word still counts: whose access ended, or whose role changed, does not."""
    roles = {Role.DEPUTY, Role.COORDINATOR}
    return [
        officer
        for decision, officer in standing.decisions
        if decision.approved and officer.state is OfficerState.ACTIVE and officer.role in roles
    ]
