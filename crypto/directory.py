"""Search over people whose names are sealed: pages of sixty-four entries, scanned once they are opened.

A page is UTF-8 text. An entry is one record of it: a line of JSON for reading, then keys for finding,
each behind a mark of its own, so that most pages are passed over by one look for the marked key.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple
from uuid import UUID

import jellyfish
from anyascii import anyascii

from crypto.errors import Malformed, Unsealable

PAGE_ENTRIES = 64
SHORTEST_TAIL = 4

How = Literal["substring", "exact", "sounds-like", "birth-date", "number"]

# JSON escapes control characters, so that none of these can occur inside an entry's own text.
ENTRY, NAME, SOUND, BORN, NUMBER, END = "\x1e", "\x01", "\x02", "\x03", "\x04", "\x1f"


@dataclass(frozen=True)
class Listing:
    """One person in the directory: every name they go or went by, and what identifies them."""

    ref: UUID
    case: UUID
    names: tuple[str, ...]
    birth_date: date | None
    numbers: tuple[str, ...]


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


def _entry(listing: Listing) -> str:
    born = listing.birth_date.isoformat() if listing.birth_date else None
    facts = [listing.ref.hex, listing.case.hex, list(listing.names), born, list(listing.numbers)]
    names = [folded(name) for name in listing.names]
    heard = sorted({sound for name in names for word in name.split() for sound in sounds(word)})
    numbers = [folded_number(number) for number in listing.numbers]
    keys = [*(NAME + name for name in names), *(SOUND + sound for sound in heard)]
    keys += [BORN + born] if born else []
    keys += [NUMBER + number for number in numbers]
    return END.join([json.dumps(facts), *keys, ""])


def pack_page(listings: Sequence[Listing]) -> bytes:
    """A page of at most 64 listings; raises Unsealable for more."""
    if len(listings) > PAGE_ENTRIES:
        raise Unsealable("A page of the directory holds at most 64 entries.")
    return ENTRY.join(map(_entry, listings)).encode()


def _listing(entry: str) -> Listing:
    try:
        ref, case, names, born, numbers = json.loads(entry.split(END, 1)[0])
        birth_date = None if born is None else date.fromisoformat(born)
        return Listing(UUID(ref), UUID(case), tuple(names), birth_date, tuple(numbers))
    except (ValueError, TypeError, AttributeError):
        raise Malformed("This page of the directory cannot be read.") from None


def unpack_page(page: bytes) -> list[Listing]:
    """The listings of a page, in order; raises Malformed."""
    return [_listing(entry) for entry in _text(page).split(ENTRY) if entry]


def _text(page: bytes) -> str:
    try:
        return page.decode()
    except UnicodeDecodeError:
        raise Malformed("This page of the directory cannot be read.") from None


class _Question(NamedTuple):
    """Whether a text, a page or an entry, may hold an answer; whether an entry's own keys are one."""

    may_answer: Callable[[str], bool]
    answers: Callable[[list[str]], bool]


def _has_key(key: str) -> _Question:
    return _Question(lambda text: END + key + END in text, lambda keys: key in keys)


def _by_substring(needle: str) -> _Question | None:
    words = folded(needle).split()
    if not words:
        return None
    return _Question(
        lambda text: all(word in text for word in words),
        lambda keys: any(key[:1] == NAME and all(word in key for word in words) for key in keys),
    )


def _by_exact_name(needle: str) -> _Question | None:
    name = folded(needle)
    return _has_key(NAME + name) if name else None


def _by_sound(needle: str) -> _Question | None:
    heard = [sounds(word) for word in folded(needle).split()]
    if not heard or not all(heard):
        return None

    def answers(keys: list[str]) -> bool:
        names = [[sounds(word) for word in key[1:].split()] for key in keys if key[:1] == NAME]
        return any(all(any(word & part for part in name) for word in heard) for name in names)

    return _Question(
        lambda text: all(any(f"{END}{SOUND}{sound}{END}" in text for sound in word) for word in heard),
        answers,
    )


def _by_birth_date(needle: str) -> _Question | None:
    try:
        return _has_key(BORN + date.fromisoformat(needle.strip()).isoformat())
    except ValueError:
        return None


def _by_number(needle: str) -> _Question | None:
    number = folded_number(needle)
    if len(number) < SHORTEST_TAIL:
        return _has_key(NUMBER + number) if number else None
    return _Question(
        lambda text: number + END in text,
        lambda keys: any(key[:1] == NUMBER and key.endswith(number) for key in keys),
    )


_QUESTIONS: dict[str, Callable[[str], _Question | None]] = {
    "substring": _by_substring,
    "exact": _by_exact_name,
    "sounds-like": _by_sound,
    "birth-date": _by_birth_date,
    "number": _by_number,
}


def search_pages(pages: Iterable[bytes], needle: str, how: How) -> list[Listing]:
    """The people the needle finds, in the order of the pages.

    "substring" wants every word of the needle in one name; "exact" a whole name; "sounds-like" every
    word to sound like a word of one name; "birth-date" an ISO date; "number" a whole document or
    telephone number or at least its last four characters. A needle with nothing to compare finds
    nobody. Raises Unsealable for another `how`, Malformed for bytes that are not a page.
    """
    if how not in _QUESTIONS:
        raise Unsealable("The directory cannot be searched in this way.")
    question = _QUESTIONS[how](needle)
    if question is None:
        return []
    return [
        _listing(entry)
        for page in map(_text, pages)
        if question.may_answer(page)
        for entry in page.split(ENTRY)
        if question.may_answer(entry) and question.answers(entry.split(END)[1:])
    ]
