"""The pages on which a disclosure is weighed, its fields chosen, decided on by another, and released."""

from collections.abc import Callable
from secrets import token_bytes, token_hex
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.utils import redirect

from vault.access.actor import Actor
from vault.access.events import Event
from vault.access.guard import actor, now, requires, running
from vault.access.policy import Compartment, Permission, Reason
from vault.access.reading import open_rows
from vault.database import RecordedSession
from vault.disclosure import actions, packets, releases, selection
from vault.disclosure.forms import ChooseForm, DecideForm, ReleaseForm, WorksheetForm
from vault.disclosure.models import DisclosureRequest
from vault.disclosure.showing import Shown, load
from vault.errors import NotConfirmed, RuleForbids, Superseded
from vault.forms import VaultForm
from vault.officers.asking import StepUpForm, needs_code
from vault.officers.proofs import ProofRefused
from vault.vocabulary import DisclosureOutcome, DisclosureState

bp = Blueprint("preparing", __name__)


def _to(disclosure_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("disclosure.show", disclosure_id=disclosure_id), 303)


def _loaded(disclosure_id: UUID) -> Shown:
    with running().reading() as db:
        return load(db, disclosure_id)


def _standing(disclosure_id: UUID, state: DisclosureState) -> Shown:
    shown = _loaded(disclosure_id)
    actions.check_state(shown.request, state)
    return shown


def _asked(what: str, shown: Shown, form: VaultForm, status: int) -> ResponseReturnValue:
    return render_template(
        f"disclosure/{what}.html", form=form, shown=shown, disclosure=shown.request
    ), status


def _proved(form: StepUpForm) -> Actor | None:
    """The officer, stepped up; None when the code was refused, and the form says why."""
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return None
    if "code" in form:
        del form.code  # It was good once; asking again for this answer would only be refused as used.
    return who


def _still(form: Any, shown: Shown, state: DisclosureState) -> bool:
    """Whether the request stands as the officer saw it, before anything sealed is opened for the act."""
    try:
        actions.check_state(shown.request, state)
    except RuleForbids as error:
        form.refuse(error.message)
        return False
    return not form.is_stale(shown.request.version)


def _done(
    form: Any, disclosure_id: UUID, act: Callable[[RecordedSession, DisclosureRequest], object]
) -> bool:
    """Act on the request as the officer saw it; else the form says why not, and keeps what was typed."""
    try:
        with running().writing() as db:
            request = actions.get(db, actor(), disclosure_id)
            if not form.is_stale(request.version):
                act(db, request)
    except RuleForbids as error:
        form.refuse(error.message)
    except StaleDataError:
        form.refuse(Superseded().message)
    return not form.errors


@bp.post("/disclosure/<uuid:disclosure_id>/take-up")
@requires(Permission.PREPARE_DISCLOSURE)
def take_up(disclosure_id: UUID) -> ResponseReturnValue:
    """Begin to prepare."""
    with running().writing() as db:
        request = actions.get(db, actor(), disclosure_id)
        case = actions.take_up(db, actor(), running().trust, request, now())
    found = f"It concerns case {case.code}." if case else "No case belongs to it, so nothing can be chosen."
    flash(f"The request is yours to prepare. {found}", "success")
    return _to(disclosure_id)


@bp.get("/disclosure/<uuid:disclosure_id>/worksheet")
@requires(Permission.PREPARE_DISCLOSURE)
def ask_worksheet(disclosure_id: UUID) -> ResponseReturnValue:
    """Ask for the five factors."""
    shown = _standing(disclosure_id, DisclosureState.PREPARING)
    return _asked("worksheet", shown, WorksheetForm(data={"version": shown.request.version}), 200)


@bp.post("/disclosure/<uuid:disclosure_id>/worksheet")
@requires(Permission.PREPARE_DISCLOSURE)
def write_worksheet(disclosure_id: UUID) -> ResponseReturnValue:
    """Write the worksheet."""
    shown = _loaded(disclosure_id)
    form = WorksheetForm()
    if not form.validate():
        return _asked("worksheet", shown, form, 422)
    values = {q.short_name: str(q.data) for q in form.questions() if q.short_name != "version"}
    who, trust = actor(), running().trust
    if not _done(form, disclosure_id, lambda db, it: actions.weigh(db, who, trust, it, values, now())):
        return _asked("worksheet", shown, form, 409)
    flash("The worksheet is sealed with the request.", "success")
    return _to(disclosure_id)


