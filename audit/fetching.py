"""The log of a vault over HTTP, as its outside witness fetches it: every answer is limited in size and time.

Certificates are verified; without TLS only this machine is asked. No redirect and no proxy is followed.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ipaddress import ip_address
from pathlib import Path
from socket import SHUT_RDWR, socket
from threading import Event, Timer
from typing import ClassVar, Self
from urllib.parse import urlencode, urlsplit

from audit.errors import LedgerError, NotVerified, TokenRefused, Unanswered
from audit.exported import Read
from audit.handovers import HAND_OVERS
from audit.notes import parse
from audit.origins import parted
from audit.tiles import CHECKPOINT, TILE_WIDTH
from audit.tree import HASH_BYTES

_UNDER = "/ledger/log/"
_QUIET_SECONDS = 10.0
_LONGEST_WORDS = 4096
_LONGEST = {CHECKPOINT: 64 * 1024, HAND_OVERS: 4 * 1024 * 1024}
_TILE_BYTES = TILE_WIDTH * HASH_BYTES
"""How long a tile is, and at most the entry that opens a volume."""
_CLOSED = "volumes/"
_TRIES = 3


class BadAddress(LedgerError):
    """The address of the vault cannot be asked safely; the message says why."""


def _connection(url: str, authority: Path | None) -> tuple[HTTPConnection, str]:
    """A connection that is not open yet, and the path under which the log is served. Raises BadAddress."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadAddress("The address of the vault is malformed.") from None
    if not host or parts.username or parts.query or parts.fragment:
        raise BadAddress("Give the address of the vault alone, such as https://vault.example")
    under = parts.path.rstrip("/") + _UNDER
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=authority)
        return HTTPSConnection(host, port, timeout=_QUIET_SECONDS, context=context), under
    if parts.scheme == "http" and _is_of_this_machine(host):
        return HTTPConnection(host, port, timeout=_QUIET_SECONDS), under
    raise BadAddress(
        "Without https the token could be read on its way; only this machine is asked with http."
    )


def _is_of_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class LogAt:
    """The log that a vault serves at `url` to whoever bears `token`; a `with` keeps one connection open.

    `authority` is a file of certificates to trust instead of the machine's own. Raises BadAddress.
    """

    WHOLE_SECONDS: ClassVar[float] = 30.0
    """How long an answer may take, from the request to its last byte."""

    def __init__(self, url: str, token: str, authority: Path | None) -> None:
        self._connection, self._under = _connection(url, authority)
        self._token = token

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def get(self, path: str, most: int) -> bytes:
        """What is there, at most so many bytes. Raises FileNotFoundError, Unanswered and TokenRefused."""
        status, content = self._ask("GET", path, b"", "", most)
        if status == 404:
            raise FileNotFoundError(path)
        if status != 200:
            raise Unanswered(f"The vault answered with status {status}.")
        return content

    def give_cosignature(self, note: str) -> str:
        """Give a cosigned note; why the vault does not take it in, or nothing. Raises as `get` does."""
        return self._give("cosignature", note.encode(), "text/plain; charset=utf-8")

    def tell_refusal(self, words: str, offered: str, accepted: str) -> str:
        """Tell what was refused, with both notes. Returns and raises as `give_cosignature` does."""
        told = urlencode({"words": words, "offered": offered, "accepted": accepted})
        return self._give("refusal", told.encode(), "application/x-www-form-urlencoded")

    def _give(self, path: str, body: bytes, kind: str) -> str:
        status, content = self._ask("POST", path, body, kind, _LONGEST_WORDS)
        if status in {409, 422}:
            # Whoever answers for the vault must not be able to write to the terminal of the witness.
            words = content.decode("utf-8", "replace").split("\n")[0]
            return "".join(letter for letter in words if letter.isprintable()) or "It gave no reason."
        if status != 204:
            raise Unanswered(f"The vault answered with status {status}.")
        return ""

    def _ask(self, method: str, path: str, body: bytes, kind: str, most: int) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self._token}"} | ({"Content-Type": kind} if body else {})
        try:
            if self._connection.sock is None:
                self._connection.connect()
            with _at_most(self.WHOLE_SECONDS, self._connection.sock):
                self._connection.request(method, self._under + path, body or None, headers)
                with self._connection.getresponse() as response:
                    content = _content(response, most)
        except Unanswered:
            self._connection.close()  # What of the answer was not read must not be taken for the next one.
            raise
        except ssl.SSLCertVerificationError as error:
            self._connection.close()
            raise Unanswered(f"The vault's certificate is not trusted: {error.verify_message}.") from None
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise Unanswered(f"The vault was not reached ({type(error).__name__}).") from None
        if response.status == 401:
            raise TokenRefused(
                "The vault does not take the token: it is wrong, or the registration was ended."
            )
        return response.status, content


