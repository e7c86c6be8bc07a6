"""Saved proofs: one entry, proved by one file, from an export or from the database; and every forgery."""

import random
from datetime import timedelta
from pathlib import Path

import pytest
from pymerkle import InmemoryTree
from sqlalchemy import Engine

from audit.errors import Damaged, InvalidProof, NotVerified
from audit.exported import files_in, frontier_of, hashes_of
from audit.handovers import HandOver, sign_hand_over, to_text
from audit.ledger import Ledger
from audit.notes import NotaryKeys, VerifierKey, parse, read_verifier_keys
from audit.proofs import SavedProof, prove_exported
from audit.subtrees import prove_woven, subtrees_in
from audit.tree import from_leaves, inclusion_proof, leaf_hash, root_of
from audit.volumes import volume_named
from tests.audit.test_verify import run, write_export
from tests.audit.writing import NOON, leaves, some_entries, tamper, weave

SIZE = 600
NONE: list[HandOver] = []


@pytest.fixture(scope="module")
def written() -> list[bytes]:
    """The leaves of 600 entries."""
    return [entry.canonical() for entry in some_entries(SIZE)]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory, written: list[bytes], notary_keys: NotaryKeys) -> Path:
    """An export of those entries."""
    directory = tmp_path_factory.mktemp("proofs") / "export"
    write_export(directory, written, notary_keys)
    return directory


@pytest.fixture
def pinned(vkeys: str) -> list[VerifierKey]:
    return read_verifier_keys(vkeys)


def test_every_entry_of_an_export_is_proved_by_a_file_of_its_own(
    export: Path, pinned: list[VerifierKey]
) -> None:
    read = files_in(export)
    for index in (0, 1, 255, 256, 257, 511, 512, 598, 599):
        text = prove_exported(read, index).to_text()
        proved = SavedProof.from_text(text).check(pinned, NONE)
        assert (proved.proof.index, proved.entry.facts) == (index, {"number": index})
        assert len(proved.signers) == 2
    with pytest.raises(InvalidProof, match="no entry 600: it has 600"):
        prove_exported(read, SIZE)


def test_the_hashes_of_a_proof_are_those_of_another_implementation(
    export: Path, written: list[bytes]
) -> None:
    tree = InmemoryTree(algorithm="sha256")
    for leaf in written:
        tree.append_entry(leaf)
    for index in (0, 300, 599):
        peer = tree.prove_inclusion(index + 1, SIZE).serialize()["path"]
        assert [hashed.hex() for hashed in prove_exported(files_in(export), index).hashes] == peer[1:]


def test_the_file_has_the_lines_of_the_specification(export: Path) -> None:
    proof = prove_exported(files_in(export), 300)
    lines = proof.to_text().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1].startswith("extra ")
    assert lines[2] == "index 300"
    assert lines[3 : 3 + len(proof.hashes) + 1][-1] == ""
    assert "\n".join(lines[4 + len(proof.hashes) :]) == (export / "checkpoint").read_text()


@pytest.mark.parametrize("index", [0, 300, 599])
def test_a_turned_bit_anywhere_in_a_proof_is_refused(
    export: Path, pinned: list[VerifierKey], index: int
) -> None:
    content = prove_exported(files_in(export), index).to_text().encode()
    places = [*range(0, len(content), 13), *range(len(content) - 40, len(content))]
    for at in places:
        turned = content[:at] + bytes([content[at] ^ 1 << random.randrange(8)]) + content[at + 1 :]
        with pytest.raises((NotVerified, UnicodeDecodeError)):
            SavedProof.from_text(turned.decode()).check(pinned, NONE)


def test_a_proof_cut_short_extended_or_of_another_entry_is_refused(
    export: Path, pinned: list[VerifierKey]
) -> None:
    text = prove_exported(files_in(export), 300).to_text()
    other = prove_exported(files_in(export), 301).to_text()
    lines, others = text.split("\n"), other.split("\n")
    forged = [text[:-1], text + "\n", "", text + text, "\n" + text]
    forged += ["\n".join([*lines[:3], *lines[4:]]), "\n".join([*lines[:3], lines[3], *lines[3:]])]
    forged += ["\n".join([lines[0], others[1], *lines[2:]]), "\n".join([*lines[:2], others[2], *lines[3:]])]
    for wrong in forged:
        with pytest.raises(NotVerified):
            SavedProof.from_text(wrong).check(pinned, NONE)


def test_a_proof_under_a_strangers_signature_is_refused(export: Path, pinned: list[VerifierKey]) -> None:
    proof = prove_exported(files_in(export), 7)
    stranger = NotaryKeys.generate(proof.checkpoint.origin)
    signed = stranger.sign(proof.checkpoint.size, proof.checkpoint.root, NOON)
    forged = SavedProof(proof.index, proof.leaf, proof.hashes, signed)
    with pytest.raises(NotVerified, match="bears no Ed25519 signature"):
        forged.check(pinned, NONE)


def test_a_leaf_that_was_signed_but_is_no_entry_is_refused(
    tmp_path: Path, notary_keys: NotaryKeys, pinned: list[VerifierKey]
) -> None:
    write_export(tmp_path, [b"{}", b"no entry"], notary_keys)
    with pytest.raises(NotVerified, match="not in the form of an entry"):
        prove_exported(files_in(tmp_path), 1).check(pinned, NONE)


