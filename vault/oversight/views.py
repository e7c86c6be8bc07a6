"""The auditor's bench: the ledger in plain English, narrowed, told as stories, and proved to outsiders.

Each use of these pages is an entry itself, recorded before anything is shown. No page opens a record.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import BaseConverter

from audit.errors import Damaged, DetailsRefused, LedgerError
from audit.ledger import Woven
from housing.models import House
from vault.access.guard import actor, now, requires, running
from vault.access.policy import Permission
from vault.access.reading import open_details
from vault.cases.models import Case
from vault.errors import NotKnown
from vault.officers.models import in_order
from vault.oversight import finding, reviewing
from vault.oversight.alert_views import bp as alert_pages
from vault.oversight.figure_views import bp as figure_pages
from vault.oversight.finding import Page, Wanted
from vault.oversight.forms import LARGEST_INDEX, LedgerFilter
from vault.oversight.log_views import bp as log_pages
from vault.oversight.naming import look_up
from vault.oversight.proof_views import bp as proof_pages
from vault.oversight.recording import note_reading
from vault.oversight.review_views import bp as review_pages
from vault.oversight.witness_views import bp as witness_pages
from vault.oversight.wording import fact_label, fact_words, references, tell


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


def _filter(db: Session) -> LedgerFilter:
    form = LedgerFilter(request.args)
    form.officer.options = [(str(officer.id), officer.full_name) for officer in db.scalars(in_order())]
    cases = db.execute(select(Case.id, Case.code).order_by(Case.code.desc()))
    houses = db.execute(select(House.id, House.code).order_by(House.code))
    form.case.options = [(str(ident), code) for ident, code in cases]
    form.house.options = [(str(ident), code) for ident, code in houses]
    return form


def _wanted(form: LedgerFilter) -> Wanted:
    subjects = tuple(f"{q.short_name}:{q.data}" for q in (form.case, form.house) if q.data)
    words = {
        name: None if (member := getattr(form, name).data) is None else str(member.value)
        for name in ("event", "compartment", "reason", "outcome")
    }
    return Wanted(
        officer=form.officer.data,
        subject=subjects or None,
        since=form.since.data,
        until=form.until.data,
        **words,
    )


@bp.get("/ledger")
@requires(Permission.READ_LEDGER)
def read_ledger() -> ResponseReturnValue:
    """Every look, search, refusal and change, newest first, as narrow as the auditor asks."""
    with running().reading() as db:
        form = _filter(db)
    if not form.validate():
        form.forget_lists()
        return _ledger_page(form, None), 422
    wanted, before = _wanted(form), form.before.data
    asked = {name: value for name, value in vars(wanted).items() if value is not None}
    subjects = list(asked.pop("subject", ()))
    receipt = note_reading("ledger", subjects, {**asked, "before": before})
    with running().reading() as db:
        page = finding.page(running(), db, wanted, before)
        size = running().ledger.head(db).size
    return _ledger_page(form, page, size=size, receipt=receipt)


def _ledger_page(form: LedgerFilter, page: Page | None, **shown: Any) -> str:
    here: dict[str, Any] = {q.short_name: q.shown for q in form.questions() if q.shown}
    here.pop("before", None)
    links = {
        "older": page and page.older and url_for("oversight.read_ledger", **{**here, "before": page.older}),
        "newest": url_for("oversight.read_ledger", **here),
        "subjects": [
            (words, url_for("oversight.who_has_seen", kind=question.short_name, subject_id=question.data))
            for question, words in (
                (form.case, "Who has ever seen this case"),
                (form.house, "Who has ever seen this address"),
            )
            if question.data
        ],
        "officer": form.officer.data,
    }
    asked = {"narrowed": bool(here), "before": form.before.data}
    return render_template(
        "oversight/ledger.html",
        form=form,
        page=page,
        **{"size": 0, "receipt": None, **links, **asked, **shown},
    )


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
        names = look_up(db, references([woven.entry]))
        size = running().ledger.head(db).size
    line = tell(woven, names)
    return render_template(
        "oversight/entry.html",
        line=line,
        entry=line.entry,
        subjects=finding.links(line, names),
        facts_told=[(fact_label(n).capitalize(), fact_words(n, v)) for n, v in line.entry.facts.items()],
        opened=opened,
        kept=woven.details is not None,
        altered=altered,
        words=[(n.replace("-", " ").capitalize(), v) for n, v in opened.words.items()] if opened else [],
        officer=names.officer(line.entry.officer) if line.entry.officer else "Nobody signed in",
        size=size,
    )


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
        officers = {line.entry.officer for line in story.lines if line.entry.officer}
        names = look_up(db, {f"officer:{officer}" for officer in officers})
    who = ", ".join(sorted(names.officer(officer) for officer in officers)) or "Nobody"
    return render_template("oversight/session.html", story=story, who=who, session=session, receipt=receipt)


@bp.get("/ledger/subjects/<any(house,person,case):kind>/<uuid:subject_id>")
@requires(Permission.READ_LEDGER)
def who_has_seen(kind: str, subject_id: UUID) -> ResponseReturnValue:
    """Who has ever seen this address, this identity, or anything sealed of this case."""
    reference = f"{kind}:{subject_id}"
    with running().reading() as db:
        names, story = finding.who_has_seen(running(), db, kind, subject_id)
        flagged = kind == "case" and reviewing.is_flagged(running(), db, subject_id)
    if not names.knows(reference) and not story.lines:
        raise NotKnown
    receipt = note_reading("subject", [reference], {"kind": kind})
    return render_template(
        "oversight/subject.html",
        kind=kind,
        subject_id=subject_id,
        named=names.of(reference),
        story=story,
        flagged=flagged,
        is_there=names.knows(reference),
        receipt=receipt,
    )


for pages in (proof_pages, alert_pages, review_pages, figure_pages, witness_pages, log_pages):
    bp.register_blueprint(pages)
