"""Which places fit a party, in an order that is explained, and why each one does.

`candidates` works on plain facts alone. `fit` adds what an officer has opened, the coarse area of the
place and the danger areas of the case, and says in words what speaks for and against the place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from housing.availability import Bedded, Claimed, beds_for, check_days, free_beds, today, working_days_after
from housing.claims import claims_between, release_expired
from housing.errors import BadDetails
from housing.models import House
from housing.places import Point, haversine_miles
from housing.separation import Conflict
from housing.words import HouseKind, Need, Standing


@dataclass(frozen=True)
class Wanted:
    """What a party needs: kinds of place (None for any), days, people, needs required and excluded.

    `single` asks for a place with nobody else in it. `turnaround` is the number of working days that the
    booking will ask for, so that search and booking ask the same. `farther_than_miles` is the distance to
    keep from the edge of every danger area, None for merely outside.
    """

    kind: frozenset[HouseKind] | None
    from_on: date
    until_on: date
    party: int
    single: bool
    turnaround: int
    needs: frozenset[Need]
    excluded: frozenset[Need]
    farther_than_miles: float | None

    def beds_in(self, claims: Iterable[Claimed], house: Bedded) -> list[int]:
        """The beds that booking would take in this house; none if it would refuse."""
        return beds_for(claims, house, self.from_on, self.until_on, self.party, self.single, self.turnaround)


@dataclass(frozen=True)
class Danger:
    """A round area around a point, in degrees and miles, where the person must not be."""

    latitude: float
    longitude: float
    radius_miles: float


@dataclass(frozen=True)
class Candidate:
    """A place that can take the party on all of its days, by plain facts alone."""

    id: UUID
    code: str
    kind: HouseKind
    beds: int
    rooms: int
    needs: frozenset[Need]
    nightly_cost_cents: int
    standing: Standing
    last_confirmed_on: date
    free: tuple[int, ...]
    confirmed_days_ago: int
    wanted: Wanted


@dataclass(frozen=True)
class Fit:
    """Whether a place suits a person, and the reasons in plain words, those against it first."""

    fits: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class _Row:
    id: UUID
    code: str
    kind: HouseKind
    beds: int
    rooms: int
    needs: frozenset[Need]
    nightly_cost_cents: int
    standing: Standing
    last_confirmed_on: date


def candidates(db: Session, wanted: Wanted, now: datetime) -> list[Candidate]:
    """The vetted places that can be booked as wanted, nearest fit of size first.

    After the size come the most recently confirmed, then the code. Runs three queries whatever the number of
    places; when holds have run out, one more, and one for each of them. BadDates and BadDetails as booking
    raises them.
    """
    check_days(wanted.from_on, wanted.until_on, now)
    if wanted.needs & wanted.excluded:
        raise BadDetails("A need cannot be both required and excluded.")
    release_expired(db, now)
    until = working_days_after(wanted.until_on, wanted.turnaround)
    claims: dict[UUID, list[Claimed]] = {}
    for claim in claims_between(db, wanted.from_on, until, now, None):
        claims.setdefault(claim.house_id, []).append(claim)
    found = []
    for row in _vetted(db, wanted):
        own = claims.get(row.id, [])
        if wanted.beds_in(own, row):
            free = free_beds(own, row, wanted.from_on, until)
            found.append(
                Candidate(
                    **vars(row), free=tuple(free), wanted=wanted,
                    confirmed_days_ago=(today(now) - row.last_confirmed_on).days,
                )
            )  # fmt: skip
    return sorted(found, key=_order)


def fit(
    candidate: Candidate, area: Point | None, dangers: Sequence[Danger], conflicts: Sequence[Conflict]
) -> Fit:
    """Judge one place with what has been opened: its coarse area, the danger areas, the conflicts.

    A place whose area has not been opened does not fit while there is any danger area to keep from.
    """
    wanted = candidate.wanted
    against = [kind.sentence for kind in sorted({c.kind for c in conflicts})]
    remarks: list[str] = []
    if dangers and area is None:
        against.append("The distance to the danger areas has not been checked")
    elif dangers and area is not None:
        edge = min(haversine_miles(area, (d.latitude, d.longitude)) - d.radius_miles for d in dangers)
        sentence = _distance_sentence(edge)
        too_near = edge <= 0 or (wanted.farther_than_miles is not None and edge < wanted.farther_than_miles)
        (against if too_near else remarks).append(sentence)
    reasons = [*against, *(need.label for need in Need if need in wanted.needs)]
    reasons += [_beds_sentence(candidate), *remarks, _confirmed_sentence(candidate.confirmed_days_ago)]
    return Fit(not against, tuple(reasons))


def _vetted(db: Session, wanted: Wanted) -> Iterable[_Row]:
    query = select(
        House.id, House.code, House.kind, House.beds, House.rooms, House.needs, House.nightly_cost_cents,
        House.standing, House.last_confirmed_on,
    ).where(House.standing == Standing.VETTED)  # fmt: skip
    if wanted.kind is not None:
        query = query.where(House.kind.in_(wanted.kind))
    rows = (_Row(*row) for row in db.execute(query))
    return [row for row in rows if wanted.needs <= row.needs and not wanted.excluded & row.needs]


def _order(candidate: Candidate) -> tuple[int, int, str]:
    spare = len(candidate.free) - candidate.wanted.party
    return spare, -candidate.last_confirmed_on.toordinal(), candidate.code


def _distance_sentence(edge: float) -> str:
    if edge <= 0:
        return "Inside a danger area"
    miles = int(edge)
    if miles < 1:
        return "Less than a mile from the nearest danger area"
    return f"{miles} mile{'s' if miles > 1 else ''} from the nearest danger area"


def _beds_sentence(candidate: Candidate) -> str:
    free, party = len(candidate.free), candidate.wanted.party
    sentence = f"{free} bed{'s' if free > 1 else ''} free, {party} needed"
    return f"{sentence}, nobody else in the place" if candidate.wanted.single else sentence


def _confirmed_sentence(days: int) -> str:
    if days <= 0:
        return "Confirmed today"
    return f"Confirmed {days} day{'s' if days > 1 else ''} ago"
