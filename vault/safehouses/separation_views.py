"""The coordinator's page of the cases that must never be placed in one house."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from werkzeug.utils import redirect

from vault.access.guard import actor, now, requires, running
from vault.access.policy import Permission
from vault.cases import actions as cases
from vault.cases.models import Case
from vault.errors import RuleForbids
from vault.safehouses import actions, keeping
from vault.safehouses.forms import SeparationForm
from vault.safehouses.pages import refuse

bp = Blueprint("separations", __name__)


def _separations(form: SeparationForm, status: int) -> ResponseReturnValue:
    with running().reading() as db:
        rows = keeping.separations(db)
        codes: dict[UUID, str] = {case.id: case.code for case in db.scalars(select(Case))}
    listed: list[dict[str, Any]] = [
        {"row": row, "case": codes[row.case], "other": codes[row.other]} for row in rows
    ]
    return render_template("safehouses/separations.html", form=form, separations=listed), status


def _separation_form() -> SeparationForm:
    form = SeparationForm()
    with running().reading() as db:
        options = [(str(case.id), case.code) for case in actions.placeable(db, actor())]
    form.case.options = form.other.options = options
    return form


@bp.get("/safe-housing/separations")
@requires(Permission.KEEP_HOUSES)
def list_separations() -> ResponseReturnValue:
    """The cases that must never be placed in one house."""
    return _separations(_separation_form(), 200)


@bp.post("/safe-housing/separations")
@requires(Permission.KEEP_HOUSES)
def keep_apart() -> ResponseReturnValue:
    """Keep two cases apart from now on."""
    form = _separation_form()
    if not form.validate():
        return _separations(form, 422)
    try:
        with running().writing() as db:
            case = cases.get(db, actor(), form.case.data)
            other = cases.get(db, actor(), form.other.data)
            keeping.keep_apart(db, actor(), case, other, form.kind.data, now())
    except RuleForbids as error:
        return _separations(form, refuse(form, error))
    flash("The two cases are kept apart. Searches rule out places where they would meet.", "success")
    return redirect(url_for("safehouses.separations.list_separations"), 303)


@bp.post("/safe-housing/separations/<uuid:separation_id>/end")
@requires(Permission.KEEP_HOUSES)
def end_separation(separation_id: UUID) -> ResponseReturnValue:
    """Let the two cases be placed in one house again."""
    with running().writing() as db:
        keeping.end_separation(db, actor(), separation_id, now())
    flash("The two cases are no longer kept apart.", "success")
    return redirect(url_for("safehouses.separations.list_separations"), 303)
