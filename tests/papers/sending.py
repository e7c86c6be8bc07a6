"""Officers who send papers, and what they send."""

import io
import zipfile
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from werkzeug.test import TestResponse

from tests.cast import Cast, Officer, Stage
from vault.papers.models import Paper, PaperPiece

LETTER = b"The witness Jane Roe is moved on Monday.\n"


def office(inside: str) -> bytes:
    """An archive as Word and Excel write it, with a part of this name."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("[Content_Types].xml", "_rels/.rels", inside):
            archive.writestr(name, "<xml/>" * 900)
    return made.getvalue()


def send(officer: Officer, case: UUID, content: bytes, **answers: Any) -> TestResponse:
    """An officer adds a paper of this content to a case."""
    page = f"/cases/{case}/papers/add"
    officer.get(page)
    return officer.post(page, **{"title": "Letter", "file": (io.BytesIO(content), "jane-roe.txt")} | answers)


def keep(officer: Officer, case: UUID, content: bytes, **answers: Any) -> Paper:
    """A paper that an officer added."""
    before = {paper.id for paper in rows(officer.stage)}
    answer = send(officer, case, content, **answers)
    assert answer.status_code == 303, answer.text
    (added,) = [paper for paper in rows(officer.stage) if paper.id not in before]
    return added


def fetch(officer: Officer, paper: Paper) -> TestResponse:
    """An officer opens a paper."""
    page = f"/cases/{paper.case}/papers/{paper.id}/open"
    officer.get(page)
    return officer.post(page, reason="review")


def listed(officer: Officer, case: UUID) -> str:
    """The list of a case's papers as an officer opens it."""
    page = f"/cases/{case}/papers"
    officer.get(page)
    answer = officer.post(page, reason="review")
    assert answer.status_code == 200, answer.text
    return answer.text


def rows(stage: Stage) -> list[Paper]:
    """Every paper's row."""
    with stage.vault.reading() as db:
        return list(db.scalars(select(Paper).order_by(Paper.added_at)))


def pieces(stage: Stage) -> int:
    """How many pieces are kept."""
    with stage.vault.reading() as db:
        return db.scalars(select(func.count()).select_from(PaperPiece)).one()


__all__ = ["LETTER", "Cast", "fetch", "keep", "listed", "office", "pieces", "rows", "send"]
