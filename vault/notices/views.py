"""The page on which each officer chooses their own notices."""

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect

from vault.access.guard import actor, now, requires, running
from vault.access.policy import Permission
from vault.errors import RuleForbids
from vault.notices.actions import choose
from vault.notices.forms import NoticesForm
from vault.notices.models import Frequency, NoticeChoice
from vault.notices.sending import SUBJECT, WORDS

bp = Blueprint("notices", __name__)


def _page(form: NoticesForm, status: int) -> ResponseReturnValue:
    page = render_template(
        "notices/notices.html",
        form=form,
        sends=bool(running().settings.smtp_host),
        subject=SUBJECT,
        words=WORDS,
    )
    return page, status


@bp.get("/notices")
@requires(Permission.USE_VAULT)
def ask_notices() -> ResponseReturnValue:
    """What is chosen now; the address is not shown."""
    with running().reading() as db:
        choice = db.get(NoticeChoice, actor().officer)
    return _page(NoticesForm(data={"frequency": choice.frequency if choice else Frequency.NONE}), 200)


@bp.post("/notices")
@requires(Permission.USE_VAULT)
def choose_notices() -> ResponseReturnValue:
    """Keep the choice."""
    form = NoticesForm()
    if not form.validate():
        return _page(form, 422)
    try:
        with running().writing() as db:
            choose(db, running(), actor(), form.frequency.data, form.address.data, now())
    except RuleForbids as error:
        form.refuse(error.message)
        return _page(form, 422)
    flash("Your choice of notices is kept.", "success")
    return redirect(url_for("notices.ask_notices"), 303)
