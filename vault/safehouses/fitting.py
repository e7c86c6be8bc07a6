"""Which places fit a case, judged with what the officer may open: house areas and the case's danger areas.

The danger areas and the areas of the places are opened under entries of their own before anything is judged.
The address of a place is never opened here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.entries import Fact
from housing.matching import Candidate, Danger, Fit, Wanted, candidates, fit
from housing.models import House
from housing.places import Point
from housing.separation import ConflictKind, conflicts
from vault.access.actor import Actor
from vault.access.events import Event
from vault.access.policy import Compartment, Reason
from vault.access.reading import Opening, open_rows
from vault.cases.models import Case, DangerArea
from vault.errors import RuleForbids
from vault.running import RunningVault
from vault.safehouses.models import kept_apart_from


@dataclass(frozen=True, repr=False)
class Place:
    """One place that is free on the days, with its opened area and the judgement on it. Never kept."""

    candidate: Candidate
    fit: Fit
    area: str
    near: str
    fits_nearer: bool
    """Whether it would fit if being outside every danger area were enough."""


@dataclass(frozen=True, repr=False)
class Search:
    """What a search found: places that fit, free places that are ruled out, and the entry's index."""

    fitting: list[Place]
    ruled_out: list[Place]
    recorded: int


def search(vault: RunningVault, who: Actor, case: Case, wanted: Wanted, now: datetime) -> Search:
    """The free places, each judged for this case. Let go of expired holds before.

    Raises housing.errors.BadDates and BadDetails, and what `open_rows` raises.
    """
    with vault.reading() as db:
        found = candidates(db, wanted, now)
        dangers = _open_dangers(vault, db, who, case, now)
        houses = list(db.scalars(select(House).where(House.id.in_([c.id for c in found]))))
        opening = open_rows(
            vault,
            db,
            who,
            Compartment.HOUSE_AREA,
            houses,
            about=[case.subject],
            reason=Reason.PLACEMENT,
            now=now,
            event=Event.HOUSING_SEARCHED,
            facts=_facts(wanted, len(found)),
            details=_terms(wanted),
        )
        places = _judge(db, case, found, houses, opening, dangers, now)
    return Search(
        fitting=[place for place in places if place.fit.fits],
        ruled_out=[place for place in places if not place.fit.fits],
        recorded=opening.receipt.index,
    )


def check_fits(
    vault: RunningVault, who: Actor, case: Case, house: House, wanted: Wanted, now: datetime
) -> None:
    """Judge one place as a search would, before its beds are held. Raises RuleForbids, saying why not."""
    with vault.reading() as db:
        found = [candidate for candidate in candidates(db, wanted, now) if candidate.id == house.id]
        if not found:
            raise RuleForbids(
                f"{house.code} cannot take them on all of these days: beds are taken, resting or closed. "
                "Nothing was held. Change the days, or search again for another place."
            )
        dangers = _open_dangers(vault, db, who, case, now)
        opening = None
        if dangers:
            opening = open_rows(
                vault,
                db,
                who,
                Compartment.HOUSE_AREA,
                [house],
                about=[case.subject],
                reason=Reason.PLACEMENT,
                now=now,
                event=Event.OPENED,
                facts={},
                details=None,
            )
        (place,) = _judge(db, case, found, [house], opening, dangers, now)
    if not place.fit.fits:
        raise RuleForbids(
            f"{house.code} does not suit this case: {place.fit.reasons[0].lower()}. Nothing was held."
        )


def _open_dangers(
    vault: RunningVault, db: Session, who: Actor, case: Case, now: datetime
) -> Sequence[Danger]:
    rows = list(db.scalars(select(DangerArea).where(DangerArea.case == case.id)))
    if not rows:
        return []
    opening = open_rows(
        vault,
        db,
        who,
        Compartment.THREAT,
        rows,
        about=[case.subject],
        reason=Reason.PLACEMENT,
        now=now,
        event=Event.OPENED,
        facts={},
        details=None,
    )
    opened = [opening.of(row) for row in rows]
    return [_danger(v["latitude"], v["longitude"], v["radius_miles"]) for v in opened]


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError("A place on the map is kept as numbers.")
    return float(value)


