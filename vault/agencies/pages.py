"""What the pages of agencies share: the unit's day, a form's answers, and acts that lose no typed word."""

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from flask import flash
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect

from vault.access.guard import now, record_refusal, running
from vault.database import RecordedSession
from vault.errors import RuleForbids
from vault.forms import VaultForm

T = TypeVar("T")


def today() -> date:
    """The day it is for the unit."""
    return now().astimezone(ZoneInfo(running().settings.time_zone)).date()


def answers(form: VaultForm) -> dict[str, Any]:
    """What was answered, without the version that the page carried."""
    return {q.short_name: q.data for q in form.questions() if q.short_name != "version"}


def try_to(
    form: VaultForm,
    page: Callable[[int], ResponseReturnValue],
    seen: int | None,
    act: Callable[[RecordedSession], T],
    done: str,
    go_to: Callable[[T], str],
) -> ResponseReturnValue:
    """Check the form, act and go on; what is refused is recorded, and what was typed stays in its boxes.

    `seen` is the version of the row now, when the form carries the one that the officer saw.
    """
    if not form.validate():
        return page(422)
    if seen is not None and form.is_stale(seen):
        return page(409)
    try:
        with running().writing() as db:
            result = act(db)
    except RuleForbids as error:
        record_refusal(error)
        form.refuse(error.message)
        return page(409)
    flash(done, "success")
    return redirect(go_to(result), 303)
