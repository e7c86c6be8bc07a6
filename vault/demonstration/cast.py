"""Who can sign in to the demonstration, and the passphrases they are given."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from vault.access.policy import Role


@dataclass(frozen=True)
class Member:
    """One invented officer."""

    name: str
    full_name: str
    role: Role


@dataclass(frozen=True, repr=False)
class Login:
    """What an officer of the demonstration signs in with. Kept beside the keys, never in the data folder."""

    name: str
    full_name: str
    role: Role
    password: str
    totp_secret: str


CAST = (
    Member("ada", "Ada Amsel", Role.COORDINATOR),
    Member("ines", "Ines Inkpen", Role.INSPECTOR),
    Member("ivo", "Ivo Ironside", Role.INSPECTOR),
    Member("cal", "Cal Candle", Role.CLERK),
    Member("dee", "Dee Drummer", Role.DEPUTY),
    Member("dan", "Dan Dunlin", Role.DEPUTY),
    Member("fin", "Fin Farthing", Role.FINANCE),
    Member("pat", "Pat Pepper", Role.PROSECUTOR),
    Member("pru", "Pru Pembroke", Role.PROSECUTOR),
    Member("sol", "Sol Saddler", Role.LIAISON),
    Member("aud", "Aud Atwater", Role.AUDITOR),
    Member("max", "Max Mallow", Role.ADMINISTRATOR),
)
"""Two inspectors, so that one finds nothing of the other's cases; two deputies, for sums that need two."""

GONE = Member("lou", "Lou Larkin", Role.INSPECTOR)
"""Worked here and left this morning: cannot sign in any more, and is not told of with those who can."""

UNUSED = Member("una", "Una Underhill", Role.CLERK)
"""Was certified eleven months ago and never came back; the account is off, and is not told of either."""

FIRST = ("dee",)
"""Admitted when the vault was founded, as UNUSED was; everybody else came a fortnight ago."""

FOUNDERS = ("ada", "aud", "max")

_WORDS = Path(__file__).with_name("words.txt").read_text().split()


def passphrase() -> str:
    """Six words of the list at random, about 49 bits: long enough for the vault, short enough to type."""
    return "-".join(secrets.choice(_WORDS) for _ in range(6))
