"""Verification of an export without a database: every way of spoiling one is noticed and named."""

import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from audit.checkpoints import NotaryKeys
from audit.entries import Entry
from audit.errors import Damaged, NotVerified
from audit.notes import parse
from audit.tiles import bundle, tile_path, tiles_of, unbundle
from audit.tree import halve, leaf_hash, root_of
from audit.verify import verify, verify_in_parallel
from tests.audit.writing import NOON, ignore, some_entries

ROOT = Path(__file__).parents[2]
SIZE = 600


def write_export(directory: Path, leaves: list[bytes], keys: NotaryKeys) -> None:
    """What a dishonest log could publish: any leaves, with tiles and a signature that fit them."""
    hashes, level = [leaf_hash(leaf) for leaf in leaves], 0
    root = root_of(hashes)
    for number, width in tiles_of(len(leaves)):
        write(directory, "entries", number, width, bundle(leaves[number * 256 : number * 256 + width]))
    while hashes:
        for number, width in tiles_of(len(hashes)):
            write(directory, level, number, width, b"".join(hashes[number * 256 : number * 256 + width]))
        hashes = [root_of(hashes[at : at + 256]) for at in range(0, len(hashes) - 255, 256)]
        level += 1
    (directory / "checkpoint").write_text(keys.sign(len(leaves), root, NOON).text)


def write(directory: Path, level: int | str, number: int, width: int, content: bytes) -> None:
    path = directory / str(tile_path(level, number, width))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.fixture(scope="module")
def leaves() -> list[bytes]:
    return [entry.canonical() for entry in some_entries(SIZE)]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, leaves: list[bytes], notary_keys: NotaryKeys) -> Path:
    """An export of 600 entries that nobody spoilt."""
    directory = tmp_path_factory.mktemp("sound") / "export"
    write_export(directory, leaves, notary_keys)
    return directory


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(sound, tmp_path / "export"))


def damage(directory: Path, vkeys: str) -> Damaged:
    with pytest.raises(Damaged) as found:
        verify(directory, vkeys, ignore)
    return found.value


def replace_leaf(directory: Path, number: int, position: int, leaf: bytes) -> None:
    path = next((directory / "tile" / "entries").glob(f"{number:03d}*"))
    path = path if path.is_file() else next(path.iterdir())
    leaves = unbundle(path.read_bytes())
    leaves[position] = leaf
    path.write_bytes(bundle(leaves))


def test_a_sound_export_is_verified(sound: Path, leaves: list[bytes], vkeys: str) -> None:
    counted: list[int] = []
    report = verify(sound, vkeys, counted.append)
    assert (report.origin, report.size, sum(counted)) == ("vault.example/ledger", SIZE, SIZE)
    assert report.root == root_of(leaf_hash(leaf) for leaf in leaves)
    assert report.signers == ("vault.example/ledger (Ed25519)", "vault.example/ledger (ML-DSA-44)")
    assert report.earlier == ()


def test_one_key_alone_verifies(sound: Path, vkeys: str) -> None:
    for key in vkeys.split("\n"):
        assert len(verify(sound, key, ignore).signers) == 1


def test_processes_that_share_the_work_find_the_same(copy: Path, leaves: list[bytes], vkeys: str) -> None:
    assert verify_in_parallel(copy, vkeys, ignore, 2) == verify(copy, vkeys, ignore)
    replace_leaf(copy, 1, 3, leaves[0])
    replace_leaf(copy, 2, 3, leaves[0])
    with pytest.raises(Damaged, match="Entry 259"):
        verify_in_parallel(copy, vkeys, ignore, 2)


def test_another_logs_key_does_not_verify(sound: Path, vkeys: str) -> None:
    for origin in ("vault.example/ledger", "other.example/ledger"):
        for key in NotaryKeys.generate(origin).verifier_keys():
            with pytest.raises(NotVerified):
                verify(sound, vkeys + "\n" + key.to_text(), ignore)


