"""The pages on which auditors register outside witnesses, end them, and bring what they cosigned by hand."""

from secrets import token_urlsafe
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from audit.errors import NotVerified
from vault.access.guard import actor, now, record_refusal, requires, running
from vault.access.policy import Permission
from vault.errors import RuleForbids
from vault.officers.asking import StepUpForm, needs_code
from vault.officers.proofs import ProofRefused
from vault.oversight import registering
from vault.oversight.forms import EndWitnessForm, RegisterWitnessForm, WitnessForm
from vault.oversight.models import RegisteredWitness
from vault.oversight.recording import note_reading
from vault.oversight.witnessing import last_witnessed, take_in_by_hand

bp = Blueprint("witnesses", __name__)


@bp.get("/ledger/witnesses")
@requires(Permission.READ_LEDGER)
def list_witnesses() -> ResponseReturnValue:
    """Every outside witness that was ever registered, and how far each has seen the ledger."""
    receipt = note_reading("witnesses", [], {})
    with running().reading() as db:
        witnessed = last_witnessed(running(), db)
        known = {each.witness.id for each in witnessed}
        rows = db.scalars(select(RegisteredWitness).order_by(RegisteredWitness.registered_at.desc())).all()
        gone = registering.taken_away(running(), db)
    return render_template(
        "oversight/witnesses.html",
        witnessed=witnessed,
        ended=[row for row in rows if row.ended_at is not None],
        planted=[row for row in rows if row.ended_at is None and row.id not in known],
        gone=gone,
        now=now(),
        receipt=receipt,
    )


def _asking(form: RegisterWitnessForm, status: int) -> ResponseReturnValue:
    note_reading("witnesses", [], {})
    origin = running().settings.origin
    return render_template("oversight/register_witness.html", form=form, origin=origin), status


@bp.get("/ledger/witnesses/register")
@requires(Permission.READ_LEDGER)
def ask_registration() -> ResponseReturnValue:
    """Ask where the witness runs, and for its key."""
    return _asking(RegisterWitnessForm.ask(needs_code(None)), 200)


@bp.post("/ledger/witnesses/register")
@requires(Permission.READ_LEDGER)
def register() -> ResponseReturnValue:
    """Register the witness and show the token that it fetches with, once."""
    form = RegisterWitnessForm.ask(needs_code(None))
    if not form.validate():
        return _asking(form, 422)
    token, origin = token_urlsafe(registering.TOKEN_BYTES), running().settings.origin
    try:
        registering.read_key(origin, form.key.data)
        who = form.prove()
        with running().writing() as db:
            witness = registering.register(db, who, origin, form.name.data, form.key.data, token, now())
    except ProofRefused as error:
        form.refuse(error.message)
        return _asking(form, 422)
    except NotVerified as error:
        form.refuse(str(error))
        return _asking(form, 422)
    except RuleForbids as error:
        record_refusal(error)
        form.refuse(error.message)
        return _asking(form, 409)
    return render_template("oversight/witness_token.html", witness=witness, token=token, origin=origin)


def _ending(witness_id: UUID, form: StepUpForm, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        witness = registering.standing(db, witness_id)
    note_reading("witnesses", [witness.subject_name], {})
    return render_template("oversight/end_witness.html", witness=witness, form=form), status


@bp.get("/ledger/witnesses/<uuid:witness_id>/end")
@requires(Permission.READ_LEDGER)
def ask_end(witness_id: UUID) -> ResponseReturnValue:
    """Say what the end of a registration means, and ask for the code."""
    return _ending(witness_id, EndWitnessForm.ask(needs_code(None)), 200)


@bp.post("/ledger/witnesses/<uuid:witness_id>/end")
@requires(Permission.READ_LEDGER)
def end(witness_id: UUID) -> ResponseReturnValue:
    """Believe the witness no longer; its token opens nothing from now on."""
    form = EndWitnessForm.ask(needs_code(None))
    if not form.validate():
        return _ending(witness_id, form, 422)
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _ending(witness_id, form, 422)
    with running().writing() as db:
        witness = registering.end(db, who, witness_id, now())
    flash(f"The witness “{witness.name}” is no longer asked.", "success")
    return redirect(url_for("oversight.witnesses.list_witnesses"), 303)


def _taking_in(form: WitnessForm, status: int) -> ResponseReturnValue:
    note_reading("witnesses", [], {})
    with running().reading() as db:
        known = bool(registering.registered(running(), db))
    return render_template("oversight/take_in.html", form=form, known=known), status


@bp.get("/ledger/witnesses/take-in")
@requires(Permission.READ_LEDGER)
def ask_witnessed() -> ResponseReturnValue:
    """Ask for the note that an outside witness cosigned."""
    return _taking_in(WitnessForm(), 200)


@bp.post("/ledger/witnesses/take-in")
@requires(Permission.READ_LEDGER)
def take_in_witnessed() -> ResponseReturnValue:
    """Keep the witness's note when notary and witness signed it and the ledger goes through it."""
    form = WitnessForm()
    if not form.validate():
        return _taking_in(form, 422)
    try:
        taken = take_in_by_hand(running(), actor(), form.note.data + "\n", now())
    except (NotVerified, RuleForbids) as error:
        form.refuse(str(error))
        return _taking_in(form, 422)
    flash(f"The witness vouches for the first {taken.size:,} entries.", "success")
    return redirect(url_for("oversight.proofs.show_checkpoint"), 303)
