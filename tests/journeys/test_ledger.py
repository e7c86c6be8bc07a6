"""What the auditor reads of it all afterwards: every look and act, in order, with reasons; and no record."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.bad_input.served import ROOT, Served
from tests.journeys import acts
from tests.journeys.conftest import Opened, Staff

STORIES = {
    "certification": """
        Pat Pepper sent referral {referral}
        Ada Amsel decided on referral {referral}
        Decision: at risk
        Decision: critical
        Decision: certified
        Ada Amsel opened a case: {code} and referral {referral}
        Ada Amsel named Ines Inkpen on {code}""",
    "record": """
        Ines Inkpen gave the second factor again
        Ines Inkpen opened Identity of person 1 in {code} — reason: Working on the case
        Ines Inkpen changed Identity of person 1 in {code}
        Ines Inkpen opened Location of {code} — reason: Working on the case
        Ines Inkpen changed Location of {code}
        Ines Inkpen assessed the threat to {code}
        Ines Inkpen added a note to {code}
        Ivo Ironside was refused “cases, show” on {code}: not there, or not theirs to know of — refused""",
    "housing": """
        Ada Amsel added place H-001
        Ines Inkpen searched safe housing for {code} — reason: Finding or arranging housing
        Ines Inkpen opened House address of place H-001 — reason: Finding or arranging housing
        Ines Inkpen held beds in place H-001 for {code}
        Ines Inkpen changed the stay of {code} in place H-001
        Now: confirmed
        Now: arrived
        Ivo Ironside was refused “safehouses, stays, hold beds” on place H-001: a rule forbade it""",
    "money": """
        Ada Amsel asked for payment P-2026-0001 and {code}
        Dee Drummer opened Payment details of payment P-2026-0001 and {code} — reason: Deciding a request
        Dee Drummer decided on payment P-2026-0001 and {code}
        Fin Farthing paid payment P-2026-0001 and {code}
        Fin Farthing attached the receipt of payment P-2026-0001 and {code}""",
    "disclosure": """
        Pat Pepper asked for disclosure D-2026-0001 and referral {referral}
        Ada Amsel took up disclosure D-2026-0001 and {code}
        Ada Amsel opened Identity of disclosure D-2026-0001 and person 1 in {code} — reason: Preparing a
        Ada Amsel chose the fields of disclosure D-2026-0001 and {code}
        Dee Drummer decided disclosure D-2026-0001
        Ada Amsel released the packet of disclosure D-2026-0001 and {code} to Pat Pepper
        Pat Pepper fetched the packet of disclosure D-2026-0001
        Pat Pepper acknowledged the packet of disclosure D-2026-0001""",
    "newcomer": """
        Max Mallow opened an account for Nora Nettle
        Someone enrolled as Nora Nettle
        Ada Amsel certified the keys of Nora Nettle
        Nora Nettle signed in""",
}


@pytest.fixture(scope="module")
def refused(staff: Staff, record: Opened, housed: str, house: str, other_case: Opened) -> None:
    """Ivo asked for a case that is not his, and for beds that are taken."""
    ivo = staff["ivo"]
    assert ivo.go(record.path) == 404
    assert acts.hold(ivo, house, other_case.code) == 409


@pytest.fixture(scope="module")
def lines(staff: Staff, everything: None, refused: None) -> list[str]:
    """Every line of the ledger as the auditor reads it, the oldest first."""
    aud = staff["aud"]
    aud.go("/ledger")
    read: list[str] = []
    while True:
        rows = aud.page.locator("tbody tr").all_inner_texts()
        read += [" ".join(words.split()) for words in rows]
        if not aud.page.get_by_role("link", name="Older entries").count():
            return read[::-1]
        aud.follow("Older entries")


def after(lines: list[str], words: str) -> list[str]:
    """The lines from the first one that says this."""
    for number, line in enumerate(lines):
        if words in line:
            return lines[number:]
    raise AssertionError(f"nothing in the ledger, in its place, says: {words}")


@pytest.mark.parametrize("story", STORIES)
def test_the_auditor_reads_each_story_in_its_order_with_its_reasons(
    lines: list[str], record: Opened, story: str
) -> None:
    left = lines
    for words in STORIES[story].strip().splitlines():
        left = after(left, words.strip().format(code=record.code, referral=record.referral))


def test_a_story_out_of_its_order_is_noticed(lines: list[str]) -> None:
    with pytest.raises(AssertionError, match="in its place"):
        after(after(lines, "Nora Nettle signed in"), "Max Mallow opened an account for Nora Nettle")


def test_every_line_stands_in_the_ledger_once_and_in_its_place(lines: list[str]) -> None:
    numbers = [int(line.split()[0 if line[0].isdigit() else 1].replace(",", "")) for line in lines]
    assert numbers == list(range(len(lines)))


def test_the_auditor_sees_no_record(staff: Staff, lines: list[str], record: Opened, house: str) -> None:
    aud = staff["aud"]
    case = record.path.removeprefix("/cases/")
    for path in (
        "/cases",
        record.path,
        f"/records/case/{case}/location/open",
        house,
        "/payments",
        "/referrals",
    ):
        assert aud.go(path) == 403, path
    seen = "".join(kept.html for kept in aud.album.of("aud"))
    for secret in (acts.WITNESS, acts.LEGAL_NAME, acts.STREET, acts.HIDING_PLACE, acts.THREAT, acts.NOTE):
        assert secret not in seen


def test_the_export_verifies_without_the_vault(
    staff: Staff, served: Served, lines: list[str], tmp_path: Path
) -> None:
    aud = staff["aud"]
    aud.go("/ledger/export")
    aud.give_code()
    packed = aud.download("Export the ledger", tmp_path)
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "export")
    verify = [sys.executable, "-m", "audit", "verify", str(tmp_path / "export")]
    pinned = ["--key", str(served.settings.notary_public)]
    whole = subprocess.run([*verify, *pinned], cwd=ROOT, capture_output=True, text=True, check=False)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    bundle = next(path for path in (tmp_path / "export" / "tile" / "entries").rglob("*") if path.is_file())
    altered = bytearray(bundle.read_bytes())
    altered[len(altered) // 2] ^= 1
    bundle.write_bytes(altered)
    broken = subprocess.run([*verify, *pinned], cwd=ROOT, capture_output=True, text=True, check=False)
    assert broken.returncode == 1, broken.stdout + broken.stderr
