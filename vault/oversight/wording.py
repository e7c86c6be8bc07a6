"""Entries as sentences: who did what to what, why, and how it ended.

A sentence is made of the entry's own references, enumerations, dates and numbers, and of nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from audit.entries import Entry
from audit.ledger import Woven
from vault.access.events import Event
from vault.access.policy import Compartment, Reason
from vault.announcing.actions import Weighty
from vault.oversight.facts import fact_label, fact_words, is_told
from vault.oversight.naming import Names, plural, split
from vault.oversight.sentences import READS, SAYS, UNSIGNED, WHY_REFUSED

_APART = {"officers": "officer", "houses": "house", "agencies": "agency", "alerts": "alert"}
_TELLS_APART = 3


@dataclass(frozen=True)
class Line:
    """One entry as the auditor reads it."""

    index: int
    at: datetime
    event: str
    sentence: str
    told: str
    place: str
    reason: str
    outcome: str
    entry: Entry


def label(vocabulary: type[StrEnum], word: str | None) -> str:
    """The label of a word; a word that has left the vocabulary stands for itself."""
    if word is None:
        return ""
    try:
        return str(getattr(vocabulary(word), "label", word))
    except ValueError:
        return word.replace("-", " ")


def references(entries: Iterable[Entry]) -> set[str]:
    """Everything that must be looked up to tell of these entries."""
    found: set[str] = set()
    for entry in entries:
        found.update(_subjects(entry))
        found.update(f"officer:{who}" for who in (entry.officer, entry.facts.get("officer")) if who)
    return found


def _subjects(entry: Entry) -> list[str]:
    """The subjects; a refused address names a kind and an id apart, which are one subject together."""
    kind = next((s.partition(":")[2] for s in entry.subjects if s.startswith("kind:")), None)
    joined = [s.replace("subject:", f"{kind}:", 1) if kind else s for s in entry.subjects]
    return [s for s in joined if split(s)[1] is not None]


def _about(entry: Entry, names: Names, template: str) -> dict[str, str]:
    """What it was done to, and apart from that the kinds that the template names; a person's case once."""
    kinds: dict[str, list[str]] = {}
    subjects = _subjects(entry)
    told_by_person = {f"case:{names.case_of.get(i)}" for s in subjects if (i := split(s)[1]) is not None}
    told_by_packet = any(s.startswith("packet:") for s in subjects)
    for subject in dict.fromkeys(subjects):
        kind, _ = split(subject)
        if subject in told_by_person or (kind == "disclosure" and told_by_packet):
            continue
        if entry.event == Event.HOUSING_SEARCHED and kind == "house":
            continue
        words = kinds.setdefault(kind, [])
        words += [word] if (word := names.of(subject)) not in words else []
    told = {
        place: _listed(kinds.pop(kind, []), kind)
        for place, kind in _APART.items()
        if f"{{{place}}}" in template
    }
    return told | {"about": _listed([_listed(words, kind) for kind, words in kinds.items()], "subject")}


def _listed(words: Sequence[str], kind: str) -> str:
    if len(words) > _TELLS_APART and kind != "subject":
        return f"{len(words)} {plural(kind)}"
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


_LEADS = ("about", "as", "of", "for", "across", "among", "with", "on", "in", "to", "from")


def _without(template: str, missing: str) -> str:
    """The template without a part that is not known, and without the words that lead to it."""
    for lead in (*(f" {word} " for word in _LEADS), ": ", " "):
        template = template.replace(f"{lead}{{{missing}}}", "")
    return template


def _says(entry: Entry, names: Names, zone: ZoneInfo) -> str:
    page = str(entry.facts.get("page", "")) if entry.event == Event.LEDGER_READ else ""
    template = READS.get(page) or SAYS.get(entry.event) or f"– {label(Event, entry.event).lower()}: {{about}}"
    if page == "ledger" and entry.subjects:
        template += " about {about}"
    told = _about(entry, names, template)
    for part, words in told.items():
        template = template if words else _without(template, part)
    told["place"] = label(Compartment, entry.compartment) or "a sealed place"
    told["route"] = f"“{str(entry.facts.get('route', '')).replace('.', ', ').replace('-', ' ')}”"
    told["act"] = label(Weighty, str(entry.facts.get("act", ""))).lower()
    told |= {name: fact_words(name, entry.facts.get(name), zone) for name in ("index", "session", "week")}
    said = template.format_map(told)
    if entry.event == Event.REFUSED:
        why = WHY_REFUSED.get(str(entry.facts.get("why", "")), "a rule forbade it")
        said += (f" on {told['about']}" if told["about"] else "") + f": {why}"
    return said


def tell(woven: Woven, names: Names, zone: ZoneInfo) -> Line:
    """One entry as a sentence, its days and moments on the unit's clock."""
    entry = woven.entry
    who = names.officer(entry.officer) if entry.officer else UNSIGNED.get(entry.event, "The command line")  # type: ignore[call-overload]
    told = [
        f"{fact_label(n, v)}: {names.of(f'officer:{v}') if n == 'officer' else fact_words(n, v, zone)}"
        for n, v in entry.facts.items()
        if is_told(n, v)
    ]
    return Line(
        index=woven.index,
        at=entry.at,
        event=label(Event, entry.event),
        sentence=f"{who} {_says(entry, names, zone)}",
        told="; ".join(told),
        place=label(Compartment, entry.compartment),
        reason=label(Reason, entry.reason),
        outcome=entry.outcome,
        entry=entry,
    )
