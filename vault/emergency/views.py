"""The pages of emergencies."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.utils import redirect

from vault.access.actor import Actor
from vault.access.delegating import unit_day
from vault.access.guard import actor, now, record_refusal, requires, running
from vault.access.policy import Permission
from vault.cases.models import Case
from vault.database import RecordedSession
from vault.emergency import actions, closing
from vault.emergency.forms import Answer, AnswerForm, AskForm, ReviewForm
from vault.emergency.models import EmergencyRequest, known_to
from vault.emergency.opening_views import bp as opening_pages
from vault.emergency.standing import may_answer, may_review, standing, standings
from vault.errors import RuleForbids
from vault.officers.asking import needs_code
from vault.officers.models import Officer
from vault.officers.proofs import ProofRefused

bp = Blueprint("emergency", __name__)
bp.register_blueprint(opening_pages)

HERE = "/emergency/<uuid:emergency_id>"
SENT = "Your request is recorded."


def _today() -> date:
    """The day on the unit's own calendar."""
    return unit_day(running().settings, now())


def _names(db: Session) -> dict[UUID, str]:
    found = db.execute(select(Officer.id, Officer.full_name)).all()
    return defaultdict(lambda: "Somebody who is not there", found)


def _codes(db: Session, requests: list[EmergencyRequest]) -> dict[UUID, str]:
    wanted = [request.case for request in requests if request.case]
    return dict(db.execute(select(Case.id, Case.code).where(Case.id.in_(wanted))).all())


def _to(emergency_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("emergency.show", emergency_id=emergency_id), 303)


@bp.get("/emergency")
@requires(Permission.SEE_EMERGENCIES)
def list_requests() -> ResponseReturnValue:
    """One's own requests, and those of others that one answers for."""
    closing.see_to(running(), now())
    who = actor()
    with running().reading() as db:
        found = list(db.scalars(known_to(who)))
        rows, names, codes = standings(db, found, now()), _names(db), _codes(db, found)
    mine = [here for here in rows if here.request.asked_by == who.officer]
    others = [here for here in rows if here.request.asked_by != who.officer]
    return render_template("emergency/list.html", mine=mine, others=others, names=names, codes=codes)


def _ask_form() -> AskForm:
    form = AskForm()
    form.compartment.options = [(str(part.value), part.label) for part in actions.choices(actor())]
    return form


@bp.get("/emergency/ask")
@requires(Permission.ASK_EMERGENCY)
def ask_request() -> ResponseReturnValue:
    """Ask what must be seen and why."""
    minutes = running().settings.emergency_minutes
    return render_template("emergency/ask.html", form=_ask_form(), minutes=minutes)


@bp.post("/emergency/ask")
@requires(Permission.ASK_EMERGENCY)
def ask() -> ResponseReturnValue:
    """Send the request. The answer is the same whatever number was typed."""
    form = _ask_form()
    minutes = running().settings.emergency_minutes
    if not form.validate():
        return render_template("emergency/ask.html", form=form, minutes=minutes), 422
    answers = {question.short_name: question.data for question in form.questions()}
    try:
        with running().writing() as db:
            request = actions.ask(db, actor(), running().trust, actions.Wanted(**answers), _today(), now())
    except RuleForbids as error:
        record_refusal(error)
        form.refuse(error.message)
        return render_template("emergency/ask.html", form=form, minutes=minutes), 409
    flash(SENT, "success")
    return _to(request.id)


@bp.get(HERE)
@requires(Permission.SEE_EMERGENCIES)
def show(emergency_id: UUID) -> ResponseReturnValue:
    """One request: where it stands, and what this officer can do."""
    closing.see_to(running(), now())
    return _page(emergency_id, None, 200)


def _page(emergency_id: UUID, form: Any, status: int) -> ResponseReturnValue:
    """The page of a request; `form` is the one that was sent and not taken."""
    who = actor()
    with running().reading() as db:
        request = actions.get(db, who, emergency_id)
        here = standing(db, request, now())
        answers, names = may_answer(db, who, here, _today()), _names(db)
        codes = _codes(db, [request])
    reviews, mine = may_review(who, here), request.asked_by == who.officer
    if form is None and answers:
        form = AnswerForm.ask(needs_code(None), formdata=None)
    elif form is None and reviews:
        form = ReviewForm.ask(needs_code(None), formdata=None)
    return render_template(
        "emergency/request.html",
        request=request,
        here=here,
        form=form,
        answers=answers,
        reviews=reviews,
        ends=here.is_open and actions.may_end(who, request),
        mine=mine,
        reads=who.may(Permission.GRANT_EMERGENCY) and not mine,
        case=codes.get(request.case) if request.case else None,
        names=names,
        minutes=running().settings.emergency_minutes,
    ), status


def _carried(
    emergency_id: UUID,
    form: Any,
    do: Callable[[RecordedSession, Actor, EmergencyRequest], object],
    words: str,
) -> ResponseReturnValue:
    """Do one thing to a request, or show its page again with why not."""
    with running().reading() as db:
        actions.get(db, actor(), emergency_id)
    if not form.validate():
        return _page(emergency_id, form, 422)
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _page(emergency_id, form, 422)
    try:
        with running().writing() as db:
            do(db, who, actions.held(db, who, emergency_id))
    except RuleForbids as error:
        record_refusal(error)
        flash(error.message, "warning")
        return _to(emergency_id)
    flash(words, "success")
    return _to(emergency_id)


@bp.post(f"{HERE}/answer")
@requires(Permission.GRANT_EMERGENCY)
def answer(emergency_id: UUID) -> ResponseReturnValue:
    """Give or refuse."""
    form = AnswerForm.ask(needs_code(None))
    settings, trust, today = running().settings, running().trust, _today()

    def act(db: RecordedSession, who: Actor, request: EmergencyRequest) -> None:
        if form.answer.data is Answer.GIVE:
            actions.grant(db, who, trust, request, settings.emergency_minutes, today, now())
        else:
            actions.refuse(db, who, trust, request, form.words.data, today, now())

    return _carried(emergency_id, form, act, "Your answer is recorded.")


@bp.post(f"{HERE}/review")
@requires(Permission.REVIEW_EMERGENCY)
def review(emergency_id: UUID) -> ResponseReturnValue:
    """Say whether it was justified."""
    form = ReviewForm.ask(needs_code(None))

    def act(db: RecordedSession, who: Actor, request: EmergencyRequest) -> None:
        actions.review(db, who, running().trust, request, form.verdict.data, form.words.data, now())

    return _carried(emergency_id, form, act, "Your review is recorded.")


@bp.post(f"{HERE}/end")
@requires(Permission.SEE_EMERGENCIES)
def end(emergency_id: UUID) -> ResponseReturnValue:
    """End it before its time."""
    with running().writing() as db:
        actions.end(db, actor(), running().trust, actions.held(db, actor(), emergency_id), now())
    flash("Ended. What was open is sealed again.", "success")
    return _to(emergency_id)