@pytest.mark.parametrize("index", [0, 255, 256, 599])
def test_an_entry_altered_is_named(copy: Path, leaves: list[bytes], vkeys: str, index: int) -> None:
    forged = leaves[index].replace(b'"outcome":"done"', b'"outcome":"failed"')
    replace_leaf(copy, index // 256, index % 256, forged)
    assert damage(copy, vkeys).index == index


def test_two_entries_swapped_are_named(copy: Path, leaves: list[bytes], vkeys: str) -> None:
    replace_leaf(copy, 1, 10, leaves[270])
    replace_leaf(copy, 1, 14, leaves[266])
    assert damage(copy, vkeys).index == 266


def test_an_entry_altered_with_its_tile_is_narrowed_to_its_tile(
    copy: Path, leaves: list[bytes], vkeys: str
) -> None:
    forged = leaves[300].replace(b'"outcome":"done"', b'"outcome":"failed"')
    replace_leaf(copy, 1, 300 - 256, forged)
    tile = copy / "tile/0/001"
    tile.write_bytes(tile.read_bytes().replace(leaf_hash(leaves[300]), leaf_hash(forged)))
    found = damage(copy, vkeys)
    assert found.index == 256
    assert "255 after it" in found.what


def test_an_entry_altered_with_every_tile_is_not_the_signed_tree(
    copy: Path, leaves: list[bytes], notary_keys: NotaryKeys, vkeys: str
) -> None:
    checkpoint = (copy / "checkpoint").read_text()
    forged = [*leaves]
    forged[300] = forged[300].replace(b'"outcome":"done"', b'"outcome":"failed"')
    write_export(copy, forged, notary_keys)
    (copy / "checkpoint").write_text(checkpoint)
    assert "not the ones that were signed" in damage(copy, vkeys).what


def test_every_missing_file_is_noticed(copy: Path, vkeys: str) -> None:
    paths = sorted(path for path in copy.rglob("*") if path.is_file())
    assert len(paths) == 8
    for path in paths:
        content = path.read_bytes()
        path.unlink()
        with pytest.raises((Damaged, NotVerified)):
            verify(copy, vkeys, ignore)
        path.write_bytes(content)
    verify(copy, vkeys, ignore)


def test_every_file_cut_short_or_extended_is_noticed(copy: Path, vkeys: str) -> None:
    for path in sorted(path for path in copy.rglob("*") if path.is_file()):
        content = path.read_bytes()
        for spoilt in (content[:-1], content[: len(content) // 2], b"", content + b"\0", content + content):
            path.write_bytes(spoilt)
            with pytest.raises((Damaged, NotVerified)):
                verify(copy, vkeys, ignore)
        path.write_bytes(content)
    verify(copy, vkeys, ignore)


def test_any_bit_turned_in_any_file_is_noticed(copy: Path, vkeys: str) -> None:
    for path in sorted(path for path in copy.rglob("*") if path.is_file()):
        content = path.read_bytes()
        for at in range(0, len(content), max(len(content) // 7, 1)):
            path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            with pytest.raises((Damaged, NotVerified)):
                verify(copy, vkeys, ignore)
        path.write_bytes(content)
    verify(copy, vkeys, ignore)


def test_the_newest_entries_cut_off_with_an_older_checkpoint_is_an_older_ledger_and_says_its_size(
    copy: Path, leaves: list[bytes], notary_keys: NotaryKeys, vkeys: str
) -> None:
    shutil.rmtree(copy)
    write_export(copy, leaves[:500], notary_keys)
    assert verify(copy, vkeys, ignore).size == 500


def test_the_newest_entries_cut_off_are_named(copy: Path, vkeys: str) -> None:
    path = copy / "tile/entries/002.p/88"
    path.write_bytes(bundle(unbundle(path.read_bytes())[:80]))
    assert damage(copy, vkeys).index == 512 + 80


@pytest.mark.parametrize(
    "spoil",
    [
        lambda leaf: leaf.replace(b'"v":1', b'"v":2'),
        lambda leaf: leaf.replace(b'"v":1', b'"v": 1'),
        lambda leaf: leaf.replace(b'"facts":{"number":7}', b'"facts":{"words":"Jane Roe"}'),
        lambda leaf: b"{}",
        lambda leaf: b"",
    ],
)
def test_a_signed_leaf_that_is_no_entry_is_named(
    tmp_path: Path, leaves: list[bytes], notary_keys: NotaryKeys, vkeys: str, spoil: object
) -> None:
    assert callable(spoil)
    signed = [*leaves[:7], spoil(leaves[7]), *leaves[8:20]]
    assert signed[7] != leaves[7]
    write_export(tmp_path / "export", signed, notary_keys)
    assert damage(tmp_path / "export", vkeys).index == 7


def test_a_signed_duplicate_is_named(
    tmp_path: Path, leaves: list[bytes], notary_keys: NotaryKeys, vkeys: str
) -> None:
    write_export(tmp_path / "export", [*leaves[:300], leaves[4], *leaves[300:320]], notary_keys)
    found = damage(tmp_path / "export", vkeys)
    assert (found.index, "copy" in found.what) == (300, True)


def test_a_clock_set_back_is_reported_and_still_verifies(
    tmp_path: Path, notary_keys: NotaryKeys, vkeys: str
) -> None:
    entries: list[Entry] = [*some_entries(5)]
    back = some_entries(3)
    leaves = [entry.canonical() for entry in [*entries, *back]]
    write_export(tmp_path / "export", leaves, notary_keys)
    assert verify(tmp_path / "export", vkeys, ignore).earlier == (5,)
    assert back[0].at == NOON < entries[-1].at - timedelta(seconds=1)


def test_an_empty_ledger_that_was_signed_is_verified(
    tmp_path: Path, notary_keys: NotaryKeys, vkeys: str
) -> None:
    (tmp_path / "export").mkdir()
    write_export(tmp_path / "export", [], notary_keys)
    assert verify(tmp_path / "export", vkeys, ignore).size == 0


def test_a_full_tile_serves_for_a_partial_one(
    copy: Path, leaves: list[bytes], notary_keys: NotaryKeys, vkeys: str
) -> None:
    checkpoint = notary_keys.sign(200, root_of(leaf_hash(leaf) for leaf in leaves[:200]), NOON)
    (copy / "checkpoint").write_text(checkpoint.text)
    assert verify(copy, vkeys, ignore).size == 200


def test_halving_is_the_trees_own_level(leaves: list[bytes]) -> None:
    hashes = [leaf_hash(leaf) for leaf in leaves[:256]]
    while len(hashes) > 1:
        hashes = halve(hashes)
    assert hashes[0] == root_of(leaf_hash(leaf) for leaf in leaves[:256])


@pytest.fixture
def key_file(tmp_path: Path, vkeys: str) -> Path:
    path = tmp_path / "notary.vkey"
    path.write_text(vkeys + "\n")
    return path


def run(*arguments: str | os.PathLike[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "audit", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_verifies_with_a_key_given_as_text_or_file(
    sound: Path, key_file: Path, vkeys: str
) -> None:
    root = parse((sound / "checkpoint").read_text()).root.hex()
    done = run("verify", sound, "--key", key_file)
    assert done.returncode == 0
    assert done.stdout == (
        f"Verified: 600 entries, root {root}, signed by "
        f"vault.example/ledger (Ed25519), vault.example/ledger (ML-DSA-44)\n"
    )
    alone = run("verify", sound, "--key", vkeys.partition("\n")[0])
    assert alone.returncode == 0
    assert "ML-DSA" not in alone.stdout


def test_the_command_says_in_one_line_which_entry_is_wrong(
    copy: Path, leaves: list[bytes], key_file: Path
) -> None:
    replace_leaf(copy, 1, 3, leaves[259].replace(b'"done"', b'"failed"'))
    done = run("verify", copy, "--key", key_file)
    assert done.returncode == 1
    assert done.stdout == ""
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("Not verified")]
    assert said == (
        "Not verified. Entry 259: it is not what was written: its hash is not the one in the tree."
    )


@pytest.mark.parametrize("key", ["nonsense", "a+b+c", "/nowhere/at/all"])
def test_the_command_refuses_what_is_no_key(sound: Path, key: str) -> None:
    done = run("verify", sound, "--key", key)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_the_command_refuses_a_directory_that_is_no_export(tmp_path: Path, key_file: Path) -> None:
    for directory in (tmp_path, tmp_path / "absent"):
        done = run("verify", directory, "--key", key_file)
        assert done.returncode == 1
        assert "Not verified. This is not an export of a ledger: it has no checkpoint." in done.stderr


def test_verification_needs_no_database(sound: Path) -> None:
    program = "import sys, audit.__main__; print('sqlalchemy' in sys.modules, 'flask' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False False\n"
