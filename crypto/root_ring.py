"""The root keys of a vault, numbered: the newest locks, the older still unlock until nothing needs them.

The keys folder says which there are. `root.key` is number 1 and `root-N.key` number N, in files;
`root.token` and `root-N.token` name a key of a token, there labelled `vault-root-N`. A `next-` before the
name marks a key that was made and is not in use yet, an `old-` one that is being destroyed.
"""

import contextlib
import os
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from crypto.errors import BadKeyFile, Refused
from crypto.hidden import Hidden
from crypto.root import FileRootKey, RootKey, sync_folder

if TYPE_CHECKING:
    from crypto.token import Token

NEXT, OLD = "next-", "old-"
_NAME = re.compile(r"(next-|old-)?root(?:-([2-9]|[1-9][0-9]{1,5}))?\.(key|token)")


@dataclass(frozen=True)
class TokenPlace:
    """Where a token is found: its module, its label, and the file with its PIN, mode 0400."""

    module: Path
    label: str
    pin_file: Path


def _open_token(place: TokenPlace) -> "Token":
    try:
        # The package is an extra, wanted only where a root key lies in a token.
        from crypto.token import Token  # noqa: PLC0415
    except ImportError:
        raise BadKeyFile(
            "The package for tokens is not installed. Run: deploy/setup/prepare.sh hsm"
        ) from None
    return Token(place.module, place.label, place.pin_file)


def _name(number: int, *, in_token: bool) -> str:
    stem = "root" if number == 1 else f"root-{number}"
    return f"{stem}.{'token' if in_token else 'key'}"


def _number(name: str) -> int:
    """The number in a name of a key; 0 for any other file."""
    match = _NAME.fullmatch(name)
    return 0 if match is None else int(match[2] or 1)


def label_of(number: int) -> str:
    """What both halves of this key are called in a token."""
    return f"vault-root-{number}"


def has_root_key(folder: Path) -> bool:
    """Whether a vault was founded with keys in this folder."""
    return any(_number(name) and not name.startswith((NEXT, OLD)) for name in _listed(folder))


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


