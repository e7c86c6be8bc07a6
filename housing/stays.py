"""What is done with a stay, from the first hold to the closing of its file.

Each act takes the stay from one state to another, flushes and never commits. WrongState says that the
stay is not where the act begins.
"""

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from housing.availability import (
    LOCAL_LAG,
    beds_for,
    check_days,
    check_length,
    free_beds,
    today,
    working_days_after,
)
from housing.claims import (
    claim_beds,
    claims_between,
    claims_of_stay,
    free_claims,
    guarded,
    lock_house,
    lock_stay,
    release_expired,
)
from housing.errors import BadDates, BadDetails, HouseClosed, NoBedFree, StillOccupied, WrongState
from housing.models import REFERENCE_LENGTH, Claim, House, Stay
from housing.words import OverstayReason, Standing, StayReason, StayState

LONGEST_HOLD_MINUTES = 7 * 24 * 60


def hold(
    db: Session, house: House, occupant: str, party: int, single: bool, from_on: date, until_on: date,
    minutes: int, turnaround: int, now: datetime,
) -> Stay:  # fmt: skip
    """Keep beds for a party, for so many minutes, until somebody confirms the stay.

    NoBedFree if the beds are not free on all the days and through the turnaround after them; HouseClosed
    if the place is not vetted.
    """
    check_days(from_on, until_on, now)
    _check_reference(occupant, "A stay needs a reference to who is placed.")
    if not 1 <= minutes <= LONGEST_HOLD_MINUTES:
        raise BadDetails("A hold lasts from one minute to seven days.")
    lock_house(db, house)
    release_expired(db, now)
    _check_open(house)
    claimed_until = working_days_after(until_on, turnaround)
    claims = claims_between(db, from_on, claimed_until, now, house.id)
    beds = beds_for(claims, house, from_on, until_on, party, single, turnaround)
    if not beds:
        raise _no_bed()
    stay = Stay(
        house_id=house.id, occupant=occupant, party=party, single=single, from_on=from_on, until_on=until_on,
        turnaround=turnaround, state=StayState.HELD, hold_expires_at=now + timedelta(minutes=minutes),
    )  # fmt: skip
    with guarded(db, _no_bed()):
        db.add(stay)
        db.flush()
        claim_beds(db, beds, from_on, claimed_until, house, stay.id, None)
    return stay


def confirm(db: Session, stay: Stay, now: datetime) -> None:
    """Turn a hold that has not run out into a booking."""
    lock_stay(db, stay)
    if stay.state is StayState.HELD and stay.hold_expires_at <= now:
        raise WrongState("This hold has run out. Search again.")
    _check_open(stay.house)
    stay.move_to(StayState.CONFIRMED)
    db.flush()


def arrive(db: Session, stay: Stay, on: date, now: datetime) -> None:
    """Record that the party came, on one of the days booked; StillOccupied if others are still there."""
    lock_stay(db, stay)
    stay.check_next(StayState.ARRIVED)
    _check_open(stay.house)
    if not stay.from_on <= on <= stay.until_on:
        raise BadDates("The day of arrival is outside the days booked.")
    if on > today(now):
        raise BadDates("The day of arrival is in the future.")
    if _others_in_beds(db, stay):
        raise StillOccupied("The people before have not been recorded as departed.")
    stay.arrived_on = on
    stay.move_to(StayState.ARRIVED)
    db.flush()


def depart(db: Session, stay: Stay, on: date, now: datetime) -> None:
    """Record that the party left, and give its beds back after the turnaround that follows that day.

    People who left after the last day agreed are first recorded by `overstay`.
    """
    lock_stay(db, stay)
    stay.check_next(StayState.DEPARTED)
    if stay.arrived_on is None or on < stay.arrived_on:
        raise BadDates("The day of departure is before the day of arrival.")
    if on > today(now):
        raise BadDates("The day of departure is in the future.")
    if on > stay.until_on:
        raise WrongState("The stay ended before that day. Record the overstay first.")
    claimed_until = working_days_after(on, stay.turnaround)
    with guarded(db, _no_bed()):
        for claim in claims_of_stay(db, stay):
            claim.until_on = claimed_until
        stay.departed_on = on
        stay.move_to(StayState.DEPARTED)


