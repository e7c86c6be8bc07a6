"""What the pages of safe housing share: the unit's day, the case a form names, and refusals in words."""

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy.orm import Session

from housing.availability import Claimed, status_on
from housing.errors import BadDates, BadDetails, HousingError
from housing.models import House
from housing.words import Status
from vault.access.guard import actor, now, record_refusal
from vault.cases import actions as cases
from vault.cases.models import Case
from vault.errors import RuleForbids
from vault.forms import VaultForm
from vault.safehouses import actions
from vault.safehouses.forms import HoldForm
from vault.templating import local

TONES = {
    Status.PROSPECTIVE: "neutral",
    Status.AVAILABLE: "good",
    Status.HELD: "info",
    Status.OCCUPIED: "warn",
    Status.RESTING: "quiet",
    Status.COMPROMISED: "bad",
    Status.RETIRED: "quiet",
}
"""The colour beside each status's word."""


def unit_day() -> date:
    """Today on the unit's own calendar."""
    zone: ZoneInfo = current_app.extensions["vault.zone"]
    return local(now(), zone).date()


def offer_cases(db: Session, form: HoldForm) -> list[Case]:
    """Let the form choose among the officer's open cases.

    Raises NotKnown when it was sent with a case that is not theirs, exactly as for one that is not there.
    """
    found = actions.placeable(db, actor())
    form.case.options = [(str(case.id), case.code) for case in found]
    if form.is_submitted() and form.case.data is not None:
        cases.get(db, actor(), form.case.data)
    return found


def asked_in(form: HoldForm) -> actions.Asked:
    """The days and people of a form that was validated."""
    return actions.Asked(
        form.from_on.data, form.nights.data, form.party.data, form.single.data, form.miles.data
    )


def refuse(form: VaultForm, error: RuleForbids | HousingError) -> int:
    """Say in the form why the act was refused, record the refusal, and return the status of the answer."""
    form.refuse(str(error))
    if isinstance(error, BadDates | BadDetails):
        return 422
    record_refusal(error if isinstance(error, RuleForbids) else RuleForbids(str(error)))
    return 409


def statuses(houses: Sequence[House], claims: Sequence[Claimed], day: date) -> dict[House, Status]:
    """What each house is on this day."""
    by_house: dict[object, list[Claimed]] = {}
    for claim in claims:
        by_house.setdefault(claim.house_id, []).append(claim)
    return {house: status_on(house, day, by_house.get(house.id, [])) for house in houses}
