"""Search over people whose names are sealed: pages of sixty-four entries, scanned once they are opened.

A page is what is searched first, as bytes: a block of names, one of sounds, one of birth dates, one of
numbers, each entry's keys beside its neighbours'. What is read is taken apart only for an entry that answers.
"""

import json
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from crypto.errors import Malformed, Unsealable
from crypto.folding import folded, folded_number, sounds

PAGE_ENTRIES = 64
SHORTEST_TAIL = 4

How = Literal["substring", "exact", "sounds-like", "birth-date", "number"]

# Folded keys are letters, digits and blanks, and JSON escapes control characters: neither holds these two.
ENTRY, KEY = b"\x1e", b"\x1f"
_HEADER = struct.Struct(">5I")
_BOTH_IDS = struct.Struct("16s16s")
_IDS = _BOTH_IDS.size


SHORTEST_WORDS = 2


@dataclass(frozen=True)
class Listing:
    """One person in the directory: every name they go or went by, and what identifies them.

    Of numbers the directory keeps only what is compared: what comes back is in letters and digits.
    """

    ref: UUID
    case: UUID
    names: tuple[str, ...]
    birth_date: date | None
    numbers: tuple[str, ...]


def has_words(text: str, how: How) -> bool:
    """Whether these words are enough to compare: two letters or digits of a name or a number."""
    kept = folded_number(text) if how == "number" else folded(text)
    return len(kept) >= SHORTEST_WORDS


def _keys(keys: Iterable[str]) -> bytes:
    """The keys of one entry, each between two marks."""
    joined = KEY.join(key.encode() for key in keys)
    return KEY + joined + KEY if joined else b""


def _keys_of(entry: bytes) -> list[str]:
    """The keys of one entry, the reverse of `_keys`."""
    return entry[1:-1].decode().split(KEY.decode()) if entry else []


def _heard(names: Iterable[str]) -> list[str]:
    return sorted({sound for name in names for word in name.split() for sound in sounds(word)})


def _as_written(names: Iterable[str]) -> list[str | int]:
    """The names as they were written, or 0 where that is their key in capitals, as with most names."""
    return [0 if name and name == folded(name).title() else name for name in names]


def _names(written: list[str | int], keys: Iterator[str]) -> Iterator[str]:
    """The names as they were written, by the keys of the same entry; the reverse of `_as_written`."""
    for name in written:
        if isinstance(name, str):
            if folded(name):
                next(keys)
            yield name
        else:
            yield next(keys).title()


def pack_page(listings: Sequence[Listing]) -> bytes:
    """A page of at most 64 listings; raises Unsealable for more."""
    if len(listings) > PAGE_ENTRIES:
        raise Unsealable("A page of the directory holds at most 64 entries.")
    names = [[name for name in map(folded, one.names) if name] for one in listings]
    numbers = [[number for number in map(folded_number, one.numbers) if number] for one in listings]
    written = (json.dumps(_as_written(one.names), separators=(",", ":")).encode() for one in listings)
    blocks = [
        ENTRY.join(map(_keys, names)),
        ENTRY.join(_keys(_heard(one)) for one in names),
        ENTRY.join(one.birth_date.isoformat().encode() if one.birth_date else b"" for one in listings),
        ENTRY.join(map(_keys, numbers)),
        ENTRY.join(written),
    ]
    ids = b"".join(one.ref.bytes + one.case.bytes for one in listings)
    return _HEADER.pack(*map(len, blocks)) + b"".join(blocks) + ids


class _Page:
    """Where the blocks of one page begin and end. Raises Malformed when they do not fill it."""

    __slots__ = ("born", "bytes", "ids", "names", "numbers", "sounds", "written")

    def __init__(self, page: bytes) -> None:
        self.bytes = page
        try:
            lengths = _HEADER.unpack_from(page)
        except struct.error:
            raise Malformed("This page of the directory cannot be read.") from None
        self.names = _HEADER.size
        self.sounds = self.names + lengths[0]
        self.born = self.sounds + lengths[1]
        self.numbers = self.born + lengths[2]
        self.written = self.numbers + lengths[3]
        self.ids = self.written + lengths[4]
        if self.ids > len(page) or (len(page) - self.ids) % _IDS:
            raise Malformed("This page of the directory cannot be read.")

    def listings(self, wanted: Iterable[int] | None) -> list[Listing]:
        """The entries at these places, or all of them, in order."""
        count = (len(self.bytes) - self.ids) // _IDS
        ends = (self.names, self.sounds), (self.born, self.numbers), (self.numbers, self.written)
        blocks = [self.bytes[start:end].split(ENTRY) for start, end in (*ends, (self.written, self.ids))]
        if count and any(len(block) != count for block in blocks):
            raise Malformed("This page of the directory cannot be read.")
        places = range(count) if wanted is None else wanted
        return [self._listing(place, *(block[place] for block in blocks)) for place in places]

    def _listing(self, place: int, names: bytes, born: bytes, numbers: bytes, written: bytes) -> Listing:
        ids = self.ids + place * _IDS
        try:
            return Listing(
                UUID(bytes=self.bytes[ids : ids + 16]),
                UUID(bytes=self.bytes[ids + 16 : ids + _IDS]),
                tuple(_names(json.loads(written), iter(_keys_of(names)))),
                date.fromisoformat(born.decode()) if born else None,
                tuple(_keys_of(numbers)),
            )
        except (ValueError, TypeError, RuntimeError):
            raise Malformed("This page of the directory cannot be read.") from None


