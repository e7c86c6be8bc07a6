"""What answers to a witness may be anybody: nothing that it says makes the witness wait, swell or believe."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from audit.errors import TokenRefused, Unanswered
from audit.fetching import BadAddress, LogAt, as_it_stands, newest_checkpoint
from audit.notes import NotaryKeys, VerifierKey, read_verifier_keys
from audit.rounds import PAUSE_WITHOUT_TOKEN, Rounds, Said, State
from audit.tiles import read_tile_name, tile_path
from audit.witness import Witness
from tests.audit.test_verify import write_export
from tests.audit.writing import NOON, some_entries

ORIGIN = "vault.example/ledger"
TOKEN = "t" * 43
Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def answering(answer: Answer, context: ssl.SSLContext | None) -> Iterator[int]:
    """Somebody who answers at a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def do_POST(self) -> None:
            answer(self)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def with_status(status: int, content: bytes = b"", **headers: str) -> Answer:
    """Answer with this, whatever was asked."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def breaking_off(handler: BaseHTTPRequestHandler) -> None:
    """Promise more than is sent."""
    handler.send_response(200)
    handler.send_header("Content-Length", "999")
    handler.end_headers()
    handler.wfile.write(b"x")


def saying_nonsense(handler: BaseHTTPRequestHandler) -> None:
    """Speak no HTTP."""
    handler.wfile.write(b"\x00\xff nonsense \r\n\r\n")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (with_status(500), "status 500"),
        (with_status(302, Location="http://127.0.0.1:9/"), "status 302"),
        (with_status(404), "no checkpoint"),
        (with_status(200, b"x" * 70_000), "longer than any"),
        (breaking_off, "broke off"),
        (saying_nonsense, "not reached"),
    ],
)
def test_what_is_no_answer_of_a_log_proves_and_refuses_nothing(answer: Answer, words: str) -> None:
    with (
        answering(answer, None) as port,
        LogAt(f"http://127.0.0.1:{port}", TOKEN, None) as log,
        pytest.raises(Unanswered, match=words),
    ):
        newest_checkpoint(log)


def test_a_reason_cannot_write_to_the_terminal_and_is_one_line() -> None:
    told = b"No.\x1b[2J\x07 \xff\nsecond" + b"x" * 3000
    with answering(with_status(409, told), None) as port:
        log = LogAt(f"http://127.0.0.1:{port}", TOKEN, None)
        assert log.give_cosignature("x") == "No.[2J \ufffd"
    with answering(with_status(401), None) as port:
        log = LogAt(f"http://127.0.0.1:{port}", TOKEN, None)
        with pytest.raises(TokenRefused):
            log.give_cosignature("x")


@pytest.mark.parametrize(
    "url",
    [
        "http://vault.example", "http://192.0.2.1", "ftp://127.0.0.1", "https://", "vault.example", "https://a:b@c",
        "https://vault.example/?token=x", "https://vault.example:port", "http://127.0.0.1.example",
    ],
)  # fmt: skip
def test_an_address_that_would_give_the_token_away_is_not_asked(url: str) -> None:
    with pytest.raises(BadAddress):
        LogAt(url, TOKEN, None)


def certificate(folder: Path, address: str) -> Path:
    """A certificate for an address, signed by itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "vault")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{address}.pem"
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_certificate_is_believed_for_its_own_name_and_from_a_trusted_hand_only(tmp_path: Path) -> None:
    for address, trusted in (("127.0.0.1", True), ("127.0.0.1", False), ("127.0.0.2", True)):
        file = certificate(tmp_path, address)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        with answering(with_status(200, b"here"), context) as port:
            log = LogAt(f"https://127.0.0.1:{port}", TOKEN, file if trusted else None)
            if trusted and address == "127.0.0.1":
                assert newest_checkpoint(log) == b"here"
                continue
            with pytest.raises(Unanswered, match="certificate is not trusted"):
                newest_checkpoint(log)


class FolderLog(LogAt):
    """The log of a folder, with a count of what was asked and given; `away` makes it unreachable."""

    def __init__(self, folder: Path) -> None:
        super().__init__("http://127.0.0.1:9", TOKEN, None)
        self.folder, self.given, self.told = folder, list[str](), list[str]()
        self.away: Unanswered | None = None
        self.reason = ""

    def get(self, path: str, most: int) -> bytes:
        if self.away is not None:
            raise self.away
        content = (self.folder / path.removeprefix("volumes/1/")).read_bytes()
        assert len(content) <= most
        return content

    def give_cosignature(self, note: str) -> str:
        self.given.append(note)
        return self.reason

    def tell_refusal(self, words: str, offered: str, accepted: str) -> str:
        self.told.append(words)
        if self.away is not None:
            raise self.away
        return ""


@pytest.fixture(scope="module")
def leaves() -> list[bytes]:
    """The leaves of 400 entries."""
    return [entry.canonical() for entry in some_entries(400)]


