"""The page on which a person is looked for, and whom the search found."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from vault.access.guard import actor, now, requires, running
from vault.access.policy import Compartment, Permission
from vault.cases.records import position_of
from vault.officers.asking import needs_code
from vault.officers.proofs import ProofRefused
from vault.search import actions
from vault.search.forms import SearchForm
from vault.search.ways import Way

bp = Blueprint("search", __name__)


def _form() -> SearchForm:
    # Who somebody is and where they are asks for the code, in the directory as in the record itself.
    form = SearchForm.ask(needs_code(Compartment.DIRECTORY))
    form.offer(actor().role)
    return form


def _page(form: SearchForm, status: int) -> ResponseReturnValue:
    return render_template("search/search.html", form=form), status


@bp.get("/search")
@requires(Permission.FIND_PERSON)
def ask_search() -> ResponseReturnValue:
    """Ask what is known of the person."""
    form = _form()
    form.way.data = form.way.data or Way.PART
    return _page(form, 200)


@bp.post("/search")
@requires(Permission.FIND_PERSON)
def search() -> ResponseReturnValue:
    """Search, and show who was found; the words stand in no address, log or title."""
    form = _form()
    if not form.validate():
        return _page(form, 422)
    try:
        who = form.prove()
    except ProofRefused as error:
        form.refuse(error.message)
        return _page(form, 422)
    found = actions.search(running(), who, form.way.data, form.sought, form.reason.data, now())
    return render_template(
        "search/found.html", found=found, way=form.way.data, Way=Way, position_of=position_of
    )
