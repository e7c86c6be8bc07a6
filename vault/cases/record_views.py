"""The pages on which a sealed place of a case is opened, changed or added to."""

from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from housing.places import towns
from vault.access.events import Event
from vault.access.guard import actor, now, requires, running
from vault.access.policy import Compartment, Permission, Reason
from vault.access.reading import Opening, open_rows
from vault.cases import actions, records
from vault.cases.forms import HOLDS, RECORD_FORMS, DangerAreaForm, NoteForm, ThreatForm
from vault.cases.records import Place
from vault.errors import NotKnown, RoleMayNot
from vault.forms import VaultForm
from vault.officers.asking import OpeningForm, needs_code
from vault.officers.proofs import ProofRefused

bp = Blueprint("records", __name__)

PLACE = "/records/<any(case,person):kind>/<uuid:subject_id>/<word:compartment>"


def _place(kind: str, subject_id: UUID, compartment: str) -> Place:
    if compartment not in set(Compartment):
        raise NotKnown
    with running().reading() as db:
        return records.find(db, actor(), kind, subject_id, Compartment(compartment))


def _ask(place: Place, form: OpeningForm, action: str, status: int) -> ResponseReturnValue:
    label = place.compartment.label
    return render_template(
        "opening.html",
        form=form,
        title=f"{label} of {place.whose}",
        holds=HOLDS[place.compartment],
        action=_at(place, action),
        back=url_for("cases.show", case_id=place.case.id),
    ), status


def _at(place: Place, action: str) -> str:
    return url_for(
        f"cases.records.{action}",
        kind=place.kind,
        subject_id=place.subject_id,
        compartment=str(place.compartment.value),
    )


def _opened(place: Place, form: OpeningForm) -> Opening:
    """Take the code if one was asked, then open. Raises ProofRefused."""
    who = form.prove()
    with running().reading() as db:
        return open_rows(
            running(),
            db,
            who,
            place.compartment,
            place.rows or [_Empty(place)],
            about=[place.case.subject],
            reason=form.reason.data,
            now=now(),
            event=Event.OPENED,
            facts={},
            details=None,
        )


class _Empty:
    """A place with nothing in it yet: looking at it is a look all the same."""

    def __init__(self, place: Place) -> None:
        self.id = place.case.id
        self._subject = place.case.subject

    def lockbox_subject(self, compartment: str) -> str:
        """The case's lockbox."""
        return self._subject


@bp.get(f"{PLACE}/open")
@requires(Permission.SEE_CASES)
def ask_to_open(kind: str, subject_id: UUID, compartment: str) -> ResponseReturnValue:
    """Ask why the place is opened."""
    place = _place(kind, subject_id, compartment)
    return _ask(place, OpeningForm.ask(needs_code(place.compartment)), "open_place", 200)


@bp.post(f"{PLACE}/open")
@requires(Permission.SEE_CASES)
def open_place(kind: str, subject_id: UUID, compartment: str) -> ResponseReturnValue:
    """Open the place, for a reason, and show it."""
    place = _place(kind, subject_id, compartment)
    form = OpeningForm.ask(needs_code(place.compartment))
    if not form.validate():
        return _ask(place, form, "open_place", 422)
    try:
        opening = _opened(place, form)
    except ProofRefused as error:
        form.refuse(error.message)
        return _ask(place, form, "open_place", 422)
    with running().reading() as db:
        names = records.authors(db, place.rows)
    return render_template(
        f"cases/opened_{'page' if place.is_page else place.compartment.value}.html",
        place=place,
        opening=opening,
        fields=records.page_fields(place, opening) if place.is_page else [],
        names=names,
        again=_at(place, "ask_to_open"),
        change=_at(place, "ask_to_change") if actor().may(Permission.CHANGE_RECORD) else None,
    )


@bp.get(f"{PLACE}/change")
@requires(Permission.CHANGE_RECORD)
def ask_to_change(kind: str, subject_id: UUID, compartment: str) -> ResponseReturnValue:
    """Ask why the place is opened to be changed."""
    place = _place(kind, subject_id, compartment)
    form = OpeningForm.ask(needs_code(place.compartment), data={"reason": Reason.CASE_WORK})
    return _ask(place, form, "change_place", 200)