def close(db: Session, stay: Stay, now: datetime) -> None:
    """Close the file of a stay whose turnaround is over."""
    lock_stay(db, stay)
    stay.check_next(StayState.CLOSED)
    if any(claim.until_on >= today(now) for claim in claims_of_stay(db, stay)):
        raise WrongState("The place is still being made ready after this stay.")
    stay.move_to(StayState.CLOSED)
    db.flush()


def extend(db: Session, stay: Stay, until_on: date, now: datetime) -> None:
    """Agree a later last day for a confirmed stay or one in progress, in the same beds."""
    lock_stay(db, stay)
    if stay.state not in {StayState.CONFIRMED, StayState.ARRIVED}:
        raise WrongState(f"This stay is {stay.state.words}; it cannot be extended.")
    if stay.until_on < today(now) - LOCAL_LAG:
        raise WrongState("The last day agreed has passed. Record an overstay instead.")
    _check_open(stay.house)
    _lengthen(db, stay, until_on, now)


def overstay(
    db: Session, stay: Stay, until_on: date, authority: str, reason: OverstayReason, now: datetime
) -> None:
    """Record, on somebody's authority, that people stay beyond the last day agreed.

    A compromised place does not refuse it: people who are still there are recorded as being there.
    """
    lock_stay(db, stay)
    if stay.state is not StayState.ARRIVED:
        raise WrongState(f"This stay is {stay.state.words}; only people who are there can overstay.")
    _check_reference(authority, "An overstay needs the authority of an officer.")
    _lengthen(db, stay, until_on, now)
    stay.overstay_authority, stay.overstay_reason = authority, reason
    db.flush()


def cancel(db: Session, stay: Stay, reason: StayReason, now: datetime) -> None:
    """Call off a stay before anybody came; its beds are free at once."""
    _end_unused(db, stay, StayState.CANCELLED, reason)


def did_not_arrive(db: Session, stay: Stay, reason: StayReason, now: datetime) -> None:
    """Record that nobody came on the first day or since; the beds are free at once."""
    lock_stay(db, stay)
    stay.check_next(StayState.DID_NOT_ARRIVE)
    if today(now) < stay.from_on:
        raise BadDates("The stay has not begun. Cancel it instead.")
    _end_unused(db, stay, StayState.DID_NOT_ARRIVE, reason)


def _end_unused(db: Session, stay: Stay, state: StayState, reason: StayReason) -> None:
    lock_stay(db, stay)
    stay.move_to(state)
    stay.reason = reason
    free_claims(db, claims_of_stay(db, stay))


def _lengthen(db: Session, stay: Stay, until_on: date, now: datetime) -> None:
    if until_on <= stay.until_on:
        raise BadDates("The new last day is not after the one agreed.")
    check_length(stay.from_on, until_on)
    release_expired(db, now)
    claimed_until = working_days_after(until_on, stay.turnaround)
    own = claims_of_stay(db, stay)
    found = claims_between(db, stay.from_on, claimed_until, now, stay.house_id)
    others = [claim for claim in found if claim.stay_id != stay.id]
    if not {c.bed for c in own} <= set(free_beds(others, stay.house, stay.from_on, claimed_until)):
        raise _no_bed()
    with guarded(db, _no_bed()):
        for claim in own:
            claim.until_on = claimed_until
        stay.until_on = until_on


def _others_in_beds(db: Session, stay: Stay) -> bool:
    beds = [claim.bed for claim in claims_of_stay(db, stay)]
    others = (
        select(Claim.id)
        .join(Stay, Claim.stay_id == Stay.id)
        .where(Claim.house_id == stay.house_id, Claim.bed.in_(beds))
        .where(Stay.state == StayState.ARRIVED, Stay.id != stay.id)
    )
    return db.scalars(others.limit(1)).first() is not None


def _check_open(house: House) -> None:
    if house.standing is not Standing.VETTED:
        raise HouseClosed(f"This place is {house.standing}; nobody may be placed in it.")


def _check_reference(reference: str, sentence: str) -> None:
    if not reference.strip() or len(reference) > REFERENCE_LENGTH or "\0" in reference:
        raise BadDetails(sentence)


def _no_bed() -> NoBedFree:
    return NoBedFree("The beds asked for are not free on all of these days.")
