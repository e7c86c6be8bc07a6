"""The pages of a case's papers: adding, listing, fetching, removing."""

import os
from collections.abc import Iterator
from uuid import UUID, uuid4

from flask import Blueprint, Response, flash, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from werkzeug.utils import redirect

from crypto.errors import CryptoError
from vault.access.guard import actor, now, requires, running
from vault.access.pieces import KEY_LENGTH
from vault.access.policy import Permission
from vault.cases import actions as cases
from vault.cases.models import Case
from vault.errors import RuleForbids
from vault.forms import VaultForm
from vault.hardening import log
from vault.officers.asking import OpeningForm
from vault.officers.models import Officer
from vault.papers import actions, keeping
from vault.papers.forms import PaperForm, RemovalForm
from vault.papers.kinds import PaperKind, PaperRefused
from vault.papers.models import Paper
from vault.papers.receiving import (
    ANSWERS_LENGTH,
    MEBIBYTE,
    IncomingFile,
    Inspected,
    arriving,
    receive,
    too_long,
)

bp = Blueprint("papers", __name__)

PAPERS = "/cases/<uuid:case_id>/papers"
PAPER = f"{PAPERS}/<uuid:paper_id>"


def _case(case_id: UUID) -> Case:
    actions.check_holds(actor())
    with running().reading() as db:
        return cases.get(db, actor(), case_id)


def _ask_list(case: Case, form: OpeningForm, status: int) -> ResponseReturnValue:
    return render_template(
        "opening.html",
        form=form,
        title=f"Papers of {case.code}",
        holds="Titles, kinds and sizes of the documents kept in this case. Each is opened by itself.",
        action=url_for("papers.list_papers", case_id=case.id),
        back=url_for("cases.show", case_id=case.id),
    ), status


@bp.get(PAPERS)
@requires(Permission.SEE_CASES)
def ask_list(case_id: UUID) -> ResponseReturnValue:
    """Ask why the list is opened: the titles are sealed."""
    return _ask_list(_case(case_id), OpeningForm.ask(False), 200)


@bp.post(PAPERS)
@requires(Permission.SEE_CASES)
def list_papers(case_id: UUID) -> ResponseReturnValue:
    """Open the list, for a reason, and show it."""
    case, form = _case(case_id), OpeningForm.ask(False)
    if not form.validate():
        return _ask_list(case, form, 422)
    listing = keeping.open_list(running(), actor(), case.id, form.reason.data, now())
    with running().reading() as db:
        ids = {paper.added_by for paper in listing.papers}
        found = db.execute(select(Officer.id, Officer.full_name).where(Officer.id.in_(ids)))
        names = dict(found.all())
    return render_template(
        "papers/list.html",
        case=case,
        listing=listing,
        names=names,
        kinds=PaperKind,
        removable={paper.id for paper in listing.papers if actions.may_remove(actor(), paper)},
    )


def _adding(case: Case, form: PaperForm, status: int) -> ResponseReturnValue:
    largest = running().settings.paper_megabytes
    return render_template("papers/add.html", case=case, form=form, largest=largest), status


@bp.get(f"{PAPERS}/add")
@requires(Permission.CHANGE_RECORD)
def ask_paper(case_id: UUID) -> ResponseReturnValue:
    """Ask for a document and its title."""
    return _adding(_case(case_id), PaperForm(), 200)


@bp.before_request
def receive_paper() -> None:
    """Read what stands before the file, so that the token is checked first, as it always is."""
    if request.endpoint == "papers.add_paper":
        receive()


@bp.record_once
def take_over_the_token(state: BlueprintSetupState) -> None:
    """The check of every form's token would read the whole file; `receive` makes the same check without."""
    state.app.extensions["csrf"].exempt(add_paper)


@bp.post(f"{PAPERS}/add")
@requires(Permission.CHANGE_RECORD)
def add_paper(case_id: UUID) -> ResponseReturnValue:
    """Seal a document into the case while it arrives."""
    case, form = _case(case_id), PaperForm()
    incoming = arriving("file")
    if form.validate() and incoming is not None:
        try:
            _keep(case, form.title.data, incoming)
        except PaperRefused as error:
            form.file.errors = [error.message]
        except RuleForbids as error:
            form.refuse(error.message)
            return _adding(case, form, 409)
        else:
            flash("The paper is sealed into the case.", "success")
            return redirect(url_for("cases.show", case_id=case.id), 303)
    if incoming is not None:
        incoming.drain()
    return _adding(case, form, 422)