def _danger(latitude: object, longitude: object, radius: object) -> Danger:
    return Danger(_number(latitude), _number(longitude), _number(radius))


def _judge(
    db: Session,
    case: Case,
    found: Sequence[Candidate],
    houses: Sequence[House],
    opening: Opening | None,
    dangers: Sequence[Danger],
    now: datetime,
) -> list[Place]:
    """Every candidate with its judgement, in the order of the search; one query, whatever their number."""
    if not found:
        return []
    apart = kept_apart_from(db, case.id)
    wanted = found[0].wanted
    met = conflicts(
        db,
        [candidate.id for candidate in found],
        case.subject,
        apart[ConflictKind.SEPARATED],
        apart[ConflictKind.SAME_PROSECUTION],
        wanted.from_on,
        wanted.until_on,
        now,
    )
    opened = {house.id: opening.of(house) if opening else {} for house in houses}
    places = []
    for candidate in found:
        values = opened[candidate.id]
        point: Point | None = None
        if values:
            point = (_number(values["area_latitude"]), _number(values["area_longitude"]))
        judged = fit(candidate, point, dangers, met[candidate.id])
        nearer = replace(candidate, wanted=replace(wanted, farther_than_miles=None))
        fits_nearer = fit(nearer, point, dangers, met[candidate.id]).fits
        words = (str(values.get("area", "")), str(values.get("near", "")))
        places.append(Place(candidate, judged, *words, fits_nearer))
    return places


def ways_on(db: Session, found: Search, wanted: Wanted, now: datetime) -> list[str]:
    """What to ask for less of when nothing fits, and what that would bring; opens nothing."""
    ways = []
    nearer = sum(place.fits_nearer for place in found.ruled_out)
    if nearer:
        ways.append(f"Keep fewer miles from the danger areas: {_places(nearer)} outside all of them.")
    easier: list[tuple[str, Wanted]] = []
    if wanted.kind:
        easier.append(("Take any kind of place", replace(wanted, kind=None)))
    if wanted.single:
        easier.append(("Share the place with others", replace(wanted, single=False)))
    easier += [
        (f"Do without “{need.label}”", replace(wanted, needs=wanted.needs - {need}))
        for need in sorted(wanted.needs)
    ]
    easier += [
        (f"Accept “{need.label}”", replace(wanted, excluded=wanted.excluded - {need}))
        for need in sorted(wanted.excluded)
    ]
    if wanted.until_on - wanted.from_on > timedelta(days=1):
        half = wanted.from_on + (wanted.until_on - wanted.from_on) // 2
        easier.append(("Stay half as long, and move once", replace(wanted, until_on=half)))
    already = len(found.ruled_out)
    for words, eased in easier:
        more = len(candidates(db, eased, now)) - already
        if more > 0:
            ways.append(f"{words}: {_places(more)} more free on these days.")
    return ways


def _places(number: int) -> str:
    return f"{number} place{'' if number == 1 else 's'}"


def _facts(wanted: Wanted, found: int) -> dict[str, Fact]:
    return {
        "from": wanted.from_on,
        "until": wanted.until_on,
        "party": wanted.party,
        "single": wanted.single,
        "free": found,
    }


def _terms(wanted: Wanted) -> dict[str, str | list[str]]:
    """What was asked for, for the auditors."""
    miles = wanted.farther_than_miles
    return {
        "kinds": sorted(kind.value for kind in wanted.kind or ()),
        "needs": sorted(need.value for need in wanted.needs),
        "without": sorted(need.value for need in wanted.excluded),
        "miles": "" if miles is None else f"{miles:g}",
    }
