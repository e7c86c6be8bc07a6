"""From a password to a key: Argon2id (RFC 9106), or PBKDF2 (SP 800-132) where a FIPS module demands it."""

import threading
import unicodedata
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from crypto import suites
from crypto.derivation import KEY_LENGTH
from crypto.errors import Malformed, Unsealable

SALT_LENGTH = 16
ARGON2ID = "argon2id"
PBKDF2 = "pbkdf2-sha256"

# A cost is read from the database; these ceilings keep whoever can write there from stopping the server.
MOST_MEMORY_KIB = 1024 * 1024
MOST_PASSES = 64
MOST_LANES = 64
MOST_ITERATIONS = 10_000_000


@dataclass(frozen=True)
class PasswordCost:
    """How much work one guess costs, stored beside what it protects.

    For "argon2id" all three numbers count; for "pbkdf2-sha256" `passes` is the number of iterations,
    `memory_kib` is 0 and `lanes` is 1. Raises Malformed for anything else.
    """

    name: str
    memory_kib: int
    passes: int
    lanes: int

    def __post_init__(self) -> None:
        if self.name == ARGON2ID:
            fits = (
                1 <= self.lanes <= MOST_LANES
                and 1 <= self.passes <= MOST_PASSES
                and 8 * self.lanes <= self.memory_kib <= MOST_MEMORY_KIB
            )
        else:
            fits = (
                self.name == PBKDF2
                and (self.memory_kib, self.lanes) == (0, 1)
                and 1 <= self.passes <= MOST_ITERATIONS
            )
        if not fits:
            raise Malformed("This is not a password cost that the vault can spend.")

    def to_text(self) -> str:
        """For example "argon2id$65536$3$4" or "pbkdf2-sha256$600000"."""
        if self.name == PBKDF2:
            return f"{PBKDF2}${self.passes}"
        return f"{ARGON2ID}${self.memory_kib}${self.passes}${self.lanes}"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The cost that `to_text` wrote; raises Malformed."""
        name, *written = text.split("$")
        if not all(number.isascii() and number.isdigit() and len(number) <= 9 for number in written):
            raise Malformed("This is not a password cost that the vault can spend.")
        numbers = [int(number) for number in written]
        if name == ARGON2ID and len(numbers) == 3:
            return cls(name, numbers[0], numbers[1], numbers[2])
        if name == PBKDF2 and len(numbers) == 1:
            return cls(name, 0, numbers[0], 1)
        raise Malformed("This is not a password cost that the vault can spend.")


# Each lane is a thread of OpenSSL's one pool; two runs at once would take threads from it until both wait for
# the other to give one back, for ever. One run at a time also bounds the memory of a process.
_ALONE = threading.Lock()

STANDARD = PasswordCost(ARGON2ID, 64 * 1024, 3, 4)
FIPS = PasswordCost(PBKDF2, 0, 600_000, 1)


def stretch(password: str, salt: bytes, cost: PasswordCost) -> bytes:
    """Thirty-two bytes from a password, NFC-normalised so that every keyboard writes it the same.

    Raises Unsealable when the password is not valid Unicode, Unapproved when the profile refuses the cost.
    """
    suites.check_stretching(cost.name == PBKDF2)
    try:
        secret = unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError:
        raise Unsealable("A password must be valid Unicode.") from None
    if cost.name == PBKDF2:
        return PBKDF2HMAC(SHA256(), KEY_LENGTH, salt, cost.passes).derive(secret)
    argon2id = Argon2id(
        salt=salt,
        length=KEY_LENGTH,
        iterations=cost.passes,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    )
    with _ALONE:
        return argon2id.derive(secret)
