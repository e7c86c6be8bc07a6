"""The coordinator's pages: adding a place, keeping what is known of it, closing it for a time or for good."""

from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect

from housing.actions import AddressFacts, AreaFacts, PlainFacts
from housing.errors import CodeTaken, HousingError
from housing.models import House
from housing.places import towns
from housing.words import Standing
from vault.access.guard import actor, now, requires, running
from vault.access.policy import Permission
from vault.errors import NotKnown
from vault.forms import VaultForm
from vault.safehouses import actions, keeping
from vault.safehouses.forms import (
    AddressForm,
    CompromiseForm,
    ConfirmForm,
    HouseForm,
    PlainForm,
    VoidForm,
    WhereForm,
)
from vault.safehouses.pages import refuse, unit_day

bp = Blueprint("keeping", __name__)


def _to_house(house_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("safehouses.show", house_id=house_id), 303)


def _house(house_id: UUID) -> House:
    with running().reading() as db:
        return actions.get_house(db, house_id)


def _plain_in(form: PlainForm) -> PlainFacts:
    return PlainFacts(
        form.kind.data,
        form.beds.data,
        form.rooms.data,
        frozenset(form.needs.data),
        form.nightly_cost.data,
    )


def _where_in(form: WhereForm) -> tuple[AreaFacts, AddressFacts]:
    latitude, longitude = towns()[form.centre.data]
    area = AreaFacts(form.area.data, form.near.data, latitude, longitude)
    address = AddressFacts(
        street=form.street.data,
        town=form.town.data,
        postcode=form.postcode.data,
        latitude=form.latitude.data,
        longitude=form.longitude.data,
        access=form.access.data,
        landlord=form.landlord.data,
    )
    return area, address


@bp.get("/safe-housing/add")
@requires(Permission.KEEP_HOUSES)
def ask_house() -> ResponseReturnValue:
    """Ask everything about a new place."""
    return render_template("safehouses/add.html", form=HouseForm())


@bp.post("/safe-housing/add")
@requires(Permission.KEEP_HOUSES)
def add_house() -> ResponseReturnValue:
    """Add the place and seal where it is."""
    form = HouseForm()
    if not form.validate():
        return render_template("safehouses/add.html", form=form), 422
    area, address = _where_in(form)
    try:
        with running().writing() as db:
            trust, code, plain = running().trust, form.code.data, _plain_in(form)
            house = keeping.add_house(db, actor(), trust, code, plain, area, address, now())
    except CodeTaken as error:
        status = refuse(form, error)
        return render_template("safehouses/add.html", form=form), status
    flash("The place is added as prospective. Vet it before anybody is placed there.", "success")
    return _to_house(house.id)


def _boxes(house: House, what: str, form: VaultForm, status: int) -> ResponseReturnValue:
    return render_template(f"safehouses/{what}.html", house=house, form=form), status


@bp.get("/safe-housing/<uuid:house_id>/confirm")
@requires(Permission.KEEP_HOUSES)
def ask_details(house_id: UUID) -> ResponseReturnValue:
    """Show the plain facts in boxes, to be confirmed or corrected."""
    house = _house(house_id)
    known = {
        "kind": house.kind,
        "beds": house.beds,
        "rooms": house.rooms,
        "needs": sorted(house.needs),
        "nightly_cost": house.nightly_cost_cents,
        "version": house.version,
    }
    return _boxes(house, "confirm", ConfirmForm(data=known), 200)


@bp.post("/safe-housing/<uuid:house_id>/confirm")
@requires(Permission.KEEP_HOUSES)
def confirm_details(house_id: UUID) -> ResponseReturnValue:
    """Write down what is true of the place today."""
    house, form = _house(house_id), ConfirmForm()
    if not form.validate():
        return _boxes(house, "confirm", form, 422)
    if form.is_stale(house.version):
        return _boxes(house, "confirm", form, 409)
    try:
        with running().writing() as db:
            house, version = actions.get_house(db, house_id), form.version.data
            keeping.confirm_details(db, actor(), house, version, _plain_in(form), now())
    except HousingError as error:
        return _boxes(_house(house_id), "confirm", form, refuse(form, error))
    flash("Confirmed today.", "success")
    return _to_house(house_id)


@bp.get("/safe-housing/<uuid:house_id>/address/change")
@requires(Permission.KEEP_HOUSES)
def ask_new_address(house_id: UUID) -> ResponseReturnValue:
    """Ask for the area and the address anew; what is sealed now is not shown."""
    house = _house(house_id)
    return _boxes(house, "change_address", AddressForm(data={"version": house.version}), 200)


