"""What is no paper, too long, broken off or not theirs to send leaves nothing behind."""

import io
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from tests.bad_input.test_unavailable import pragma
from tests.cast import Cast, Officer, Stage
from tests.papers.sending import LETTER, fetch, keep, listed, office, pieces, rows, send
from tests.programme import open_case
from vault.access.models import Assignment
from vault.cases.models import Case
from vault.cases.naming import unname_officer
from vault.papers import actions
from vault.verification import verify

ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
NO_PAPERS = {
    "program": b"\x7fELF" + bytes(4000),
    "windows program": b"MZ\x90\x00" + bytes(4000),
    "archive": office("readme.txt"),
    "word file with macros": office("word/document.xml") + b"word/vbaProject.bin",
    "page": b"GIF89a" + b"\x01\x00<script>alert(1)</script>" * 9,
    "old word file": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4000),
    "text with a control character": b"line\n" * 40_000 + b"\x00",
    "text that is no utf-8": "Müller".encode("latin-1") * 40,
    "text cut within a letter": b"long enough for its head " * 4 + "ü".encode()[:1],
}
BOUNDARY = "x3f9c2"


def assert_nothing_left(stage: Stage) -> None:
    """Neither a paper nor a piece of one."""
    assert rows(stage) == []
    assert pieces(stage) == 0


def body(officer: Officer, *parts: tuple[str, str | None, bytes]) -> bytes:
    """A form as a browser would send it, each part a name, a file name and bytes."""
    lines = b""
    for name, filename, content in (("csrf_token", None, officer.token.encode()), *parts):
        told = f'; filename="{filename}"' if filename is not None else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{told}\r\n\r\n'
        lines += head.encode() + content + b"\r\n"
    return lines + f"--{BOUNDARY}--\r\n".encode()


def post(officer: Officer, case: UUID, stream: Any, length: int | None) -> int:
    """Send a body as it is; the status."""
    page = f"/cases/{case}/papers/add"
    answer = officer.client.post(
        page,
        input_stream=stream,
        content_type=f"multipart/form-data; boundary={BOUNDARY}",
        content_length=length,
        # gunicorn says so of every body: it ends where the request ends.
        environ_overrides={"wsgi.input_terminated": True},
    )
    return answer.status_code


@ON_SQLITE
def test_what_is_no_paper_is_refused_in_words_and_leaves_nothing(cast: Cast) -> None:
    case = open_case(cast, named=[])
    for what, content in NO_PAPERS.items():
        answer = send(cast["ada"], case.id, content, title="Order of protection")
        assert answer.status_code == 422, what
        assert "Save " in answer.text, what
        assert 'value="Order of protection"' in answer.text
    assert_nothing_left(cast.stage)


@ON_SQLITE
def test_an_empty_file_and_none_at_all_are_refused(cast: Cast) -> None:
    case, ada = open_case(cast, named=[]), cast["ada"]
    answer = send(ada, case.id, b"")
    assert answer.status_code == 422
    assert "This file is empty. Choose another." in answer.text
    answer = ada.post(f"/cases/{case.id}/papers/add", title="Order", file=(io.BytesIO(b""), ""))
    assert answer.status_code == 422
    assert "Choose the file." in answer.text
    assert ada.post(f"/cases/{case.id}/papers/add", title="Order").status_code == 422
    assert_nothing_left(cast.stage)


@ON_SQLITE
def test_a_paper_over_the_limit_is_refused_with_its_title_kept(cast: Cast) -> None:
    case, stage = open_case(cast, named=[]), cast.stage
    stage.settings.__dict__["paper_megabytes"] = 1
    for over in (1, 300_000, 3_000_000):
        answer = send(cast["ada"], case.id, b"a" * (1024 * 1024 + over), title="Order of protection")
        assert answer.status_code == 422
        assert "Choose a file of 1 MB or less" in answer.text
        assert 'value="Order of protection"' in answer.text
        assert_nothing_left(stage)
    assert send(cast["ada"], case.id, b"a" * 1024 * 1024).status_code == 303


