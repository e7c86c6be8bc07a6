"""The pages of disclosure: the list, the log, asking, opening, fetching, acknowledging, the accounting."""

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.utils import redirect

from vault.access.events import Event
from vault.access.guard import actor, now, requires, running
from vault.access.policy import Compartment, Permission, Role
from vault.access.reading import Opening, open_rows
from vault.cases.models import Case
from vault.disclosure import actions, releases, selection
from vault.disclosure.forms import AskForm
from vault.disclosure.models import DisclosureDecision, DisclosureRequest, Packet, known_to
from vault.disclosure.preparing import bp as preparing_pages
from vault.disclosure.receiving import bp as receiving_pages
from vault.disclosure.showing import HOLDS, TITLES, Shown, load, note_log_reading, page, state_for
from vault.errors import NotKnown
from vault.officers.asking import OpeningForm, needs_code
from vault.officers.models import Officer
from vault.officers.proofs import ProofRefused
from vault.referrals.models import known_to as referrals_known_to

bp = Blueprint("disclosure", __name__)
bp.register_blueprint(preparing_pages)
bp.register_blueprint(receiving_pages)


def _to(disclosure_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("disclosure.show", disclosure_id=disclosure_id), 303)


@bp.get("/disclosure")
@requires(Permission.SEE_DISCLOSURE)
def list_requests() -> ResponseReturnValue:
    """The unit's requests, a prosecutor's own, or the auditor's log of all of them."""
    who = actor()
    receipt = note_log_reading([]) if who.role is Role.AUDITOR else None
    with running().reading() as db:
        rows = _listed(db, db.scalars(known_to(who)).all())
    return render_template(
        "disclosure/log.html" if who.role is Role.AUDITOR else "disclosure/list.html",
        rows=rows,
        label_of=selection.label_of,
        prosecutor=who.role is Role.PROSECUTOR,
        receipt=receipt,
    )


def _listed(db: Session, requests: Sequence[DisclosureRequest]) -> list[dict[str, object]]:
    ids, role = [request.id for request in requests], actor().role
    names = dict(db.execute(select(Officer.id, Officer.full_name)).all())
    codes = {} if role is Role.PROSECUTOR else dict(db.execute(select(Case.id, Case.code)).all())
    made = select(DisclosureDecision).where(DisclosureDecision.request.in_(ids))
    decisions = {decision.request: decision for decision in db.scalars(made)}
    out = select(Packet).where(Packet.request.in_(ids)).order_by(Packet.released_at.desc())
    releases: dict[UUID, list[Packet]] = {}
    for packet in db.scalars(out):
        releases.setdefault(packet.request, []).append(packet)
    packets = {
        ident: packet
        for ident, all_of in releases.items()
        for packet in all_of
        if packet.taken_back_at is None
    }
    return [
        {
            "request": request,
            "requester": names[request.requester],
            "case": codes.get(request.case) if request.case else None,
            "decision": decisions.get(request.id),
            "decided_by": names[decisions[request.id].decided_by] if request.id in decisions else None,
            "packet": packets.get(request.id),
            "releases": [(packet, names[packet.released_by]) for packet in releases.get(request.id, [])],
            "state": state_for(role, request, decisions.get(request.id)),
        }
        for request in requests
    ]


def _ask_form() -> AskForm:
    form = AskForm()
    with running().reading() as db:
        own = db.scalars(referrals_known_to(actor())).all()
    form.referral.options = [(str(referral.id), referral.code) for referral in own]
    return form


@bp.get("/disclosure/ask")
@requires(Permission.ASK_DISCLOSURE)
def ask_request() -> ResponseReturnValue:
    """Ask what is to be disclosed."""
    return render_template("disclosure/ask.html", form=_ask_form())


@bp.post("/disclosure/ask")
@requires(Permission.ASK_DISCLOSURE)
def ask() -> ResponseReturnValue:
    """Take the request; a referral that is not the prosecutor's own is not in the list, there or not."""
    form = _ask_form()
    if not form.validate():
        return render_template("disclosure/ask.html", form=form), 422
    values = {name: form[name].data for name in actions.SEALED}
    with running().writing() as db:
        request = actions.ask(
            db,
            actor(),
            running().trust,
            form.referral.data,
            form.authority.data,
            form.due_on.data,
            values,
            now(),
        )
    flash(f"Request {request.code} is with the unit, sealed.", "success")
    return _to(request.id)


