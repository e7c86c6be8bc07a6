"""How hard a new password is to guess: its length, and how much of it no list and no habit foretells.

No rule asks for kinds of letters (NIST SP 800-63B-4, 3.1.1.2). What is foretold: words of the block list and
of the officer's own surroundings, also with figures for letters; runs along the alphabet, the figures or the
keys of a keyboard; whatever was said before in the same password; and years.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import pairwise

from vault.errors import RuleForbids

LEAST, MOST = 15, 128
LEAST_FRESH = 10
"""Characters that nothing foretells; with fewer, length is only repetition."""
STRONG, VERY_STRONG = 16, 24
GUESSED = "Guessers try that password first. Choose a few unrelated words, and no names of yours or ours."

_FIGURES_FOR_LETTERS = str.maketrans("013457@$!", "oieastasi")
_KEYS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_RUN, _WOVEN_RUN, _REPEATED, _WORD = 4, 6, 3, 3
_YEAR = re.compile(r"(?:19|20)\d\d")


@cache
def blocked_words() -> frozenset[str]:
    """The words of the block list that is shipped beside this module, in lower case."""
    text = files("vault.officers").joinpath("blocked-passwords.txt").read_text()
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def words_of(*names: str) -> frozenset[str]:
    """The words of names that a guesser would know, of three letters or more, in lower case."""
    found = (part for name in names for part in re.split(r"[^\w]+", name.lower()))
    return frozenset(part for part in found if len(part) >= _WORD)


@cache
def _neighbours() -> frozenset[tuple[str, str]]:
    """Pairs of keys that lie beside each other, or above each other on a keyboard of the United States."""
    pairs = {(one, two) for row in _KEYS for one, two in pairwise(row)}
    for upper, lower in pairwise(_KEYS):
        for place, key in enumerate(lower):
            pairs |= {(key, above) for above in upper[place : place + 2]}
    return frozenset(pairs | {(two, one) for one, two in pairs})


def _follows(one: str, two: str) -> bool:
    is_next = one.isalnum() and two.isalnum() and abs(ord(one) - ord(two)) <= 1
    return is_next or one == two or (one, two) in _neighbours()


def _in_words(plain: str, words: Iterable[str]) -> set[int]:
    read_as_letters = plain.translate(_FIGURES_FOR_LETTERS)
    return {
        place
        for word in words
        for text in (plain, read_as_letters)
        for found in re.finditer(f"(?={re.escape(word)})", text)
        for place in range(found.start(), found.start() + len(word))
    }


def _in_runs(plain: str, apart: int, least: int) -> set[int]:
    """Places within a run of `least` characters of which each follows the one `apart` places before it."""
    found: set[int] = set()
    length = apart
    for place in range(apart, len(plain) + 1):
        if place < len(plain) and _follows(plain[place - apart], plain[place]):
            length += 1
            continue
        if length >= least:
            found |= set(range(place - length, place))
        length = apart
    return found


def _said_before(plain: str) -> set[int]:
    """Places within what stood in the password already, of three characters or more."""
    return {
        place
        for start in range(1, len(plain) - _REPEATED + 1)
        if plain[start : start + _REPEATED] in plain[: start + _REPEATED - 1]
        for place in range(start, start + _REPEATED)
    }


def fresh(password: str, surroundings: Iterable[str]) -> int:
    """How many characters nothing foretells, where `surroundings` are words that belong to the officer."""
    plain = password.lower()
    foretold = _in_words(plain, blocked_words() | set(surroundings))
    foretold |= _in_runs(plain, 1, _RUN) | _in_runs(plain, 2, _WOVEN_RUN) | _said_before(plain)
    foretold |= {place for year in _YEAR.finditer(plain) for place in range(*year.span())}
    return len(plain) - len(foretold)


def check_strength(password: str, surroundings: Iterable[str]) -> None:
    """Length, the block list, and what is left when everything foretold is taken away.

    Raises RuleForbids with a sentence that says what to do.
    """
    if len(password) < LEAST:
        raise RuleForbids(f"Use at least {LEAST} characters. A few unrelated words work well.")
    plain = password.lower()
    listed = _in_words(plain, blocked_words())
    # A password mostly made of listed words is guessed soon, however long its words are.
    is_listed = len(listed) * 2 > len(plain)
    if is_listed or len(set(plain)) < 5 or fresh(password, surroundings) < LEAST_FRESH:
        raise RuleForbids(GUESSED)


def strength_words(password: str, surroundings: Iterable[str]) -> str:
    """How strong a password that may be used is, as the page says it; it never repeats any of it."""
    left = fresh(password, surroundings)
    if left >= VERY_STRONG:
        return "very strong"
    return "strong" if left >= STRONG else "strong enough; one more word would make it stronger"