def _choose_form(shown: Shown) -> tuple[ChooseForm, list[selection.Offer]]:
    kept = shown.selection
    known = {"chosen": kept.chosen if kept else (), "return_by": kept.return_by if kept else None}
    form = ChooseForm.ask(needs_code(None), data={**known, "version": shown.request.version})
    if shown.case is None:
        raise RuleForbids("No case belongs to this request, so there is nothing to choose from.")
    with running().reading() as db:
        offers = selection.offered(db, actor(), shown.case)
    form.guarded = {offer.key for offer in offers if offer.compartment in selection.TELLS_WHERE}
    lead = " (can lead to where they are)"
    form.chosen.options = [(o.key, o.words + (lead if o.key in form.guarded else "")) for o in offers]
    return form, offers


@bp.get("/disclosure/<uuid:disclosure_id>/choose")
@requires(Permission.PREPARE_DISCLOSURE)
def ask_fields(disclosure_id: UUID) -> ResponseReturnValue:
    """Ask exactly which fields may go."""
    shown = _standing(disclosure_id, DisclosureState.PREPARING)
    return _asked("choose", shown, _choose_form(shown)[0], 200)


@bp.post("/disclosure/<uuid:disclosure_id>/choose")
@requires(Permission.PREPARE_DISCLOSURE)
def choose(disclosure_id: UUID) -> ResponseReturnValue:
    """Read what was chosen, each compartment its own recorded look, and freeze it."""
    shown = _loaded(disclosure_id)
    form, offers = _choose_form(shown)
    if not form.validate() or (who := _proved(form)) is None:
        return _asked("choose", shown, form, 422)
    if shown.case is None or not _still(form, shown, DisclosureState.PREPARING):
        return _asked("choose", shown, form, 409)
    wanted = [offer for offer in offers if offer.key in form.chosen.data]
    with running().reading() as db:
        frozen = selection.read(running(), db, who, shown.request, shown.case, wanted, now())
    keys, by, trust = [offer.key for offer in wanted], form.return_by.data, running().trust
    if not _done(
        form, disclosure_id, lambda db, it: actions.choose(db, who, trust, it, keys, frozen, by, now())
    ):
        return _asked("choose", shown, form, 409)
    flash("The fields are frozen. Open the packet and read it as the recipient will.", "success")
    return _to(disclosure_id)


@bp.post("/disclosure/<uuid:disclosure_id>/send")
@requires(Permission.PREPARE_DISCLOSURE)
def send(disclosure_id: UUID) -> ResponseReturnValue:
    """Lay the request before the deputy."""
    with running().writing() as db:
        actions.send(db, actor(), actions.get(db, actor(), disclosure_id), now())
    flash("The deputy decides now.", "success")
    return _to(disclosure_id)


def _decide_form(shown: Shown) -> DecideForm:
    form = DecideForm.ask(needs_code(None), data={"version": shown.request.version})
    chosen = shown.selection.chosen if shown.selection else []
    form.struck_out.options = [(key, selection.label_of(key)) for key in chosen]
    if not chosen:
        form.outcome.options = [(DisclosureOutcome.REFUSED.value, DisclosureOutcome.REFUSED.label)]
    return form


@bp.get("/disclosure/<uuid:disclosure_id>/decide")
@requires(Permission.DECIDE_DISCLOSURE)
def ask_decision(disclosure_id: UUID) -> ResponseReturnValue:
    """Ask for the decision."""
    shown = _standing(disclosure_id, DisclosureState.PREPARED)
    return _asked("decide", shown, _decide_form(shown), 200)


