"""The pages of a case: its list, its plain facts, its people and its officers."""

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func
from werkzeug.utils import redirect

from vault.access.guard import actor, now, requires, running
from vault.access.policy import Permission, Role
from vault.cases import actions, naming, records
from vault.cases.forms import HOLDS, MoveForm, NameOfficerForm, OpenCaseForm, PersonForm, StandIn
from vault.cases.models import Case, ever_known_to, known_people, known_to, people_known_to
from vault.cases.record_views import bp as record_pages
from vault.errors import RuleForbids
from vault.officers.models import active_in
from vault.referrals import actions as referrals
from vault.templating import day
from vault.vocabulary import NEXT_CASE_STATES, CaseState

bp = Blueprint("cases", __name__)
bp.register_blueprint(record_pages)


@bp.get("/cases")
@requires(Permission.SEE_CASES)
def list_cases() -> ResponseReturnValue:
    """The cases this officer may know of, by code."""
    with running().reading() as db:
        cases = db.scalars(known_to(actor())).all()
        people = known_people(actor()).order_by(None).with_only_columns(Case.id, func.count())
        people = people.group_by(Case.id)
        counts = dict(db.execute(people).all())
    current = [case for case in cases if case.state is not CaseState.CLOSED]
    closed = [case for case in cases if case.state is CaseState.CLOSED]
    return render_template("cases/list.html", current=current, closed=closed, counts=counts)


@bp.get("/cases/destroyed")
@requires(Permission.SEE_CASES)
def list_destroyed() -> ResponseReturnValue:
    """The cases of which only the plain facts are left."""
    with running().reading() as db:
        query = ever_known_to(actor()).where(Case.destroyed_on.is_not(None))
        return render_template("cases/list_destroyed.html", cases=db.scalars(query).all())


@bp.get("/referrals/<uuid:referral_id>/open-case")
@requires(Permission.MANAGE_CASE)
def ask_case(referral_id: UUID) -> ResponseReturnValue:
    """Ask what is fixed when a case begins."""
    with running().reading() as db:
        referral = referrals.get(db, actor(), referral_id)
    return render_template("cases/open.html", form=OpenCaseForm(), referral=referral)


@bp.post("/referrals/<uuid:referral_id>/open-case")
@requires(Permission.MANAGE_CASE)
def open_case(referral_id: UUID) -> ResponseReturnValue:
    """Open the case of a certified referral."""
    form = OpenCaseForm()
    with running().reading() as db:
        referral = referrals.get(db, actor(), referral_id)
    if not form.validate():
        return render_template("cases/open.html", form=form, referral=referral), 422
    ends = now().date() + timedelta(days=form.days.data)
    with running().writing() as db:
        referral = referrals.get(db, actor(), referral_id)
        case = actions.open_case(db, actor(), running().trust, referral, form.ceiling.data, ends, now())
    flash(f"Case {case.code} is open. Name an inspector next.", "success")
    return redirect(url_for("cases.show", case_id=case.id), 303)


def _page(case_id: UUID, move_form: MoveForm | None = None, status: int = 200) -> ResponseReturnValue:
    with running().reading() as db:
        case = actions.find(db, actor(), case_id)
        if case.destroyed_on is not None:
            return render_template("cases/destroyed.html", case=case), 200
        people = db.scalars(people_known_to(actor(), case.id)).all()
        named = naming.named_officers(db, actor(), case)
        stead = naming.in_whose_stead(db, [assignment for assignment, _ in named])
        away = naming.away(db, [officer.id for _, officer in named])
    return render_template(
        "cases/case.html",
        case=case,
        people=people,
        named=named,
        stead=stead,
        away=away,
        of_case=records.shown_of_case(actor()),
        of_person=records.shown_of_person(actor()),
        position_of=records.position_of,
        holds=HOLDS,
        form=move_form,
        move_form=move_form or _move_form(case.state, case.version),
        may_move=actor().may(Permission.MOVE_CASE) and bool(NEXT_CASE_STATES[case.state]),
    ), status


def _move_form(state: CaseState, version: int) -> MoveForm:
    form = MoveForm(data={"version": version})
    form.state.options = [(str(to.value), to.label) for to in NEXT_CASE_STATES[state]]
    return form


@bp.get("/cases/<uuid:case_id>")
@requires(Permission.SEE_CASES)
def show(case_id: UUID) -> ResponseReturnValue:
    """One case: plain facts and sealed places."""
    return _page(case_id)


@bp.post("/cases/<uuid:case_id>/move")
@requires(Permission.MOVE_CASE)
def move(case_id: UUID) -> ResponseReturnValue:
    """Move the case to its next state; coordinator or deputy."""
    with running().reading() as db:
        case = actions.get(db, actor(), case_id)
    form = _move_form(case.state, case.version)
    if not form.validate():
        return _page(case_id, form, 422)
    if form.is_stale(case.version):
        return _page(case_id, form, 409)
    try:
        with running().writing() as db:
            actions.move(db, actor(), actions.get(db, actor(), case_id), form.state.data, now())
    except RuleForbids as error:
        form.refuse(error.message)
        return _page(case_id, form, 409)
    flash("The case has moved on.", "success")
    return redirect(url_for("cases.show", case_id=case_id), 303)


