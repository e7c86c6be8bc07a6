"""The auditor's bench: the ledger in plain English, narrowed, told as stories, and proved to outsiders.

Each use of these pages is an entry itself, recorded before anything is shown. No page opens a record.
"""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.routing import BaseConverter

from audit.errors import Damaged, DetailsRefused, LedgerError
from audit.ledger import Woven
from vault.access.guard import actor, now, requires, running
from vault.access.policy import Permission
from vault.access.reading import open_details
from vault.errors import NotKnown
from vault.oversight import finding, narrowing
from vault.oversight.alert_views import bp as alert_pages
from vault.oversight.facts import fact_label, fact_words
from vault.oversight.fields import field_words, row_words
from vault.oversight.figure_views import bp as figure_pages
from vault.oversight.forgetting import forgotten_on
from vault.oversight.forms import LARGEST_INDEX, NarrowForm
from vault.oversight.log_views import bp as log_pages
from vault.oversight.naming import Names, look_up
from vault.oversight.proof_views import bp as proof_pages
from vault.oversight.recording import note_reading
from vault.oversight.review_views import bp as review_pages
from vault.oversight.subject_views import bp as subject_pages
from vault.oversight.subject_views import show_story
from vault.oversight.witness_views import bp as witness_pages
from vault.oversight.wording import Line, references, tell


class SessionMark(BaseConverter):
    """The first eight hexadecimal digits of a session's hash, as entries name it."""

    regex = "[0-9a-f]{8}"


bp = Blueprint("oversight", __name__)


@bp.record
def know_sessions(state: BlueprintSetupState) -> None:
    """Make session marks known to addresses before the routes that carry them."""
    state.app.url_map.converters["session"] = SessionMark


@bp.errorhandler(Damaged)
def damaged(error: Damaged) -> ResponseReturnValue:
    """An entry that is not as it was written is said to be, by its number."""
    return render_template("oversight/damaged.html", words=str(error)), 500


@bp.get("/ledger")
@requires(Permission.READ_LEDGER)
def read_ledger() -> ResponseReturnValue:
    """Every look, search, refusal and change, newest first, as narrow as the auditor asks."""
    with running().reading() as db:
        form = narrowing.asked(db, request.args)
    if not form.validate():
        return _unanswered(narrowing.on_the_page(form))
    wanted, before = narrowing.wanted(form), form.before.data
    named = {name: value for name, value in vars(wanted).items() if value is not None}
    subjects = list(named.pop("subject", ()))
    receipt = note_reading("ledger", subjects, {**named, "before": before})
    with running().reading() as db:
        page = finding.page(running(), db, wanted, before)
        size = running().ledger.head(db).size
    here: dict[str, Any] = {q.short_name: q.shown for q in form.questions() if q.shown}
    here.pop("before", None)
    return render_template(
        "oversight/ledger.html",
        form=narrowing.on_the_page(form),
        page=page,
        size=size,
        receipt=receipt,
        narrowed=bool(here),
        before=before,
        officer=form.officer.data,
        case=form.case.data,
        house=form.house.data,
        newest=url_for("oversight.read_ledger", **here),
        older=page.older and url_for("oversight.read_ledger", **{**here, "before": page.older}),
    )


def _unanswered(form: NarrowForm) -> ResponseReturnValue:
    receipt = note_reading("ledger", [], {"answered": False})
    return render_template(
        "oversight/ledger.html", form=form, page=None, size=0, narrowed=True, receipt=receipt
    ), 422


@bp.post("/ledger/narrow")
@requires(Permission.READ_LEDGER)
def narrow() -> ResponseReturnValue:
    """Turn what was typed into an address that names nobody, and go there."""
    form = NarrowForm()
    with running().reading() as db:
        form.officer.options = narrowing.officers(db)
        answers: dict[str, Any] = narrowing.in_the_address(db, form) if form.validate() else {}
    if form.errors:
        return _unanswered(form)
    return redirect(url_for("oversight.read_ledger", **answers), 303)


def _entry(db: Session, index: int) -> Woven:
    try:
        return running().ledger.entry(db, index)
    except Damaged:
        raise
    except LedgerError:
        raise NotKnown from None


@bp.get(f"/ledger/<int(max={LARGEST_INDEX}):index>")
@requires(Permission.READ_LEDGER)
def show_entry(index: int) -> ResponseReturnValue:
    """One entry: everything it says, and its details opened with the auditors' key."""
    with running().reading() as db:
        woven = _entry(db, index)
        altered = ""
        try:
            opened = open_details(running(), db, actor(), woven, now())
        except DetailsRefused as error:
            opened, altered = None, str(error)
        is_gone = woven.entry.details is not None and woven.details is None
        forgotten = forgotten_on(running(), db, woven) if is_gone else None
        names = look_up(db, references([woven.entry]))
        size = running().ledger.head(db).size
    zone = ZoneInfo(running().settings.time_zone)
    line = tell(woven, names, zone)
    return render_template(
        "oversight/entry.html",
        line=line,
        entry=line.entry,
        fields=field_words(line.entry.fields),
        rows=[(*row_words(name), digest) for name, digest in line.entry.rows.items()],
        subjects=finding.links(line, names),
        facts_told=_facts(line, names, zone),
        opened=opened,
        is_gone=is_gone,
        forgotten=forgotten,
        altered=altered,
        words=[(n.replace("-", " ").capitalize(), v) for n, v in opened.words.items()] if opened else [],
        officer=names.officer(line.entry.officer) if line.entry.officer else "Nobody signed in",
        size=size,
    )


def _facts(line: Line, names: Names, zone: ZoneInfo) -> list[tuple[str, str]]:
    told = []
    for name, value in line.entry.facts.items():
        words = names.of(f"officer:{value}") if name == "officer" else fact_words(name, value, zone)
        words_of_name = fact_label(name, value)
        told.append((words_of_name[0].upper() + words_of_name[1:], words))
    return told


@bp.get("/ledger/sessions/<session:session>")
@requires(Permission.READ_LEDGER)
def tell_session(session: str) -> ResponseReturnValue:
    """An officer's session as a story, from signing in to signing out."""
    with running().reading() as db:
        if not finding.is_session(running(), db, session):
            raise NotKnown
    receipt = note_reading("session", [], {"session": session})
    with running().reading() as db:
        story = finding.session_story(running(), db, session)
    return render_template("oversight/session.html", story=story, session=session, receipt=receipt)


@bp.get("/ledger/subjects/<any(house,person,case):kind>/<uuid:subject_id>")
@requires(Permission.READ_LEDGER)
def who_has_seen(kind: str, subject_id: UUID) -> ResponseReturnValue:
    """Who has ever seen this address, this identity, or anything sealed of this case."""
    return show_story(kind, subject_id)


_PAGES = (subject_pages, proof_pages, alert_pages, review_pages, figure_pages, witness_pages, log_pages)
for pages in _PAGES:
    bp.register_blueprint(pages)
