"""Who may not be placed beside whom, over opaque references only.

The caller says from whom the occupant is to be kept apart, in both directions: housing compares
references and dates and knows no case.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from housing.availability import today
from housing.models import Stay
from housing.words import StayState


class ConflictKind(StrEnum):
    """Why two occupants must not be placed in one house."""

    SEPARATED = "separated"
    SAME_PROSECUTION = "same-prosecution"

    @property
    def sentence(self) -> str:
        """The conflict as it reads on a page; it never says who the other is."""
        return _SENTENCES[self]


# One sentence for both: who else is in a house, and why, is nobody's to learn from a search.
_SENTENCES = dict.fromkeys(ConflictKind, "Not for this case on these days; ask the coordinator")


@dataclass(frozen=True)
class Conflict:
    """One occupant of a house beside whom another must not be placed, and why."""

    kind: ConflictKind
    other: str


def conflicts(
    db: Session, house_ids: Collection[UUID], occupant: str, separated_from: frozenset[str],
    same_prosecution: frozenset[str], from_on: date, until_on: date, now: datetime,
) -> dict[UUID, list[Conflict]]:  # fmt: skip
    """For each house asked about, whom the occupant would meet there and must not; in one query.

    Counts stays held, confirmed or in progress on any of the days. People who have not left when due
    count as there on every later day, since nobody knows how long they stay. Nobody conflicts with
    themselves; a hold that has run out counts for none.
    """
    found: dict[UUID, list[Conflict]] = {house_id: [] for house_id in house_ids}
    apart = (separated_from | same_prosecution) - {occupant}
    if not apart or not found:
        return found
    there = or_(
        and_(Stay.state == StayState.HELD, Stay.hold_expires_at > now, Stay.until_on >= from_on),
        and_(Stay.state == StayState.CONFIRMED, Stay.until_on >= from_on),
        and_(Stay.state == StayState.ARRIVED, or_(Stay.until_on >= from_on, Stay.until_on < today(now))),
    )
    query = select(Stay.house_id, Stay.occupant).where(Stay.occupant.in_(apart))
    query = query.where(Stay.from_on <= until_on, there)
    for house_id, other in sorted(set(db.execute(query).all()), key=lambda row: row[1]):
        if house_id not in found:
            continue
        if other in separated_from:
            found[house_id].append(Conflict(ConflictKind.SEPARATED, other))
        if other in same_prosecution:
            found[house_id].append(Conflict(ConflictKind.SAME_PROSECUTION, other))
    return found
