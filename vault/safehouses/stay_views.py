"""The pages on which beds are held for a case and a stay goes its way to its end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect

from housing.errors import HousingError
from housing.models import House, Stay
from housing.words import StayState
from vault.access.actor import Actor
from vault.access.guard import actor, now, requires, running
from vault.access.policy import Permission
from vault.cases import actions as cases
from vault.cases.models import Case
from vault.database import RecordedSession
from vault.errors import RuleForbids
from vault.safehouses import actions, fitting
from vault.safehouses.forms import (
    ArrivalForm,
    CancelForm,
    DepartureForm,
    ExtensionForm,
    HoldForm,
    NonArrivalForm,
    OverstayForm,
    StayForm,
)
from vault.safehouses.pages import asked_in, offer_cases, refuse, unit_day

bp = Blueprint("stays", __name__)


@dataclass(frozen=True)
class StayAct:
    """One thing that is recorded of a stay: from which states, what is asked, and how it is done."""

    title: str
    words: str
    states: frozenset[StayState]
    form: type[StayForm]
    do: Callable[[RecordedSession, Actor, Stay, Any, datetime], None]
    done: str


ACTS = {
    "arrive": StayAct(
        "Record the arrival",
        "Record the day on which the household came. Nobody may still be in their beds.",
        frozenset({StayState.CONFIRMED}),
        ArrivalForm,
        lambda db, who, stay, form, at: actions.arrive(db, who, stay, form.on.data, at),
        "The arrival is recorded.",
    ),
    "depart": StayAct(
        "Record the departure",
        "Record the day on which the household left. The beds then rest and are free again after that.",
        frozenset({StayState.ARRIVED}),
        DepartureForm,
        lambda db, who, stay, form, at: actions.depart(db, who, stay, form.on.data, at),
        "The departure is recorded.",
    ),
    "extend": StayAct(
        "Extend the stay",
        "Agree a later day of leaving, in the same beds.",
        frozenset({StayState.CONFIRMED, StayState.ARRIVED}),
        ExtensionForm,
        lambda db, who, stay, form, at: actions.extend(db, who, stay, form.until_on.data, at),
        "The stay is extended.",
    ),
    "overstay": StayAct(
        "Record an overstay",
        "The household stays longer than was agreed. This rests on the coordinator's authority.",
        frozenset({StayState.ARRIVED}),
        OverstayForm,
        lambda db, who, stay, form, at: actions.overstay(
            db, who, stay, form.until_on.data, form.reason.data, at
        ),
        "The overstay is recorded.",
    ),
    "cancel": StayAct(
        "Cancel the stay",
        "Nobody comes, and the beds are free again at once.",
        frozenset({StayState.HELD, StayState.CONFIRMED}),
        CancelForm,
        lambda db, who, stay, form, at: actions.cancel(db, who, stay, form.reason.data, at),
        "The stay is cancelled. The beds are free again.",
    ),
    "did-not-arrive": StayAct(
        "Record that nobody came",
        "The household did not come on the first day or since. The beds are free again at once.",
        frozenset({StayState.CONFIRMED}),
        NonArrivalForm,
        lambda db, who, stay, form, at: actions.did_not_arrive(db, who, stay, form.reason.data, at),
        "It is recorded that nobody came. The beds are free again.",
    ),
}
"""What may be recorded of a stay, by the word in the address of its page."""

ACT = "/safe-housing/stays/<uuid:stay_id>/<any(arrive,depart,extend,overstay,cancel,'did-not-arrive'):act>"


def _holding(house: House, form: HoldForm, status: int) -> ResponseReturnValue:
    minutes = running().settings.hold_minutes
    return render_template("safehouses/hold.html", house=house, form=form, minutes=minutes), status


@bp.get("/safe-housing/<uuid:house_id>/hold")
@requires(Permission.PLACE)
def ask_hold(house_id: UUID) -> ResponseReturnValue:
    """Ask for which case, days and people beds are held."""
    form = HoldForm(data={"from_on": unit_day()})
    with running().reading() as db:
        house = actions.get_house(db, house_id)
        offer_cases(db, form)
    return _holding(house, form, 200)


@bp.post("/safe-housing/<uuid:house_id>/hold")
@requires(Permission.PLACE)
def hold_beds(house_id: UUID) -> ResponseReturnValue:
    """Hold beds for a case; when somebody was faster, say so and keep what was typed."""
    form = HoldForm()
    with running().reading() as db:
        house = actions.get_house(db, house_id)
        offer_cases(db, form)
    if not form.validate():
        return _holding(house, form, 422)
    settings, asked = running().settings, asked_in(form)
    with running().reading() as db:
        case = cases.get(db, actor(), form.case.data)
    actions.release_holds(running(), now())
    try:
        wanted = asked.wanted(None, frozenset(), frozenset(), settings)
        fitting.check_fits(running(), actor(), case, house, wanted, now())
        with running().writing() as db:
            case = cases.get(db, actor(), form.case.data)
            house = actions.get_house(db, house_id)
            stay = actions.hold_beds(db, actor(), case, house, asked, settings, now())
    except (RuleForbids, HousingError) as error:
        return _holding(house, form, refuse(form, error))
    flash("The beds are held. Confirm the stay before the hold runs out.", "success")
    return redirect(url_for("safehouses.stays.show", stay_id=stay.id), 303)


def _stay(stay_id: UUID) -> tuple[Stay, Case]:
    with running().reading() as db:
        return actions.get_stay(db, actor(), stay_id)


@bp.get("/safe-housing/stays/<uuid:stay_id>")
@requires(Permission.SEE_HOUSING)
def show(stay_id: UUID) -> ResponseReturnValue:
    """One stay: where it stands and what comes next."""
    stay, case = _stay(stay_id)
    has_run_out = stay.state is StayState.HELD and stay.hold_expires_at <= now()
    return render_template(
        "safehouses/stay.html",
        stay=stay,
        case=case,
        has_run_out=has_run_out,
        is_overdue=stay.state is StayState.ARRIVED and stay.until_on < unit_day(),
        acts={word: act for word, act in ACTS.items() if _may(word, act, stay) and not has_run_out},
        states=StayState,
    )


def _may(word: str, act: StayAct, stay: Stay) -> bool:
    is_for_role = word != "overstay" or actor().may(Permission.KEEP_HOUSES)
    return stay.state in act.states and is_for_role


@bp.post("/safe-housing/stays/<uuid:stay_id>/confirm")
@requires(Permission.PLACE)
def confirm(stay_id: UUID) -> ResponseReturnValue:
    """Turn the hold into a booking."""
    _stay(stay_id)
    with running().writing() as db:
        stay, _ = actions.get_stay(db, actor(), stay_id)
        actions.confirm(db, actor(), stay, now())
    flash("The stay is confirmed. Record the arrival when they are there.", "success")
    return redirect(url_for("safehouses.stays.show", stay_id=stay_id), 303)


def _asking(stay: Stay, case: Case, word: str, form: StayForm, status: int) -> ResponseReturnValue:
    return render_template(
        "safehouses/stay_act.html", stay=stay, case=case, word=word, act=ACTS[word], form=form
    ), status


@bp.get(ACT)
@requires(Permission.PLACE)
def ask_act(stay_id: UUID, act: str) -> ResponseReturnValue:
    """Ask what is to be recorded of the stay."""
    stay, case = _stay(stay_id)
    form = ACTS[act].form(data={"version": stay.version, "on": unit_day()})
    return _asking(stay, case, act, form, 200)


@bp.post(ACT)
@requires(Permission.PLACE)
def do_act(stay_id: UUID, act: str) -> ResponseReturnValue:
    """Record it, unless the stay has moved on since the officer looked."""
    stay, case = _stay(stay_id)
    form = ACTS[act].form()
    if not form.validate():
        return _asking(stay, case, act, form, 422)
    if form.is_stale(stay.version):
        return _asking(stay, case, act, form, 409)
    try:
        with running().writing() as db:
            stay, case = actions.get_stay(db, actor(), stay_id)
            ACTS[act].do(db, actor(), stay, form, now())
    except (RuleForbids, HousingError) as error:
        stay, case = _stay(stay_id)
        return _asking(stay, case, act, form, refuse(form, error))
    flash(ACTS[act].done, "success")
    return redirect(url_for("safehouses.stays.show", stay_id=stay_id), 303)
