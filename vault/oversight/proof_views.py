"""The pages that prove: checkpoint, export, one entry's proof, seals against the matrix, and the matrix."""

from flask import Blueprint, Response, render_template, send_file
from flask.typing import ResponseReturnValue

from audit.entries import Fact
from audit.errors import Damaged, LedgerError, NotaryRefuses
from audit.proofs import SUFFIX
from vault.access.comparing import SealFault, audit_seals
from vault.access.emergencies import end_grants
from vault.access.events import Event, record_apart
from vault.access.guard import now, requires, running
from vault.access.policy import MATRIX, STEP_UP, Permission, Role
from vault.announcing.actions import Weighty, announce
from vault.errors import NotConfirmed, NotKnown
from vault.notarising import prove_entry, vault_size
from vault.officers.asking import needs_code
from vault.officers.proofs import ProofRefused
from vault.oversight.exporting import archive, newest_checkpoint
from vault.oversight.forms import LARGEST_INDEX, ExportForm
from vault.oversight.history import history
from vault.oversight.naming import look_up
from vault.oversight.noticing import notice_refusal
from vault.oversight.recording import note_reading
from vault.oversight.volumes import is_signed, tell_volumes
from vault.oversight.witnessing import cosigned_covering, last_witnessed

bp = Blueprint("proofs", __name__)


@bp.get("/ledger/checkpoint")
@requires(Permission.READ_LEDGER)
def show_checkpoint() -> ResponseReturnValue:
    """What the notary signed last, and the keys to pin on the auditor's own machine."""
    receipt = note_reading("checkpoint", [], {})
    signed, size = newest_checkpoint(running()), vault_size(running())
    with running().reading() as db:
        kept = history(running(), db)
        witnessed = last_witnessed(running(), db)
        volumes = tell_volumes(running(), db)
    return render_template(
        "oversight/checkpoint.html",
        volumes=volumes,
        is_volume_due=volumes[-1].is_due(now()),
        signed_volumes={told.volume.number for told in volumes[:-1] if is_signed(running(), told.volume)},
        signed=signed,
        size=size,
        kept=kept,
        witnessed=witnessed,
        refusing=notice_refusal(running(), now()),
        now=now(),
        receipt=receipt,
    )


@bp.get("/ledger/seals")
@requires(Permission.READ_LEDGER)
def compare_seals() -> ResponseReturnValue:
    """Every key that is missing or surplus against the matrix and the assignments; opens nothing."""
    receipt = note_reading("seals", [], {})
    end_grants(running(), now())
    with running().reading() as db:
        missing, surplus = audit_seals(db)
        faults = [*missing, *surplus]
        named = {fault.subject for fault in faults} | {_holder(fault) for fault in faults}
        names = look_up(db, named)
    return render_template(
        "oversight/seals.html",
        missing=missing,
        surplus=surplus,
        name_of=names.of,
        holder=lambda fault: _WHOLE.get(fault.holder_kind) or names.of(_holder(fault)),
        receipt=receipt,
    )


_WHOLE = {"recovery": "the recovery key", "vault": "the vault itself"}


def _holder(fault: SealFault) -> str:
    return f"{fault.holder_kind}:{fault.holder}"


@bp.get("/ledger/matrix")
@requires(Permission.READ_LEDGER)
def print_matrix() -> ResponseReturnValue:
    """The disclosure matrix as it hands out the keys, to be printed."""
    receipt = note_reading("matrix", [], {})
    return render_template(
        "oversight/matrix.html",
        matrix=MATRIX,
        roles=tuple(Role),
        step_up=STEP_UP,
        printed_at=now(),
        receipt=receipt,
    )


def _export_page(form: ExportForm, status: int) -> ResponseReturnValue:
    note_reading("export", [], {})
    size = vault_size(running())
    return render_template("oversight/export.html", form=form, size=size), status


@bp.get("/ledger/export")
@requires(Permission.READ_LEDGER)
def ask_export() -> ResponseReturnValue:
    """Say what the export holds, and ask for the code."""
    return _export_page(ExportForm.ask(needs_code(None)), 200)


@bp.post("/ledger/export")
@requires(Permission.READ_LEDGER)
def export() -> ResponseReturnValue:
    """The whole ledger as one file that anybody can verify without the vault."""
    form = ExportForm.ask(needs_code(None))
    if not form.validate():
        return _export_page(form, 422)
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _export_page(form, 422)
    try:
        announced = announce(running(), who, Weighty.EXPORT, [], now())
    except NotConfirmed as error:
        form.refuse(error.message)
        return _export_page(form, error.status)
    facts: dict[str, Fact] = {"page": "export", "announced": announced.index}
    record_apart(running(), Event.LEDGER_EXPORTED, who=who, now=now(), subjects=[], facts=facts)
    try:
        file, size = archive(running())
    except (Damaged, NotaryRefuses) as error:
        return render_template("oversight/damaged.html", words=str(error)), 500
    name = f"ledger-{size}.zip"
    return send_file(file, mimetype="application/zip", as_attachment=True, download_name=name)


@bp.get(f"/ledger/<int(max={LARGEST_INDEX}):index>/proof")
@requires(Permission.READ_LEDGER)
def save_proof(index: int) -> ResponseReturnValue:
    """The proof that one entry is in the ledger, as a file for a court that needs nothing else."""
    with running().reading() as db:
        try:
            running().ledger.entry(db, index)
        except Damaged:
            raise
        except LedgerError:
            raise NotKnown from None
    note_reading("proof", [], {"index": index})
    with running().reading() as db:
        cosigned = cosigned_covering(running(), db, index + 1)
    try:
        proof = prove_entry(running(), index, cosigned)
    except NotaryRefuses as error:
        return render_template("oversight/damaged.html", words=str(error)), 500
    answer = Response(proof.to_text(), mimetype="text/plain")
    answer.headers.set("Content-Disposition", "attachment", filename=f"entry-{index}{SUFFIX}")
    return answer
