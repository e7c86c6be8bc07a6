"""A founded vault to measure in: the cast, a case of twenty sealed fields, their plain twin, and gunicorn."""

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode
from uuid import UUID

import pyotp
from sqlalchemy import delete, insert, select

from tests.benchmarks.plain_tables import PlainDangerArea, PlainThreatAssessment, plain
from tests.cast import PASSWORD, TOKEN, UNHURRIED, Cast, Clock, Stage, make_vault
from tests.programme import open_case
from vault.access.models import Pace
from vault.app import create_app
from vault.cases import actions
from vault.cases.models import DangerArea, ThreatAssessment
from vault.commands import settings_file
from vault.running import RunningVault, wall_clock
from vault.settings import Settings
from vault.vocabulary import ThreatLevel

ROOT = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 60

ASSESSMENTS = 4
AREAS = 2
FIELDS = 20
"""What one look at the threat to the case opens: three fields of each assessment, four of each area."""


class NotAnswered(RuntimeError):
    """The server did not answer as the measurement expects, so there is no number."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class House:
    """A vault on disk with one case, the secrets of its officers, and nobody serving it yet."""

    settings: Settings
    secrets: Mapping[str, str]
    case: UUID
    signed_in: dict[str, "Visitor"] = field(default_factory=dict)

    @contextmanager
    def serving(self, application: str) -> Iterator["Server"]:
        """Gunicorn as the vault runs it, but with one worker, on a free port of loopback."""
        port = _free_port()
        with tempfile.TemporaryFile() as log:
            bind = ["--bind", f"127.0.0.1:{port}", "--workers", "1"]
            gunicorn = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "--config", "python:vault.serving", *bind, application],
                cwd=ROOT,
                env={"VAULT_DATA": str(self.settings.data), "PATH": os.environ["PATH"]},
                stdout=log,
                stderr=log,
            )
            try:
                server = Server(self, port, gunicorn, log)
                server.wait_until_it_listens()
                yield server
            finally:
                gunicorn.terminate()
                gunicorn.wait(WAIT_SECONDS)

    def forget_haste(self) -> None:
        """Let officers look on: a measurement looks more often within minutes than the vault lets anybody."""
        vault = RunningVault.start(self.settings, wall_clock)
        try:
            with vault.database.engine.begin() as connection:
                connection.execute(delete(Pace))
        finally:
            vault.close()

    def entries(self) -> int:
        """How many entries the ledger has."""
        vault = RunningVault.start(self.settings, wall_clock)
        try:
            with vault.reading() as db:
                return vault.ledger.head(db).size
        finally:
            vault.close()


@dataclass(frozen=True)
class Server:
    """Gunicorn answering on loopback."""

    house: House
    port: int
    arbiter: subprocess.Popen[bytes]
    log: IO[bytes]

    def wait_until_it_listens(self) -> None:
        """Raise NotAnswered when gunicorn ends, or does not listen in a minute."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self.arbiter.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise NotAnswered(f"Gunicorn does not listen. It said: {self.last_words()}")

    def last_words(self) -> str:
        """The end of what gunicorn wrote, to tell why it does not answer."""
        self.log.seek(0)
        return self.log.read()[-2000:].decode()

    def resident_megabytes(self) -> float:
        """What the worker occupies of memory (VmRSS), in millions of bytes. Linux only."""
        pid = self.arbiter.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if len(children) != 1:
            raise NotAnswered("One worker was expected.")
        status = Path(f"/proc/{children[0]}/status").read_text()
        found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
        assert found is not None
        return int(found[1]) * 1024 / 1e6

    def sign_in(self, name: str) -> "Visitor":
        """An officer by password and code, or by the session of an earlier server: a code is good once."""
        if name in self.house.signed_in:
            return self.house.signed_in[name].at(self)
        visitor = Visitor(self, {})
        visitor.get("/sign-in")
        visitor.post("/sign-in", {"name": name, "password": PASSWORD.format(name), "banner": "yes"}, 303)
        visitor.get("/sign-in/second-factor")
        code = pyotp.TOTP(self.house.secrets[name]).now()
        visitor.post("/sign-in/second-factor", {"code": code}, 303)
        visitor.get("/sessions")
        self.house.signed_in[name] = visitor
        return visitor

    def refuse_password(self) -> None:
        """A sign-in that fails, which costs the worker as much memory as one that succeeds."""
        stranger = Visitor(self, {})
        stranger.get("/sign-in")
        stranger.post("/sign-in", {"name": "nobody", "password": "not the password", "banner": "yes"}, 422)