def _keep(case: Case, title: str, incoming: IncomingFile) -> None:
    most = running().settings.paper_megabytes * MEBIBYTE
    if (request.content_length or 0) > most + ANSWERS_LENGTH:
        raise too_long(most)
    inspected = Inspected(incoming, most)
    keeping.keep(running(), actor(), case.id, uuid4(), title, inspected, os.urandom(KEY_LENGTH))


def _paper(case_id: UUID, paper_id: UUID) -> tuple[Case, Paper]:
    actions.check_holds(actor())
    with running().reading() as db:
        return actions.get(db, actor(), case_id, paper_id)


def _ask_paper(case: Case, paper: Paper, form: OpeningForm, status: int) -> ResponseReturnValue:
    return render_template(
        "opening.html",
        form=form,
        title=f"Paper {paper.number} of {case.code}",
        holds="A document of this case. It is opened here and downloaded to your computer: "
        "delete that copy as soon as you are done.",
        action=url_for("papers.open_paper", case_id=case.id, paper_id=paper.id),
        back=url_for("papers.ask_list", case_id=case.id),
    ), status


@bp.get(f"{PAPER}/open")
@requires(Permission.SEE_CASES)
def ask_to_open(case_id: UUID, paper_id: UUID) -> ResponseReturnValue:
    """Ask why the document is opened."""
    return _ask_paper(*_paper(case_id, paper_id), OpeningForm.ask(False), 200)


@bp.post(f"{PAPER}/open")
@requires(Permission.SEE_CASES)
def open_paper(case_id: UUID, paper_id: UUID) -> ResponseReturnValue:
    """Open the document, for a reason, and hand it over as a download that names neither it nor anybody."""
    case, paper = _paper(case_id, paper_id)
    form = OpeningForm.ask(False)
    if not form.validate():
        return _ask_paper(case, paper, form, 422)
    delivery = keeping.deliver(running(), actor(), case.id, paper.id, form.reason.data, now())
    answer = Response(_told_of(delivery.content), mimetype=delivery.kind.value)
    answer.headers["Content-Disposition"] = f'attachment; filename="{delivery.name}"'
    # A document that breaks off is shorter than said here, so that the browser calls the download failed.
    answer.content_length = delivery.length
    return answer


def _told_of(content: Iterator[bytes]) -> Iterator[bytes]:
    """The content, and a line of the log when it breaks off because somebody altered it meanwhile."""
    try:
        yield from content
    except CryptoError as error:
        log.error("", extra={"event": "does-not-open", "error": type(error).__name__})
        raise


def _ask_removal(case: Case, paper: Paper, form: VaultForm, status: int) -> ResponseReturnValue:
    return render_template("papers/remove.html", case=case, paper=paper, form=form), status


@bp.get(f"{PAPER}/remove")
@requires(Permission.CHANGE_RECORD)
def ask_removal(case_id: UUID, paper_id: UUID) -> ResponseReturnValue:
    """Ask why the document is removed."""
    return _ask_removal(*_paper(case_id, paper_id), RemovalForm(), 200)


@bp.post(f"{PAPER}/remove")
@requires(Permission.CHANGE_RECORD)
def remove_paper(case_id: UUID, paper_id: UUID) -> ResponseReturnValue:
    """Remove the document for good."""
    case, paper = _paper(case_id, paper_id)
    form = RemovalForm()
    if not form.validate():
        return _ask_removal(case, paper, form, 422)
    try:
        keeping.remove(running(), actor(), case.id, paper.id, form.reason.data, now())
    except RuleForbids as error:
        form.refuse(error.message)
        return _ask_removal(case, paper, form, 409)
    flash("The paper is removed and can no longer be opened.", "success")
    return redirect(url_for("cases.show", case_id=case.id), 303)
