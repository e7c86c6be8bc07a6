"""The pages on which what was given is opened, and on which the words of a request are read."""

from uuid import UUID

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from vault.access.events import Event
from vault.access.guard import actor, now, requires, running
from vault.access.policy import Compartment, Permission, Reason
from vault.access.reading import open_rows
from vault.cases import records
from vault.emergency import actions
from vault.emergency.models import EmergencyRequest
from vault.emergency.opening import places_of, rows_in
from vault.emergency.standing import Standing, standing
from vault.errors import NotKnown
from vault.officers.asking import OpeningForm, StepUpForm, needs_code
from vault.officers.proofs import ProofRefused

bp = Blueprint("opening", __name__)

HERE = "/emergency/<uuid:emergency_id>"


def _granted(db: Session, emergency_id: UUID) -> Standing:
    """What was given to this officer and stands now. Raises NotKnown."""
    request = actions.get(db, actor(), emergency_id)
    here = standing(db, request, now())
    if request.asked_by != actor().officer or not here.is_open:
        raise NotKnown
    return here


def _asked_to_open(here: Standing, form: StepUpForm, status: int) -> ResponseReturnValue:
    return render_template("emergency/open.html", here=here, request=here.request, form=form), status


@bp.get(f"{HERE}/open")
@requires(Permission.ASK_EMERGENCY)
def ask_to_open(emergency_id: UUID) -> ResponseReturnValue:
    """The last step before the places are shown, with the second factor where the matrix asks for it."""
    with running().reading() as db:
        here = _granted(db, emergency_id)
    return _asked_to_open(here, StepUpForm.ask(needs_code(here.request.compartment)), 200)


@bp.post(f"{HERE}/open")
@requires(Permission.ASK_EMERGENCY)
def open_places(emergency_id: UUID) -> ResponseReturnValue:
    """Open what was given, through the same door as everything else."""
    with running().reading() as db:
        here = _granted(db, emergency_id)
    form = StepUpForm.ask(needs_code(here.request.compartment))
    if not form.validate():
        return _asked_to_open(here, form, 422)
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _asked_to_open(here, form, 422)
    with running().reading() as db:
        grant = _granted(db, emergency_id).grant
        places = places_of(db, grant) if grant else []
        opening = open_rows(
            running(),
            db,
            who,
            here.request.compartment,
            rows_in(places),
            about=[f"case:{here.request.case}"],
            reason=Reason.EMERGENCY,
            now=now(),
            event=Event.OPENED,
            facts={},
            details=None,
        )
        names = records.authors(db, [row for place in places for row in place.rows])
    fields = [(place, records.page_fields(place, opening)) for place in places if place.is_page]
    return render_template(
        "emergency/opened.html",
        here=here,
        request=here.request,
        fields=fields,
        places=places,
        opening=opening,
        names=names,
    )


def _read_by_others(db: Session, emergency_id: UUID) -> EmergencyRequest:
    """A request of somebody else: who asked does not read what others wrote about it. Raises NotKnown."""
    request = actions.get(db, actor(), emergency_id)
    if request.asked_by == actor().officer:
        raise NotKnown
    return request


@bp.get(f"{HERE}/words")
@requires(Permission.GRANT_EMERGENCY)
def ask_for_words(emergency_id: UUID) -> ResponseReturnValue:
    """Ask why the words of a request are opened."""
    with running().reading() as db:
        _read_by_others(db, emergency_id)
    return _asked_for_words(emergency_id, OpeningForm.ask(False, data={"reason": Reason.EMERGENCY}), 200)


def _asked_for_words(emergency_id: UUID, form: OpeningForm, status: int) -> ResponseReturnValue:
    return render_template(
        "opening.html",
        form=form,
        title="The words of this request",
        holds="What the officer wrote when they asked, and what others wrote about it since.",
        action=url_for("emergency.opening.open_words", emergency_id=emergency_id),
        back=url_for("emergency.show", emergency_id=emergency_id),
    ), status


@bp.post(f"{HERE}/words")
@requires(Permission.GRANT_EMERGENCY)
def open_words(emergency_id: UUID) -> ResponseReturnValue:
    """Show what was written, for a reason."""
    form = OpeningForm.ask(False)
    with running().reading() as db:
        request = _read_by_others(db, emergency_id)
        if not form.validate():
            return _asked_for_words(emergency_id, form, 422)
        opening = open_rows(
            running(),
            db,
            actor(),
            Compartment.EMERGENCY,
            [request],
            about=[f"case:{request.case}"] if request.case else [],
            reason=form.reason.data,
            now=now(),
            event=Event.OPENED,
            facts={"request": request.id},
            details=None,
        )
    return render_template(
        "emergency/words.html", request=request, words=opening.of(request), opening=opening
    )