class Visitor:
    """An officer's browser on one connection that is kept open: its cookies and its form token."""

    def __init__(self, server: Server, cookies: Mapping[str, str]) -> None:
        self.server = server
        self.token = ""
        self._cookies = dict(cookies)
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT_SECONDS)

    def at(self, server: Server) -> "Visitor":
        """The same officer on a connection of its own, to this server."""
        other = Visitor(server, self._cookies)
        other.token = self.token
        return other

    def get(self, path: str) -> str:
        """A page."""
        return self._ask("GET", path, None, 200)

    def post(self, path: str, answers: Mapping[str, str], status: int) -> str:
        """Send a form with its token. Raises NotAnswered for any other status than the one expected."""
        return self._ask("POST", path, urlencode({"csrf_token": self.token, **answers}), status)

    def look(self, path: str) -> str:
        """Open a place for a reason: the page that is measured."""
        return self.post(path, {"reason": "case-work"}, 200)

    def _ask(self, method: str, path: str, body: str | None, status: int) -> str:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            page = answer.read().decode()
        except OSError as error:
            raise NotAnswered(f"{error}. Gunicorn said: {self.server.last_words()}") from error
        if answer.status != status:
            raise NotAnswered(f"{method} answered {answer.status} where {status} was expected.")
        for given in answer.headers.get_all("Set-Cookie") or []:
            self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(given).items()}
        if method == "GET" and (token := TOKEN.search(page)):
            self.token = token[1]
        return page


class Yesterday(Clock):
    """The clock while the house is furnished, so that no code of today is used up."""

    def __init__(self) -> None:
        super().__init__()
        self.now = wall_clock() - timedelta(days=2)


@contextmanager
def found_house() -> Iterator[House]:
    """Found a vault with the cast, open a case through the pages, and seal twenty fields into it."""
    folder = Path(tempfile.mkdtemp(prefix="vault-benchmark-"))
    try:
        # The founders' passwords keep their full cost: a worker's memory must have room for one.
        settings = settings_file(folder / "data", tls=False, **UNHURRIED)
        clock = Yesterday()
        secrets = make_vault(settings, clock)
        vault = RunningVault.start(settings, clock)
        try:
            app = create_app(vault)
            cast = Cast(Stage(vault, clock, secrets, app))
            case = open_case(cast, ["ines"])
            _furnish(vault, cast, case.id, clock)
        finally:
            vault.close()
        yield House(settings, secrets, case.id)
    finally:
        shutil.rmtree(folder)


def _furnish(vault: RunningVault, cast: Cast, case_id: UUID, clock: Clock) -> None:
    """Four assessments and two danger areas, and the same words in plain tables."""
    ada = cast["ada"].actor
    with vault.writing() as db:
        case = actions.get(db, ada, case_id)
        for number in range(ASSESSMENTS):
            clock.forward(hours=1)  # The page shows them by their time.
            words = _assessment(number)
            actions.assess_threat(db, ada, vault.trust, case, ThreatLevel.HIGH, words, vault.now())
        for number in range(AREAS):
            clock.forward(hours=1)
            actions.add_danger_area(db, ada, vault.trust, case, _area(number), vault.now())
    with vault.reading() as db, vault.database.engine.connect() as connection:
        plain.create_all(connection)
        for model, twin, words_of in (
            (ThreatAssessment, PlainThreatAssessment, _assessment),
            (DangerArea, PlainDangerArea, _area),
        ):
            kept_plain = twin.__mapper__.column_attrs
            for number, found in enumerate(db.scalars(select(model).order_by(model.at))):
                kept = {column.key: getattr(found, column.key) for column in kept_plain}
                connection.execute(insert(twin).values({**kept, **words_of(number)}))
        connection.commit()


def _assessment(number: int) -> dict[str, Any]:
    return {
        "who_threatens": f"John Doe’s cousin, seen twice near the school; letter {number} of this month.",
        "capability": f"Has a car and friends who drive; is known to have paid others {number} times.",
        "rationale": "He knows the old address, not the new one. " * 3 + f"Judged again as number {number}.",
    }


def _area(number: int) -> dict[str, Any]:
    return {
        "label": f"Home of the accused’s brother, house {number}",
        "latitude": 41.76 + number,
        "longitude": -72.67 - number,
        "radius_miles": 10 + number,
    }