@contextmanager
def _at_most(seconds: float, connected: socket) -> Iterator[None]:
    """End whatever is asked in here after so many seconds, then raising Unanswered.

    Headers, the sizes of chunks and what may follow them can trickle in or never end, each byte within the
    time that a socket may be quiet; only whoever takes the line away ends the wait for them.
    """
    late = Event()

    def hang_up() -> None:
        late.set()
        with suppress(OSError):
            # The plain socket's own way: under TLS another thread is reading meanwhile.
            socket.shutdown(connected, SHUT_RDWR)

    timer = Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, HTTPException, Unanswered):
        if not late.is_set():
            raise
    finally:
        timer.cancel()
    if late.is_set():
        raise Unanswered("The vault's answer took too long.")


def _content(response: HTTPResponse, most: int) -> bytes:
    """The whole answer. Raises Unanswered for one that is too long or broke off."""
    content = b""
    while chunk := response.read1(most + 1):
        content += chunk
        if len(content) > most and response.status in {200, 204}:
            raise Unanswered("The vault's answer is longer than any that the log gives.")
        content = content[: most + 1]
    if response.length:
        raise Unanswered("The vault's answer broke off.")
    return content


def newest_checkpoint(log: LogAt) -> bytes:
    """The published checkpoint, not yet believed. Raises Unanswered, also when there is none."""
    try:
        return log.get(CHECKPOINT, _LONGEST[CHECKPOINT])
    except FileNotFoundError:
        raise Unanswered("The vault has no checkpoint to be cosigned yet.") from None


def _hand_overs(log: LogAt, volume: int) -> bytes | None:
    try:
        return log.get(f"volumes/{volume}/{HAND_OVERS}", _LONGEST[HAND_OVERS])
    except FileNotFoundError:
        return None


def as_it_stands(log: LogAt) -> Read:
    """The log as of one moment: its checkpoint with the hand-overs that go with it, and the rest as asked.

    Raises Unanswered when the notary's keys are being replaced, or a volume is being closed, just now.
    """
    checkpoint = newest_checkpoint(log)
    for _ in range(_TRIES):
        volume = _volume(checkpoint)
        before, checkpoint = _hand_overs(log, volume), newest_checkpoint(log)
        hand_overs = _hand_overs(log, volume)
        if before == hand_overs and _volume(checkpoint) == volume:
            break
    else:
        raise Unanswered("The notary's keys are being replaced, or a volume is being closed.")

    def read(path: str) -> bytes:
        if path == CHECKPOINT:
            return checkpoint
        if path != HAND_OVERS:
            where = path if path.startswith(_CLOSED) else f"{_CLOSED}{volume}/{path}"
            return log.get(where, _LONGEST.get(path.rpartition("/")[2], _TILE_BYTES))
        if hand_overs is None:
            raise FileNotFoundError(path)
        return hand_overs

    return read


def _volume(checkpoint: bytes) -> int:
    """Of which volume of the ledger a checkpoint is, by its origin; of none that can be read, the first."""
    try:
        return parted(parse(checkpoint.decode()).origin)[1]
    except (UnicodeDecodeError, NotVerified):
        return 1  # Whoever reads on says what is wrong with it.
