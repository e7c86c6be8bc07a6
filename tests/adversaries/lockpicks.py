"""The formats of crypto/README.md read with primitives alone: a thief has files, and none of our code."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tests.adversaries.thief import Thief

XWING = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def enc(*items: bytes | str | int | UUID) -> bytes:
    """Each item behind its length."""
    return b"".join(len(content).to_bytes(4, "big") + content for content in map(plain, items))


def plain(item: bytes | str | int | UUID) -> bytes:
    """The bytes that stand for an item."""
    if isinstance(item, UUID):
        return item.bytes
    if isinstance(item, int):
        return item.to_bytes(8, "big")
    return item.encode() if isinstance(item, str) else item


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand (RFC 5869, 2.3)."""
    block, made = b"", b""
    while len(made) < length:
        block = hmac.digest(key, block + info + bytes([len(made) // 32 + 1]), hashlib.sha256)
        made += block
    return made[:length]


def open_gcm(key: bytes, blob: bytes, associated: bytes) -> bytes | None:
    """What AES-256-GCM hides behind a nonce, or None."""
    try:
        return AESGCM(key).decrypt(blob[:12], blob[12:], associated)
    except InvalidTag:
        return None


@dataclass(frozen=True)
class Root:
    """The 32 bytes of the root key file."""

    key: bytes

    def unwrap(self, blob: bytes, context: bytes) -> bytes | None:
        """What lies under the root key, or None."""
        wrap_key = expand(self.key, enc("vault/root/wrap/v1"), 32)
        return open_gcm(wrap_key, blob[1:], enc("vault/root-wrap/v1", context))

    def mac(self, content: bytes) -> bytes:
        """The code that only the root key gives."""
        return hmac.digest(expand(self.key, enc("vault/root/mac/v1"), 32), content, hashlib.sha256)


def uuid(value: Any) -> UUID:
    """An id as either engine gives it."""
    return value if isinstance(value, UUID) else UUID(value)


def guess_password(password: str, officer: dict[str, Any], root: Root) -> bytes | None:
    """The officer's seed if this is the password; one run of Argon2id and no way around it."""
    return _guess(password, officer, bytes(officer["wrap_blob"]), "vault/officer-wrap/v1", root)


def guess_duress(password: str, officer: dict[str, Any], blob: bytes, root: Root) -> bytes | None:
    """The seed behind the officer's second lock if this is the password for duress."""
    return _guess(password, officer, blob, "vault/duress-wrap/v1", root)


def _guess(password: str, officer: dict[str, Any], blob: bytes, label: str, root: Root) -> bytes | None:
    info = enc(label, uuid(officer["id"]), officer["key_version"])
    _, memory, passes, lanes = officer["wrap_cost"].split("$")
    stretched = Argon2id(
        salt=bytes(officer["wrap_salt"]),
        length=32,
        iterations=int(passes),
        lanes=int(lanes),
        memory_cost=int(memory),
    ).derive(password.encode())
    locked = root.unwrap(blob, info)
    keys = expand(stretched, info, 64)
    if locked is None or keys[32:] != locked[:32]:
        return None
    return open_gcm(keys[:32], locked[32:], info)


def seed_of_session(row: dict[str, Any], ends_at: int, sid: bytes, secret: bytes, root: Root) -> bytes | None:
    """The seed in a row of the sessions table, for a sid, a cookie's secret and a root key."""
    info = enc("vault/session/v1", uuid(row["officer_id"]), row["auth_epoch"])
    bound = enc("vault/session-row/v1", sid, row["stage"], ends_at)
    salt = root.mac(enc("vault/session-salt/v1", bound))
    key = expand(hmac.digest(salt, secret, hashlib.sha256), info, 32)
    return open_gcm(key, bytes(row["seed"])[1:], info)


def cookie_parts(cookie: str) -> tuple[bytes, bytes]:
    """The session's id and its secret."""
    raw = base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))
    return raw[:16], raw[16:]


def private_key(seed: bytes) -> MLKEM768X25519PrivateKey:
    """The X-Wing key that grows from a seed."""
    expanded = hashlib.shake_256(expand(seed, enc("vault/identity/sealing/v1"), 32)).digest(96)
    return MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519PrivateKey.from_private_bytes(expanded[64:])
    )


def keys_under(thief: Thief, holder: UUID, seed: bytes) -> Iterator[tuple[str, UUID, bytes]]:
    """Every key that a stolen seed opens in the whole database, circles followed: kind, id, key."""
    private = private_key(seed)
    boxes = {uuid(box["id"]): box for box in thief.rows("SELECT * FROM lockboxes")}
    publics = {(uuid(key["holder"]), key["version"]): key for key in thief.rows("SELECT * FROM holder_keys")}
    for seal in thief.rows("SELECT * FROM seals WHERE holder = ?", holder):
        key, kind, version = uuid(seal["key_id"]), seal["key_kind"], seal["holder_version"]
        box = boxes.get(key)
        subject, opens = (
            (box["subject"], box["compartment"]) if box else ("", publics[key, seal["epoch"]]["role"])
        )
        public = bytes(publics[holder, version]["public"])
        digest = hashlib.sha256(enc("vault/public-identity/v1", public[:1216], public[1216:])).digest()
        info = enc(
            *("vault/seal/v1", 1, kind, key, seal["epoch"], subject, opens),
            *(seal["holder_kind"], holder, version, digest),
        )
        try:
            opened = XWING.decrypt(bytes(seal["blob"])[2:], private, info)
        except InvalidTag:
            continue
        yield kind, key, opened
        if kind == "circle":
            yield from keys_under(thief, key, opened)


def open_text(
    thief: Thief, lockbox: UUID, sealed_part: bytes, blob: bytes, table: str, row: UUID, column: str
) -> bytes | None:
    """A sealed text, for whoever has both parts of its lockbox's key."""
    epoch = int.from_bytes(blob[2:6], "big")
    parts = thief.rows("SELECT part FROM shred_parts WHERE lockbox_id = ? AND epoch = ?", lockbox, epoch)
    if not parts:
        return None
    content_key = hmac.digest(bytes(parts[0]["part"]), sealed_part, hashlib.sha256)
    fields_key = expand(content_key, enc("vault/lockbox/fields/v1", lockbox, epoch), 32)
    associated = enc("vault/field/v1", 1, table, row, column, lockbox, epoch, "text")
    plaintext = open_gcm(fields_key, blob[6:], associated)
    return plaintext and plaintext[5 : 5 + int.from_bytes(plaintext[1:5], "big")]
