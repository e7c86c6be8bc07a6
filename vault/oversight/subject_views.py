"""Who has ever seen this address, this identity, or anything sealed of this case."""

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from vault.access.guard import requires, running
from vault.access.policy import Permission
from vault.errors import NotKnown
from vault.oversight import finding, narrowing, reviewing
from vault.oversight.forms import PageFilter, SubjectForm
from vault.oversight.recording import note_reading

bp = Blueprint("subjects", __name__)


def _ask_page(form: SubjectForm, status: int) -> ResponseReturnValue:
    receipt = note_reading("subjects", [], {})
    return render_template("oversight/subjects.html", form=form, receipt=receipt), status


@bp.get("/ledger/subjects")
@requires(Permission.READ_LEDGER)
def ask_subject() -> ResponseReturnValue:
    """Ask for the number of a case or a place."""
    return _ask_page(SubjectForm(), 200)


@bp.post("/ledger/subjects")
@requires(Permission.READ_LEDGER)
def find_subject() -> ResponseReturnValue:
    """Find the case or place of a number; what was typed is kept nowhere."""
    form = SubjectForm()
    if not form.validate():
        return _ask_page(form, 422)
    with running().reading() as db:
        found = {
            "case": narrowing.case_called(db, form.code.data),
            "house": narrowing.house_called(db, form.code.data),
        }
    for kind, ident in found.items():
        if ident is not None:
            return redirect(url_for("oversight.who_has_seen", kind=kind, subject_id=ident), 303)
    form.code.errors = ["No case or place has this number. Compare it with the paper that it is on."]
    return _ask_page(form, 422)


def show_story(kind: str, subject_id: UUID) -> ResponseReturnValue:
    """The page of one subject, once its reading is recorded. Raises NotKnown."""
    reference = f"{kind}:{subject_id}"
    with running().reading() as db:
        if not finding.is_told_of(running(), db, reference):
            raise NotKnown
    page = PageFilter(request.args)
    if not page.validate():
        raise NotKnown
    before = page.before.data
    receipt = note_reading("subject", [reference], {"kind": kind, "before": before})
    with running().reading() as db:
        names, story = finding.who_has_seen(running(), db, kind, subject_id, before)
        flagged = kind == "case" and reviewing.is_flagged(running(), db, subject_id)
        people = finding.people_of(db, subject_id) if kind == "case" else []
    return render_template(
        "oversight/subject.html",
        kind=kind,
        subject_id=subject_id,
        named=names.of(reference),
        story=story,
        people=people,
        flagged=flagged,
        is_there=names.knows(reference),
        receipt=receipt,
    )