@bp.post(f"{PLACE}/change")
@requires(Permission.CHANGE_RECORD)
def change_place(kind: str, subject_id: UUID, compartment: str) -> ResponseReturnValue:
    """Open the place and show it in boxes."""
    place = _place(kind, subject_id, compartment)
    asked = OpeningForm.ask(needs_code(place.compartment))
    if not place.is_page:
        raise NotKnown
    if not asked.validate():
        return _ask(place, asked, "change_place", 422)
    try:
        opening = _opened(place, asked)
    except ProofRefused as error:
        asked.refuse(error.message)
        return _ask(place, asked, "change_place", 422)
    values = {**opening.of(place.row), "version": place.row.version}
    form = RECORD_FORMS[place.compartment].ask(False, formdata=None, data=values)
    return _boxes(place, form, 200)


def _boxes(place: Place, form: VaultForm, status: int) -> ResponseReturnValue:
    return render_template(
        "cases/change.html",
        place=place,
        form=form,
        action=_at(place, "save_place"),
        back=_at(place, "ask_to_open"),
    ), status


@bp.post(f"{PLACE}/save")
@requires(Permission.CHANGE_RECORD)
def save_place(kind: str, subject_id: UUID, compartment: str) -> ResponseReturnValue:
    """Seal what was typed; a second tab is told and keeps its words."""
    place = _place(kind, subject_id, compartment)
    if not place.is_page:
        raise NotKnown
    # A copied cookie must not replace what it cannot read, so saving asks for the code as opening does.
    form = RECORD_FORMS[place.compartment].ask(needs_code(place.compartment))
    if not form.validate():
        return _boxes(place, form, 422)
    try:
        form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _boxes(place, form, 422)
    with running().writing() as db:
        place = records.find(db, actor(), kind, subject_id, Compartment(compartment))
        if not form.is_stale(place.row.version):
            values = {
                q.short_name: q.data or None
                for q in form.questions()
                if q.short_name not in {"version", "code"}
            }
            trust = running().trust
            actions.change_record(db, actor(), trust, place.case, place.row, place.compartment, values, now())
    if form.errors:
        return _boxes(place, form, 409)
    flash("Saved and sealed.", "success")
    return _to_case(place.case.id)


def _to_case(case_id: UUID) -> Response:
    return redirect(url_for("cases.show", case_id=case_id), 303)


def _add_form(what: str) -> VaultForm:
    kept_in = Compartment.CASEWORK if what == "note" else Compartment.THREAT
    if kept_in not in records.shown_of_case(actor()):
        raise RoleMayNot("Your role does not write into this part of the record.")
    form = {"note": NoteForm, "threat-assessment": ThreatForm, "danger-area": DangerAreaForm}[what]()
    if isinstance(form, DangerAreaForm):
        form.town.options = [(name, name) for name in sorted(towns())]
    return form


def _adding(case_id: UUID, what: str, form: VaultForm, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        case = actions.get(db, actor(), case_id)
    return render_template("cases/add.html", case=case, form=form, what=what), status


@bp.get("/cases/<uuid:case_id>/add/<any('note','threat-assessment','danger-area'):what>")
@requires(Permission.CHANGE_RECORD)
def ask_to_add(case_id: UUID, what: str) -> ResponseReturnValue:
    """Ask for a note, an assessment or a danger area."""
    return _adding(case_id, what, _add_form(what), 200)


@bp.post("/cases/<uuid:case_id>/add/<any('note','threat-assessment','danger-area'):what>")
@requires(Permission.CHANGE_RECORD)
def add(case_id: UUID, what: str) -> ResponseReturnValue:
    """Seal a note, an assessment or a danger area into the case."""
    form = _add_form(what)
    if not form.validate():
        return _adding(case_id, what, form, 422)
    answers = {q.short_name: q.data for q in form.questions()}
    with running().writing() as db:
        case = actions.get(db, actor(), case_id)
        trust = running().trust
        match what:
            case "note":
                actions.add_note(db, actor(), trust, case, answers["kind"], answers["text"], now())
            case "threat-assessment":
                actions.assess_threat(db, actor(), trust, case, answers.pop("level"), answers, now())
            case _:
                latitude, longitude = towns()[answers.pop("town")]
                answers |= {"latitude": latitude, "longitude": longitude}
                actions.add_danger_area(db, actor(), trust, case, answers, now())
    flash("Sealed into the case.", "success")
    return _to_case(case_id)
