"""A program in Go, on the packages of Go's checksum database, verifies our exports without our code."""

import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from audit.checkpoints import Notary
from audit.export import export
from audit.ledger import Ledger
from audit.notes import NotaryKeys, parse
from tests.audit.test_verify import write_export
from tests.audit.writing import NOON, ignore, some_entries, weave
from tests.conftest import go_without

pytestmark = pytest.mark.soak
SOURCE = Path(__file__).parent / "reader" / "main.go"
# Where Debian's golang-golang-x-mod-dev puts what it packages.
PACKAGES = Path("/usr/share/gocode")
Reader = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """The program, compiled once."""
    if shutil.which("go") is None or not (PACKAGES / "src/golang.org/x/mod/sumdb/tlog").exists():
        go_without("Go", "As root: apt-get install golang-go golang-golang-x-mod-dev", "REQUIRE_GO")
    folder = tmp_path_factory.mktemp("reader")
    program = folder / "reader"
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOPATH": str(PACKAGES),
        "GOCACHE": str(folder / "cache"),
    }
    environment |= {"GOFLAGS": "", "CGO_ENABLED": "0"}
    subprocess.run(["go", "build", "-o", program, SOURCE], env=environment, check=True, cwd=folder)

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def vkey(notary_keys: NotaryKeys) -> str:
    """The notary's Ed25519 key, which Go knows."""
    return notary_keys.verifier_keys()[0].to_text()


@pytest.fixture(scope="module")
def leaves() -> list[bytes]:
    """The leaves of 1,100 entries."""
    return [entry.canonical() for entry in some_entries(1_100)]


def test_go_verifies_an_export_of_each_database(
    reader: Reader, ledger: Ledger, engine: Engine, notary: Notary, tmp_path: Path, vkey: str
) -> None:
    for name, more in (("earlier", 300), ("later", 400)):
        weave(ledger, some_entries(more))
        with engine.connect() as connection:
            notary.sign_next(connection, NOON)
            export(connection, notary.checkpoint.read_text(), tmp_path / name, ignore)
    with engine.connect() as connection:
        root = b64encode(ledger.head(connection).root).decode()
    done = reader(tmp_path / "later", vkey, tmp_path / "earlier")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"continues 300\nverified 700 {root}\n"


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513, 1_000])
def test_go_verifies_exports_of_every_shape_and_that_they_continue_each_other(
    reader: Reader, leaves: list[bytes], notary_keys: NotaryKeys, tmp_path: Path, vkey: str, size: int
) -> None:
    write_export(tmp_path / "earlier", leaves[:size], notary_keys)
    write_export(tmp_path / "later", leaves, notary_keys)
    assert reader(tmp_path / "earlier", vkey).returncode == 0
    done = reader(tmp_path / "later", vkey, tmp_path / "earlier")
    assert (done.returncode, f"continues {size}\n" in done.stdout) == (0, True)


def test_go_verifies_a_ledger_with_a_third_level_of_tiles(
    reader: Reader, notary_keys: NotaryKeys, tmp_path: Path, vkey: str
) -> None:
    many = [entry.canonical() for entry in some_entries(65_536 + 700)]
    write_export(tmp_path / "export", many, notary_keys)
    assert (tmp_path / "export/tile/2/000.p/1").exists()
    done = reader(tmp_path / "export", vkey)
    assert done.stdout.startswith("verified 66236 "), done.stderr


def test_go_refuses_what_our_verifier_refuses(
    reader: Reader, leaves: list[bytes], notary_keys: NotaryKeys, tmp_path: Path, vkey: str
) -> None:
    folder = tmp_path / "export"
    write_export(folder, leaves, notary_keys)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        # In the checkpoint a bit of the root: Go ignores the line of the other signature.
        at = 40 if path.name == "checkpoint" else len(content) // 2
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        done = reader(folder, vkey)
        assert (done.returncode, done.stdout) == (1, ""), path
        path.write_bytes(content)
    assert reader(folder, vkey).returncode == 0


def test_go_refuses_a_strangers_signature_and_a_ledger_that_was_rewritten(
    reader: Reader, leaves: list[bytes], notary_keys: NotaryKeys, tmp_path: Path, vkey: str
) -> None:
    write_export(tmp_path / "earlier", leaves[:600], notary_keys)
    stranger = NotaryKeys.generate(notary_keys.origin).verifier_keys()[0].to_text()
    assert "no verifiable signatures" in reader(tmp_path / "earlier", stranger).stderr
    forged = [leaves[0], leaves[2], leaves[1], *leaves[3:]]
    write_export(tmp_path / "later", forged, notary_keys)
    assert reader(tmp_path / "later", vkey).returncode == 0
    done = reader(tmp_path / "later", vkey, tmp_path / "earlier")
    assert (done.returncode, "does not continue the earlier export" in done.stderr) == (1, True)
    assert parse((tmp_path / "later/checkpoint").read_text()).size == len(leaves)