@bp.get("/disclosure/<uuid:disclosure_id>")
@requires(Permission.SEE_DISCLOSURE)
def show(disclosure_id: UUID) -> ResponseReturnValue:
    """One disclosure: where it stands and what comes next."""
    with running().reading() as db:
        shown = load(db, disclosure_id)
    return page(shown)


def _part(disclosure_id: UUID, part: str) -> Shown:
    with running().reading() as db:
        shown = load(db, disclosure_id)
    if part not in shown.parts(actor().role):
        raise NotKnown
    return shown


def _opening(shown: Shown, part: str, form: OpeningForm, status: int) -> ResponseReturnValue:
    disclosure_id = shown.request.id
    return render_template(
        "opening.html",
        form=form,
        title=f"{TITLES[part]} of {shown.request.code}",
        holds=HOLDS[part],
        action=url_for("disclosure.open_part", disclosure_id=disclosure_id, part=part),
        back=url_for("disclosure.show", disclosure_id=disclosure_id),
    ), status


PART = "/disclosure/<uuid:disclosure_id>/open/<any(request,worksheet,packet):part>"


@bp.get(PART)
@requires(Permission.SEE_DISCLOSURE)
def ask_to_open(disclosure_id: UUID, part: str) -> ResponseReturnValue:
    """Ask why a sealed part is opened; the packet takes the second factor too."""
    shown = _part(disclosure_id, part)
    return _opening(shown, part, OpeningForm.ask(part == "packet" and needs_code(None)), 200)


@bp.post(PART)
@requires(Permission.SEE_DISCLOSURE)
def open_part(disclosure_id: UUID, part: str) -> ResponseReturnValue:
    """Open a sealed part, for a reason."""
    shown = _part(disclosure_id, part)
    form = OpeningForm.ask(part == "packet" and needs_code(None))
    if not form.validate():
        return _opening(shown, part, form, 422)
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _opening(shown, part, form, 422)
    about = [shown.request.subject, *([shown.case.subject] if shown.case else [])]
    with running().reading() as db:
        opening = open_rows(
            running(),
            db,
            who,
            Compartment.DISCLOSURE,
            shown.rows(part),
            about=about,
            reason=form.reason.data,
            now=now(),
            event=Event.OPENED,
            facts={"part": part},
            details=None,
        )
    return page(shown, part=part, opening=opening)


@bp.post("/disclosure/<uuid:disclosure_id>/withdraw")
@requires(Permission.ASK_DISCLOSURE)
def withdraw(disclosure_id: UUID) -> ResponseReturnValue:
    """Take one's own request back."""
    with running().writing() as db:
        actions.withdraw(db, actor(), actions.get(db, actor(), disclosure_id), now())
    flash("Your request is withdrawn.", "success")
    return _to(disclosure_id)


def _accounting(form: OpeningForm | None, opening: Opening | None, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        kept = releases.accounted(db)
    return render_template(
        "disclosure/accounting.html",
        kept=kept,
        form=form,
        opening_form=form or OpeningForm.ask(False),
        told={accounting.id: opening.of(accounting) for accounting, _, _ in kept} if opening else {},
        receipt=opening.receipt if opening else None,
    ), status


@bp.get("/disclosure/accounting")
@requires(Permission.ACCOUNT_DISCLOSURE)
def list_accounting() -> ResponseReturnValue:
    """Every release, and the way to its recipient, description and purpose."""
    return _accounting(None, None, 200)


@bp.post("/disclosure/accounting")
@requires(Permission.ACCOUNT_DISCLOSURE)
def open_accounting() -> ResponseReturnValue:
    """Open the accounting (45 CFR 164.528; 20 CFR 401.80), for a reason."""
    form = OpeningForm.ask(False)
    if not form.validate():
        return _accounting(form, None, 422)
    with running().reading() as db:
        rows = [accounting for accounting, _, _ in releases.accounted(db)]
        opening = open_rows(
            running(),
            db,
            actor(),
            Compartment.DISCLOSURE,
            rows,
            about=[],
            reason=form.reason.data,
            now=now(),
            event=Event.OPENED,
            facts={"part": "accounting"},
            details=None,
        )
    return _accounting(None, opening, 200)
