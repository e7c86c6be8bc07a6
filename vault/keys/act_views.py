"""The pages on which recovery and destruction are asked for and decided on."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.utils import redirect

from vault.access.actor import Actor
from vault.access.guard import actor, now, record_refusal, requires, running
from vault.access.policy import Compartment, Hold, Permission, Role, hold
from vault.cases import actions as cases
from vault.cases.models import Case, known_to
from vault.database import RecordedSession
from vault.errors import RuleForbids
from vault.keys import acts, holdings, recoveries
from vault.keys.act_forms import (
    Answer,
    AskDestructionForm,
    AskRecoveryForm,
    DecideForm,
    DestroyForm,
    limit_grounds,
)
from vault.keys.models import KeyAct, KeyActKind, KeyActState
from vault.keys.standing import Standing, may_decide, standing
from vault.officers.asking import StepUpForm, needs_code
from vault.officers.models import Officer, active_in
from vault.officers.proofs import ProofRefused

bp = Blueprint("acts", __name__)

HOLDERS = [role for role in Role if any(hold(each, role) is not Hold.NEVER for each in Compartment)]
"""Whom recovered keys can go to: the roles that the matrix ever lets open a record."""


def to(act_id: UUID) -> ResponseReturnValue:
    """Send the browser to the page of a request."""
    return redirect(url_for("keys.acts.show", act_id=act_id), 303)


def _names(db: Session) -> dict[UUID, str]:
    found = db.execute(select(Officer.id, Officer.full_name)).all()
    return defaultdict(lambda: "Somebody who is not there", found)


@bp.get("/keys/acts")
@requires(Permission.SEE_KEY_ACTS)
def list_acts() -> ResponseReturnValue:
    """Every recovery and destruction that was ever asked for."""
    with running().reading() as db:
        found = db.scalars(acts.all_acts()).all()
        rows = [(standing(db, act), holdings.label_of(db, act.subject)) for act in found]
        names = _names(db)
    return render_template("keys/acts.html", rows=rows, names=names, kinds=KeyActKind, now=now())


def _recovery_form() -> AskRecoveryForm:
    form = AskRecoveryForm.ask(needs_code(None))
    limit_grounds(form, KeyActKind.RECOVERY)
    with running().reading() as db:
        form.subject.options = holdings.choices(db, db.scalars(known_to(actor())).all())
        officers = db.scalars(active_in(*HOLDERS)).all()
    form.for_officer.options = [(str(o.id), f"{o.full_name}, {o.role.label.lower()}") for o in officers]
    return form


@bp.get("/keys/acts/ask-recovery")
@requires(Permission.ASK_KEY_ACT)
def ask_recovery() -> ResponseReturnValue:
    """Ask what is to be recovered, and for whom."""
    return render_template("keys/ask_recovery.html", form=_recovery_form())


@bp.post("/keys/acts/ask-recovery")
@requires(Permission.ASK_KEY_ACT)
def send_recovery() -> ResponseReturnValue:
    """Take the request; two others decide."""
    form = _recovery_form()

    def ask(db: RecordedSession, who: Actor) -> KeyAct:
        return acts.ask_recovery(
            db,
            who,
            form.subject.data,
            form.compartment.data,
            form.for_officer.data,
            form.ground.data,
            form.reasons.data,
            now(),
        )

    return _asked(form, ask, "keys/ask_recovery.html")


def _destruction_form() -> AskDestructionForm:
    form = AskDestructionForm.ask(needs_code(None))
    limit_grounds(form, KeyActKind.DESTRUCTION)
    with running().reading() as db:
        ended = db.scalars(known_to(actor()).where(Case.state.in_(acts.ENDED))).all()
    form.case.options = [(str(case.id), case.code) for case in ended]
    return form


@bp.get("/keys/acts/ask-destruction")
@requires(Permission.MANAGE_CASE)
def ask_destruction() -> ResponseReturnValue:
    """Ask which case's records are to be destroyed."""
    return render_template("keys/ask_destruction.html", form=_destruction_form())


@bp.post("/keys/acts/ask-destruction")
@requires(Permission.MANAGE_CASE)
def send_destruction() -> ResponseReturnValue:
    """Take the request; two others decide."""
    form = _destruction_form()

    def ask(db: RecordedSession, who: Actor) -> KeyAct:
        case = cases.get(db, who, form.case.data)
        return acts.ask_destruction(db, who, case, form.ground.data, form.reasons.data, now())

    return _asked(form, ask, "keys/ask_destruction.html")


