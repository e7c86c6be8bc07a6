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
"""How long each approval stands; after that somebody asks anew."""
_DECIDERS = {Role.DEPUTY, Role.COORDINATOR}


@dataclass(frozen=True)
class Standing:
    """Where a request stands: who said what, and until when an approval may be used."""

    act: KeyAct
    decisions: tuple[tuple[KeyActDecision, Officer], ...]

    @property
    def approvals(self) -> list[tuple[KeyActDecision, Officer]]:
        """Each yes that still counts, the newest first.

        That of an officer whose access ended or whose role changed does not, nor one by who asked or by who
        gets the keys.
        """
        partial = {self.act.asked_by, self.act.for_officer}
        counts = [
            (decision, officer)
            for decision, officer in self.decisions
            if decision.approved and officer.state is OfficerState.ACTIVE and officer.role in _DECIDERS
        ]
        counts = [pair for pair in counts if pair[1].id not in partial]
        return sorted(counts, key=lambda pair: pair[0].at, reverse=True)

    @property
    def valid_until(self) -> datetime | None:
        """Until when it may be carried out: as long as both of the newest two approvals stand."""
        needed = self.approvals[:APPROVALS]
        return needed[-1][0].at + VALID_FOR if len(needed) == APPROVALS else None

    def has_lapsed(self, now: datetime) -> bool:
        """Whether it was approved and the approvals no longer stand: too old, or of somebody who left."""
        until, roles = self.valid_until, {officer.role for _, officer in self.approvals}
        stands = until is not None and now <= until and Role.DEPUTY in roles
        return self.act.state is KeyActState.APPROVED and not stands

    def words(self, now: datetime) -> str:
        """How far it has come, as a page says it."""
        if self.has_lapsed(now):
            return "Not done in time"
        lacks_one = len(approvers(self, now)) == APPROVALS - 1
        if self.act.state is KeyActState.ASKED and lacks_one:
            return "Waiting for one more approval"
        return self.act.state.label


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


def lacks_deputy(who: Actor, standing: Standing, now: datetime) -> bool:
    """Whether this officer's yes would be the last one needed, and none of them a deputy's."""
    others = approvers(standing, now)
    return len(others) >= APPROVALS - 1 and Role.DEPUTY not in {who.role, *(o.role for o in others)}


def approvers(standing: Standing, now: datetime) -> list[Officer]:
    """Those who said yes and whose word counts now."""
    return [officer for decision, officer in standing.approvals if now <= decision.at + VALID_FOR]
