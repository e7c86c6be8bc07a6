"""The pages on which memoranda of understanding are drafted, changed, read and signed."""

from uuid import UUID

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from vault.access.guard import actor, now, requires, running
from vault.access.policy import Permission
from vault.agencies import actions
from vault.agencies.actions import MemorandumFacts
from vault.agencies.forms import ChangeMemorandumForm, MemorandumForm, SignForm
from vault.agencies.models import Memorandum, in_order, parties_of
from vault.agencies.pages import answers, today, try_to
from vault.forms import VaultForm
from vault.vocabulary import MemorandumState

bp = Blueprint("memoranda", __name__)


def _with_parties(form: MemorandumForm) -> MemorandumForm:
    with running().reading() as db:
        form.parties.options = [(str(agency.id), agency.name) for agency in db.scalars(in_order())]
    return form


def _drafting(agency_id: UUID, form: VaultForm, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        agency = actions.get(db, agency_id)
    return render_template("agencies/draft.html", agency=agency, form=form), status


@bp.get("/agencies/<uuid:agency_id>/memoranda/draft")
@requires(Permission.KEEP_AGENCIES)
def ask_draft(agency_id: UUID) -> ResponseReturnValue:
    """Ask what the memorandum says."""
    return _drafting(agency_id, _with_parties(MemorandumForm(data={"parties": (agency_id,)})), 200)


@bp.post("/agencies/<uuid:agency_id>/memoranda/draft")
@requires(Permission.KEEP_AGENCIES)
def draft(agency_id: UUID) -> ResponseReturnValue:
    """Draft a memorandum."""
    form = _with_parties(MemorandumForm())
    return try_to(
        form,
        lambda status: _drafting(agency_id, form, status),
        None,
        lambda db: actions.draft(db, actor(), MemorandumFacts(**answers(form)), today(), now()).id,
        "The draft is kept. Record the signing once every party has signed.",
        lambda memorandum: url_for("agencies.memoranda.show", memorandum_id=memorandum),
    )


def _page(memorandum_id: UUID, form: SignForm | None, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        memorandum = actions.get_memorandum(db, memorandum_id)
        parties = parties_of(db, [memorandum])[memorandum_id]
    return render_template(
        "agencies/memorandum.html",
        memorandum=memorandum,
        parties=parties,
        state=memorandum.state_on(today()),
        states=MemorandumState,
        form=form,
        sign_form=form or SignForm(formdata=None, data={"version": memorandum.version}),
    ), status


@bp.get("/memoranda/<uuid:memorandum_id>")
@requires(Permission.SEE_AGENCIES)
def show(memorandum_id: UUID) -> ResponseReturnValue:
    """One memorandum: its parties, its clock, what may be shared under it."""
    return _page(memorandum_id, None, 200)


def _kept(memorandum_id: UUID) -> Memorandum:
    with running().reading() as db:
        return actions.get_memorandum(db, memorandum_id)


@bp.post("/memoranda/<uuid:memorandum_id>/sign")
@requires(Permission.KEEP_AGENCIES)
def sign(memorandum_id: UUID) -> ResponseReturnValue:
    """Record the signing, or the renewal."""
    form, seen = SignForm(), _kept(memorandum_id).version
    return try_to(
        form,
        lambda status: _page(memorandum_id, form, status),
        seen,
        lambda db: actions.sign(
            db,
            actor(),
            actions.get_memorandum(db, memorandum_id),
            form.signed_on.data,
            form.renew_by.data,
            today(),
            now(),
        ),
        "The signing is recorded, and the renewal clock runs.",
        lambda _: url_for("agencies.memoranda.show", memorandum_id=memorandum_id),
    )


def _changing(memorandum_id: UUID, form: VaultForm, status: int) -> ResponseReturnValue:
    return render_template("agencies/redraft.html", memorandum=_kept(memorandum_id), form=form), status


@bp.get("/memoranda/<uuid:memorandum_id>/change")
@requires(Permission.KEEP_AGENCIES)
def ask_change(memorandum_id: UUID) -> ResponseReturnValue:
    """Show the draft in boxes."""
    with running().reading() as db:
        memorandum = actions.get_memorandum(db, memorandum_id)
        parties = tuple(agency.id for agency in parties_of(db, [memorandum])[memorandum_id])
    form = ChangeMemorandumForm(obj=memorandum, data={"parties": parties})
    return _changing(memorandum_id, _with_parties(form), 200)


@bp.post("/memoranda/<uuid:memorandum_id>/change")
@requires(Permission.KEEP_AGENCIES)
def change(memorandum_id: UUID) -> ResponseReturnValue:
    """Change the draft; a second tab is told and keeps its words."""
    form, seen = _with_parties(ChangeMemorandumForm()), _kept(memorandum_id).version
    return try_to(
        form,
        lambda status: _changing(memorandum_id, form, status),
        seen,
        lambda db: actions.redraft(
            db,
            actor(),
            actions.get_memorandum(db, memorandum_id),
            MemorandumFacts(**answers(form)),
            today(),
            now(),
        ),
        "The draft is changed.",
        lambda _: url_for("agencies.memoranda.show", memorandum_id=memorandum_id),
    )
