"""What the auditor takes away: an export that anybody verifies, a checkpoint, the seals, the matrix."""

import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audit.notes import parse
from tests.cast import Cast
from tests.oversight.test_read import damage, plain
from tests.programme import open_case
from vault.access.comparing import audit_seals
from vault.access.models import SealRow
from vault.access.policy import MATRIX, Role
from vault.commands import cli

# What asks the database in words of its own is tried on both engines; a page is the same over either.
ON_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
ROOT = Path(__file__).resolve().parents[2]


def exported(cast: Cast) -> bytes:
    aud = cast["aud"]
    aud.get("/ledger/export")
    answer = aud.post("/ledger/export", code=aud.code())
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/zip"
    content: bytes = answer.data
    answer.close()
    return content


def verified(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "audit", "verify", str(folder), "--key", str(folder / "notary.vkey")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_export_verifies_on_the_command_line_and_a_changed_one_does_not(
    cast: Cast, tmp_path: Path
) -> None:
    open_case(cast, named=["ines"])
    zipfile.ZipFile(io.BytesIO(exported(cast))).extractall(tmp_path / "export")
    told = verified(tmp_path / "export")
    assert told.returncode == 0, told.stderr
    assert "Verified:" in told.stdout
    bundle = next((tmp_path / "export" / "tile" / "entries").rglob("*.p/*"))
    bundle.write_bytes(bundle.read_bytes().replace(b'"done"', b'"dome"', 1))
    assert verified(tmp_path / "export").returncode == 1


@ON_SQLITE
def test_the_export_tells_of_itself_and_holds_no_details_and_no_name(cast: Cast) -> None:
    open_case(cast, named=["ines"])
    packed = zipfile.ZipFile(io.BytesIO(exported(cast)))
    whole = b"".join(packed.read(name) for name in packed.namelist())
    assert b'"ledger-exported"' in whole
    for word in (b"Jane Roe", b"Ines Inkpen", b"ines"):
        assert word not in whole


@ON_SQLITE
def test_an_export_without_the_code_is_asked_for_again_and_leaves_nothing(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    aud = cast["aud"]
    aud.get("/ledger/export")
    assert aud.post("/ledger/export").status_code == 422
    wrong = aud.post("/ledger/export", code="000000")
    assert wrong.status_code == 422
    assert wrong.mimetype == "text/html"
    exported(cast)
    assert list((tmp_path / "temporary").iterdir()) == []


@ON_SQLITE
def test_a_damaged_ledger_is_not_exported_and_the_fault_is_said(cast: Cast) -> None:
    open_case(cast, named=[])
    damage(cast, 1)
    aud = cast["aud"]
    aud.get("/ledger/export")
    answer = aud.post("/ledger/export", code=aud.code())
    assert answer.status_code == 503
    assert "Nothing was done" in answer.text
    assert "not a continuation" in answer.text


@ON_SQLITE
def test_the_checkpoint_page_shows_what_the_notary_signed_and_the_keys_to_pin(cast: Cast) -> None:
    exported(cast)
    page = plain(cast["aud"].get("/ledger/checkpoint").text)
    assert "signatures hold" in page
    assert "ML-DSA-44" in page
    page = page.replace(" ", "")
    keys = cast.stage.settings.notary_public.read_text().splitlines()
    assert all(key in page for key in keys)


@ON_SQLITE
def test_a_checkpoint_by_another_hand_is_not_believed(cast: Cast) -> None:
    exported(cast)
    path = cast.stage.settings.checkpoint
    origin, size, rest = path.read_text().split("\n", 2)
    path.write_text(f"{origin}\n{int(size) + 1}\n{rest}")
    page = plain(cast["aud"].get("/ledger/checkpoint").text)
    assert "Do not believe this checkpoint" in page
    assert "signatures hold" not in page


@ON_SQLITE
def test_before_anything_was_signed_the_page_says_so(cast: Cast) -> None:
    assert "signed nothing yet" in cast["aud"].get("/ledger/checkpoint").text


def test_keys_are_where_the_matrix_says_until_one_is_planted_or_taken(cast: Cast) -> None:
    case, aud = open_case(cast, named=["ines"]), cast["aud"]
    assert "Every key is where the matrix says" in aud.get("/ledger/seals").text
    vault = cast.stage.vault
    ines, ivo = cast["ines"].actor.officer, cast["ivo"].actor.officer
    with vault.writing() as db:
        seal = db.query(SealRow).filter_by(holder=ines, key_kind="lockbox").first()
        assert seal is not None
        seal.holder = ivo
    page = plain(aud.get("/ledger/seals").text)
    assert "1 key too many" in page
    assert "Ivo Ironside" in page
    assert "Ines Inkpen" in page
    assert case.code in page
    with vault.reading() as db:
        missing, surplus = audit_seals(db)
    assert [fault.holder for fault in missing] == [ines]
    assert [fault.holder for fault in surplus] == [ivo]
    with vault.writing() as db:
        db.delete(db.query(SealRow).filter_by(holder=ivo, key_kind="lockbox").one())
    with vault.reading() as db:
        assert [len(part) for part in audit_seals(db)] == [1, 0]


@ON_SQLITE
def test_the_printed_matrix_is_the_one_that_hands_out_the_keys(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = plain(cast["aud"].get("/ledger/matrix").text)
    for compartment, row in MATRIX.items():
        holds = " ".join(row[role].value for role in Role)
        assert any(f"{compartment.label} {mark}{holds}" in page for mark in ("", "° ")), (
            f"{compartment.label}: {holds}"
        )
    assert "Auditor" in page


@ON_SQLITE
def test_a_proof_saved_from_an_entry_verifies_on_the_command_line_and_is_recorded(
    cast: Cast, tmp_path: Path
) -> None:
    open_case(cast, named=["ines"])
    aud = cast["aud"]
    page = aud.get("/ledger/3").text
    assert '/ledger/3/proof"' in page
    answer = aud.get("/ledger/3/proof")
    assert answer.status_code == 200
    assert "entry-3.tlog-proof" in answer.headers["Content-Disposition"]
    saved = tmp_path / "entry-3.tlog-proof"
    saved.write_bytes(answer.data)
    pinned = str(cast.stage.settings.notary_public)
    command = [sys.executable, "-m", "audit", "verify", str(saved), "--key", pinned]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert "Verified: entry 3 is in the ledger" in told.stdout
    assert "saved the proof of an entry" in plain(aud.get("/ledger").text)


@ON_SQLITE
def test_no_proof_is_saved_of_an_entry_that_is_not_there_or_not_as_it_was_written(cast: Cast) -> None:
    open_case(cast, named=[])
    aud = cast["aud"]
    assert aud.get("/ledger/999999/proof").status_code == 404
    damage(cast, 1)
    answer = aud.get("/ledger/3/proof")
    assert answer.status_code == 500
    assert "attachment" not in answer.headers.get("Content-Disposition", "")


@ON_SQLITE
def test_an_export_goes_on_where_the_last_one_ended(cast: Cast, tmp_path: Path) -> None:
    def run(*arguments: str) -> Result:
        command = ["ledger", "export", str(tmp_path / "export"), "--data", str(cast.stage.settings.data)]
        return CliRunner().invoke(cli, [*command, *arguments])

    assert "Not exported. This is not an export" in run("--since", "last").output
    assert run().exit_code == 0
    first = parse((tmp_path / "export" / "checkpoint").read_text()).size
    open_case(cast, named=[])
    again = run("--since", "last")
    assert again.exit_code == 0, again.output
    assert parse((tmp_path / "export" / "checkpoint").read_text()).size > first
    assert verified(tmp_path / "export").returncode == 0
    assert run("--since", "0").exit_code == 0
    assert verified(tmp_path / "export").returncode == 0
    assert run("--since", "99999").exit_code == 1
    assert run("--since", "yesterday").exit_code == 2