@pytest.fixture
def log(tmp_path: Path, leaves: list[bytes], notary_keys: NotaryKeys) -> FolderLog:
    """The log of the first 300."""
    (tmp_path / "log").mkdir()
    write_export(tmp_path / "log", leaves[:300], notary_keys)
    return FolderLog(tmp_path / "log")


@pytest.fixture
def pinned(vkeys: str) -> list[VerifierKey]:
    """The notary's keys."""
    return read_verifier_keys(vkeys)


def test_what_was_given_is_given_again_only_when_it_is_new_or_an_hour_old(
    tmp_path: Path, log: FolderLog, leaves: list[bytes], notary_keys: NotaryKeys, pinned: list[VerifierKey]
) -> None:
    rounds = Rounds(Witness(tmp_path / "w", ORIGIN), pinned, log)
    for minutes, given in ((0, 1), (1, 1), (59, 1), (60, 2), (61, 2), (30, 3)):
        said = rounds.go_round(NOON + timedelta(minutes=minutes))
        assert (said.state, len(log.given)) == (State.VOUCHES, given)
    write_export(log.folder, leaves, notary_keys)
    said = rounds.go_round(NOON + timedelta(minutes=31))
    assert (said.words.split(",")[0], len(log.given)) == ("Cosigned 400 entries", 4)


def test_a_refusal_is_told_and_goes_on_and_is_said_also_when_the_vault_will_not_hear_it(
    tmp_path: Path, log: FolderLog, leaves: list[bytes], notary_keys: NotaryKeys, pinned: list[VerifierKey]
) -> None:
    rounds = Rounds(Witness(tmp_path / "w", ORIGIN), pinned, log)
    assert rounds.go_round(NOON).state is State.VOUCHES
    write_export(log.folder, leaves[:299], notary_keys)
    for _ in range(2):
        said = rounds.go_round(NOON)
        assert (said.state, "entries were cut off" in said.words) == (State.REFUSES, True)
    assert len(log.told) == 2
    assert len(log.given) == 1

    def deaf(words: str, offered: str, accepted: str) -> str:
        raise Unanswered(words + offered + accepted)

    log.tell_refusal = deaf  # type: ignore[method-assign]
    assert rounds.go_round(NOON).state is State.REFUSES
    write_export(log.folder, leaves[:301], notary_keys)
    assert rounds.go_round(NOON).state is State.VOUCHES


def test_a_vault_that_does_not_take_a_note_in_is_told_of(
    tmp_path: Path, log: FolderLog, pinned: list[VerifierKey]
) -> None:
    rounds = Rounds(Witness(tmp_path / "w", ORIGIN), pinned, log)
    log.reason = "The ledger of today does not go through what the witness saw."
    said = rounds.go_round(NOON)
    assert (said.state, said.words.endswith(f"does not take it in: {log.reason}")) == (State.REFUSES, True)


def test_a_vault_that_is_away_is_asked_less_and_less_and_one_that_refuses_the_token_least(
    tmp_path: Path, log: FolderLog, pinned: list[VerifierKey]
) -> None:
    rounds = Rounds(Witness(tmp_path / "w", ORIGIN), pinned, log)
    log.away = Unanswered("away")
    pauses = [rounds.pause(rounds.go_round(NOON), 2.0) for _ in range(12)]
    assert pauses[:4] == [4.0, 8.0, 16.0, 32.0]
    assert pauses[-1] == 300.0
    log.away = TokenRefused("no")
    assert rounds.pause(rounds.go_round(NOON), 2.0) == PAUSE_WITHOUT_TOKEN
    log.away = None
    assert rounds.pause(rounds.go_round(NOON), 2.0) == 2.0
    said = [
        Said(State.VOUCHES, "a"),
        Said(State.VOUCHES, "b"),
        Said(State.REFUSES, "c"),
        Said(State.REFUSES, "d"),
    ]
    news = [now.is_news_after(before) for before, now in zip([None, *said], said, strict=False)]
    assert news == [True, False, True, True]


def test_a_checkpoint_and_hand_overs_that_do_not_hold_still_together_are_asked_for_again(
    log: FolderLog,
) -> None:
    asked: list[str] = []

    def restless(path: str, most: int) -> bytes:
        asked.append(path)
        return str(len(asked)).encode()

    log.get = restless  # type: ignore[method-assign]
    with pytest.raises(Unanswered, match="being replaced"):
        as_it_stands(log)
    assert asked == ["checkpoint", *["volumes/1/hand-overs", "checkpoint", "volumes/1/hand-overs"] * 3]


def test_every_path_of_a_tile_is_read_back_and_no_other_text_is() -> None:
    for level, number, width in ((0, 0, 256), (0, 7, 3), (1, 1234, 1), (2, 1_234_567, 255), (7, 999, 256)):
        name = str(tile_path(level, number, width)).removeprefix("tile/")
        assert read_tile_name(name) == (level, number, width)
    for wrong in (
        "8/000",
        "0/1",
        "0/000.p/256",
        "0/000.p/0",
        "0/x000/001",
        "0/000/",
        "entries/000",
        "0/000.p/01",
    ):
        with pytest.raises(ValueError, match="not the path"):
            read_tile_name(wrong)
