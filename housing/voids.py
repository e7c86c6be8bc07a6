"""What is done to close a place for some days, and to open it again early."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from housing.availability import check_days, free_beds, today
from housing.claims import claim_beds, claims_between, free_claims, guarded, lock_house, release_expired
from housing.errors import StayInTheWay, WrongState
from housing.models import Claim, House, Void
from housing.words import VoidReason


def void(db: Session, house: House, from_on: date, until_on: date, reason: VoidReason, now: datetime) -> Void:
    """Close every bed of a place on these days, both included.

    StayInTheWay if any bed is taken on any of the days, be it for the turnaround after a stay.
    """
    check_days(from_on, until_on, now)
    lock_house(db, house)
    release_expired(db, now)
    beds = free_beds(claims_between(db, from_on, until_on, now, house.id), house, from_on, until_on)
    if len(beds) < house.beds:
        raise _in_the_way()
    closure = Void(house_id=house.id, from_on=from_on, until_on=until_on, reason=reason)
    with guarded(db, _in_the_way()):
        db.add(closure)
        db.flush()
        claim_beds(db, beds, from_on, until_on, house, None, closure.id)
    return closure


def end_void(db: Session, closure: Void, now: datetime) -> None:
    """Open the place again from today; days already closed stay on record."""
    lock_house(db, closure.house)
    db.refresh(closure, with_for_update=True)
    day = today(now)
    if closure.ended_on is not None or closure.until_on < day:
        raise WrongState("This closure is already over.")
    closure.ended_on = day
    claims = list(db.scalars(select(Claim).where(Claim.void_id == closure.id)))
    if closure.from_on >= day:
        free_claims(db, claims)
        return
    with guarded(db, _in_the_way()):
        for claim in claims:
            claim.until_on = date.fromordinal(day.toordinal() - 1)


def _in_the_way() -> StayInTheWay:
    return StayInTheWay("A stay, its turnaround or another closure is in the way on these days.")
