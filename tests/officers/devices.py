"""A passkey made by hand, as a device would (W3C WebAuthn level 3), and an officer who uses it."""

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audit.entries import Entry
from tests.cast import PASSWORD, Cast, Officer, Stage

ORIGIN = "https://vault.example"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "===")


@dataclass
class Device:
    """One passkey: by default honest, verified, and counting; each of these can be turned off."""

    kind: str = "ES256"
    origin: str = ORIGIN
    flags: int = PRESENT | VERIFIED
    count: int = 0
    counts: bool = True
    client_type: dict[str, str] = field(
        default_factory=lambda: {"create": "webauthn.create", "get": "webauthn.get"}
    )
    handle: bytes | None = None

    def __post_init__(self) -> None:
        self.credential = os.urandom(32)
        self._curve = ec.generate_private_key(ec.SECP256R1())
        self._edwards = ed25519.Ed25519PrivateKey.generate()
        self._rsa = rsa.generate_private_key(65537, 2048) if self.kind == "RS256" else None

    def twin(self) -> "Device":
        """A copy of the device with all that is in it, as a thief of its key would have."""
        copy = replace(self)
        copy.credential, copy._curve, copy._edwards = self.credential, self._curve, self._edwards
        copy._rsa = self._rsa
        return copy

    def _cose(self) -> bytes:
        if self.kind == "EdDSA":
            public = self._edwards.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            return cbor2.dumps({1: 1, 3: -8, -1: 6, -2: public})
        if self._rsa is not None:
            key = self._rsa.public_key().public_numbers()
            return cbor2.dumps({1: 3, 3: -257, -1: key.n.to_bytes(256, "big"), -2: key.e.to_bytes(3, "big")})
        numbers = self._curve.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})

    def _sign(self, message: bytes) -> bytes:
        if self.kind == "EdDSA":
            return self._edwards.sign(message)
        if self._rsa is not None:
            return self._rsa.sign(message, PKCS1v15(), SHA256())
        return self._curve.sign(message, ec.ECDSA(SHA256()))

    def _client(self, act: str, challenge: str) -> bytes:
        said = {"type": self.client_type[act], "challenge": challenge, "origin": self.origin}
        return json.dumps(said | {"crossOrigin": False}).encode()

    def _authenticator(self, rp_id: str, flags: int, attested: bytes) -> bytes:
        self.count += self.counts
        return (
            hashlib.sha256(rp_id.encode()).digest()
            + bytes([flags])
            + self.count.to_bytes(4, "big")
            + attested
        )

    def create(self, options: dict[str, Any]) -> str:
        """What a browser sends for a new passkey."""
        assert options["attestation"] == "none"
        assert options["authenticatorSelection"]["userVerification"] == "required"
        public = bytes(16) + len(self.credential).to_bytes(2, "big") + self.credential + self._cose()
        data = self._authenticator(options["rp"]["id"], self.flags | ATTESTED, public)
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            {
                "clientDataJSON": b64(self._client("create", options["challenge"])),
                "attestationObject": b64(made),
            }
        )

    def get(self, options: dict[str, Any]) -> str:
        """What a browser sends for a passkey that is used."""
        assert options["userVerification"] == "required"
        client = self._client("get", options["challenge"])
        data = self._authenticator(options["rpId"], self.flags, b"")
        signature = self._sign(data + hashlib.sha256(client).digest())
        told = {"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)}
        return self._answer(told | ({"userHandle": b64(self.handle)} if self.handle is not None else {}))

    def _answer(self, response: dict[str, str]) -> str:
        name = b64(self.credential)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def offer_passkeys(stage: Stage, *roles: str) -> None:
    """Let the vault stand at its public origin, and these roles work with passkeys alone."""
    stage.vault.settings = replace(stage.vault.settings, public_origin=ORIGIN, passkey_roles=roles)


def prove(officer: Officer) -> None:
    """Give the second factor again, by the app."""
    officer.get("/passkeys/add")
    assert officer.post("/passkeys/prove", code=officer.code()).status_code == 303


def asked(officer: Officer, path: str) -> dict[str, Any]:
    """What the vault asks of the officer's browser."""
    answer = officer.post(path)
    assert answer.status_code == 200, answer.text
    options: dict[str, Any] = answer.get_json()
    return options


def add(officer: Officer, device: Device, name: str) -> Any:
    """Add a device by the pages; the second factor was given again."""
    officer.get("/passkeys/add")
    made = device.create(asked(officer, "/passkeys/make"))
    return officer.post("/passkeys/add", name=name, code=made)


def with_passkey(cast: Cast, name: str, device: Device) -> Officer:
    """An officer who has added a passkey."""
    officer = cast[name]
    prove(officer)
    assert add(officer, device, "desk computer").status_code == 303
    return officer


def at_second_factor(stage: Stage, name: str) -> Officer:
    """Somebody who gave the right password, in a browser of their own."""
    visitor = Officer(stage, name)
    visitor.get("/sign-in")
    answer = visitor.post("/sign-in", name=name, password=PASSWORD.format(name), banner="yes")
    assert answer.status_code == 303, answer.text
    visitor.get("/sign-in/second-factor")
    return visitor


def sign_in(stage: Stage, name: str, device: Device) -> tuple[Officer, int]:
    """Somebody signs in with a device; the status of the answer."""
    visitor = at_second_factor(stage, name)
    answer = device.get(asked(visitor, "/sign-in/passkey"))
    return visitor, visitor.post("/sign-in/second-factor", code=answer).status_code


def entries(stage: Stage) -> Iterator[Entry]:
    """The entries of the ledger, newest first."""
    with stage.vault.reading() as db:
        size = stage.vault.ledger.head(db).size
        for index in reversed(range(size)):
            yield stage.vault.ledger.entry(db, index).entry


def last(stage: Stage, event: str) -> Entry:
    """The newest entry of this kind."""
    return next(entry for entry in entries(stage) if entry.event == event)


CODE = re.compile(r"\b[2-9A-Z]{6}(?:-[2-9A-Z]{6}){3}\b")


def make_codes(officer: Officer) -> list[str]:
    """An officer makes ten backup codes, after the second factor was given again."""
    asks = 'name="code"' in officer.get("/backup-codes").text
    answer = officer.post("/backup-codes", **({"code": officer.code()} if asks else {}))
    assert answer.status_code == 200, answer.text
    codes = CODE.findall(answer.text)
    assert len(set(codes)) == 10
    return codes
