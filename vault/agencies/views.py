"""The pages of partner agencies: the list with its renewal clocks, one agency, and adding to them."""

from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect

from vault.access.guard import actor, now, requires, running
from vault.access.policy import Permission
from vault.agencies import actions
from vault.agencies.actions import AgencyFacts, ContactFacts
from vault.agencies.forms import AgencyForm, ChangeAgencyForm, ContactForm
from vault.agencies.memorandum_views import bp as memorandum_pages
from vault.agencies.models import all_memoranda, contacts_of, in_order, memoranda_of, parties_of
from vault.agencies.pages import answers, today, try_to
from vault.forms import VaultForm
from vault.vocabulary import MemorandumState

bp = Blueprint("agencies", __name__)
bp.register_blueprint(memorandum_pages)


@bp.get("/agencies")
@requires(Permission.SEE_AGENCIES)
def list_agencies() -> ResponseReturnValue:
    """The agencies by name, and every memorandum by the day on which it must be renewed."""
    with running().reading() as db:
        agencies = db.scalars(in_order()).all()
        memoranda = all_memoranda(db)
        parties = parties_of(db, memoranda)
    held = {agency.id: 0 for agency in agencies}
    for memorandum in memoranda:
        if memorandum.state_on(today()) is MemorandumState.SIGNED:
            for agency in parties[memorandum.id]:
                held[agency.id] += 1
    return render_template(
        "agencies/list.html",
        agencies=agencies,
        memoranda=memoranda,
        parties=parties,
        held=held,
        today=today(),
        states=MemorandumState,
    )


def _asking(form: VaultForm, status: int) -> ResponseReturnValue:
    return render_template("agencies/add.html", form=form), status


@bp.get("/agencies/add")
@requires(Permission.KEEP_AGENCIES)
def ask_agency() -> ResponseReturnValue:
    """Ask which agency it is."""
    return _asking(AgencyForm(), 200)


@bp.post("/agencies/add")
@requires(Permission.KEEP_AGENCIES)
def add() -> ResponseReturnValue:
    """Add a partner agency."""
    form = AgencyForm()
    return try_to(
        form,
        lambda status: _asking(form, status),
        None,
        lambda db: actions.add(db, actor(), AgencyFacts(**answers(form)), today(), now()).id,
        "The agency is added. Add whom to call there.",
        lambda agency: url_for("agencies.show", agency_id=agency),
    )


@bp.get("/agencies/<uuid:agency_id>")
@requires(Permission.SEE_AGENCIES)
def show(agency_id: UUID) -> ResponseReturnValue:
    """One agency: whom to call, and the memoranda with it."""
    with running().reading() as db:
        agency = actions.get(db, agency_id)
        contacts = contacts_of(db, agency_id)
        memoranda = memoranda_of(db, agency_id)
    return render_template(
        "agencies/agency.html",
        agency=agency,
        contacts=contacts,
        memoranda=memoranda,
        today=today(),
        states=MemorandumState,
    )


def _changing(agency_id: UUID, form: VaultForm, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        agency = actions.get(db, agency_id)
    return render_template("agencies/change.html", agency=agency, form=form), status


@bp.get("/agencies/<uuid:agency_id>/change")
@requires(Permission.KEEP_AGENCIES)
def ask_change(agency_id: UUID) -> ResponseReturnValue:
    """Show what is known of the agency in boxes."""
    with running().reading() as db:
        agency = actions.get(db, agency_id)
    return _changing(agency_id, ChangeAgencyForm(obj=agency), 200)


@bp.post("/agencies/<uuid:agency_id>/change")
@requires(Permission.KEEP_AGENCIES)
def change(agency_id: UUID) -> ResponseReturnValue:
    """Correct what is known of the agency; a second tab is told and keeps its words."""
    form = ChangeAgencyForm()
    with running().reading() as db:
        seen = actions.get(db, agency_id).version
    return try_to(
        form,
        lambda status: _changing(agency_id, form, status),
        seen,
        lambda db: actions.change(
            db, actor(), actions.get(db, agency_id), AgencyFacts(**answers(form)), now()
        ),
        "Saved.",
        lambda _: url_for("agencies.show", agency_id=agency_id),
    )


def _asking_contact(agency_id: UUID, form: VaultForm, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        agency = actions.get(db, agency_id)
    return render_template("agencies/add_contact.html", agency=agency, form=form), status


@bp.get("/agencies/<uuid:agency_id>/contacts/add")
@requires(Permission.KEEP_AGENCIES)
def ask_contact(agency_id: UUID) -> ResponseReturnValue:
    """Ask whom to call."""
    return _asking_contact(agency_id, ContactForm(), 200)


@bp.post("/agencies/<uuid:agency_id>/contacts/add")
@requires(Permission.KEEP_AGENCIES)
def add_contact(agency_id: UUID) -> ResponseReturnValue:
    """Add an official to call."""
    form = ContactForm()
    return try_to(
        form,
        lambda status: _asking_contact(agency_id, form, status),
        None,
        lambda db: actions.add_contact(
            db, actor(), actions.get(db, agency_id), ContactFacts(**answers(form)), now()
        ),
        "Added to the agency's contacts.",
        lambda _: url_for("agencies.show", agency_id=agency_id),
    )


@bp.post("/agencies/<uuid:agency_id>/contacts/<uuid:contact_id>/end")
@requires(Permission.KEEP_AGENCIES)
def end_contact(agency_id: UUID, contact_id: UUID) -> ResponseReturnValue:
    """Take an official off the list."""
    with running().writing() as db:
        agency = actions.get(db, agency_id)
        actions.end_contact(db, actor(), agency, contact_id, today(), now())
    flash("Taken off the list.", "success")
    return redirect(url_for("agencies.show", agency_id=agency_id), 303)
