"""The pages on which an officer's absence is asked for, arranged, begun and ended."""

from datetime import date
from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from vault.absence import actions, showing
from vault.absence.forms import AbsenceForm, Extent
from vault.access import delegating
from vault.access.guard import actor, now, record_refusal, requires, running
from vault.access.models import DelegationState
from vault.access.policy import Permission
from vault.database import RecordedSession
from vault.errors import NotKnown, RuleForbids
from vault.officers import admission
from vault.officers.models import Officer, OfficerState, active_in

bp = Blueprint("absence", __name__)


def _today() -> date:
    return delegating.unit_day(running().settings, now())


def _to(delegation: UUID) -> Response:
    return redirect(url_for("absence.show", delegation_id=delegation), 303)


@bp.get("/absences")
@requires(Permission.SEE_ABSENCES)
def list_absences() -> ResponseReturnValue:
    """Who is away and who stands in; for a coordinator, of everybody."""
    with running().reading() as db:
        found = showing.shown(db, db.scalars(actions.known_to(actor())).all())
        arranges = actor().may(Permission.ARRANGE_ABSENCE)
        people = showing.candidates(db) if arranges else []
    current = [one for one in found if one.state is not DelegationState.ENDED]
    past = [one for one in found if one.state is DelegationState.ENDED]
    return render_template(
        "absence/list.html", current=current, past=past, people=people, states=DelegationState
    )


def _away(db: RecordedSession, officer: UUID) -> Officer:
    """The officer who is away. Raises NotKnown for one who is named on nothing by their role."""
    found = admission.get(db, officer)
    if found.role not in actions.DELEGABLE or found.state is not OfficerState.ACTIVE:
        raise NotKnown
    return found


def _form(officer: UUID) -> tuple[AbsenceForm, Officer]:
    """The form with the colleagues and the cases of this officer."""
    with running().reading() as db:
        away = _away(db, officer)
        colleagues = [one for one in db.scalars(active_in(away.role)) if one.id != away.id]
        namings = [naming.subject for naming in actions.own_namings(db, away.id)]
        words = showing.in_words(db, actor(), namings)
    form = AbsenceForm()
    form.delegate.options = [(str(one.id), one.full_name) for one in colleagues]
    form.subjects.options = sorted(words.items(), key=lambda pair: pair[1])
    return form, away


def _page(form: AbsenceForm, away: Officer, status: int) -> ResponseReturnValue:
    page = render_template(
        "absence/arrange.html", form=form, away=away, own=away.id == actor().officer, most=_most_days()
    )
    return page, status


def _most_days() -> int:
    return running().settings.delegation_days


def _terms(form: AbsenceForm, officer: UUID) -> actions.Terms:
    subjects = form.subjects.data if form.extent.data is Extent.CHOSEN else None
    return actions.Terms(officer, form.delegate.data, form.from_on.data, form.until_on.data, subjects)


@bp.get("/absences/ask")
@requires(Permission.ASK_ABSENCE)
def ask_own() -> ResponseReturnValue:
    """Ask when an officer will be away, and who shall stand in."""
    return _page(*_form(actor().officer), 200)


@bp.post("/absences/ask")
@requires(Permission.ASK_ABSENCE)
def ask() -> ResponseReturnValue:
    """Send it to the coordinators."""
    form, away = _form(actor().officer)
    if not form.validate():
        return _page(form, away, 422)
    try:
        with running().writing() as db:
            delegation = actions.ask(db, actor(), _terms(form, away.id), _most_days(), _today(), now())
    except RuleForbids as error:
        record_refusal(error)
        form.refuse(error.message)
        return _page(form, away, 409)
    flash("Asked. The coordinator sees it on the desk; until it is arranged nothing is passed on.", "success")
    return _to(delegation.id)


@bp.get("/officers/<uuid:officer_id>/absence")
@requires(Permission.ARRANGE_ABSENCE)
def ask_arrangement(officer_id: UUID) -> ResponseReturnValue:
    """Ask a coordinator who stands in for this officer, and when."""
    return _page(*_form(officer_id), 200)


@bp.post("/officers/<uuid:officer_id>/absence")
@requires(Permission.ARRANGE_ABSENCE)
def arrange(officer_id: UUID) -> ResponseReturnValue:
    """Arrange it; what begins today begins at once."""
    form, away = _form(officer_id)
    if not form.validate():
        return _page(form, away, 422)
    terms = _terms(form, away.id)
    try:
        with running().writing() as db:
            made = actions.arrange(db, actor(), running().trust, terms, _most_days(), _today(), now())
    except RuleForbids as error:
        record_refusal(error)
        form.refuse(error.message)
        return _page(form, away, 409)
    _tell(made.state)
    return _to(made.id)


def _tell(state: DelegationState) -> None:
    if state is DelegationState.RUNNING:
        flash("Arranged, and begun: the colleague can work on everything that is passed on.", "success")
    else:
        flash("Arranged. On the first day a card on your desk lets it begin.", "success")


@bp.get("/absences/<uuid:delegation_id>")
@requires(Permission.SEE_ABSENCES)
def show(delegation_id: UUID) -> ResponseReturnValue:
    """One absence: who, when, what is passed on, and what may be done now."""
    with running().reading() as db:
        delegation = actions.get(db, actor(), delegation_id)
        (one,) = showing.shown(db, [delegation])
        passed_on = showing.passed_on(db, actor(), delegation)
    return render_template(
        "absence/show.html",
        one=one,
        delegation=delegation,
        passed_on=passed_on,
        states=DelegationState,
        may_begin=delegation.from_on <= _today() <= delegation.until_on,
    )


@bp.post("/absences/<uuid:delegation_id>/agree")
@requires(Permission.ARRANGE_ABSENCE)
def agree(delegation_id: UUID) -> ResponseReturnValue:
    """Arrange what the officer asked for."""
    with running().writing() as db:
        found = actions.held(db, actor(), delegation_id)
        actions.agree(db, actor(), running().trust, found, _most_days(), _today(), now())
    _tell(found.state)
    return _to(delegation_id)


@bp.post("/absences/<uuid:delegation_id>/begin")
@requires(Permission.ARRANGE_ABSENCE)
def begin(delegation_id: UUID) -> ResponseReturnValue:
    """Pass everything on, now that the first day has come."""
    with running().writing() as db:
        found = actions.held(db, actor(), delegation_id)
        actions.begin(db, actor(), running().trust, found, _today(), now())
    flash("Begun. The colleague can work on everything that is passed on.", "success")
    return _to(delegation_id)


@bp.post("/absences/<uuid:delegation_id>/end")
@requires(Permission.ARRANGE_ABSENCE)
def end(delegation_id: UUID) -> ResponseReturnValue:
    """End it now, or decline it."""
    with running().writing() as db:
        found = actions.held(db, actor(), delegation_id)
        actions.end_early(db, actor(), found, now())
    flash("Ended. Nothing of it opens for the colleague any more.", "success")
    return _to(delegation_id)


@bp.post("/absences/<uuid:delegation_id>/withdraw")
@requires(Permission.ASK_ABSENCE)
def withdraw(delegation_id: UUID) -> ResponseReturnValue:
    """Take back what one asked for."""
    with running().writing() as db:
        found = actions.held(db, actor(), delegation_id)
        actions.withdraw(db, actor(), found, now())
    flash("Withdrawn. Nobody stands in for you.", "success")
    return _to(delegation_id)
