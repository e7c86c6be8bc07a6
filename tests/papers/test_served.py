"""Papers through the real server: in little memory, in no temporary file, and never by halves."""

import hashlib
import http.client
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.bad_input.served import PATIENCE, Served, Visitor, version_on
from tests.bad_input.test_kills import REFERRAL
from vault.papers import actions
from vault.papers.models import Paper, PaperPiece
from vault.running import RunningVault, wall_clock
from vault.verification import verify

MEBIBYTE = 1024 * 1024
MARK = b"Zqwvxkjy was at the station. "
BLOCK = MARK * (MEBIBYTE // len(MARK)) + b"." * (MEBIBYTE % len(MARK))
BOUNDARY = "x3f9c2"
MOST_GROWTH = 64 * MEBIBYTE


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served vault with one worker, so that what it takes can be read."""
    served = Served(tmp_path_factory.mktemp("papers"), "", workers=1).start()
    yield served
    served.kill_all()


@pytest.fixture(scope="module")
def staff(served: Served) -> tuple[Visitor, Visitor]:
    """Pat and Ada, signed in."""
    return Visitor(served, "pat").sign_in(), Visitor(served, "ada").sign_in()


@pytest.fixture
def case(staff: tuple[Visitor, Visitor]) -> str:
    """The page of a new case."""
    pat, ada = staff
    pat.get("/referrals/send")
    referral = pat.post("/referrals/send", witness="Jane Roe", **REFERRAL).headers["Location"]
    for outcome in ("yes", "yes", "services"):
        version = version_on(ada.get(referral))
        assert ada.post(f"{referral}/decide", outcome=outcome, reasons="So.", version=version).status == 303
    return ada.post(f"{referral}/open-case", ceiling="4000", days="30").headers["Location"]


@pytest.fixture
def ada(staff: tuple[Visitor, Visitor]) -> Visitor:
    """The coordinator."""
    return staff[1]


class Upload:
    """A paper of so many mebibytes on its way through a connection of its own."""

    def __init__(self, ada: Visitor, case: str, mebibytes: int) -> None:
        ada.get(f"{case}/papers/add")
        told = [("csrf_token", "", ada.token), ("title", "", "Report"), ("file", '; filename="a.txt"', "")]
        parts = [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}'
            for name, more, value in told
        ]
        self.head, self.tail = "\r\n".join(parts).encode(), f"\r\n--{BOUNDARY}--\r\n".encode()
        self.left = mebibytes
        self.connection = connect(ada)
        self.connection.putrequest("POST", f"{case}/papers/add")
        for name, value in {
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Content-Length": str(len(self.head) + mebibytes * MEBIBYTE + len(self.tail)),
            "Cookie": cookies(ada),
        }.items():
            self.connection.putheader(name, value)
        self.connection.endheaders(self.head)

    def send(self, mebibytes: int) -> None:
        """Send some of it."""
        for _ in range(mebibytes):
            self.connection.send(BLOCK)
        self.left -= mebibytes

    def finish(self) -> int:
        """Send the rest; the status of the answer."""
        self.send(self.left)
        self.connection.send(self.tail)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status


def connect(visitor: Visitor) -> http.client.HTTPConnection:
    """A connection of its own to the server."""
    return http.client.HTTPConnection("127.0.0.1", visitor.served.port, timeout=PATIENCE)


def cookies(visitor: Visitor) -> str:
    """What the visitor's browser would send."""
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.jar)


def open_paper(ada: Visitor, case: str) -> http.client.HTTPResponse:
    """Open the case's newest paper; its content is not read yet."""
    ada.get(f"{case}/papers")
    listed = ada.post(f"{case}/papers", reason="review").text
    page = re.findall(r"/cases/[0-9a-f-]+/papers/[0-9a-f-]{36}/open", listed)[0]
    ada.get(page)
    connection = connect(ada)
    headers = {"Cookie": cookies(ada), "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", page, f"csrf_token={ada.token}&reason=review", headers)
    return connection.getresponse()


def memory(worker: int, name: str) -> int:
    """VmRSS or VmHWM (the peak) of a process, in bytes."""
    status = Path(f"/proc/{worker}/status").read_text()
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def files_held(worker: int) -> dict[str, bytes]:
    """What lies in files that a process has open and that no folder lists."""
    held = {}
    for descriptor in Path(f"/proc/{worker}/fd").iterdir():
        try:
            name = os.readlink(descriptor)
            if name.endswith(" (deleted)"):
                held[name] = descriptor.read_bytes()
        except OSError:
            continue
    return held