def test_an_export_that_lost_or_changed_something_gives_no_proof(
    tmp_path: Path, notary_keys: NotaryKeys
) -> None:
    write_export(tmp_path, [entry.canonical() for entry in some_entries(300)], notary_keys)
    read = files_in(tmp_path)
    for name, index in (("tile/entries/001.p/44", 256), ("tile/0/000", 3), ("tile/0/001.p/44", 280)):
        path = tmp_path / name
        content = path.read_bytes()
        turned = content[:40] + bytes([content[40] ^ 1]) + content[41:]
        for spoilt in (None, content[:-50], turned):
            path.unlink() if spoilt is None else path.write_bytes(spoilt)
            with pytest.raises((NotVerified, InvalidProof)):
                prove_exported(read, index)
            path.write_bytes(content)


def test_any_subtree_read_from_tiles_is_the_one_of_the_leaves(export: Path, written: list[bytes]) -> None:
    hashes = [leaf_hash(leaf) for leaf in written]
    get_hash = hashes_of(files_in(export), SIZE)
    for level in range(10):
        for position in range(SIZE >> level):
            assert get_hash(level, position) == from_leaves(hashes)(level, position)
    for size in (0, 1, 255, 256, 511, 513, 600):
        assert frontier_of(get_hash, size).root() == root_of(hashes[:size])


@pytest.mark.parametrize("batch", [1, 200, 256])
def test_a_proof_from_the_database_is_the_one_of_the_leaves(
    ledger: Ledger, engine: Engine, notary_keys: NotaryKeys, pinned: list[VerifierKey], batch: int
) -> None:
    size = 30 if batch == 1 else 1100
    entries = some_entries(size)
    for start in range(0, size, batch):
        weave(ledger, entries[start : start + batch])
    hashes = [leaf_hash(leaf) for leaf in leaves(engine)]
    signed = notary_keys.sign(size, root_of(hashes), NOON)
    with engine.connect() as connection:
        for index in {0, 1, size // 3, size // 2, size - 2, size - 1}:
            proof = prove_woven(connection, index, signed)
            assert list(proof.hashes) == inclusion_proof(index, size, from_leaves(hashes))
            assert proof.check(pinned, NONE).entry.facts == {"number": index}
        volume = volume_named(connection, notary_keys.origin)
        levels = range(11) if size > 1024 else range(4)
        for level in levels:
            assert subtrees_in(connection, volume)(level, 0) == root_of(hashes[: 1 << level])


def test_a_database_that_was_changed_gives_no_proof(
    ledger: Ledger, engine: Engine, notary_keys: NotaryKeys
) -> None:
    weave(ledger, some_entries(40))
    signed = notary_keys.sign(40, root_of([leaf_hash(leaf) for leaf in leaves(engine)]), NOON)
    tamper(engine, 'UPDATE ledger_entries SET leaf_hash = leaf WHERE "index" = 9')
    with engine.connect() as connection, pytest.raises(Damaged, match="Entry 3"):
        prove_woven(connection, 3, signed)
    with engine.begin() as connection:
        connection.exec_driver_sql('DELETE FROM ledger_subjects WHERE "index" = 9')
        connection.exec_driver_sql('DELETE FROM ledger_entries WHERE "index" = 9')
    with engine.connect() as connection:
        for index in (9, 10):
            with pytest.raises(Damaged, match="missing"):
                prove_woven(connection, index, signed)


def test_keys_that_were_replaced_still_verify_a_proof_with_the_hand_overs(
    tmp_path: Path, notary_keys: NotaryKeys, vkeys: str
) -> None:
    written = [entry.canonical() for entry in some_entries(20)]
    newer = NotaryKeys.generate(notary_keys.origin)
    write_export(tmp_path / "export", written, newer)
    root = root_of([leaf_hash(leaf) for leaf in written[:9]])
    (tmp_path / "hand-overs").write_text(to_text([sign_hand_over(notary_keys, newer, 9, root, [])]))
    assert run("prove", tmp_path / "export", "3", "--to", tmp_path / "kept").returncode == 0
    alone = run("verify", tmp_path / "kept", "--key", vkeys.partition("\n")[0])
    assert (alone.returncode, alone.stdout) == (1, "")
    followed = ["--key", vkeys.partition("\n")[0], "--hand-overs", tmp_path / "hand-overs"]
    assert run("verify", tmp_path / "kept", *followed).returncode == 0


def test_the_command_saves_a_proof_and_says_what_one_proves(export: Path, tmp_path: Path, vkeys: str) -> None:
    (tmp_path / "pinned").write_text(vkeys)
    saved = tmp_path / "entry.tlog-proof"
    assert run("prove", export, "300", "--to", saved).returncode == 0
    told = run("verify", saved, "--key", tmp_path / "pinned")
    root = parse((export / "checkpoint").read_text()).root.hex()
    assert told.returncode == 0, told.stderr
    assert f"entry 300 is in the ledger vault.example/ledger of 600 entries, root {root}" in told.stdout
    at = (NOON + timedelta(seconds=300)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert f"In short: compartment-opened (done), at {at}, by officer 0191d5a0" in told.stdout
    again = run("prove", export, "300", "--to", saved)
    assert (again.returncode, "Nothing was saved" in again.stderr) == (1, True)
    beyond = run("prove", export, "600", "--to", tmp_path / "none")
    assert (beyond.returncode, (tmp_path / "none").exists()) == (1, False)
    saved.write_bytes(saved.read_bytes().replace(b"index 300", b"index 301"))
    refused = run("verify", saved, "--key", tmp_path / "pinned")
    assert refused.returncode == 1
    assert refused.stderr == "Not verified. The entry in this proof is not in the ledger that was signed.\n"
    saved.write_bytes(b"\xff\xfe")
    assert "it is not text" in run("verify", saved, "--key", tmp_path / "pinned").stderr
