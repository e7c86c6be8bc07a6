"""How a seed is kept: behind a password, behind a recovery code, for a session; always behind the root."""

import hmac
import os
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn
from uuid import UUID

from crypto.derivation import KEY_LENGTH, NONCE_LENGTH, TAG_LENGTH, decrypt, encrypt, expand, extract
from crypto.encoding import enc
from crypto.errors import Malformed, Refused, WrongPassword
from crypto.passwords import SALT_LENGTH, PasswordCost, stretch
from crypto.root import RootKey

COMMITMENT_LENGTH = 32
WRAPPED_LENGTH = COMMITMENT_LENGTH + NONCE_LENGTH + KEY_LENGTH + TAG_LENGTH

RECOVERY_CODE = "recovery-code"
CODE_BITS = 160
# Crockford's base 32: no I, L, O or U, so that a code read from paper has one reading.
CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = CODE_BITS // 5
MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


@dataclass(frozen=True)
class OfficerWrap:
    """A locked seed as it lies in the database: salt, cost, and the bytes wrapped by the root key."""

    salt: bytes = field(repr=False)
    cost_text: str
    blob: bytes = field(repr=False)


def password_context(officer: UUID, key_version: int) -> bytes:
    """What a wrap by password is bound to."""
    return enc("vault/officer-wrap/v1", officer, key_version)


def duress_context(officer: UUID, key_version: int) -> bytes:
    """What a wrap by a password for duress is bound to."""
    return enc("vault/duress-wrap/v1", officer, key_version)


def code_context(officer: UUID, key_version: int) -> bytes:
    """What a wrap by recovery code is bound to."""
    return enc("vault/recovery-code-wrap/v1", officer, key_version)


def kept_context(label: str, officer: UUID) -> bytes:
    """What a kept secret is bound to."""
    return enc("vault/kept-secret/v1", label, officer)


def _lock(stretched: bytes, seed: bytes, info: bytes) -> bytes:
    """The commitment to the inner key, then the seed under that key."""
    keys = expand(stretched, info, KEY_LENGTH + COMMITMENT_LENGTH)
    return keys[KEY_LENGTH:] + encrypt(keys[:KEY_LENGTH], seed, info)


def _unlock(stretched: bytes, locked: bytes, info: bytes) -> bytes:
    """The seed; raises WrongPassword when the commitment is to another key."""
    keys = expand(stretched, info, KEY_LENGTH + COMMITMENT_LENGTH)
    if not hmac.compare_digest(keys[KEY_LENGTH:], locked[:COMMITMENT_LENGTH]):
        raise WrongPassword("The name, the password or the code is not right.")
    return decrypt(keys[:KEY_LENGTH], locked[COMMITMENT_LENGTH:], info)


def wrap_by_password(
    seed: bytes, password: str, officer: UUID, key_version: int, root: RootKey, cost: PasswordCost
) -> OfficerWrap:
    """Lock a seed with a password inside and the root key outside."""
    salt = os.urandom(SALT_LENGTH)
    info = password_context(officer, key_version)
    locked = _lock(stretch(password, salt, cost), seed, info)
    return OfficerWrap(salt, cost.to_text(), root.wrap(locked, info))


def unwrap_by_password(
    wrap: OfficerWrap, password: str, officer: UUID, key_version: int, root: RootKey
) -> bytes:
    """The seed; raises WrongPassword, or Refused if the wrap is not this officer's or root's."""
    info = password_context(officer, key_version)
    # The password is stretched first, so that a wrap that is not ours costs the same time as a wrong one.
    stretched = stretch(password, wrap.salt, PasswordCost.from_text(wrap.cost_text))
    return _unlock(stretched, root.unwrap(wrap.blob, info), info)


def unwrap_nothing(password: str, root: RootKey, cost: PasswordCost) -> NoReturn:
    """Do the work of a wrong password, for an officer who does not exist; always raises WrongPassword."""
    nothing = os.urandom(SALT_LENGTH)
    lies = [b"\x01" + os.urandom(NONCE_LENGTH + WRAPPED_LENGTH + TAG_LENGTH) for _ in range(2)]
    wrap = OfficerWrap(nothing, cost.to_text(), lies[0])
    with suppress(Refused):
        unwrap_either(wrap, lies[1], password, UUID(int=0), 0, root)
    raise WrongPassword("The name, the password or the code is not right.")


def wrap_for_duress(
    seed: bytes, password: str, wrap: OfficerWrap, officer: UUID, key_version: int, root: RootKey
) -> bytes:
    """Lock a decoy's seed with a password for duress, under the salt and the cost of the officer's own wrap.

    So one stretching serves both passwords, and nobody can time which of them was given.
    """
    info = duress_context(officer, key_version)
    stretched = stretch(password, wrap.salt, PasswordCost.from_text(wrap.cost_text))
    return root.wrap(_lock(stretched, seed, info), info)


