"""The pages on which a place is found for a case, looked at, and its address opened."""

from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from housing.claims import claims_between
from housing.errors import BadDates, BadDetails
from housing.models import House
from housing.words import LIVE
from vault.access.events import Event
from vault.access.guard import actor, now, requires, running
from vault.access.policy import Compartment, Permission
from vault.access.reading import open_rows
from vault.cases import actions as cases
from vault.officers.asking import OpeningForm, needs_code
from vault.officers.proofs import ProofRefused
from vault.safehouses import actions, fitting, keeping
from vault.safehouses.forms import SearchForm
from vault.safehouses.keeping_views import bp as keeping_pages
from vault.safehouses.pages import TONES, asked_in, offer_cases, refuse, statuses, unit_day
from vault.safehouses.separation_views import bp as separation_pages
from vault.safehouses.stay_views import bp as stay_pages

bp = Blueprint("safehouses", __name__)
bp.register_blueprint(stay_pages)
bp.register_blueprint(keeping_pages)
bp.register_blueprint(separation_pages)

CASES_NAMED = 100
"""An entry is at most 8 KiB, so an opening in a large shelter names this many of its households."""

ADDRESS_HOLDS = "Street, map position, keys and codes, landlord."


@bp.get("/safe-housing")
@requires(Permission.SEE_HOUSING)
def ask_search() -> ResponseReturnValue:
    """The search, the stays of the officer's cases and, for the coordinator, every place."""
    form = SearchForm(data={"from_on": unit_day(), "case": request.args.get("case", type=UUID)})
    return _search_page(form, 200)


def _search_page(form: SearchForm, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        known = offer_cases(db, form)
        stays = actions.live_stays(db, known)
        houses = []
        claims = []
        if actor().may(Permission.KEEP_HOUSES):
            houses = list(db.scalars(select(House).order_by(House.code)))
            claims = claims_between(db, unit_day(), unit_day(), now(), None)
    return render_template(
        "safehouses/search.html",
        form=form,
        known=known,
        stays=stays,
        statuses=statuses(houses, claims, unit_day()),
        tones=TONES,
    ), status


@bp.post("/safe-housing/search")
@requires(Permission.PLACE)
def search() -> ResponseReturnValue:
    """Show the places that fit, and why; the look at their areas is recorded before."""
    form = SearchForm()
    with running().reading() as db:
        offer_cases(db, form)
    if not form.validate():
        return _search_page(form, 422)
    actions.release_holds(running(), now())
    kinds = frozenset(form.kind.data) or None
    needs, excluded = frozenset(form.needs.data), frozenset(form.excluded.data)
    wanted = asked_in(form).wanted(kinds, needs, excluded, running().settings)
    with running().reading() as db:
        case = cases.get(db, actor(), form.case.data)
    try:
        found = fitting.search(running(), actor(), case, wanted, now())
    except (BadDates, BadDetails) as error:
        return _search_page(form, refuse(form, error))
    ways: list[str] = []
    if not found.fitting:
        with running().reading() as db:
            ways = fitting.ways_on(db, found, wanted, now())
    return render_template(
        "safehouses/results.html", form=form, case=case, wanted=wanted, found=found, ways=ways
    )


@bp.get("/safe-housing/<uuid:house_id>")
@requires(Permission.SEE_HOUSING)
def show(house_id: UUID) -> ResponseReturnValue:
    """One place: plain facts, its status today, and the stays of cases the officer may know of."""
    day = unit_day()
    with running().reading() as db:
        house = actions.get_house(db, house_id)
        claims = claims_between(db, day, day, now(), house.id)
        stays = actions.stays_in(db, actor(), house)
        voids = keeping.voids_of(db, house, day)
    return render_template(
        "safehouses/house.html",
        house=house,
        status=statuses([house], claims, day)[house],
        tones=TONES,
        stays=stays,
        voids=voids,
        address_holds=ADDRESS_HOLDS,
    )


def _ask_address(house: House, form: OpeningForm, status: int) -> ResponseReturnValue:
    return render_template(
        "opening.html",
        form=form,
        title="the address",
        holds=f"{house.code}: {ADDRESS_HOLDS[0].lower()}{ADDRESS_HOLDS[1:]}",
        action=url_for("safehouses.open_address", house_id=house.id),
        back=url_for("safehouses.show", house_id=house.id),
    ), status


@bp.get("/safe-housing/<uuid:house_id>/open-address")
@requires(Permission.SEE_HOUSING)
def ask_address(house_id: UUID) -> ResponseReturnValue:
    """Ask why the address is opened, and for the second factor."""
    with running().reading() as db:
        house = actions.get_house(db, house_id)
    return _ask_address(house, OpeningForm.ask(needs_code(Compartment.HOUSE_ADDRESS)), 200)


@bp.post("/safe-housing/<uuid:house_id>/open-address")
@requires(Permission.SEE_HOUSING)
def open_address(house_id: UUID) -> ResponseReturnValue:
    """Open the address, for a reason, and show it."""
    with running().reading() as db:
        house = actions.get_house(db, house_id)
        stays = actions.stays_in(db, actor(), house)
    form = OpeningForm.ask(needs_code(Compartment.HOUSE_ADDRESS))
    if not form.validate():
        return _ask_address(house, form, 422)
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _ask_address(house, form, 422)
    placed = dict.fromkeys(case.subject for stay, case in stays if stay.state in LIVE)
    with running().reading() as db:
        opening = open_rows(
            running(),
            db,
            who,
            Compartment.HOUSE_ADDRESS,
            [house],
            about=list(placed)[:CASES_NAMED],
            reason=form.reason.data,
            now=now(),
            event=Event.OPENED,
            facts={},
            details=None,
        )
    return render_template("safehouses/address.html", house=house, opening=opening, found=opening.of(house))
