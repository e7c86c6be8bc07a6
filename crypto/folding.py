"""Names and numbers as they are compared: without case, accents and punctuation, or by how they sound."""

import re
import unicodedata

import jellyfish
from anyascii import anyascii

_NUMBERS = (
    re.compile(r"[^\W_]+"),  # X1234567
    re.compile(r"[^\W_]+(?:[-./][^\W_]+)+"),  # SAMPLE-1234
    re.compile(r"(?<![^\W_])\+?\(?\d[\d ().\-/]*\d"),  # (203) 555-0142
)
SHORTEST_NUMBER = 4


def folded(text: str) -> str:
    """A name as it is compared: without case, accents, apostrophes or other scripts' letters."""
    latin = anyascii(unicodedata.normalize("NFC", text)).lower()
    return " ".join(re.sub(r"[^a-z0-9]+", " ", re.sub(r"['’`]", "", latin)).split())


def folded_number(text: str) -> str:
    """A document or telephone number as it is compared: letters and digits only."""
    return re.sub(r"[^A-Z0-9]+", "", anyascii(text).upper())


def sounds(word: str) -> set[str]:
    """How a folded word sounds: its metaphone and its soundex keys, told apart by a prefix."""
    keys = {f"M{jellyfish.metaphone(word)}", f"S{jellyfish.soundex(word)}"}
    return keys - {"M", "S"}


def numbers_in(text: str | None) -> tuple[str, ...]:
    """The numbers in free text: letters and digits, four or more, with a digit among them.

    Each run counts, and so does what is written with dashes between runs or with blanks between digits.
    """
    found = (run for shape in _NUMBERS for run in shape.findall(text or ""))
    return tuple(
        dict.fromkeys(
            run
            for run in found
            if any(c.isdigit() for c in run) and sum(c.isalnum() for c in run) >= SHORTEST_NUMBER
        )
    )