class RootRing(Hidden):
    """Every root key of the folder as one. It notices new and removed keys by itself."""

    def __init__(self, folder: Path, token: TokenPlace | None) -> None:
        self._folder, self._place = folder, token
        self._token: Token | None = None
        self._keys: dict[str, RootKey] = {}
        self._known: frozenset[str] = frozenset()
        self._in_use_elsewhere = 0
        self._lock = threading.Lock()

    @classmethod
    def create(cls, folder: Path, token: TokenPlace | None) -> Self:
        """Make the first key, in the token if there is one, and open the ring. Raises BadKeyFile."""
        if has_root_key(folder):
            raise BadKeyFile("A root key is already there; it is never overwritten.")
        ring = cls(folder, token)
        if token is None:
            FileRootKey.create(folder / _name(1, in_token=False))
        else:
            ring._make_in_token(1)
            ring.begin(1)
        return cls.open(folder, token)

    @classmethod
    def open(cls, folder: Path, token: TokenPlace | None) -> Self:
        """The keys of a vault that was founded. Raises BadKeyFile when one is missing or cannot be used."""
        ring = cls(folder, token)
        if not ring._current_keys():
            raise BadKeyFile("The root key file is missing.")
        return ring

    @property
    def numbers(self) -> tuple[int, ...]:
        """The keys in use, the newest first."""
        return tuple(number for number, _ in self._current_keys())

    @property
    def prepared(self) -> int | None:
        """The number of a key that was made and is not in use yet."""
        return max((_number(name) for name in _listed(self._folder) if name.startswith(NEXT)), default=None)

    def wrap(self, plaintext: bytes, context: bytes) -> bytes:
        """Encrypt under the newest key, bound to the context."""
        return self._newest().wrap(plaintext, context)

    def mac(self, data: bytes) -> bytes:
        """HMAC-SHA256 of the data under the newest key alone."""
        return self._newest().mac(data)

    def unwrap(self, blob: bytes, context: bytes) -> bytes:
        """Decrypt what `wrap` gave for the same context under any of the keys; raises Refused."""
        tried: list[RootKey] = []
        for _ in range(2):  # Once more when keys came or went meanwhile.
            for number, key in [*self._current_keys(), *self._prepared_keys()]:
                if any(key is one for one in tried):
                    continue
                try:
                    opened = key.unwrap(blob, context)
                except Refused:
                    tried.append(key)
                    continue
                # A key that was only prepared here is in use on another machine already.
                self._in_use_elsewhere = max(self._in_use_elsewhere, number)
                return opened
        raise Refused("The key or the place does not fit these bytes, or they were changed.")

    def rewrap(self, blob: bytes, context: bytes) -> bytes | None:
        """The same under the newest key, or None when it is so already; raises Refused."""
        newest = self._newest()
        try:
            newest.unwrap(blob, context)
        except Refused:
            return newest.wrap(self.unwrap(blob, context), context)
        return None

    def first_file_key(self) -> FileRootKey:
        """Key 1 as a vault had it before it had vouching keys; raises BadKeyFile when it is not in a file."""
        return FileRootKey.load(self._folder / _name(1, in_token=False))

    def prepare(self, number: int, *, in_token: bool) -> None:
        """Make key `number` without using it, or finish making it. Raises BadKeyFile."""
        if in_token:
            self._make_in_token(number)
            return
        path = self._folder / (NEXT + _name(number, in_token=False))
        try:
            FileRootKey.load(path)
        except BadKeyFile:
            path.unlink(missing_ok=True)  # Nothing was ever locked with a key that is not whole.
            FileRootKey.create(path)

    def begin(self, number: int) -> None:
        """Use a prepared key from now on. What is done already is passed by."""
        for in_token in (False, True):
            path = self._folder / (NEXT + _name(number, in_token=in_token))
            with contextlib.suppress(FileNotFoundError):
                path.rename(self._folder / _name(number, in_token=in_token))
        sync_folder(self._folder)

    def retire(self, number: int) -> None:
        """Destroy a key that is not the newest, wherever it lies. Raises BadKeyFile."""
        if number >= self.numbers[0]:
            raise BadKeyFile("The newest root key is never destroyed.")
        for in_token in (False, True):
            path = self._folder / _name(number, in_token=in_token)
            with contextlib.suppress(FileNotFoundError):
                path.rename(path.with_name(OLD + path.name))
        sync_folder(self._folder)
        self.finish_retiring()

    def finish_retiring(self) -> None:
        """Destroy what was about to be destroyed when the power went. Raises BadKeyFile."""
        for name in _listed(self._folder):
            if not name.startswith(OLD) or not _number(name):
                continue
            path = self._folder / name
            if path.suffix == ".token":
                self._destroy_in_token(_number(name))
            else:
                _overwrite(path)
            path.unlink(missing_ok=True)
        sync_folder(self._folder)

    def _newest(self) -> RootKey:
        for number, key in self._prepared_keys():
            if number == self._in_use_elsewhere:
                return key
        return self._current_keys()[0][1]

    def _current_keys(self) -> list[tuple[int, RootKey]]:
        """The keys in use, the newest first. An emptied folder is an accident and takes no key away."""
        names = frozenset(name for name in _listed(self._folder) if _number(name) and name[:4] != OLD)
        if names != self._known:
            with self._lock:
                self._load(names)
        found = [(_number(name), key) for name, key in self._keys.items() if not name.startswith(NEXT)]
        return sorted(found, key=lambda pair: -pair[0])

    def _prepared_keys(self) -> list[tuple[int, RootKey]]:
        return [(_number(name), key) for name, key in self._keys.items() if name.startswith(NEXT)]

    def _load(self, names: frozenset[str]) -> None:
        in_use = {name for name in names if not name.startswith(NEXT)}
        if not in_use and self._keys:
            return
        if len({_number(name) for name in in_use}) != len(in_use):
            raise BadKeyFile("Two root keys in the keys folder have the same number; take one away.")
        keys = {}
        for name in names:
            known = self._keys.get(name) or self._keys.get(NEXT + name)
            try:
                keys[name] = known or self._read(name)
            except BadKeyFile:
                if name in in_use:
                    raise
        self._keys, self._known = keys, frozenset(keys)

    def _read(self, name: str) -> RootKey:
        if not name.endswith(".token"):
            return FileRootKey.load(self._folder / name)
        from crypto.token import TokenRootKey  # noqa: PLC0415 - an extra, see _open_token

        return TokenRootKey.load(self._the_token(), label_of(_number(name)))

    def _the_token(self) -> "Token":
        if self._place is None:
            raise BadKeyFile("A root key lies in a token, and the setting root_module names none.")
        if self._token is None:
            self._token = _open_token(self._place)
        return self._token

    def _make_in_token(self, number: int) -> None:
        token = self._the_token()
        from crypto.token import TokenRootKey  # noqa: PLC0415 - an extra, see _open_token

        mark = self._folder / (NEXT + _name(number, in_token=True))
        # The mark comes first: a key without one is somebody else's, and a mark without its key is finished.
        if not mark.exists():
            if TokenRootKey.is_there(token, label_of(number)):
                raise BadKeyFile("The token holds another vault's root key; use a token for each vault.")
            mark.touch(mode=0o400, exist_ok=False)
            sync_folder(self._folder)
        TokenRootKey.create(token, label_of(number))

    def _destroy_in_token(self, number: int) -> None:
        token = self._the_token()
        from crypto.token import TokenRootKey  # noqa: PLC0415 - an extra, see _open_token

        TokenRootKey.destroy(token, label_of(number))


def _overwrite(path: Path) -> None:
    """Write over a key before its name goes; blocks that a disk keeps elsewhere are not reached."""
    with contextlib.suppress(FileNotFoundError):
        path.chmod(0o600)
        with path.open("r+b") as file:
            file.write(os.urandom(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