@ON_SQLITE
def test_without_a_title_not_a_byte_of_the_file_is_kept(cast: Cast) -> None:
    case = open_case(cast, named=[])
    answer = send(cast["ada"], case.id, b"a" * 3_000_000, title="")
    assert answer.status_code == 422
    assert "Enter the title." in answer.text
    assert_nothing_left(cast.stage)


class Watched(io.BytesIO):
    """A body that tells when its half is read, and can break there."""

    def __init__(self, content: bytes, at_half: Callable[[], None]) -> None:
        super().__init__(content)
        self._half, self._at_half = len(content) // 2, at_half

    def read(self, length: int | None = -1, /) -> bytes:
        before = self.tell()
        content = super().read(length)
        if before < self._half <= self.tell():
            self._at_half()
        return content

    def readinto(self, into: Any, /) -> int:
        content = self.read(len(into))
        into[: len(content)] = content
        return len(content)


def test_a_form_that_breaks_off_leaves_nothing(cast: Cast) -> None:
    case, ada = open_case(cast, named=[]), cast["ada"]
    ada.get(f"/cases/{case.id}/papers/add")
    whole = body(ada, ("title", None, b"Order"), ("file", "order.txt", b"a" * 4_000_000))
    for kept in (0.1, 0.5, 0.99):
        cut = whole[: int(len(whole) * kept)]
        assert post(ada, case.id, io.BytesIO(cut), len(whole)) == 400
        assert_nothing_left(cast.stage)
    assert post(ada, case.id, io.BytesIO(whole), len(whole)) == 303


@ON_SQLITE
def test_a_connection_that_breaks_while_pieces_are_kept_leaves_nothing(cast: Cast) -> None:
    case, ada, seen = open_case(cast, named=[]), cast["ada"], list[int]()

    def break_off() -> None:
        seen.append(pieces(cast.stage))
        raise ConnectionResetError

    ada.get(f"/cases/{case.id}/papers/add")
    whole = body(ada, ("title", None, b"Order"), ("file", "order.txt", b"a" * 6_000_000))
    assert post(ada, case.id, Watched(whole, break_off), len(whole)) == 400
    assert seen[0] >= 2, "pieces must have been kept by then, or this proves nothing"
    assert_nothing_left(cast.stage)


def test_an_officer_taken_off_the_case_while_sending_adds_nothing(cast: Cast) -> None:
    case, cal, ada, stage = open_case(cast, named=["cal"]), cast["cal"], cast["ada"], cast.stage
    with stage.vault.reading() as db:
        (naming,) = db.scalars(select(Assignment.id).where(Assignment.officer == cal.actor.officer))

    def take_off() -> None:
        with stage.vault.writing() as db:
            unname_officer(db, who, db.get_one(Case, case.id), naming, stage.clock.now)

    who = ada.actor
    cal.get(f"/cases/{case.id}/papers/add")
    whole = body(cal, ("title", None, b"Order"), ("file", "order.txt", b"a" * 6_000_000))
    assert post(cal, case.id, Watched(whole, take_off), len(whole)) == 404
    assert_nothing_left(stage)


@ON_SQLITE
def test_answers_behind_the_file_and_bodies_that_are_no_form_are_refused(cast: Cast) -> None:
    case, ada = open_case(cast, named=[]), cast["ada"]
    ada.get(f"/cases/{case.id}/papers/add")
    late = body(ada, ("file", "order.txt", LETTER), ("title", None, b"Order"))
    assert post(ada, case.id, io.BytesIO(late), len(late)) == 400
    behind = body(ada, ("title", None, b"Order"), ("file", "order.txt", LETTER), ("title", None, b"Other"))
    assert post(ada, case.id, io.BytesIO(behind), len(behind)) == 400
    for garbage in (b"", b"x" * 2_000_000, f"--{BOUNDARY}\r\n".encode() + b"y" * 2_000_000):
        assert post(ada, case.id, io.BytesIO(garbage), len(garbage)) in {400, 413}
    long = body(ada, ("title", None, b"t" * 600_000), ("file", "order.txt", LETTER))
    assert post(ada, case.id, io.BytesIO(long), len(long)) == 413
    assert_nothing_left(cast.stage)


