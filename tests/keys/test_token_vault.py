"""A whole vault whose root key lies in a token: founded there and served by two workers, or moved there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bad_input.served import ROOT, Served, Visitor
from tests.cast import CHEAP, PASSWORD, make_vault
from tests.crypto.tokens import SoftToken, token
from vault.commands import settings_file
from vault.running import wall_clock

__all__ = ["token"]

REFERRAL = {
    "witness": "Jane Roe",
    "contact": "555-0101",
    "household": "1",
    "docket": "CR-26-0001",
    "felony": "Murder",
    "defendants": "John Doe",
    "harm": ["threat"],
    "basis": "has-occurred",
    "narrative": "Followed home.",
}
PASSWORDS_OPEN = """
import sys
from pathlib import Path
from vault.officers import proofs
from vault.running import RunningVault, wall_clock
from vault.settings import load
vault = RunningVault.start(load(Path(sys.argv[1])), wall_clock)
with vault.reading() as db:
    officer, _ = proofs.check_password(db, vault.root, vault.settings, "ines", sys.argv[2])
print(officer.full_name, vault.root.numbers)
vault.close()
"""


def run(token: SoftToken, *arguments: object) -> str:
    """What another process says that reaches the token."""
    environment = os.environ | token.environment
    environment |= {f"VAULT_{name.upper()}": value for name, value in token.settings.items()}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_vault_on_a_token_is_founded_served_by_two_workers_and_opened(
    token: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in token.environment.items():
        monkeypatch.setenv(name, value)
    for name, value in token.settings.items():
        monkeypatch.setenv(f"VAULT_{name.upper()}", value)
    served = Served(tmp_path, "", workers=2).start()
    try:
        assert sorted(path.name for path in served.settings.keys.glob("root*")) == ["root.token"]
        assert (served.settings.keys / "root.token").read_bytes() == b""
        pat = Visitor(served, "pat").sign_in()
        assert pat.post("/referrals/send", **REFERRAL).status == 303
        ada = Visitor(served, "ada").sign_in()
        referral = re.search(r"/referrals/[0-9a-f-]{36}", ada.get("/referrals").text)
        assert referral
        ada.get(referral[0])
        for version, outcome in enumerate(("yes", "yes", "services"), 1):
            ada.post(f"{referral[0]}/decide", outcome=outcome, reasons="So.", version=version)
        case = ada.post(f"{referral[0]}/open-case", ceiling="4000", days="30").headers["Location"]
        assert ada.post(f"{case}/add/note", kind="note", text="Seen at the market.").status == 303
        casework = case.replace("/cases/", "/records/case/") + "/casework/open"
        assert len(served.worker_ids()) == 2
        # Asked often enough, both workers have answered, each with a session of its own on the token.
        for _ in range(6):
            assert "Seen at the market." in ada.post(casework, reason="review").text
        served.kill_workers()
        served.wait()
        assert "Seen at the market." in ada.post(casework, reason="review").text
        shutil.rmtree(token.folder / "tokens")
        gone = ada.post(casework, reason="review")
        assert gone.status == 503
        assert "Seen at the market." not in gone.text
        assert "BadKeyFile" in served.log.read_text()
    finally:
        served.kill_all()


def test_a_vault_moves_into_a_token_and_back_by_changing_its_root_key(
    token: SoftToken, tmp_path: Path
) -> None:
    settings = settings_file(tmp_path / "data", tls=False, password_cost=CHEAP)
    make_vault(settings, wall_clock)  # type: ignore[arg-type]
    command = ("-m", "vault", "keys", "rotate-root", "--data", settings.data, "--pause", "0")
    assert "Root key 2 is in use" in run(token, *command)
    assert [path.name for path in settings.keys.glob("*root*")] == ["root-2.token"]
    check = ("-c", PASSWORDS_OPEN, settings.data, PASSWORD.format("ines"))
    assert run(token, *check) == "Ines Inkpen (2,)\n"
    assert "Verified" in run(token, "-m", "vault", "verify", "--data", settings.data)
    assert "Root key 3 is in use" in run(token, *command, "--in-file")
    assert [path.name for path in settings.keys.glob("*root*")] == ["root-3.key"]
    assert run(token, *check) == "Ines Inkpen (3,)\n"
