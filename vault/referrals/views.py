"""The pages of referrals."""

from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect

from vault.access.events import Event
from vault.access.guard import actor, now, requires, running
from vault.access.policy import Compartment, Permission
from vault.access.reading import Opening, open_rows
from vault.errors import RuleForbids
from vault.officers.asking import OpeningForm
from vault.officers.models import Officer
from vault.referrals import actions
from vault.referrals.forms import DecisionForm, ReferralForm
from vault.referrals.models import Referral, known_to

bp = Blueprint("referrals", __name__)

LABELS = {
    "witness": "Witness",
    "contact": "How to reach the witness safely",
    "docket": "Docket number",
    "felony": "Serious felony charged",
    "defendants": "Defendants, and where they are",
    "trial_starts": "Expected start of the trial",
    "narrative": "What happened, and why the witness is at risk",
}


@bp.get("/referrals")
@requires(Permission.SEE_REFERRALS)
def list_referrals() -> ResponseReturnValue:
    """Referrals, those waiting first."""
    with running().reading() as db:
        found = db.scalars(known_to(actor())).all()
    waiting = [referral for referral in found if referral.is_open]
    decided = [referral for referral in found if not referral.is_open]
    return render_template("referrals/list.html", waiting=waiting, decided=decided)


@bp.get("/referrals/send")
@requires(Permission.REFER)
def ask_referral() -> ResponseReturnValue:
    """Ask for a referral."""
    return render_template("referrals/send.html", form=ReferralForm())


@bp.post("/referrals/send")
@requires(Permission.REFER)
def send() -> ResponseReturnValue:
    """Take a referral."""
    form = ReferralForm()
    if not form.validate():
        return render_template("referrals/send.html", form=form), 422
    answers = {question.short_name: question.data for question in form.questions()}
    with running().writing() as db:
        referral = actions.receive(db, actor(), running().trust, actions.ReferralFacts(**answers), now())
    flash(f"Referral {referral.code} is with the unit, sealed.", "success")
    return redirect(url_for("referrals.show", referral_id=referral.id), 303)


def _decision_form(referral: Referral) -> DecisionForm:
    form = DecisionForm(data={"version": referral.version})
    kind = referral.next_decision
    form.outcome.options = [(str(o.value), o.label) for o in actions.OUTCOMES[kind]] if kind else []
    return form


def _page(
    referral_id: UUID,
    decision_form: DecisionForm | None = None,
    opened: Opening | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    with running().reading() as db:
        referral = actions.get(db, actor(), referral_id)
        decisions = actions.decisions_on(db, referral_id)
        sender = db.get_one(Officer, referral.prosecutor)
        may_open = referral.is_open or not actor().may(Permission.REFER)
    return render_template(
        "referrals/referral.html",
        referral=referral,
        decisions=decisions,
        sender=sender,
        may_open=may_open,
        form=decision_form,
        decision_form=decision_form or _decision_form(referral),
        opened_fields=[(LABELS[name], opened.of(referral)[name]) for name in LABELS] if opened else None,
        opened_reasons={d.id: opened.of(d)["reasons"] for d in decisions} if opened else {},
        receipt=opened.receipt if opened else None,
    ), status


@bp.get("/referrals/<uuid:referral_id>")
@requires(Permission.SEE_REFERRALS)
def show(referral_id: UUID) -> ResponseReturnValue:
    """One referral: plain facts, the sealed narrative, the decisions."""
    return _page(referral_id)


def _opening(referral: Referral, form: OpeningForm) -> str:
    return render_template(
        "opening.html",
        form=form,
        title="The referral",
        holds="What the prosecutor wrote: the witness, the docket, the defendants and what happened.",
        action=url_for("referrals.open_narrative", referral_id=referral.id),
        back=url_for("referrals.show", referral_id=referral.id),
    )


@bp.get("/referrals/<uuid:referral_id>/open")
@requires(Permission.SEE_REFERRALS)
def ask_to_open(referral_id: UUID) -> ResponseReturnValue:
    """Ask why the narrative is opened."""
    with running().reading() as db:
        referral = actions.get(db, actor(), referral_id)
    return _opening(referral, OpeningForm.ask(False))


@bp.post("/referrals/<uuid:referral_id>/open")
@requires(Permission.SEE_REFERRALS)
def open_narrative(referral_id: UUID) -> ResponseReturnValue:
    """Open the narrative, for a reason."""
    form = OpeningForm.ask(False)
    with running().reading() as db:
        referral = actions.get(db, actor(), referral_id)
        if not form.validate():
            return _opening(referral, form), 422
        opened = open_rows(
            running(),
            db,
            actor(),
            Compartment.INTAKE,
            [referral, *actions.decisions_on(db, referral_id)],
            about=[],
            reason=form.reason.data,
            now=now(),
            event=Event.OPENED,
            facts={},
            details=None,
        )
    return _page(referral_id, opened=opened)


@bp.post("/referrals/<uuid:referral_id>/decide")
@requires(Permission.DECIDE_REFERRAL)
def decide(referral_id: UUID) -> ResponseReturnValue:
    """Make the decision that comes next."""
    with running().reading() as db:
        referral = actions.get(db, actor(), referral_id)
    form = _decision_form(referral)
    if not form.validate():
        return _page(referral_id, decision_form=form, status=422)
    if form.is_stale(referral.version):
        return _page(referral_id, decision_form=form, status=409)
    try:
        with running().writing() as db:
            referral = actions.get(db, actor(), referral_id)
            actions.decide(
                db, actor(), running().trust, referral, form.outcome.data, form.reasons.data, now()
            )
    except RuleForbids as error:
        form.refuse(error.message)
        return _page(referral_id, decision_form=form, status=409)
    flash("The decision is recorded.", "success")
    return redirect(url_for("referrals.show", referral_id=referral_id), 303)
