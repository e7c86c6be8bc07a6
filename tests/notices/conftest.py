"""A mail server of the test's own, with a certificate made for it."""

import asyncio
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME, PASSWORD = "vault-mailer", "correct horse battery"


def make_certificate(folder: Path, address: str) -> tuple[Path, Path]:
    """A certificate for this address, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail server of a test")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    pem, private = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, private


@dataclass
class Letterbox:
    """What the server took, and whether it takes anything at all."""

    letters: list[tuple[str, Message]] = field(default_factory=list)
    refuses: bool = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a letter, only after TLS."""
        if self.refuses:
            return "451 try again later"
        assert isinstance(envelope.content, bytes)
        self.letters.append((envelope.rcpt_tos[0], message_from_bytes(envelope.content)))
        return "250 taken"


@dataclass
class MailServer:
    """A server that listens, its port, who signed its certificate, and its letterbox."""

    port: int
    certificate: Path
    box: Letterbox


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
) -> AuthResult:
    assert isinstance(data, LoginPassword)
    known = (data.login, data.password) == (NAME.encode(), PASSWORD.encode())
    return AuthResult(success=known, handled=False)


@pytest.fixture(params=["starttls", "implicit"])
def tls(request: pytest.FixtureRequest) -> str:
    """How TLS begins."""
    return str(request.param)


@contextmanager
def listening(box: Letterbox, context: ssl.SSLContext | None, **ways: Any) -> Iterator[int]:
    """A server in a thread of its own, on a port that the machine chooses."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def listen() -> asyncio.Server:
        return await loop.create_server(lambda: SMTP(box, loop=loop, **ways), "127.0.0.1", 0, ssl=context)

    async def leave(server: asyncio.Server) -> None:
        server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(60)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(leave(server), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def mail_server(tmp_path: Path, tls: str) -> Iterator[MailServer]:
    """A server that takes letters by TLS alone, and only from who signs in."""
    certificate, key = make_certificate(tmp_path / "mail", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    box = Letterbox()
    ways: dict[str, Any] = {"authenticator": _authenticate, "auth_required": True}
    if tls == "starttls":
        ways |= {"tls_context": context, "require_starttls": True}
    else:
        ways |= {"auth_require_tls": False}  # The whole connection is by TLS, which the server is not told.
    with listening(box, context if tls == "implicit" else None, **ways) as port:
        yield MailServer(port, certificate, box)