@bp.post("/safe-housing/<uuid:house_id>/address/change")
@requires(Permission.KEEP_HOUSES)
def change_address(house_id: UUID) -> ResponseReturnValue:
    """Seal a new area and address over the old ones."""
    house, form = _house(house_id), AddressForm()
    if not form.validate():
        return _boxes(house, "change_address", form, 422)
    if form.is_stale(house.version):
        return _boxes(house, "change_address", form, 409)
    area, address = _where_in(form)
    try:
        with running().writing() as db:
            house, trust = actions.get_house(db, house_id), running().trust
            keeping.change_address(db, actor(), trust, house, form.version.data, area, address, now())
    except HousingError as error:
        return _boxes(_house(house_id), "change_address", form, refuse(form, error))
    flash("Sealed. Confirmed today.", "success")
    return _to_house(house_id)


@bp.post("/safe-housing/<uuid:house_id>/<any(vet,retire,reconsider):decision>")
@requires(Permission.KEEP_HOUSES)
def decide_standing(house_id: UUID, decision: str) -> ResponseReturnValue:
    """Take the place into use, give it up, or take it up again."""
    with running().writing() as db:
        keeping.decide_standing(db, actor(), actions.get_house(db, house_id), decision, now())
    flash(
        {
            "vet": "The place is vetted and offered in searches from now on.",
            "retire": "The place is given up.",
            "reconsider": "The place is prospective again. Vet it before anybody is placed there.",
        }[decision],
        "success",
    )
    return _to_house(house_id)


@bp.get("/safe-housing/<uuid:house_id>/close")
@requires(Permission.KEEP_HOUSES)
def ask_void(house_id: UUID) -> ResponseReturnValue:
    """Ask on which days and why the place is closed."""
    return _boxes(_house(house_id), "close", VoidForm(data={"from_on": unit_day()}), 200)


@bp.post("/safe-housing/<uuid:house_id>/close")
@requires(Permission.KEEP_HOUSES)
def set_void(house_id: UUID) -> ResponseReturnValue:
    """Close every bed of the place on these days."""
    house, form = _house(house_id), VoidForm()
    if not form.validate():
        return _boxes(house, "close", form, 422)
    actions.release_holds(running(), now())
    try:
        with running().writing() as db:
            house, reason = actions.get_house(db, house_id), form.reason.data
            keeping.set_void(db, actor(), house, form.from_on.data, form.until_on.data, reason, now())
    except HousingError as error:
        return _boxes(_house(house_id), "close", form, refuse(form, error))
    flash("The place is closed on these days.", "success")
    return _to_house(house_id)


@bp.post("/safe-housing/closures/<uuid:void_id>/end")
@requires(Permission.KEEP_HOUSES)
def end_void(void_id: UUID) -> ResponseReturnValue:
    """Open the place again from today."""
    with running().writing() as db:
        house = keeping.end_void(db, actor(), void_id, now())
    flash("The place is open again from today.", "success")
    return _to_house(house.id)


@bp.get("/safe-housing/<uuid:house_id>/compromise")
@requires(Permission.KEEP_HOUSES)
def ask_compromise(house_id: UUID) -> ResponseReturnValue:
    """Say what the act does, and ask whether it is meant."""
    return _boxes(_house(house_id), "compromise", CompromiseForm(), 200)


@bp.post("/safe-housing/<uuid:house_id>/compromise")
@requires(Permission.KEEP_HOUSES)
def mark_compromised(house_id: UUID) -> ResponseReturnValue:
    """Close the place in one act and go to the list of who is touched."""
    house, form = _house(house_id), CompromiseForm()
    if not form.validate():
        return _boxes(house, "compromise", form, 422)
    try:
        with running().writing() as db:
            keeping.mark_compromised(db, actor(), actions.get_house(db, house_id), now())
    except HousingError as error:
        return _boxes(_house(house_id), "compromise", form, refuse(form, error))
    return redirect(url_for("safehouses.keeping.report_compromise", house_id=house_id), 303)


@bp.get("/safe-housing/<uuid:house_id>/compromised")
@requires(Permission.KEEP_HOUSES)
def report_compromise(house_id: UUID) -> ResponseReturnValue:
    """Who is there, whose stays were called off, who ever opened the address, and what to do now."""
    with running().reading() as db:
        house = actions.get_house(db, house_id)
        if house.standing is not Standing.COMPROMISED:
            raise NotKnown
        households = keeping.touched_households(db, house)
        openers = keeping.openers(running(), db, house)
    return render_template("safehouses/compromised.html", house=house, households=households, openers=openers)
