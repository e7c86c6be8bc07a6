"""What is over is ended, and what was not reviewed in time is told, by whoever comes next."""

from datetime import datetime

from sqlalchemy import select

from vault.access.delegating import unit_day
from vault.access.emergencies import end_grants
from vault.access.events import Event, record
from vault.emergency.models import EmergencyRequest, RequestState
from vault.running import RunningVault


def see_to(vault: RunningVault, now: datetime) -> None:
    """End what is over, and tell the ledger once of each use that nobody reviewed in time."""
    end_grants(vault, now)
    today = unit_day(vault.settings, now)
    late = select(EmergencyRequest).where(
        EmergencyRequest.state == RequestState.GRANTED,
        EmergencyRequest.reviewed_at.is_(None),
        EmergencyRequest.overdue_told_at.is_(None),
        EmergencyRequest.review_due_on < today,
    )
    with vault.reading() as db:
        if db.scalars(late.limit(1)).first() is None:
            return
    with vault.writing() as db:
        for request in db.scalars(late.order_by(EmergencyRequest.id).with_for_update()).all():
            request.overdue_told_at = now
            record(
                db,
                Event.EMERGENCY_UNREVIEWED,
                who=None,
                now=now,
                subjects=[f"case:{request.case}", f"officer:{request.asked_by}"],
                compartment=request.compartment,
                facts={"request": request.id},
            )
