"""The root key in its file."""

import os
from pathlib import Path

import pytest

from crypto.errors import BadKeyFile, Refused
from crypto.root import FileRootKey


def test_a_new_key_is_32_bytes_that_only_its_owner_may_read(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    FileRootKey.create(path)
    assert path.stat().st_mode & 0o777 == 0o400
    assert len(path.read_bytes()) == 32


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    FileRootKey.create(path)
    before = path.read_bytes()
    with pytest.raises(BadKeyFile):
        FileRootKey.create(path)
    assert path.read_bytes() == before


def test_two_new_keys_differ(tmp_path: Path) -> None:
    FileRootKey.create(tmp_path / "first")
    FileRootKey.create(tmp_path / "second")
    assert (tmp_path / "first").read_bytes() != (tmp_path / "second").read_bytes()


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o600 | 0o020, 0o644, 0o777])
def test_a_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "root.key"
    FileRootKey.create(path)
    path.chmod(mode)
    with pytest.raises(BadKeyFile):
        FileRootKey.load(path)


@pytest.mark.parametrize("length", [0, 31, 33, 1000])
def test_a_key_of_another_length_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "root.key"
    path.write_bytes(bytes(length))
    path.chmod(0o400)
    with pytest.raises(BadKeyFile):
        FileRootKey.load(path)


def test_a_missing_key_a_folder_a_link_and_a_pipe_are_refused(tmp_path: Path) -> None:
    FileRootKey.create(tmp_path / "root.key")
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "root.key")
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("missing", "folder", "link", "pipe"):
        with pytest.raises(BadKeyFile):
            FileRootKey.load(tmp_path / name)


def test_a_key_in_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadKeyFile):
        FileRootKey.create(tmp_path / "missing" / "root.key")


def test_what_is_wrapped_opens_only_in_its_context_and_under_its_root(tmp_path: Path) -> None:
    root = FileRootKey.create(tmp_path / "one")
    other = FileRootKey.create(tmp_path / "two")
    blob = root.wrap(b"secret", b"context")
    assert FileRootKey.load(tmp_path / "one").unwrap(blob, b"context") == b"secret"
    for holder, context in ((root, b"contexT"), (root, b""), (other, b"context")):
        with pytest.raises(Refused):
            holder.unwrap(blob, context)


def test_every_changed_byte_of_a_wrapped_blob_is_refused(root: FileRootKey) -> None:
    blob = root.wrap(b"secret", b"context")
    for at in range(len(blob)):
        with pytest.raises(Refused):
            root.unwrap(blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :], b"context")
    for length in range(len(blob)):
        with pytest.raises(Refused):
            root.unwrap(blob[:length], b"context")


def test_a_mac_depends_on_the_root_and_the_data(tmp_path: Path) -> None:
    root = FileRootKey.create(tmp_path / "one")
    other = FileRootKey.create(tmp_path / "two")
    assert len(root.mac(b"x")) == 32
    assert root.mac(b"x") == FileRootKey.load(tmp_path / "one").mac(b"x")
    assert len({root.mac(b"x"), root.mac(b"y"), other.mac(b"x")}) == 3
