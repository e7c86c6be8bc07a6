"""Every format that the package's README promises has golden vectors of each kind that it can have."""

import hashlib
import json
import re
from pathlib import Path

import pytest

VECTORS = Path(__file__).parent / "vectors"
README = Path(__file__).resolve().parents[2] / "crypto" / "README.md"

# A row of the README's table, and the files of vectors that keep it: sealed or derived, opened, refused.
# A file that stands for a format's bytes inside another is named too. None: the kind does not exist there.
KEPT: dict[str, tuple[str | None, str | None, str | None]] = {
    "root file": ("root-mac", "root-wrap", "root-wrap"),  # 32 bytes; its two keys show in what they make
    "root keys": (None, None, None),  # names of files; their bytes are root files
    "root in a token": ("root-wrap", "root-wrap", "root-wrap"),  # its blobs have the form of a file's
    "root wrap": ("root-wrap", "root-wrap", "root-wrap"),
    "identity": ("identity", None, "identity"),  # derived, never opened
    "public identity": ("identity", "public-identity", "public-identity"),
    "officer wrap": ("wrap", "wrap", "wrap"),
    "recovery code": ("recovery-code", "recovery-code", "recovery-code"),
    "cost": ("cost", "cost", "cost"),
    "session": ("session", "session", "session"),
    "kept secret": ("kept-secret", "kept-secret", "kept-secret"),
    "certificate": ("certificate", "certificate", "certificate"),
    "seal": ("key", "key", "key"),  # HPKE draws a key pair of its own: sealed again are the other parts
    "message": ("padding", "message", "message"),
    "duress wrap": ("duress-wrap", "duress-wrap", "duress-wrap"),
    "decoy's seed": ("duress-wrap", "duress-wrap", "duress-wrap"),  # it shows in what is locked
    "recovery request": ("recovery-request", "recovery-request", "recovery-request"),
    "recovery answer": ("padding", "recovery-answer", "recovery-answer"),
    "lockbox": ("lockbox", "lockbox-field", "lockbox-field"),  # derived: its keys show in what they seal
    "field": ("field", "field", "field"),
    "field plaintext": ("field", "field", "field"),
    "padding": ("padding", "padding", "padding"),
    "file": ("file", "file", "file"),
    "directory page": ("directory", "directory", "directory"),
}
SUITES = {"seal": "key-mlkem", "message": "message-mlkem"}


def rows(readme: str) -> list[str]:
    """The formats named in the first column of the table under "Formats"."""
    table = re.search(r"^## Formats\n(.*?)^## ", readme, re.MULTILINE | re.DOTALL)
    assert table is not None
    named = re.findall(r"^\| ([^|]+?) \|", table[1], re.MULTILINE)
    return [name for name in named if name != "what"]


def unkept(formats: list[str]) -> list[str]:
    """The formats without a file of vectors of each kind that they can have."""
    missing = []
    for form in formats:
        for kind, name in zip(("seal", "open", "refuse"), KEPT.get(form, ("", "", "")), strict=True):
            if name is not None and not (VECTORS / kind / f"{name}.json").is_file():
                missing.append(f"{form}: {kind}")
    return missing


def test_every_format_of_the_readme_has_vectors_of_every_kind() -> None:
    formats = rows(README.read_text())
    assert len(formats) >= 20
    assert unkept(formats) == []


def test_a_format_without_vectors_is_found() -> None:
    planted = README.read_text().replace("| file | ", "| parcel | `01` |\n| file | ")
    assert unkept(rows(planted)) == ["parcel: seal", "parcel: open", "parcel: refuse"]


@pytest.mark.parametrize("kind", ["open", "refuse"])
def test_what_is_sealed_to_a_public_key_has_vectors_of_the_second_suite(kind: str) -> None:
    for form, second in SUITES.items():
        assert form in KEPT
        cases = json.loads((VECTORS / kind / f"{second}.json").read_text())
        blobs = [bytes.fromhex(case["blob"]) for case in cases]
        assert any(blob[:2] == b"\x01\x02" for blob in blobs)


def test_no_vector_was_rewritten() -> None:
    """A new suite or version adds files and their digests; a digest that is here stays as it is."""
    known: dict[str, str] = json.loads((VECTORS / "digests.json").read_text())
    found = {
        str(path.relative_to(VECTORS)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(VECTORS.rglob("*.json"))
        # The directory's page has not left the house yet; its digests are added with its first release.
        if path.name != "digests.json" and path.stem != "directory"
    }
    assert found == known