def _asked(
    form: StepUpForm, ask: Callable[[RecordedSession, Actor], KeyAct], page: str
) -> ResponseReturnValue:
    """Keep the request, or show the form again with why not."""
    if not form.validate() or (who := proved(form)) is None:
        return render_template(page, form=form), 422
    try:
        with running().writing() as db:
            act = ask(db, who)
    except RuleForbids as error:
        record_refusal(error)
        form.refuse(error.message)
        return render_template(page, form=form), 409
    flash("Asked. Two others must approve it before anything happens.", "success")
    return to(act.id)


def proved(form: StepUpForm) -> Actor | None:
    """The officer, stepped up; None when the code was refused, and the form says why."""
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return None
    if "code" in form:
        del form.code  # It was good once; asking again for this answer would only be refused as used.
    return who


@bp.get("/keys/acts/<uuid:act_id>")
@requires(Permission.SEE_KEY_ACTS)
def show(act_id: UUID) -> ResponseReturnValue:
    """One request: where it stands, and what this officer can do."""
    return page(act_id, None, 200)


def page(act_id: UUID, form: Any, status: int) -> ResponseReturnValue:
    """The page of a request; `form` is the one that was sent and not taken."""
    who = actor()
    with running().reading() as db:
        act = acts.get(db, who, act_id)
        here = standing(db, act)
        label, names = holdings.label_of(db, act.subject), _names(db)
        words = recoveries.words_of_request(running(), db, act) if act.for_officer else ()
    is_open = act.state is KeyActState.APPROVED and not here.has_lapsed(now())
    return render_template(
        "keys/act.html",
        act=act,
        here=here,
        label=label,
        names=names,
        kinds=KeyActKind,
        states=KeyActState,
        lapsed=here.has_lapsed(now()),
        now=now(),
        form=form or _next_form(who, here, is_open),
        sent=form,
        words=words if is_open else (),
        decides=may_decide(who, here),
        carries_out=is_open and who.officer == act.asked_by,
        imports=is_open and who.officer == act.for_officer,
        withdraws=who.officer == act.asked_by and act.state in {KeyActState.ASKED, KeyActState.APPROVED},
    ), status


def _next_form(who: Actor, here: Standing, is_open: bool) -> StepUpForm | None:
    """The form of what this officer can do next, if anything."""
    if may_decide(who, here):
        return DecideForm.ask(needs_code(None), formdata=None)
    if not is_open or who.officer != here.act.asked_by:
        return None
    wanted = DestroyForm if here.act.kind is KeyActKind.DESTRUCTION else StepUpForm
    return wanted.ask(needs_code(None), formdata=None)


@bp.post("/keys/acts/<uuid:act_id>/decide")
@requires(Permission.DECIDE_KEY_ACT)
def decide(act_id: UUID) -> ResponseReturnValue:
    """Say yes or no."""
    form = DecideForm.ask(needs_code(None))

    def act(db: RecordedSession, who: Actor) -> None:
        approves = form.answer.data is Answer.APPROVE
        acts.decide(db, who, acts.held(db, who, act_id), approves, now())

    return _carried(act_id, form, act, "Your decision is recorded.")


def _carried(
    act_id: UUID, form: Any, do: Callable[[RecordedSession, Actor], None], words: str
) -> ResponseReturnValue:
    """Do one thing to a request, or show its page again with why not."""
    with running().reading() as db:
        acts.get(db, actor(), act_id)
    if not form.validate() or (who := proved(form)) is None:
        return page(act_id, form, 422)
    try:
        with running().writing() as db:
            do(db, who)
    except RuleForbids as error:
        record_refusal(error)
        form.refuse(error.message)
        return page(act_id, form, 409)
    flash(words, "success")
    return to(act_id)


@bp.post("/keys/acts/<uuid:act_id>/withdraw")
@requires(Permission.ASK_KEY_ACT)
def withdraw(act_id: UUID) -> ResponseReturnValue:
    """Take one's own request back."""
    with running().writing() as db:
        acts.withdraw(db, actor(), acts.held(db, actor(), act_id), now())
    flash("Taken back. Nothing was done.", "success")
    return to(act_id)