def wrap_of_nothing(officer: UUID, key_version: int, root: RootKey) -> bytes:
    """What stands in the place of a wrap for duress when there is none: as long, and no password opens it."""
    return root.wrap(os.urandom(WRAPPED_LENGTH), duress_context(officer, key_version))


def unwrap_either(
    wrap: OfficerWrap, duress: bytes, password: str, officer: UUID, key_version: int, root: RootKey
) -> bytes:
    """The seed that this password opens: the officer's own, or the decoy's; the work is the same for both.

    Raises WrongPassword when it opens neither, or Refused if the officer's wrap is not theirs or root's.
    """
    stretched = stretch(password, wrap.salt, PasswordCost.from_text(wrap.cost_text))
    contexts = password_context(officer, key_version), duress_context(officer, key_version)
    failures: list[Refused | WrongPassword] = []
    seeds: list[bytes] = []
    # Both are always tried to the end, whichever opens.
    for blob, info in zip((wrap.blob, duress), contexts, strict=True):
        try:
            seeds.append(_tried(stretched, blob, info, root))
        except (Refused, WrongPassword) as failure:
            failures.append(failure)
    if not seeds:
        raise failures[0]
    return seeds[0]


def _tried(stretched: bytes, blob: bytes, info: bytes, root: RootKey) -> bytes:
    try:
        locked = root.unwrap(blob, info)
    except Refused:
        # A wrap that is not ours costs the same time as a wrong password.
        expand(stretched, info, KEY_LENGTH + COMMITMENT_LENGTH)
        raise
    return _unlock(stretched, locked, info)


def _code_bytes(code: str) -> bytes:
    """The 160 bits of a recovery code as somebody typed it; raises WrongPassword."""
    typed = code.upper().translate(MISREAD)
    if len(typed) != CODE_LENGTH or any(letter not in CODE_ALPHABET for letter in typed):
        raise WrongPassword("The name, the password or the code is not right.")
    number = 0
    for letter in typed:
        number = number << 5 | CODE_ALPHABET.index(letter)
    return number.to_bytes(CODE_BITS // 8, "big")


def _code_text(secret: bytes) -> str:
    """Eight groups of four letters and digits."""
    number = int.from_bytes(secret, "big")
    letters = [CODE_ALPHABET[number >> shift & 31] for shift in range(CODE_BITS - 5, -1, -5)]
    return "-".join("".join(letters[start : start + 4]) for start in range(0, CODE_LENGTH, 4))


def wrap_by_code(seed: bytes, officer: UUID, key_version: int, root: RootKey) -> tuple[str, OfficerWrap]:
    """A new recovery code and the seed locked with it; 160 random bits need no stretching."""
    secret, salt = os.urandom(CODE_BITS // 8), os.urandom(SALT_LENGTH)
    info = code_context(officer, key_version)
    locked = _lock(extract(salt, secret), seed, info)
    return _code_text(secret), OfficerWrap(salt, RECOVERY_CODE, root.wrap(locked, info))


def unwrap_by_code(wrap: OfficerWrap, code: str, officer: UUID, key_version: int, root: RootKey) -> bytes:
    """The seed; raises WrongPassword, or Refused if the wrap is not this officer's or root's."""
    if wrap.cost_text != RECOVERY_CODE:
        raise Malformed("This is not a wrap by a recovery code.")
    info = code_context(officer, key_version)
    locked = root.unwrap(wrap.blob, info)
    return _unlock(extract(wrap.salt, _code_bytes(code)), locked, info)


def _session_key(secret: bytes, sid: bytes, info: bytes, root: RootKey) -> bytes:
    """Neither the cookie nor the root key alone gives the key of a session."""
    salt = root.mac(enc("vault/session-salt/v1", sid))
    return expand(extract(salt, secret), info, KEY_LENGTH)


def wrap_by_session(
    seed: bytes, secret: bytes, sid: bytes, officer: UUID, auth_epoch: int, root: RootKey
) -> bytes:
    """The seed under the cookie's secret and the root key together."""
    info = enc("vault/session/v1", officer, auth_epoch)
    return b"\x01" + encrypt(_session_key(secret, sid, info, root), seed, info)


def unwrap_by_session(
    blob: bytes, secret: bytes, sid: bytes, officer: UUID, auth_epoch: int, root: RootKey
) -> bytes:
    """The seed of a live session; raises Refused."""
    if blob[:1] != b"\x01":
        raise Malformed("These bytes are not a seed kept for a session.")
    info = enc("vault/session/v1", officer, auth_epoch)
    return decrypt(_session_key(secret, sid, info, root), blob[1:], info)


def keep_bytes(key: bytes, label: str, secret: bytes, officer: UUID, root: RootKey) -> bytes:
    """A small secret under a key of its owner, then under the root key."""
    info = kept_context(label, officer)
    return root.wrap(encrypt(key, secret, info), info)


def recall_bytes(key: bytes, label: str, blob: bytes, officer: UUID, root: RootKey) -> bytes:
    """The secret that `keep_bytes` locked; raises Refused."""
    info = kept_context(label, officer)
    return decrypt(key, root.unwrap(blob, info), info)
