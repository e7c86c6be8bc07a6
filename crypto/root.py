"""The root key of a vault: without it a copy of the database cannot even be used to test a password."""

import hashlib
import hmac
import os
import stat
from pathlib import Path
from typing import Protocol, Self

from crypto.derivation import KEY_LENGTH, decrypt, encrypt, expand
from crypto.encoding import enc
from crypto.errors import BadKeyFile, Malformed
from crypto.hidden import Hidden

FORMAT = b"\x01"


class RootKey(Protocol):
    """What a vault asks of its root key, whether it lies in a file or in a token."""

    def wrap(self, plaintext: bytes, context: bytes) -> bytes:
        """Encrypt under the root key, bound to the context."""

    def unwrap(self, blob: bytes, context: bytes) -> bytes:
        """Decrypt what `wrap` gave for the same context; raises Refused."""

    def mac(self, data: bytes) -> bytes:
        """A 32-byte authentication code that only the holder of the root key can compute."""


class FileRootKey(Hidden):
    """A root key of 32 random bytes in a file that only its owner can read."""

    __slots__ = ("_mac_key", "_wrap_key")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_LENGTH:
            raise BadKeyFile("The root key must be exactly 32 bytes long.")
        self._wrap_key = expand(key, enc("vault/root/wrap/v1"), KEY_LENGTH)
        self._mac_key = expand(key, enc("vault/root/mac/v1"), KEY_LENGTH)

    @property
    def mac_key(self) -> bytes:
        """The key under `mac`, for a vault made before it had vouching keys of its own."""
        return self._mac_key

    @classmethod
    def create(cls, path: Path) -> Self:
        """Write a new key with mode 0400 and load it; raises BadKeyFile if the file is already there."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
        except FileExistsError:
            raise BadKeyFile("A root key file is already there; it is never overwritten.") from None
        except OSError:
            raise BadKeyFile("The root key file cannot be written; check its folder.") from None
        with open(descriptor, "wb") as file:
            file.write(os.urandom(KEY_LENGTH))
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the key; raises BadKeyFile if it is missing, of the wrong length or readable by others."""
        return cls(read_private(path, "root key file", KEY_LENGTH))

    def wrap(self, plaintext: bytes, context: bytes) -> bytes:
        """Encrypt under the root key, bound to the context."""
        return FORMAT + encrypt(self._wrap_key, plaintext, enc("vault/root-wrap/v1", context))

    def unwrap(self, blob: bytes, context: bytes) -> bytes:
        """Decrypt what `wrap` gave for the same context; raises Refused."""
        if blob[:1] != FORMAT:
            raise Malformed("These bytes were not wrapped by a root key.")
        return decrypt(self._wrap_key, blob[1:], enc("vault/root-wrap/v1", context))

    def mac(self, data: bytes) -> bytes:
        """HMAC-SHA256 of the data."""
        return hmac.digest(self._mac_key, data, hashlib.sha256)


def read_private(path: Path, what: str, most: int) -> bytes:
    """Up to one byte more than `most` of a file that only its owner can read; raises BadKeyFile."""
    try:
        # Without O_NONBLOCK, opening a named pipe put there instead would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise BadKeyFile(f"The {what} is missing.") from None
    except OSError:
        raise BadKeyFile(f"The {what} cannot be read by this user.") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise BadKeyFile(f"The {what} must be an ordinary file.")
        if status.st_mode & 0o077:
            raise BadKeyFile(f"The {what} may be read by others; set its mode to 0400.")
        return os.read(descriptor, most + 1)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make a new file's name durable: a vault whose key vanished with the power is lost."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
