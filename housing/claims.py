"""The claims on beds as the database has them: read as plain facts, and written under its guard."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from housing.availability import Claimed, today, working_days_after
from housing.errors import HousingError
from housing.models import OVERLAP, Claim, House, Stay
from housing.words import StayReason, StayState

_EXCLUSION_VIOLATION = "23P01"


def claims_between(
    db: Session, from_on: date, until_on: date, now: datetime, house_id: UUID | None
) -> list[Claimed]:
    """Every claim that touches these days, of one house or, for None, of all, in one query.

    People who were due to leave and have not been recorded as departed still hold their beds: their
    claims are given as running until today and the turnaround after it. A hold that has run out claims
    nothing, released or not.
    """
    day = today(now)
    overdue = and_(Stay.state == StayState.ARRIVED, Stay.until_on < day)
    lasting = or_(Stay.id.is_(None), Stay.state != StayState.HELD, Stay.hold_expires_at > now)
    query = (
        select(
            Claim.house_id, Claim.bed, Claim.from_on, Claim.until_on, Claim.stay_id, Claim.void_id,
            Stay.state, Stay.until_on, Stay.departed_on, Stay.turnaround,
        )
        .outerjoin(Stay, Claim.stay_id == Stay.id)
        .where(Claim.from_on <= until_on, or_(Claim.until_on >= from_on, overdue), lasting)
    )  # fmt: skip
    if house_id is not None:
        query = query.where(Claim.house_id == house_id)
    found = []
    for house, bed, first, until, stay_id, void_id, state, planned, departed, turnaround in db.execute(query):
        last, last_day = until, departed or planned
        if state is StayState.ARRIVED and planned < day:
            last, last_day = max(until, working_days_after(day, turnaround)), day
        found.append(Claimed(house, bed, first, last, stay_id, void_id, state, last_day))
    return [claim for claim in found if claim.overlaps(from_on, until_on)]


def release_expired(db: Session, now: datetime) -> list[UUID]:
    """Cancel every hold whose time has run out and free its beds; answers which stays, in order of id.

    Search and booking both do this first, so that a forgotten hold never hides a bed.
    """
    db.flush()
    ran_out = (
        select(Stay)
        .where(Stay.state == StayState.HELD, Stay.hold_expires_at <= now)
        .order_by(Stay.id)
        # A stay that another transaction is acting on is left to it, so that nobody waits here.
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    stays = list(db.scalars(ran_out))
    if not stays:
        return []
    # The stays are changed one by one, so that a ledger of changes can name each of them.
    db.execute(delete(Claim).where(Claim.stay_id.in_([stay.id for stay in stays])))
    for stay in stays:
        stay.move_to(StayState.CANCELLED)
        stay.reason = StayReason.HOLD_EXPIRED
    db.flush()
    return [stay.id for stay in stays]


def lock_house(db: Session, house: House) -> None:
    """Make every other act on this house wait until this one is over, and read it as it now is."""
    db.flush()
    db.refresh(house, attribute_names=["standing", "beds", "version"], with_for_update=True)


def lock_stay(db: Session, stay: Stay) -> None:
    """Make every other act on this stay and its house wait, and read both as they now are.

    The house always comes first: one order for all acts, so that two of them never wait for each other.
    """
    lock_house(db, stay.house)
    db.refresh(stay, with_for_update=True)


def claims_of_stay(db: Session, stay: Stay) -> list[Claim]:
    """The claims of one stay, by bed."""
    return list(db.scalars(select(Claim).where(Claim.stay_id == stay.id).order_by(Claim.bed)))


def claim_beds(
    db: Session, beds: Iterable[int], from_on: date, until_on: date, house: House, stay_id: UUID | None,
    void_id: UUID | None,
) -> None:  # fmt: skip
    """Claim each bed for a stay or a void on these days; must run inside `guarded`."""
    for bed in beds:
        claim = Claim(house_id=house.id, bed=bed, from_on=from_on, until_on=until_on)
        claim.stay_id, claim.void_id = stay_id, void_id
        db.add(claim)


def free_claims(db: Session, claims: Iterable[Claim]) -> None:
    """Give the beds back."""
    for claim in claims:
        db.delete(claim)
    db.flush()


@contextmanager
def guarded(db: Session, refusal: HousingError) -> Iterator[None]:
    """Write claims in a savepoint; if the database finds an overlap, undo them and raise the refusal."""
    try:
        with db.begin_nested():
            yield
            db.flush()
    except IntegrityError as error:
        if not is_overlap(error):
            raise
        # The database's own text holds the row that was refused, so it is not chained.
        raise refusal from None


def is_overlap(error: IntegrityError) -> bool:
    """Say whether the database refused a row because it would overlap another claim on its bed."""
    if getattr(error.orig, "sqlstate", None) == _EXCLUSION_VIOLATION:
        return True
    return str(error.orig) == OVERLAP
