"""The pages of the review of access: begun, answered officer by officer, printed, finished."""

from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from vault.access.guard import actor, now, record_refusal, requires, running
from vault.access.policy import Permission
from vault.access_review import actions, listing
from vault.access_review.forms import AnswerForm
from vault.access_review.models import ReviewAnswer
from vault.errors import NotKnown, RuleForbids
from vault.officers import admission

bp = Blueprint("access_review", __name__)


def _to(review: UUID) -> Response:
    return redirect(url_for("access_review.show", review_id=review), 303)


@bp.get("/access-review")
@requires(Permission.REVIEW_ACCESS)
def show_standing() -> ResponseReturnValue:
    """When the next review is due, which one goes on, and those that were finished."""
    with running().reading() as db:
        current = actions.open_review(db)
        due = actions.due_at(db, running().settings)
        past = listing.past(db)
        still = actions.still_to_end(db)
    return render_template(
        "access_review/standing.html",
        current=current,
        due=due,
        past=past,
        still=still,
        days=running().settings.access_review_days,
    )


@bp.post("/access-review/begin")
@requires(Permission.CERTIFY_OFFICERS)
def begin() -> ResponseReturnValue:
    """Begin a review of everybody."""
    with running().writing() as db:
        review = actions.begin(db, actor(), now())
    flash("Begun. You can put it down at any time and go on later.", "success")
    return _to(review.id)


@bp.get("/access-review/<uuid:review_id>")
@requires(Permission.REVIEW_ACCESS)
def show(review_id: UUID) -> ResponseReturnValue:
    """The list of everybody, to be answered and printed; of a finished review the answers as they were."""
    with running().reading() as db:
        review = actions.get(db, review_id)
        if review.finished_at is not None:
            answered = listing.answered(db, review)
            return render_template("access_review/finished.html", review=review, answered=answered)
        rows = listing.rows(db, actor(), review)
    return render_template(
        "access_review/list.html",
        review=review,
        rows=rows,
        left=[row for row in rows if row.answer is None],
        permitted=listing.permitted(),
        answers=ReviewAnswer,
    )


def _row(review_id: UUID, officer_id: UUID) -> listing.Row:
    """One officer of an open review. Raises NotKnown."""
    with running().reading() as db:
        review = actions.get(db, review_id)
        rows = [] if review.finished_at else listing.rows(db, actor(), review)
    for row in rows:
        if row.officer.id == officer_id:
            return row
    raise NotKnown


def _page(review_id: UUID, row: listing.Row, form: AnswerForm, status: int) -> ResponseReturnValue:
    may = dict(listing.permitted())[row.officer.role]
    page = render_template("access_review/officer.html", review_id=review_id, row=row, form=form, may=may)
    return page, status


@bp.get("/access-review/<uuid:review_id>/officers/<uuid:officer_id>")
@requires(Permission.REVIEW_ACCESS)
def ask_answer(review_id: UUID, officer_id: UUID) -> ResponseReturnValue:
    """What is known of one officer's access, and the question."""
    row = _row(review_id, officer_id)
    form = AnswerForm(data={"answer": row.answer.answer if row.answer else None})
    return _page(review_id, row, form, 200)


@bp.post("/access-review/<uuid:review_id>/officers/<uuid:officer_id>")
@requires(Permission.REVIEW_ACCESS)
def answer(review_id: UUID, officer_id: UUID) -> ResponseReturnValue:
    """Keep the answer and go on to the next officer."""
    row, form = _row(review_id, officer_id), AnswerForm()
    if not form.validate():
        return _page(review_id, row, form, 422)
    said = form.answer.data
    try:
        with running().writing() as db:
            officer = admission.get(db, officer_id)
            actions.answer(db, actor(), review_id, officer, said, form.reasons.data, now())
    except RuleForbids as error:
        record_refusal(error)
        form.refuse(error.message)
        return _page(review_id, row, form, 409)
    if said is ReviewAnswer.END:
        flash(f"Noted. The access of {row.officer.full_name} still has to be ended.", "warning")
        return _to(review_id)
    flash(f"{row.officer.full_name}: access kept.", "success")
    return redirect(_next(review_id), 303)


def _next(review_id: UUID) -> str:
    """The next officer about whom this one may answer, or the list when none is left."""
    with running().reading() as db:
        rows = listing.rows(db, actor(), actions.get(db, review_id))
    for row in rows:
        if row.answer is None and row.may_answer:
            return url_for("access_review.ask_answer", review_id=review_id, officer_id=row.officer.id)
    return url_for("access_review.show", review_id=review_id)


@bp.post("/access-review/<uuid:review_id>/finish")
@requires(Permission.CERTIFY_OFFICERS)
def finish(review_id: UUID) -> ResponseReturnValue:
    """Finish the review, once everybody is answered about."""
    with running().writing() as db:
        actions.finish(db, actor(), review_id, now())
    flash("Finished. The next review is due in a year, or when the settings say.", "success")
    return redirect(url_for("access_review.show_standing"), 303)