@ON_SQLITE
def test_without_the_forms_own_token_the_file_is_not_read(cast: Cast) -> None:
    case, ada, read = open_case(cast, named=[]), cast["ada"], list[int]()
    ada.get(f"/cases/{case.id}/papers/add")
    for token in ("", "forged", TOKEN_OF_NOBODY):
        ada.token = token
        whole = body(ada, ("title", None, b"Order"), ("file", "order.txt", b"a" * 6_000_000))
        stream = Watched(whole, lambda: read.append(1))
        assert post(ada, case.id, stream, len(whole)) == 400
    assert read == []
    assert_nothing_left(cast.stage)


TOKEN_OF_NOBODY = "IjAwMDAi.aaaaaa.bbbb"


@ON_SQLITE
def test_papers_of_a_case_are_not_there_for_officers_who_are_not_named_on_it(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    paper, page = keep(cast["ines"], case.id, LETTER), f"/cases/{case.id}/papers"
    routes = (page, f"{page}/add", f"{page}/{paper.id}/open", f"{page}/{paper.id}/remove")
    for name, status in (("ivo", 404), ("cal", 404), ("dee", 403), ("sol", 403), ("aud", 403)):
        officer = cast[name]
        officer.get("/desk")
        for route in routes:
            assert officer.get(route).status_code == status, (name, route)
            answer = officer.post(route, reason="review", title="x", file=(io.BytesIO(LETTER), "x.txt"))
            assert answer.status_code == status, (name, route)
    assert len(rows(cast.stage)) == 1


@ON_SQLITE
def test_a_paper_is_not_found_through_another_case(cast: Cast) -> None:
    case, ada = open_case(cast, named=[]), cast["ada"]
    other = open_case(cast, named=[])
    paper = keep(ada, case.id, LETTER)
    for act in ("open", "remove"):
        assert ada.post(f"/cases/{other.id}/papers/{paper.id}/{act}", reason="review").status_code == 404
    assert fetch(ada, paper).get_data() == LETTER


@ON_SQLITE
def test_when_nothing_can_be_recorded_nothing_is_kept_listed_or_opened(cast: Cast) -> None:
    case, ada, stage = open_case(cast, named=[]), cast["ada"], cast.stage
    paper = keep(ada, case.id, LETTER)
    pragma(stage, "busy_timeout = 50")
    stage.settings.__dict__["record_timeout_seconds"] = 0.3
    other = sqlite3.connect(Path(stage.settings.data) / "vault.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answers = [
        send(ada, case.id, LETTER),
        fetch(ada, paper),
        ada.post(f"/cases/{case.id}/papers", reason="review"),
        ada.post(f"/cases/{case.id}/papers/{paper.id}/remove", reason="correction"),
    ]
    other.execute("ROLLBACK")
    other.close()
    stage.settings.__dict__["record_timeout_seconds"] = 4.5
    for answer in answers:
        assert answer.status_code == 503
        assert b"Jane Roe" not in answer.get_data()
        assert "Letter" not in answer.text
    assert [row.id for row in rows(stage)] == [paper.id]
    assert pieces(stage) == 1
    assert fetch(ada, paper).get_data() == LETTER


def test_pieces_of_an_upload_that_died_are_cleared_after_an_hour_and_no_others(cast: Cast) -> None:
    case, ada, stage = open_case(cast, named=[]), cast["ada"], cast.stage
    paper, dead, slow = keep(ada, case.id, LETTER), uuid4(), uuid4()
    for upload in (dead, slow):
        for number in range(3):
            actions.keep_piece(stage.vault, upload, number, b"sealed")
    stage.clock.forward(minutes=50)
    actions.keep_piece(stage.vault, slow, 3, b"sealed")
    stage.clock.forward(minutes=20)
    assert "Letter" in listed(cast["ada"].sign_in(), case.id)
    keep(ada, case.id, LETTER)
    assert pieces(stage) == paper.pieces + 1 + 4
    stage.clock.forward(hours=2)
    actions.clear_abandoned(stage.vault, stage.clock.now)
    assert pieces(stage) == 2
    assert verify(stage.vault, lambda _count: None).findings == ()
