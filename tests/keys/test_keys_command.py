"""`python -m vault keys audit` and `renew` as a person at the server uses them: in processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from tests.authenticator import Authenticator
from tests.cast import CHEAP, PASSWORD, make_vault
from vault.access import seals
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.models import Lockbox, SealRow
from vault.access.policy import Compartment
from vault.commands import cli, settings_file
from vault.officers import admission, proofs, revoking
from vault.running import RunningVault, wall_clock

ROOT = Path(__file__).resolve().parents[2]
HOUSES = 160


class Server:
    """A vault on this machine, and what is typed at its terminal."""

    def __init__(self, vault: RunningVault, secrets: dict[str, str]) -> None:
        self.vault = vault
        self._apps = {name: Authenticator(secret) for name, secret in secrets.items()}

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "vault", "keys", *words, "--data", str(self.vault.settings.data)],
            cwd=ROOT,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Without a terminal the hidden questions read what is piped in.
            # Tests that a shell runs in the background ignore this signal, and would hand that on.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )

    def finish(self, *words: str, typed: str = "") -> tuple[int, str, str]:
        """A process from beginning to end: its exit code, and what it said on both outputs."""
        process = self.start(*words)
        said, faults = process.communicate(typed, timeout=120)
        return process.returncode, said, faults

    def run(self, *words: str, typed: str = "") -> tuple[int, str, str]:
        """The same command in this process, which is quicker."""
        arguments = ["keys", *words, "--data", str(self.vault.settings.data)]
        result = CliRunner().invoke(cli, arguments, input=typed)
        return result.exit_code, result.stdout, result.stderr

    def proof(self, name: str) -> str:
        """A password, and a code that was not used yet."""
        return f"{PASSWORD.format(name)}\n{self._apps[name].code()}\n"

    def epochs(self) -> list[int]:
        with self.vault.reading() as db:
            return list(db.scalars(select(Lockbox.epoch)))


def actor(vault: RunningVault, name: str) -> Actor:
    with vault.reading() as db:
        officer, identity = proofs.check_password(db, vault.root, vault.settings, name, PASSWORD.format(name))
        version = officer.key_version
        return Actor(officer.id, officer.full_name, officer.role, True, version, None, None, identity)


def make_houses(vault: RunningVault, who: Actor) -> None:
    with vault.writing() as db:
        for _ in range(HOUSES):
            places = [Compartment.HOUSE_AREA, Compartment.HOUSE_ADDRESS]
            seals.new_lockboxes(db, who, vault.trust, f"house:{uuid4()}", None, places, vault.now())
        record(db, Event.HOUSE_ADDED, who=who, now=vault.now(), subjects=[])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The cast's vault on the machine's own clock, with houses whose keys the inspectors' role holds."""
    settings = settings_file(tmp_path / "data", tls=False, password_cost=CHEAP)
    secrets = make_vault(settings, wall_clock)  # type: ignore[arg-type]
    vault = RunningVault.start(settings, wall_clock)
    make_houses(vault, actor(vault, "ada"))
    yield Server(vault, secrets)
    vault.close()


def leave(server: Server, name: str) -> None:
    with server.vault.writing() as db:
        officer = admission.get_by_name(db, name)
        who, ground = actor(server.vault, "max"), revoking.Ground.LEFT
        revoking.revoke(db, who, officer, ground, "", server.vault.now())


def test_a_renewal_that_is_killed_and_interrupted_goes_on_where_it_was(server: Server) -> None:
    leave(server, "ines")
    for stop in (signal.SIGKILL, signal.SIGINT):
        before = server.epochs().count(2)
        process = server.start("renew", "--name", "ada")
        assert process.stdin is not None
        process.stdin.write(server.proof("ada"))
        process.stdin.flush()
        while server.epochs().count(2) == before:
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.005)
        process.send_signal(stop)
        _, told = process.communicate(timeout=60)
        assert process.returncode != 0
        if stop is signal.SIGINT:
            assert "Run the command again" in told
            assert "Traceback" not in told
    assert 0 < server.epochs().count(1) < 2 * HOUSES
    code, said, told = server.finish("renew", "--name", "ada", typed=server.proof("ada"))
    assert (code, said.splitlines()[-1].split(".")[0]) == (0, "Every key is renewed"), told
    assert server.epochs() == [2] * (2 * HOUSES)
    assert server.finish("audit")[:2] == (0, "Every key is where the matrix says, and nowhere else.\n")


def test_only_a_coordinator_with_password_and_code_renews_and_a_failure_is_counted(server: Server) -> None:
    leave(server, "ines")
    for typed, says in (
        ("some other password\n123456\n", "was not right"),
        (f"{PASSWORD.format('ada')}\n000000\n", "was not right"),
    ):
        code, _, told = server.run("renew", "--name", "ada", typed=typed)
        assert code == 1
        assert says in told
        assert "Traceback" not in told
    with server.vault.reading() as db:
        ada = admission.get_by_name(db, "ada").id
        settings = server.vault.settings
        assert proofs.recent_failures(db, settings, wall_clock(), officer=ada) == 2
    code, _, told = server.run("renew", "--name", "ivo", typed=server.proof("ivo"))
    assert code == 1
    assert "Only a certified coordinator" in told
    assert set(server.epochs()) == {1}


def test_the_audit_tells_of_each_fault_in_a_line_and_in_json(server: Server) -> None:
    assert server.run("audit") == (0, "Every key is where the matrix says, and nowhere else.\n", "")
    with server.vault.writing() as db:
        boxes = db.scalars(select(Lockbox).order_by(Lockbox.id)).all()
        first, second = (
            db.scalars(select(SealRow).where(SealRow.key == box.id, SealRow.holder_kind == "circle")).all()
            for box in boxes[:2]
        )
        gone = first[0]
        db.delete(gone)
        second[0].signature = bytes(64)
        ivo = admission.get_by_name(db, "ivo").id
        who = actor(server.vault, "ada")
        keys = seals.KeyCase(db, who, server.vault.trust)
        seals.seal_onward(db, keys, who, boxes[2], ivo, server.vault.now())
    code, said, told = server.run("audit")
    assert code == 1
    assert [line.split(":")[0] for line in said.splitlines()] == ["Missing", "Surplus", "Forged"]
    assert "Ivo Ironside" in said.splitlines()[1]
    assert boxes[2].subject in said.splitlines()[1]
    assert "show surplus and forged ones to the auditor" in told
    code, said, _ = server.run("audit", "--json")
    found = json.loads(said)
    assert code == 1
    assert [len(found[word]) for word in ("missing", "surplus", "forged")] == [1, 1, 1]
    assert found["missing"][0]["subject"] == boxes[0].subject
    assert found["surplus"][0]["holder_id"] == f"officer:{ivo}"
