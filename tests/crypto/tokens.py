"""A throw-away SoftHSM token, and a process of its own to use it: the library reads its place only once."""

import os
import subprocess
import sys
from glob import glob
from pathlib import Path

import pytest

from tests.conftest import go_without

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so")
PIN = "24681357"


class SoftToken:
    """A token in a folder: what the settings need to name it, and the environment to reach it."""

    def __init__(self, folder: Path, module: Path) -> None:
        self.folder, self.module, self.label = folder, module, "vault"
        self.pin_file = folder / "pin"
        self.pin_file.write_text(PIN + "\n")
        self.pin_file.chmod(0o400)
        (folder / "tokens").mkdir()
        configuration = folder / "softhsm2.conf"
        configuration.write_text(
            f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        self.environment = {"SOFTHSM2_CONF": str(configuration)}
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", self.label, "--pin", PIN, "--so-pin", PIN],
            env=os.environ | self.environment,
            check=True,
            capture_output=True,
        )

    @property
    def settings(self) -> dict[str, str]:
        """The three settings that name it."""
        return {
            "root_module": str(self.module),
            "root_token": self.label,
            "root_pin_file": str(self.pin_file),
        }

    def run(self, program: str, *arguments: object, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a program that reaches the token, to its end."""
        return subprocess.run(
            [sys.executable, "-c", program, *map(str, arguments)],
            cwd=ROOT,
            env=os.environ | self.environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def token(tmp_path: Path) -> SoftToken:
    """An empty token of its own."""
    module = os.environ.get("SOFTHSM") or next((path for place in PLACES for path in sorted(glob(place))), "")
    if not module or not Path(module).is_file():
        go_without("token", "As root: apt-get install softhsm2", "REQUIRE_HSM")
    folder = tmp_path / "token"
    folder.mkdir()
    return SoftToken(folder, Path(module))
