"""A root key in a PKCS#11 token (OASIS PKCS #11 v2.40): made there, never leaving it, asked for every act.

A root key is two objects with one label: an AES-256 key for CKM_AES_GCM and a generic secret for
CKM_SHA256_HMAC, both sensitive and not extractable. What the library raises is bare, so every fault is
told here in one sentence, as BadKeyFile.
"""

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

import pkcs11
from pkcs11 import Attribute, KeyType, MechanismFlag
from pkcs11.mechanisms import GCMParams, Mechanism

from crypto.derivation import NONCE_LENGTH, TAG_LENGTH
from crypto.encoding import enc
from crypto.errors import BadKeyFile, Malformed, Refused
from crypto.hidden import Hidden
from crypto.root import FORMAT, read_private

LONGEST_PIN = 255
_CAPABILITIES = {
    KeyType.AES: MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
    KeyType.GENERIC_SECRET: MechanismFlag.SIGN | MechanismFlag.VERIFY,
}
_STAYS_INSIDE = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.PRIVATE: True}
_FAULTS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (
        (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange),
        "The token refused the PIN. Correct the PIN file before the next try: tokens lock after a few.",
    ),
    (pkcs11.PinLocked, "The token's PIN is locked; its security officer must set it again."),
    (
        (pkcs11.NoSuchToken, pkcs11.TokenNotPresent, pkcs11.DeviceRemoved),
        "The token that root_token names is not there; put it in, or correct the setting.",
    ),
    (pkcs11.MultipleTokensReturned, "Several tokens have the label that root_token names; leave one in."),
    (pkcs11.NoSuchKey, "The token does not hold the root key that the keys folder names."),
    (pkcs11.MultipleObjectsReturned, "The token holds the root key twice; remove the copy that is not ours."),
)
_BUSY = (pkcs11.NoSuchToken, pkcs11.GeneralError, pkcs11.DeviceError, pkcs11.FunctionFailed)
_PATIENCE = (0.02, 0.05, 0.1, 0.2, 0.4)  # seconds between tries
T = TypeVar("T")
Find = Callable[[str, KeyType], Any]  # The library types what a key can do only when it has found it.


def _told(error: Exception) -> BadKeyFile:
    """A fault of the token in one sentence, without anything that was asked of it."""
    for kinds, words in _FAULTS:
        if isinstance(error, kinds):
            return BadKeyFile(words)
    return BadKeyFile(f"The token could not be used ({type(error).__name__}).")


class Token(Hidden):
    """One token, opened when it is first needed and again in every process that a fork makes.

    Threads take turns. A session that the token dropped is opened once more before a fault is told.
    """

    def __init__(self, module: Path, label: str, pin_file: Path) -> None:
        self._module, self._label, self._pin_file = module, label, pin_file
        self._start_over()
        _TOKENS.add(self)

    def _start_over(self) -> None:
        self._lock = threading.Lock()
        self._session: pkcs11.Session | None = None
        self._keys: dict[tuple[str, KeyType], Any] = {}
        self._pid = os.getpid()

    def _library(self) -> "pkcs11._pkcs11.lib":
        """The module, loaded. It is started again in a process that inherited it from its parent."""
        if not self._module.is_file():
            raise BadKeyFile("The module that root_module names is not there; install it, or correct it.")
        try:
            library = pkcs11.lib(str(self._module))
        except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
            raise BadKeyFile("The module that root_module names cannot be loaded.") from error
        started_in = _STARTED_IN.setdefault(str(self._module), os.getpid())
        if started_in != os.getpid():
            # Some modules notice the fork themselves and have nothing to end.
            with contextlib.suppress(pkcs11.PKCS11Error):
                library.finalize()
            library.initialize()
            _STARTED_IN[str(self._module)] = os.getpid()
        return library

    def _open(self, *, writing: bool) -> pkcs11.Session:
        pin = read_private(self._pin_file, "PIN file", LONGEST_PIN).rstrip(b"\r\n")
        library = self._library()
        for wait in (*_PATIENCE, None):
            try:
                token = library.get_token(token_label=self._label)
                try:
                    return token.open(rw=writing, user_pin=pin.decode("utf-8", "replace"))
                except pkcs11.UserAlreadyLoggedIn:
                    return token.open(rw=writing)  # PKCS#11 signs in a whole process, not one session.
            except _BUSY as error:
                # Some tokens answer so while another process signs in, as when two workers start at once.
                if wait is None:
                    raise
                time.sleep(wait)
                if isinstance(error, pkcs11.NoSuchToken):
                    library.reinitialize()  # A module lists the tokens that it could read when it started.
        raise AssertionError("unreachable")

    def _find(self, label: str, kind: KeyType) -> Any:
        if self._session is None:
            self._session = self._open(writing=False)
        key = self._keys.get((label, kind))
        if key is None:
            found = self._session.get_key(label=label, key_type=kind)
            if found[Attribute.EXTRACTABLE] or not found[Attribute.SENSITIVE]:
                raise BadKeyFile("The root key in the token could leave it; it was not made by a vault.")
            key = self._keys[label, kind] = found
        return key

    def ask(self, act: Callable[[Find], T]) -> T:
        """Let `act` use keys of the token, alone. Raises BadKeyFile in a sentence, and what `act` raises."""
        with self._lock:
            for is_last in (False, True):
                try:
                    return act(self._find)
                except pkcs11.PKCS11Error as error:
                    self._session, self._keys = None, {}
                    # A PIN that was refused is never tried twice: the token counts.
                    if is_last or isinstance(error, pkcs11.PinIncorrect | pkcs11.PinLocked):
                        raise _told(error) from None
        raise AssertionError("unreachable")

    def change(self, act: Callable[[pkcs11.Session], T]) -> T:
        """Let `act` make or destroy keys in a session that may write. Raises BadKeyFile."""
        with self._lock:
            try:
                if self._session is None:
                    self._session = self._open(writing=False)  # It keeps the process signed in.
                session = self._open(writing=True)
                try:
                    return act(session)
                finally:
                    self._keys = {}
                    session.close()
            except pkcs11.PKCS11Error as error:
                self._session, self._keys = None, {}
                raise _told(error) from None