def unpack_page(page: bytes) -> list[Listing]:
    """The listings of a page, in order; raises Malformed."""
    return _Page(page).listings(None)


def ids_on_page(page: bytes) -> list[tuple[bytes, bytes]]:
    """The ref and the case of each listing of a page, in order, 16 bytes each; raises Malformed."""
    return list(_BOTH_IDS.iter_unpack(page[_Page(page).ids :]))


def matching_names(listing: Listing, needle: str, how: How) -> list[str]:
    """The names by which the needle finds this person; none where a date or a number was searched for."""
    if how in ("birth-date", "number"):
        return []
    alone = ((name, Listing(listing.ref, listing.case, (name,), None, ())) for name in listing.names)
    return [name for name, one in alone if search_pages([pack_page([one])], needle, how)]


# Which entries of a page answer, by their places; most pages are passed over by one look for a key.
_Question = Callable[[_Page], Iterable[int]]


def _places(page: bytes, key: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where a key stands in a block, each with the place of the entry it stands in."""
    place, counted, at = 0, start, page.find(key, start, end)
    while at >= 0:
        place += page.count(ENTRY, counted, at)
        yield at, place
        counted, at = at, page.find(key, at + 1, end)


def _by_substring(needle: str) -> _Question | None:
    # The longest word is the rarest, so that it is looked for first.
    words = sorted(folded(needle).encode().split(), key=len, reverse=True)
    if not words:
        return None
    longest, others = words[0], words[1:]

    def answers(page: _Page) -> Iterator[int]:
        for at, place in _places(page.bytes, longest, page.names, page.sounds):
            name = page.bytes[page.bytes.rfind(KEY, 0, at) : page.bytes.find(KEY, at)] if others else b""
            if all(word in name for word in others):
                yield place

    return answers


def _by_exact_name(needle: str) -> _Question | None:
    key = _keys([folded(needle)])
    if not key:
        return None
    return lambda page: (place for _, place in _places(page.bytes, key, page.names, page.sounds))


def _by_sound(needle: str) -> _Question | None:
    heard = [sounds(word) for word in folded(needle).split()]
    if not heard or not all(heard):
        return None
    first = [_keys([sound]) for sound in heard[0]]

    def sounds_so(entry: bytes) -> bool:
        names = [[sounds(word) for word in name.decode().split()] for name in entry.split(KEY)]
        return any(all(any(word & part for part in name) for word in heard) for name in names)

    def answers(page: _Page) -> Iterator[int]:
        found = {at for key in first for _, at in _places(page.bytes, key, page.sounds, page.born)}
        if found:
            names = page.bytes[page.names : page.sounds].split(ENTRY)
            yield from (place for place in sorted(found) if sounds_so(names[place]))

    return answers


def _by_birth_date(needle: str) -> _Question | None:
    try:
        born = date.fromisoformat(needle.strip()).isoformat().encode()
    except ValueError:
        return None
    return lambda page: (place for _, place in _places(page.bytes, born, page.born, page.numbers))


def _by_number(needle: str) -> _Question | None:
    number = folded_number(needle)
    if not number:
        return None
    key = number.encode() + KEY if len(number) >= SHORTEST_TAIL else _keys([number])
    return lambda page: (place for _, place in _places(page.bytes, key, page.numbers, page.written))


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
    found: list[Listing] = []
    if question is None:
        return found
    for page in map(_Page, pages):
        try:
            if places := dict.fromkeys(question(page)):
                found += page.listings(places)
        except IndexError:
            raise Malformed("This page of the directory cannot be read.") from None
    return found
