"""The second call, a stopped first call, folders of somebody else, a busy port, and serving."""

import hashlib
import http.cookiejar
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest

from tests.bad_input.served import PATIENCE, free_port
from tests.demonstration.conftest import ROOT, Made, run_vault
from vault.demonstration import making
from vault.errors import RuleForbids
from vault.running import wall_clock
from vault.serving import is_of_this_machine
from vault.settings import load


def test_a_second_call_keeps_the_vault_and_prints_the_same_people(made: Made, tmp_path: Path) -> None:
    copy = made.copy_to(tmp_path)
    before = hashlib.sha256((copy.data / "vault.db").read_bytes()).hexdigest()
    again = run_vault("demo", "--data", copy.data, "--port", 8123, "--json", "--no-serve")
    assert again.stdout == made.stdout
    assert again.stderr == ""
    assert hashlib.sha256((copy.data / "vault.db").read_bytes()).hexdigest() == before


def test_without_json_it_prints_a_table_with_codes(made: Made, tmp_path: Path) -> None:
    copy = made.copy_to(tmp_path)
    shown = run_vault("demo", "--data", copy.data, "--no-serve").stdout
    for officer in made.told["officers"]:
        line = next(line for line in shown.splitlines() if line.startswith(officer["name"] + " "))
        assert officer["password"] in line
        assert officer["totp_secret"] in line
        assert re.search(r"\b\d{6}\b", line)


def test_a_killed_first_call_leaves_nothing_to_serve_and_the_next_begins_anew(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    workshop = tmp_path / "demo-unfinished"
    for number in (signal.SIGKILL, signal.SIGINT):
        process = _begun(data, workshop, number)
        assert process.wait(60) != 0
        assert not data.exists()
        assert making.logins_of(data) is None
    assert not workshop.exists(), "Ctrl+C takes what was begun away"
    assert not (tmp_path / "demo-keys").exists()


def _begun(data: Path, workshop: Path, number: signal.Signals) -> "subprocess.Popen[str]":
    """A first call, stopped by a signal once it has admitted an officer."""
    process = subprocess.Popen(
        [sys.executable, "-c", _ADMITTING, str(data)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "1\n"
    assert (workshop / "demo" / "vault.db").exists()
    process.send_signal(number)
    return process


# A shell's background job is started deaf to Ctrl+C, and its children inherit that.
_ADMITTING = """
import signal
import socket
import sys
from pathlib import Path
from vault.demonstration.making import make
from vault.running import wall_clock
signal.signal(signal.SIGINT, signal.default_int_handler)
make(Path(sys.argv[1]), wall_clock(), lambda step: print(step, flush=True))
"""


def test_two_first_calls_at_once_do_not_meet(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    process = subprocess.Popen(
        [sys.executable, "-c", _ADMITTING, str(data)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(RuleForbids, match="Another process"):
        making.make(data, wall_clock(), lambda _step: None)
    process.kill()
    process.wait(60)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "letters"
    data.mkdir()
    (data / "letter.txt").write_text("Dear Jane")
    refused = run_vault("demo", "--data", data, "--no-serve")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "not touched" in refused.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["letters", "letter.txt"]


def test_a_vault_in_earnest_is_no_demonstration(made: Made, tmp_path: Path) -> None:
    copy = made.copy_to(tmp_path)
    (copy.data / "vault.toml").write_text("tls = true\n")
    assert run_vault("demo", "--data", copy.data, "--no-serve").returncode == 1


def test_keys_of_another_vault_are_never_replaced(made: Made, tmp_path: Path) -> None:
    copy = made.copy_to(tmp_path)
    (copy.keys / making.LOGINS).unlink()
    new = tmp_path / "new"
    shutil.move(copy.data, new / "demo")
    shutil.copytree(copy.keys, new / "demo-keys")
    settings = load(new / "demo", {})
    with pytest.raises(RuleForbids, match="another vault"):
        making._put(settings, copy.data)
    assert (copy.keys / "root.key").exists()


def test_a_busy_port_is_one_clear_line_and_nothing_is_made(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        refused = run_vault("demo", "--data", tmp_path / "demo", "--port", busy.getsockname()[1])
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "in use" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_who_can_sign_in_is_for_the_owner_alone(made: Made) -> None:
    for path in (made.data, made.keys / making.LOGINS, made.keys / "root.key"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [
        (("127.0.0.1", 8000), True),
        (("::1", 8000), True),
        ("/run/vault.sock", True),
        (("0.0.0.0", 8000), False),
        (("192.0.2.7", 8000), False),
        (("::", 8000), False),
        (("example.invalid", 8000), False),
    ],
)
def test_only_this_machine_is_served_without_tls(address: Any, is_ours: bool) -> None:
    assert is_of_this_machine(address) is is_ours


def test_gunicorn_refuses_to_open_the_demonstration_to_the_network(made: Made) -> None:
    refused = run_gunicorn(made, "0.0.0.0:0")
    assert refused.returncode != 0
    assert "on this machine only" in refused.stderr


def run_gunicorn(made: Made, bind: str) -> "subprocess.CompletedProcess[str]":
    """Start the service bound to an address that it must refuse."""
    environment = os.environ | {"VAULT_DATA": str(made.data)}
    arguments = ["--config", "python:vault.serving", "--bind", bind, "vault.wsgi:app"]
    return subprocess.run(
        [sys.executable, "-m", "gunicorn", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def served(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A copy served by the command itself; what it printed before it served."""
    copy = made.copy_to(tmp_path_factory.mktemp("served"))
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "vault", "demo", "--data", str(copy.data), "--port", str(port), "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    told: dict[str, Any] = json.loads(process.stdout.readline())
    for line in process.stderr:
        if "Booting worker" in line:
            break
    # Whoever serves writes a line now and then; a full pipe would stop it.
    threading.Thread(target=process.stderr.read, daemon=True).start()
    yield told
    process.terminate()
    assert process.wait(PATIENCE) == 0


class Visitor:
    """A browser without a script: cookies, and the token of the page it is on."""

    def __init__(self, url: str) -> None:
        self.url = url
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(jar)
        self.page = ""

    def get(self, path: str) -> str:
        """Ask for a page, and follow where it leads."""
        return self._open(path, None)

    def post(self, path: str, **answers: str) -> str:
        """Send a form, and follow where it leads."""
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.page)
        assert token is not None
        return self._open(path, urllib.parse.urlencode({"csrf_token": token[1], **answers}).encode())

    def _open(self, path: str, body: bytes | None) -> str:
        request = urllib.request.Request(self.url + path, body, {"Referer": self.url + path})
        with self.opener.open(request, timeout=PATIENCE) as answer:
            self.page = answer.read().decode()
        return self.page


def test_everybody_signs_in_with_what_was_printed(served: dict[str, Any]) -> None:
    assert served["url"].startswith("http://localhost:")
    for officer in served["officers"]:
        visitor = Visitor(served["url"])
        assert "Demonstration: invented people only." in visitor.get("/sign-in")
        visitor.post("/sign-in", name=officer["name"], password=officer["password"], banner="yes")
        desk = visitor.post("/sign-in/second-factor", code=pyotp.TOTP(officer["totp_secret"]).now())
        assert officer["full_name"] in desk
        assert "Sign out" in desk


def test_a_wrong_password_signs_nobody_in(served: dict[str, Any]) -> None:
    visitor = Visitor(served["url"])
    visitor.get("/sign-in")
    with pytest.raises(urllib.error.HTTPError, match="422"):
        visitor.post("/sign-in", name="ada", password="not the passphrase", banner="yes")
