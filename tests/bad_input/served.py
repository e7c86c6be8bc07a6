"""A vault served by gunicorn in processes of its own, and officers who reach it over HTTP alone."""

import http.client
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from tests.authenticator import Authenticator
from tests.cast import CHEAP, PASSWORD, TOKEN, UNHURRIED, make_vault
from vault.commands import settings_file
from vault.running import wall_clock
from vault.settings import Settings

PATIENCE = 120
"""Seconds after which even the busiest machine has answered, or never will."""
ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {"tls": False, "password_cost": CHEAP, "sessions_per_officer": 4, "record_timeout_seconds": 20.0}
SETTINGS |= UNHURRIED


def free_port() -> int:
    """A port that nobody has, of those that the system gives to no connection by itself meanwhile."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.SystemRandom().sample(range(lowest // 2, lowest), 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise OSError("a hundred ports are all taken")


@dataclass(frozen=True)
class Answer:
    """What the server answered: a status of 0 when the connection broke before it did."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a test looks at each answer itself."""

    def redirect_request(self, *_arguments: Any, **_options: Any) -> None:
        return None


class Served:
    """A founded vault with the whole cast, the gunicorn in front of it, and its log."""

    def __init__(self, folder: Path, database: str, workers: int, **changes: Any) -> None:
        self.folder, self.workers = folder, workers
        self.log, self.temporary = folder / "log", folder / "tmp"
        self.temporary.mkdir()
        self.settings: Settings = settings_file(folder / "data", database=database, **SETTINGS | changes)
        self.secrets = make_vault(self.settings, wall_clock)  # type: ignore[arg-type]
        self.port = free_port()
        self.master: subprocess.Popen[bytes] | None = None

    def start(self) -> "Served":
        """Start gunicorn as the vault's own command does and wait for its first answer."""
        environment = os.environ | {"VAULT_DATA": str(self.settings.data), "TMPDIR": str(self.temporary)}
        # Many starts in a row are quicker when what was compiled is kept, outside the checkout.
        environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(self.folder / "compiled")}
        arguments = ["--bind", f"127.0.0.1:{self.port}", "--config", "python:vault.serving"]
        with self.log.open("ab") as log:
            self.master = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", *arguments, "-w", str(self.workers), "vault.wsgi:app"],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait()
        return self

    def wait(self) -> None:
        """Wait until a worker answers."""
        deadline = time.monotonic() + PATIENCE
        while Visitor(self, "nobody").get("/sign-in").status != 200:
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def worker_ids(self) -> list[int]:
        """The processes that answer requests."""
        assert self.master is not None
        children = Path(f"/proc/{self.master.pid}/task/{self.master.pid}/children").read_text()
        return [int(child) for child in children.split()]

    def kill_workers(self) -> None:
        """Kill every worker as a power cut would; gunicorn starts others."""
        for worker in self.worker_ids():
            os.kill(worker, signal.SIGKILL)

    def kill_all(self) -> None:
        """Kill gunicorn and its workers as a power cut would."""
        if self.master is not None and self.master.poll() is None:
            os.killpg(self.master.pid, signal.SIGKILL)
            self.master.wait()

    def stop(self) -> None:
        """Ask gunicorn to end, and wait."""
        if self.master is not None and self.master.poll() is None:
            os.killpg(self.master.pid, signal.SIGTERM)
            self.master.wait(PATIENCE)


class Visitor:
    """A browser without a screen: cookies, tokens, and the officer's second factor."""

    def __init__(self, served: Served, name: str) -> None:
        self.served, self.name = served, name
        self.jar, self.token = CookieJar(), ""
        self.addresses: list[str] = []
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.jar), _Stay()
        )
        self._app = Authenticator(served.secrets.get(name, ""))

    def get(self, path: str) -> Answer:
        """Ask for a page."""
        return self._send(path, None)

    def post(self, path: str, **answers: Any) -> Answer:
        """Send a form with its token."""
        form = urllib.parse.urlencode({"csrf_token": self.token, **answers}, doseq=True)
        return self._send(path, form.encode())

    def _send(self, path: str, body: bytes | None) -> Answer:
        address = f"http://127.0.0.1:{self.served.port}{path}"
        self.addresses.append(address)
        try:
            answer = self._ask(urllib.request.Request(address, body))
        except (OSError, http.client.HTTPException):
            return Answer(0)
        found = TOKEN.search(answer.text)
        self.token = found[1] if found else self.token
        return answer

    def _ask(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=PATIENCE) as response:
                return Answer(response.status, dict(response.headers), response.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, dict(error.headers), error.read().decode())

    def code(self) -> str:
        """A code that was not used yet."""
        return self._app.code()

    def sign_in(self) -> "Visitor":
        """Sign in with password and code."""
        self.get("/sign-in")
        answer = self.post("/sign-in", name=self.name, password=PASSWORD.format(self.name), banner="yes")
        assert answer.status == 303, (answer.status, answer.text, self.served.log.read_text())
        self.get("/sign-in/second-factor")
        answer = self.post("/sign-in/second-factor", code=self.code())
        assert answer.status == 303, answer.text
        self.get("/sessions")
        return self


def version_on(answer: Answer) -> str:
    """The version that a page's form carries."""
    found = re.search(r'name="version" value="(\d+)"', answer.text)
    assert found is not None, answer.text
    return found[1]
