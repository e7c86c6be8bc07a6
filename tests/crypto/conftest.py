"""A root key on a disk, and one of each thing that is kept or sealed."""

from pathlib import Path
from uuid import UUID

import pytest

from crypto.identity import Identity
from crypto.lockbox import LockboxKey
from crypto.passwords import PasswordCost
from crypto.root import FileRootKey
from crypto.sealing import Holder, KeyName


@pytest.fixture
def root(tmp_path: Path) -> FileRootKey:
    return FileRootKey.create(tmp_path / "root.key")


@pytest.fixture
def cheap() -> PasswordCost:
    """A cost that no vault would use and no test has to wait for."""
    return PasswordCost("argon2id", 64, 1, 1)


@pytest.fixture(scope="session")
def ada() -> Identity:
    """The coordinator."""
    return Identity.from_seed(b"a" * 32)


@pytest.fixture(scope="session")
def ines() -> Identity:
    """An inspector."""
    return Identity.from_seed(b"i" * 32)


@pytest.fixture(scope="session")
def holder(ines: Identity) -> Holder:
    return Holder("officer", UUID(int=7), 1, ines.public)


@pytest.fixture(scope="session")
def key_name() -> KeyName:
    return KeyName("lockbox", UUID(int=9), 3, "case:00000000-0000-0000-0000-00000000000b", "identity")


@pytest.fixture(scope="session")
def lockbox() -> LockboxKey:
    return LockboxKey(UUID(int=5), 3, b"s" * 32, b"h" * 32)