def pieces_of(vault: RunningVault, has_row: bool) -> int:
    """How many pieces are kept of papers that are kept, or of what is none."""
    papers = select(Paper.id)
    with vault.reading() as db:
        ids = PaperPiece.paper.in_(papers) if has_row else PaperPiece.paper.not_in(papers)
        return db.scalars(select(func.count()).select_from(PaperPiece).where(ids)).one()


def pass_through(served: Served, ada: Visitor, case: str, mebibytes: int) -> int:
    """Send a paper and fetch it again; by how much the worker's peak exceeded its idle size."""
    (worker,) = served.worker_ids()
    idle = memory(worker, "VmRSS")
    upload = Upload(ada, case, mebibytes)
    upload.send(mebibytes // 2)
    on_the_way = [name for name, content in files_held(worker).items() if MARK in content]
    assert on_the_way == []
    assert upload.finish() == 303
    answer = open_paper(ada, case)
    assert answer.status == 200
    digest, length = hashlib.sha256(), 0
    while part := answer.read(MEBIBYTE):
        digest.update(part)
        length += len(part)
    assert length == mebibytes * MEBIBYTE == int(answer.headers["Content-Length"])
    expected = hashlib.sha256()
    for _ in range(mebibytes):
        expected.update(BLOCK)
    assert digest.digest() == expected.digest()
    assert served.worker_ids() == [worker]
    left = [path for path in served.folder.rglob("*") if path.is_file() and holds_mark(path)]
    assert left == []
    return memory(worker, "VmHWM") - idle


def holds_mark(path: Path) -> bool:
    """Whether the paper's words stand in a file."""
    with path.open("rb") as file:
        before = b""
        while content := file.read(8 * MEBIBYTE):
            if MARK in before + content:
                return True
            before = content[-len(MARK) :]
    return False


def test_a_paper_of_32_megabytes_passes_through_a_worker_in_little_memory(
    served: Served, ada: Visitor, case: str
) -> None:
    assert pass_through(served, ada, case, 32) < 24 * MEBIBYTE


@pytest.mark.soak
def test_a_paper_of_200_megabytes_passes_through_a_worker_in_little_memory(
    served: Served, ada: Visitor, case: str
) -> None:
    growth = pass_through(served, ada, case, 200)
    print(f"peak over idle: {growth / MEBIBYTE:.1f} MiB")
    assert growth < MOST_GROWTH


def test_a_power_cut_in_an_upload_leaves_no_half_paper(served: Served, ada: Visitor, case: str) -> None:
    upload = Upload(ada, case, 8)
    upload.send(6)
    vault = RunningVault.start(served.settings, wall_clock)
    try:
        deadline = time.monotonic() + PATIENCE
        while pieces_of(vault, has_row=False) < 3:
            assert time.monotonic() < deadline, "pieces must be kept by then, or this proves nothing"
            time.sleep(0.01)
        whole = pieces_of(vault, has_row=True)
        served.kill_all()
        half = pieces_of(vault, has_row=False)
        assert half > 0
        assert pieces_of(vault, has_row=True) == whole
        served.start()
        ada.get(f"{case}/papers")
        assert "No paper is kept in this case yet." in ada.post(f"{case}/papers", reason="review").text
        assert Upload(ada, case, 1).finish() == 303
        assert (pieces_of(vault, has_row=True), pieces_of(vault, has_row=False)) == (whole + 2, half)
        actions.clear_abandoned(vault, wall_clock() + timedelta(hours=2))
        assert (pieces_of(vault, has_row=True), pieces_of(vault, has_row=False)) == (whole + 2, 0)
        assert verify(vault, lambda _count: None).findings == ()
    finally:
        vault.close()


def test_a_download_that_breaks_off_is_seen_by_the_browser(served: Served, ada: Visitor, case: str) -> None:
    assert Upload(ada, case, 24).finish() == 303
    answer = open_paper(ada, case)
    assert answer.status == 200
    given = answer.read(MEBIBYTE)
    thief = sqlite3.connect(served.settings.data / "vault.db", timeout=10)
    with thief:
        thief.execute("UPDATE paper_pieces SET content = zeroblob(1048576) WHERE number = 22")
    thief.close()
    with pytest.raises(http.client.IncompleteRead) as broken:
        answer.read()
    whole = given + broken.value.partial
    assert whole == (BLOCK * 24)[: len(whole)]
    assert len(whole) < 24 * MEBIBYTE
    assert b'"event": "does-not-open"' in served.log.read_bytes()
    assert MARK not in served.log.read_bytes()
