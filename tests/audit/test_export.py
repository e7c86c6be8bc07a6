"""The export: its layout, and that others can read it without any code of ours."""

import hashlib
from base64 import b64decode
from pathlib import Path

import pytest
from pymerkle import InmemoryTree
from sqlalchemy import Engine

from audit.checkpoints import Notary, NotaryKeys
from audit.errors import Damaged, NotVerified
from audit.export import export
from audit.ledger import Ledger
from audit.tiles import bundle, tile_path, tiles_of, unbundle
from tests.audit.writing import NOON, ignore, some_entries, tamper, weave


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: what is read here is read alike on PostgreSQL, as test_damage shows on both."""
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


def files(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def exported(ledger: Ledger, engine: Engine, notary: Notary, directory: Path, size: int) -> dict[str, bytes]:
    weave(ledger, some_entries(size))
    with engine.connect() as connection:
        signed = notary.sign_next(connection, NOON)
        assert signed is not None
        export(connection, signed.text, directory, ignore)
    return files(directory)


def test_the_layout_is_that_of_tlog_tiles(
    ledger: Ledger, engine: Engine, notary: Notary, tmp_path: Path
) -> None:
    found = exported(ledger, engine, notary, tmp_path / "export", 600)
    assert set(found) == {
        "checkpoint",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/88",
    }
    assert len(found["tile/0/001"]) == 8192
    assert len(found["tile/0/002.p/88"]) == 88 * 32


def test_a_stranger_reads_the_entries_and_computes_the_signed_root(
    ledger: Ledger, engine: Engine, notary: Notary, tmp_path: Path
) -> None:
    found = exported(ledger, engine, notary, tmp_path / "export", 300)
    peer = InmemoryTree(algorithm="sha256")
    hashes = b""
    for name in ("tile/entries/000", "tile/entries/001.p/44"):
        content = found[name]
        while content:
            length = int.from_bytes(content[:2], "big")
            peer.append_entry(content[2 : 2 + length])
            hashes += hashlib.sha256(b"\0" + content[2 : 2 + length]).digest()
            content = content[2 + length :]
    _, size, root = found["checkpoint"].decode().split("\n")[:3]
    assert (peer.get_size(), peer.get_root(300)) == (int(size), b64decode(root))
    assert found["tile/0/000"] + found["tile/0/001.p/44"] == hashes
    level_one = InmemoryTree(algorithm="sha256")
    for entry in some_leaves(found["tile/entries/000"]):
        level_one.append_entry(entry)
    assert found["tile/1/000.p/1"] == level_one.get_root(256)


def some_leaves(content: bytes) -> list[bytes]:
    leaves = []
    while content:
        length = int.from_bytes(content[:2], "big")
        leaves.append(content[2 : 2 + length])
        content = content[2 + length :]
    return leaves


def test_the_same_ledger_gives_the_same_files(
    ledger: Ledger, engine: Engine, notary: Notary, tmp_path: Path
) -> None:
    first = exported(ledger, engine, notary, tmp_path / "first", 300)
    weave(ledger, some_entries(5))
    with engine.connect() as connection:
        export(connection, notary.checkpoint.read_text(), tmp_path / "second", ignore)
    assert files(tmp_path / "second") == first


def test_progress_counts_every_entry_once(
    ledger: Ledger, engine: Engine, notary: Notary, tmp_path: Path
) -> None:
    counted: list[int] = []
    weave(ledger, some_entries(300))
    with engine.connect() as connection:
        signed = notary.sign_next(connection, NOON)
        assert signed is not None
        export(connection, signed.text, tmp_path / "export", counted.append)
    assert sum(counted) == 300


def test_an_export_never_mixes_with_what_is_there(
    ledger: Ledger, engine: Engine, notary: Notary, tmp_path: Path
) -> None:
    exported(ledger, engine, notary, tmp_path / "export", 3)
    with engine.connect() as connection, pytest.raises(FileExistsError):
        export(connection, notary.checkpoint.read_text(), tmp_path / "export", ignore)


def test_a_ledger_that_is_not_the_signed_one_is_not_exported(
    ledger: Ledger, engine: Engine, notary: Notary, notary_keys: NotaryKeys, tmp_path: Path
) -> None:
    weave(ledger, some_entries(5))
    forged = notary_keys.sign(5, b"r" * 32, NOON).text
    with engine.connect() as connection:
        with pytest.raises(Damaged, match="root"):
            export(connection, forged, tmp_path / "a", ignore)
        with pytest.raises(Damaged, match="Entry 5"):
            export(connection, notary_keys.sign(6, b"r" * 32, NOON).text, tmp_path / "b", ignore)
        with pytest.raises(NotVerified):
            export(connection, "", tmp_path / "c", ignore)
    tamper(engine, 'DELETE FROM ledger_entries WHERE "index" = 2')
    with engine.connect() as connection, pytest.raises(Damaged, match="Entry 2"):
        export(connection, forged, tmp_path / "d", ignore)
    assert not any((tmp_path / name / "checkpoint").exists() for name in "abcd")


@pytest.mark.parametrize(
    ("number", "width", "path"),
    [
        (0, 256, "tile/0/000"),
        (999, 1, "tile/0/999.p/1"),
        (1000, 256, "tile/0/x001/000"),
        (1234067, 256, "tile/0/x001/x234/067"),
        (273, 112, "tile/0/273.p/112"),
    ],
)
def test_tile_paths_are_those_of_the_specification(number: int, width: int, path: str) -> None:
    assert str(tile_path(0, number, width)) == path


def test_a_tree_of_70_000_fills_the_tiles_of_the_specification() -> None:
    assert list(tiles_of(70_000))[-2:] == [(272, 256), (273, 112)]
    assert list(tiles_of(273)) == [(0, 256), (1, 17)]
    assert list(tiles_of(0)) == []


def test_a_bundle_reads_back_and_a_cut_one_is_refused() -> None:
    leaves = [b"a", b"", b"b" * 8192]
    content = bundle(leaves)
    assert unbundle(content) == leaves
    for cut in (1, 8191, 8193):
        with pytest.raises(ValueError, match="cut off"):
            unbundle(content[:-cut])