@bp.post("/disclosure/<uuid:disclosure_id>/decide")
@requires(Permission.DECIDE_DISCLOSURE)
def decide(disclosure_id: UUID) -> ResponseReturnValue:
    """Decide; nothing is released by it."""
    shown = _loaded(disclosure_id)
    form = _decide_form(shown)
    if not form.validate() or (who := _proved(form)) is None:
        return _asked("decide", shown, form, 422)
    trust, outcome, struck = running().trust, form.outcome.data, form.struck_out.data
    reasons, answer = form.reasons.data, form.answer.data
    if not _done(
        form,
        disclosure_id,
        lambda db, it: actions.decide(db, who, trust, it, outcome, struck, reasons, answer, now()),
    ):
        return _asked("decide", shown, form, 409)
    flash("Your decision is recorded. The coordinator releases what you granted.", "success")
    return _to(disclosure_id)


@bp.get("/disclosure/<uuid:disclosure_id>/release")
@requires(Permission.PREPARE_DISCLOSURE)
def ask_release(disclosure_id: UUID) -> ResponseReturnValue:
    """Say what releasing does, and ask for the code."""
    shown = _standing(disclosure_id, DisclosureState.DECIDED)
    with running().reading() as db:
        releases.check_may_release(db, actor(), shown.request)
    form = ReleaseForm.ask(needs_code(None), data={"version": shown.request.version})
    return _asked("release", shown, form, 200)


@bp.post("/disclosure/<uuid:disclosure_id>/release")
@requires(Permission.PREPARE_DISCLOSURE)
def release(disclosure_id: UUID) -> ResponseReturnValue:
    """Make the packet and show its password, once, to hand over on another way."""
    shown = _loaded(disclosure_id)
    form = ReleaseForm.ask(needs_code(None), data={"version": shown.request.version})
    if not form.validate() or (who := _proved(form)) is None:
        return _asked("release", shown, form, 422)
    if not _still(form, shown, DisclosureState.DECIDED):
        return _asked("release", shown, form, 409)
    try:
        announced = releases.announce_release(running(), who, shown.request, now())
    except NotConfirmed as error:
        form.refuse(error.message)
        return _asked("release", shown, form, error.status)
    words, account = _read_for_release(shown, who)
    mark, password = token_hex(packets.MARK_BYTES), packets.password_of(token_bytes(packets.PASSWORD_BYTES))
    owner = packets.password_of(token_bytes(packets.PASSWORD_BYTES))
    document = packets.protect(packets.pages(words, mark), words["title"], password, owner)
    trust, fields = running().trust, shown.released
    if not _done(
        form,
        disclosure_id,
        lambda db, it: releases.release(
            db, who, trust, it, fields, document, mark, account, announced, now()
        ),
    ):
        return _asked("release", shown, form, 409)
    return render_template(
        "disclosure/released.html", disclosure=shown.request, shown=shown, password=password
    )


def _read_for_release(shown: Shown, who: Actor) -> tuple[dict[str, Any], dict[str, str]]:
    """The packet's words and the accounting's, from one recorded look at what was frozen."""
    with running().reading() as db:
        releases.check_may_release(db, who, shown.request)
        opening = open_rows(
            running(),
            db,
            who,
            Compartment.DISCLOSURE,
            shown.rows("packet"),
            about=[shown.request.subject, f"case:{shown.request.case}"],
            reason=Reason.DISCLOSURE,
            now=now(),
            event=Event.OPENED,
            facts={"part": "packet"},
            details=None,
        )
    told = {name: str(value) for name, value in opening.of(shown.request).items()}
    account = {
        "recipient": f"{shown.requester.full_name}, {told['agency']}",
        "address": told["address"],
        "description": "; ".join(selection.label_of(key) for key in shown.released),
        "purpose": told["purpose"],
    }
    return shown.words(opening), account


@bp.post("/disclosure/<uuid:disclosure_id>/take-back")
@requires(Permission.PREPARE_DISCLOSURE)
def take_back(disclosure_id: UUID) -> ResponseReturnValue:
    """Take back a packet that nobody fetched."""
    with running().writing() as db:
        releases.take_back(db, actor(), actions.get(db, actor(), disclosure_id), now())
    flash("The packet is taken back. You can release it anew, with another password.", "success")
    return _to(disclosure_id)
