"""A vault that never ends its answer cannot keep a witness waiting: it gives up, and says so."""

import itertools
import ssl
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from time import sleep

import pytest

from audit.errors import Unanswered
from audit.fetching import LogAt, newest_checkpoint
from tests.audit.test_fetching import TOKEN, answering, certificate

BETWEEN = 0.02
"""Seconds between two pieces: never quiet for as long as a witness takes for silence."""


class Hasty(LogAt):
    """A log that is given less time than a witness gives it."""

    WHOLE_SECONDS = 0.4


def without_end(start: bytes, piece: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """Begin an answer, and go on with the same piece until the other side hangs up."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        try:
            handler.wfile.write(start)
            for _ in itertools.count():
                handler.wfile.write(piece)
                sleep(BETWEEN)
        except OSError:
            return

    return answer


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (HEAD + b"X: ", b"a"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (CHUNKED, b"0"),
        (CHUNKED + b"1\r\nx\r\n0\r\n", b"A: b\r\n"),
        (HEAD + b"Content-Length: 60000\r\n\r\n", b"x"),
        (HEAD + b"Connection: close\r\n\r\n", b"x"),
    ],
    ids=["header", "continue", "size of a chunk", "trailers", "body", "body without a length"],
)
def test_an_answer_that_never_ends_is_given_up(start: bytes, piece: bytes) -> None:
    with answering(without_end(start, piece), None) as port:
        log = Hasty(f"http://127.0.0.1:{port}", TOKEN, None)
        with log, pytest.raises(Unanswered, match="took too long"):
            newest_checkpoint(log)


def test_an_answer_over_tls_that_never_ends_is_given_up_too(tmp_path: Path) -> None:
    file = certificate(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with answering(without_end(HEAD + b"X: ", b"a"), context) as port:
        log = Hasty(f"https://127.0.0.1:{port}", TOKEN, file)
        with log, pytest.raises(Unanswered, match="took too long"):
            newest_checkpoint(log)
