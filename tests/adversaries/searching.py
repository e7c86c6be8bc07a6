"""Looking through raw bytes as somebody does who has files and a search tool."""

import base64
import struct
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from tests.adversaries.planting import DANGER_TOWN, DAYS, HOUSE_LATITUDE, HOUSE_LONGITUDE, HOUSE_TOWN, MARK


def spellings(text: str) -> Iterator[tuple[str, bytes]]:
    """A text in every encoding and case that a careless program might have written it in."""
    for case, written in (("as typed", text), ("lower", text.lower()), ("upper", text.upper())):
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            plain = written.encode(encoding)
            yield f"{encoding}, {case}", plain
            yield f"hex of {encoding}, {case}", plain.hex().encode()
            yield f"upper hex of {encoding}, {case}", plain.hex().upper().encode()
            for shift in range(3):
                # The letters at the edges depend on what stands beside the text, so they are left out.
                coded = base64.b64encode(bytes(shift) + plain)
                core = coded[4 if shift else 0 : (len(plain) + shift) // 3 * 4]
                yield f"base64 of {encoding}, {case}, at {shift}", core
                yield f"urlsafe base64 of {encoding}, {case}, at {shift}", core.translate(URLSAFE)


URLSAFE = bytes.maketrans(b"+/", b"-_")


@cache
def needles() -> dict[bytes, str]:
    """Everything that was planted, spelled in every way, and what each spelling is called."""
    found = {coded: f"text in {how}" for how, coded in spellings(MARK)}
    for name, day in DAYS.items():
        for text in (day.isoformat(), f"{day:%m/%d/%Y}", f"{day:%b} {day.day}, {day.year}"):
            found |= {coded: f"{name} in {how}" for how, coded in spellings(text)}
    for text in (HOUSE_LATITUDE, HOUSE_LONGITUDE):
        found |= {coded: f"coordinate in {how}" for how, coded in spellings(text)}
    for value in (float(HOUSE_LATITUDE), float(HOUSE_LONGITUDE), *coordinates()):
        for order in "<>":
            found[struct.pack(f"{order}d", value)] = "coordinate as a double"
    found[b"%PDF-1."] = "a released packet"
    return found


def coordinates() -> list[float]:
    """The points that danger area and house area were given, from the gazetteer."""
    from housing.places import towns

    return [*towns()[DANGER_TOWN], *towns()[HOUSE_TOWN]]


def traces(raw: bytes) -> set[str]:
    """What of the planted secrets stands in these bytes."""
    return {what for coded, what in needles().items() if coded in raw}


def traces_in(folders: Iterable[Path]) -> dict[str, set[str]]:
    """What of the planted secrets stands in any file of these folders, by file."""
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    assert files
    found = {f"{path.parent.name}/{path.name}": traces(path.read_bytes()) for path in files}
    return {name: what for name, what in found.items() if what}