_STARTED_IN: dict[str, int] = {}
_TOKENS: weakref.WeakSet[Token] = weakref.WeakSet()


def _forget_in_child() -> None:
    """Neither a session nor a lock that another thread held at that moment survives a fork."""
    for token in list(_TOKENS):
        token._start_over()  # noqa: SLF001 - the same module


os.register_at_fork(after_in_child=_forget_in_child)


def _objects(session: pkcs11.Session, label: str, kind: KeyType) -> list[pkcs11.Object]:
    return list(session.get_objects({Attribute.LABEL: label, Attribute.KEY_TYPE: kind}))


class TokenRootKey(Hidden):
    """A root key whose two halves lie in a token under one label."""

    def __init__(self, token: Token, label: str) -> None:
        self._token, self._label = token, label

    @classmethod
    def load(cls, token: Token, label: str) -> Self:
        """The key of this label. Raises BadKeyFile when the token is not there or does not hold it."""
        key = cls(token, label)
        token.ask(lambda find: (find(label, KeyType.AES), find(label, KeyType.GENERIC_SECRET)))
        return key

    @classmethod
    def is_there(cls, token: Token, label: str) -> bool:
        """Whether the token holds anything of this label."""
        return token.change(lambda session: any(_objects(session, label, kind) for kind in _CAPABILITIES))

    @classmethod
    def create(cls, token: Token, label: str) -> Self:
        """Make in the token whichever half is missing, and load the key."""

        def make(session: pkcs11.Session) -> None:
            for kind, capabilities in _CAPABILITIES.items():
                if not _objects(session, label, kind):
                    session.generate_key(
                        kind,
                        256,
                        label=label,
                        store=True,
                        capabilities=capabilities,
                        template=_STAYS_INSIDE,
                    )

        token.change(make)
        return cls.load(token, label)

    @classmethod
    def destroy(cls, token: Token, label: str) -> None:
        """Destroy both halves; what is gone already is passed by."""

        def remove(session: pkcs11.Session) -> None:
            for kind in _CAPABILITIES:
                for found in _objects(session, label, kind):
                    found.destroy()

        token.change(remove)

    def wrap(self, plaintext: bytes, context: bytes) -> bytes:
        """Encrypt under the root key, bound to the context."""
        nonce = os.urandom(NONCE_LENGTH)
        parameters = GCMParams(nonce, enc("vault/root-wrap/v1", context), 8 * TAG_LENGTH)

        def encrypt(find: Find) -> bytes:
            key = find(self._label, KeyType.AES)
            return bytes(key.encrypt(plaintext, mechanism=Mechanism.AES_GCM, mechanism_param=parameters))

        return FORMAT + nonce + self._token.ask(encrypt)

    def unwrap(self, blob: bytes, context: bytes) -> bytes:
        """Decrypt what `wrap` gave for the same context; raises Refused."""
        start = len(FORMAT) + NONCE_LENGTH
        if blob[:1] != FORMAT or len(blob) < start + TAG_LENGTH:
            raise Malformed("These bytes were not wrapped by a root key.")
        associated = enc("vault/root-wrap/v1", context)
        parameters = GCMParams(blob[len(FORMAT) : start], associated, 8 * TAG_LENGTH)

        def decrypt(find: Find) -> bytes:
            key = find(self._label, KeyType.AES)
            for _ in range(2):
                # Tokens have many names for a wrong tag. If the other half still works, it was the bytes.
                with contextlib.suppress(pkcs11.PKCS11Error):
                    sealed = blob[start:]
                    return bytes(key.decrypt(sealed, mechanism=Mechanism.AES_GCM, mechanism_param=parameters))
                self._sign(find, b"")
            raise Refused("The key or the place does not fit these bytes, or they were changed.")

        return self._token.ask(decrypt)

    def mac(self, data: bytes) -> bytes:
        """HMAC-SHA256 of the data."""
        return self._token.ask(lambda find: self._sign(find, data))

    def _sign(self, find: Find, data: bytes) -> bytes:
        return bytes(find(self._label, KeyType.GENERIC_SECRET).sign(data, mechanism=Mechanism.SHA256_HMAC))
