"""Several root keys beside each other: the newest locks, every one unlocks, and each change is noticed."""

import os
from pathlib import Path

import pytest

from crypto.errors import BadKeyFile, Refused
from crypto.root import FileRootKey
from crypto.root_ring import RootRing, has_root_key


@pytest.fixture
def ring(tmp_path: Path) -> RootRing:
    """The ring of a new vault."""
    return RootRing.create(tmp_path, None)


def test_a_new_vault_has_key_one_and_never_gets_another_by_founding(tmp_path: Path) -> None:
    assert not has_root_key(tmp_path)
    assert not has_root_key(tmp_path / "absent")
    RootRing.create(tmp_path, None)
    assert has_root_key(tmp_path)
    assert os.listdir(tmp_path) == ["root.key"]
    with pytest.raises(BadKeyFile):
        RootRing.create(tmp_path, None)


def test_a_ring_wraps_as_the_one_key_in_its_file_does(ring: RootRing, tmp_path: Path) -> None:
    alone = FileRootKey.load(tmp_path / "root.key")
    assert alone.unwrap(ring.wrap(b"secret", b"c"), b"c") == b"secret"
    assert ring.unwrap(alone.wrap(b"secret", b"c"), b"c") == b"secret"
    assert ring.mac(b"x") == alone.mac(b"x")


def test_another_process_notices_a_new_key_and_a_destroyed_one(ring: RootRing, tmp_path: Path) -> None:
    other = RootRing.open(tmp_path, None)
    old, before = other.wrap(b"secret", b"c"), other.mac(b"x")
    ring.prepare(2, in_token=False)
    assert (other.numbers, other.prepared, other.mac(b"x")) == ((1,), 2, before)
    ring.begin(2)
    assert (other.numbers, other.prepared) == ((2, 1), None)
    assert other.mac(b"x") == ring.mac(b"x") != before
    assert other.unwrap(old, b"c") == b"secret"
    new = other.rewrap(old, b"c")
    assert new is not None
    assert other.rewrap(new, b"c") is None
    ring.retire(1)
    assert other.numbers == (2,)
    assert other.unwrap(new, b"c") == b"secret"
    with pytest.raises(Refused):
        other.unwrap(old, b"c")
    with pytest.raises(Refused):
        other.rewrap(old, b"c")
    assert os.listdir(tmp_path) == ["root-2.key"]


def test_the_newest_key_is_never_destroyed(ring: RootRing) -> None:
    for number in (1, 2):
        with pytest.raises(BadKeyFile):
            ring.retire(number)


def test_a_destroyed_key_is_written_over_even_when_the_power_went_before(
    ring: RootRing, tmp_path: Path
) -> None:
    ring.prepare(2, in_token=False)
    ring.begin(2)
    os.link(tmp_path / "root.key", tmp_path / "another name of the same bytes")
    before = (tmp_path / "root.key").read_bytes()
    (tmp_path / "root.key").rename(tmp_path / "old-root.key")
    assert ring.numbers == (2,)
    ring.finish_retiring()
    assert not (tmp_path / "old-root.key").exists()
    assert (tmp_path / "another name of the same bytes").read_bytes() != before


def test_a_prepared_key_that_is_not_whole_is_made_anew_and_a_whole_one_kept(
    ring: RootRing, tmp_path: Path
) -> None:
    path = tmp_path / "next-root-2.key"
    path.write_bytes(b"cut off")
    path.chmod(0o400)
    assert ring.unwrap(ring.wrap(b"secret", b"c"), b"c") == b"secret"
    ring.prepare(2, in_token=False)
    whole = path.read_bytes()
    ring.prepare(2, in_token=False)
    assert path.read_bytes() == whole
    assert len(whole) == 32


def test_a_folder_emptied_by_accident_takes_no_key_from_a_running_process(
    ring: RootRing, tmp_path: Path
) -> None:
    blob = ring.wrap(b"secret", b"c")
    (tmp_path / "root.key").unlink()
    assert ring.unwrap(blob, b"c") == b"secret"
    with pytest.raises(BadKeyFile, match="missing"):
        RootRing.open(tmp_path, None)


def test_two_keys_of_one_number_and_a_key_others_may_read_are_refused(ring: RootRing, tmp_path: Path) -> None:
    (tmp_path / "root.token").touch()
    with pytest.raises(BadKeyFile, match="same number"):
        ring.mac(b"x")
    (tmp_path / "root.token").unlink()
    assert ring.mac(b"x")
    FileRootKey.create(tmp_path / "root-2.key")
    (tmp_path / "root-2.key").chmod(0o440)
    with pytest.raises(BadKeyFile, match="0400"):
        RootRing.open(tmp_path, None)


@pytest.mark.parametrize("name", ["root-1.key", "root-02.key", "root-0.key", "root.key.bak", "xroot-2.key"])
def test_other_files_in_the_folder_are_no_keys(ring: RootRing, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(bytes(32))
    assert ring.numbers == (1,)


def test_a_ring_shows_nothing_of_its_keys(ring: RootRing, tmp_path: Path) -> None:
    ring.mac(b"x")
    assert repr(ring) == "<RootRing>"