@bp.get("/cases/<uuid:case_id>/people/add")
@requires(Permission.MANAGE_CASE)
def ask_person(case_id: UUID) -> ResponseReturnValue:
    """Ask who joins the household."""
    with running().reading() as db:
        case = actions.get(db, actor(), case_id)
    return render_template("cases/add_person.html", form=PersonForm(), case=case)


@bp.post("/cases/<uuid:case_id>/people/add")
@requires(Permission.MANAGE_CASE)
def add_person(case_id: UUID) -> ResponseReturnValue:
    """Add a member of the household."""
    form = PersonForm()
    with running().reading() as db:
        case = actions.get(db, actor(), case_id)
    if not form.validate():
        return render_template("cases/add_person.html", form=form, case=case), 422
    with running().writing() as db:
        case = actions.get(db, actor(), case_id)
        trust, position = running().trust, form.position.data
        actions.add_person(db, actor(), trust, case, position, form.minor.data, now())
    flash("Added. Open their identity to write it down.", "success")
    return redirect(url_for("cases.show", case_id=case_id), 303)


def _naming(case_id: UUID, form: NameOfficerForm, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        case = actions.get(db, actor(), case_id)
    return render_template("cases/name_officer.html", form=form, case=case), status


def _naming_form(case_id: UUID) -> NameOfficerForm:
    form = NameOfficerForm()
    with running().reading() as db:
        case = actions.get(db, actor(), case_id)
        officers = db.scalars(active_in(Role.INSPECTOR, Role.CLERK, Role.LIAISON)).all()
        people = db.scalars(people_known_to(actor(), case.id)).all()
        away = naming.away(db, [officer.id for officer in officers])
    form.officer.options = [(str(o.id), f"{o.full_name}, {o.role.label.lower()}") for o in officers]
    form.person.options = [(str(p.id), records.position_of(p).capitalize()) for p in people]
    _ask_about_stand_in(form, away)
    return form


def _ask_about_stand_in(form: NameOfficerForm, away: dict[UUID, naming.Away]) -> None:
    """Say who is away; once such an officer is chosen, ask whether the keys go to who stands in as well."""
    zone = ZoneInfo(running().settings.time_zone)
    until = {str(officer): day(one.until_on, zone) for officer, one in away.items()}
    form.officer.options = [
        (value, f"{words}, away until {until[value]}" if value in until else words)
        for value, words in form.officer.options
    ]
    chosen = away.get(form.officer.data) if form.is_submitted() else None
    if chosen is None:
        del form.stand_in
        return
    last = until[str(form.officer.data)]
    form.stand_in.ask = f"Say whether {chosen.delegate} gets the keys as well."
    form.stand_in.options = [
        (str(StandIn.BOTH.value), f"{chosen.officer}, and {chosen.delegate} until {last}"),
        (str(StandIn.ONLY.value), f"{chosen.officer} alone"),
    ]


@bp.get("/cases/<uuid:case_id>/officers/name")
@requires(Permission.MANAGE_CASE)
def ask_officer(case_id: UUID) -> ResponseReturnValue:
    """Ask who is named on the case."""
    return _naming(case_id, _naming_form(case_id), 200)


@bp.post("/cases/<uuid:case_id>/officers/name")
@requires(Permission.MANAGE_CASE)
def name_officer(case_id: UUID) -> ResponseReturnValue:
    """Name an officer; the keys that the matrix gives are sealed to them in the same act."""
    form = _naming_form(case_id)
    if not form.validate():
        return _naming(case_id, form, 422)
    try:
        with running().writing() as db:
            case = actions.get(db, actor(), case_id)
            trust, person = running().trust, form.person.data
            both = "stand_in" in form and form.stand_in.data is StandIn.BOTH
            name = naming.name_with_stand_in if both else naming.name_officer
            name(db, actor(), trust, case, form.officer.data, person, now())
    except RuleForbids as error:
        form.refuse(error.message)
        return _naming(case_id, form, 409)
    flash("Named. The officer can work on the case from now on.", "success")
    return redirect(url_for("cases.show", case_id=case_id), 303)


@bp.post("/cases/<uuid:case_id>/officers/<uuid:assignment_id>/remove")
@requires(Permission.MANAGE_CASE)
def unname_officer(case_id: UUID, assignment_id: UUID) -> ResponseReturnValue:
    """Take an officer off the case; their keys go at once."""
    with running().writing() as db:
        case = actions.get(db, actor(), case_id)
        naming.unname_officer(db, actor(), case, assignment_id, now())
    flash("The officer is off the case and can open nothing of it any more.", "success")
    return redirect(url_for("cases.show", case_id=case_id), 303)
