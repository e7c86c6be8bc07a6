"""Is a leaf in canonical form? Answered without reading its JSON: faster, and exactly as strict.

Every leaf has the same keys in the same order, and strings with nothing to escape, so that one regular
expression describes it; what an expression cannot say (order, distinctness, real dates) is checked after it.
"""

import re
from itertools import pairwise

from audit.entries import LARGEST_LEAF, REFERENCE, Entry

_T = f'"{REFERENCE.replace("{0,79}", "{0,79}+")}"'
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_DIGEST = '"[0-9a-f]{64}"'
# A number of sixteen digits may be too large; such a leaf is left to the slow reading.
_FACT = f"(?:{_T}|-?[1-9][0-9]{{0,14}}+|0|true|false|null)"


def _list(item: str) -> str:
    return f"(?:{item}(?:,{item})*+)?+"


# Caught only where the expression cannot vouch for them: days after the 28th, and subjects beyond two.
_DAY = "(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8]|(29|3[01]))"
_SUBJECTS = rf"(?:({_T})(?:,(?!\5){_T})?((?:,{_T})++)?)?"

_LEAF = re.compile(
    rf'\{{"at":"{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{{3}}Z",'
    rf'"compartment":(?:{_T}|null),"details":(?:{_DIGEST}|null),"event":{_T},'
    rf'"facts":\{{({_list(f"{_T}:{_FACT}")})\}},"fields":\[{_list(_T)}\],"id":"({_UUID})",'
    rf'"officer":(?:"{_UUID}"|null),"outcome":"(?:done|refused|failed)","reason":(?:{_T}|null),'
    rf'"rows":\{{({_list(f"{_T}:{_DIGEST}")})\}},"session":(?:{_T}|null),'
    rf'"subjects":\[{_SUBJECTS}\],"v":1\}}'.encode()
).fullmatch


def _is_in_month(day: int, date: bytes) -> bool:
    """Whether a month of this date (`2026-11-22`) has a day that not every month has."""
    year, month = int(date[:4]), int(date[5:7])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return day <= (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def _names_ascend(members: bytes) -> bool:
    """Whether the members of an object, in which only commas divide, are in order and distinct."""
    names = [member[1 : member.index(b'"', 1)] for member in members.split(b",")]
    return all(first < second for first, second in pairwise(names))


def _are_distinct(listed: bytes) -> bool:
    items = listed.split(b",")
    return len(set(items)) == len(items)


def check_form(leaf: bytes) -> tuple[bytes, bytes]:
    """The id and the time of a leaf in canonical form, as they are written; raises InvalidEntry."""
    match = _LEAF(leaf)
    if match is not None and len(leaf) <= LARGEST_LEAF:
        late_day, facts, name, rows, _, further = match.groups()
        if (
            (late_day is None or _is_in_month(int(late_day), leaf[7:17]))
            and (b"," not in facts or _names_ascend(facts))
            and (b"," not in rows or _names_ascend(rows))
            and (further is None or _are_distinct(leaf[match.start(5) : match.end(6)]))
        ):
            return name, leaf[7:31]
    entry = Entry.from_canonical(leaf)
    return str(entry.id).encode(), leaf[7:31]
