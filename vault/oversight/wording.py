"""Entries as sentences: who did what to what, why, and how it ended.

A sentence is made of the entry's own references, enumerations, dates and numbers, and of nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from audit.entries import Entry
from audit.ledger import Woven
from vault.access.events import Event
from vault.access.policy import Compartment, Reason
from vault.oversight.naming import Names, plural, split
from vault.templating import counted, money

SAYS: dict[str, str] = {
    Event.VAULT_FOUNDED: "founded the vault with {about}",
    Event.OFFICER_ADDED: "opened an account for {about}",
    Event.OFFICER_ENROLLED: "enrolled as {about}",
    Event.OFFICER_CERTIFIED: "certified the keys of {about}",
    Event.OFFICER_REVOKED: "ended the access of {about}",
    Event.OFFICER_RELEASED: "released the locked account of {about}",
    Event.OFFICER_INVITED_AGAIN: "asked {about} to enrol again",
    Event.CIRCLE_HANDED_ON: "handed the role's key to {about}",
    Event.CIRCLE_RENEWED: "gave a role a new key, sealed to {about}",
    Event.CIRCLE_RETIRED: "retired an old role key",
    Event.LOCKBOX_REKEYED: "gave sealed places of {about} a new key",
    Event.KEYS_ADOPTED: "took over the keys of an earlier version",
    Event.ROOT_ROTATION_BEGUN: "began to change the root key",
    Event.KEYS_REWRAPPED: "locked keys anew under the new root key",
    Event.ROOT_ROTATED: "changed the root key and destroyed the old one",
    Event.NOTARY_ROTATED: "changed the notary's keys",
    Event.SEALS_AUDITED: "compared the keys with the matrix",
    Event.SIGN_IN_FAILED: "failed to sign in as {about}",
    Event.PASSWORD_GIVEN: "gave the right password of {about}",
    Event.SIGNED_IN: "signed in",
    Event.SIGNED_OUT: "signed out",
    Event.SESSION_ENDED: "ended a session of their own",
    Event.STEPPED_UP: "gave the second factor again",
    Event.STEP_UP_FAILED: "gave a second factor that was not right",
    Event.PASSWORD_CHANGED: "changed their password",
    Event.PASSWORD_RECOVERED: "set a new password with the recovery code",
    Event.ACCOUNT_LOCKED: "locked the account of {about}",
    Event.OPENED: "opened {place} of {about}",
    Event.REFUSED: "was refused {route}",
    Event.REFERRAL_RECEIVED: "sent {about}",
    Event.REFERRAL_DECIDED: "decided on {about}",
    Event.CASE_OPENED: "opened a case: {about}",
    Event.CASE_MOVED: "moved {about} to another state",
    Event.OFFICER_NAMED: "named {officers} on {about}",
    Event.OFFICER_UNNAMED: "took {officers} off {about}",
    Event.PERSON_ADDED: "added {about}",
    Event.RECORD_CHANGED: "changed {place} of {about}",
    Event.NOTE_ADDED: "added a note to {about}",
    Event.THREAT_ASSESSED: "assessed the threat to {about}",
    Event.CEILING_SET: "set the support ceiling of {about}",
    Event.HOUSE_ADDED: "added {about}",
    Event.HOUSE_CHANGED: "changed {about}",
    Event.HOUSING_SEARCHED: "searched safe housing for {about}",
    Event.STAY_HELD: "held beds in {houses} for {about}",
    Event.STAY_CHANGED: "changed the stay of {about} in {houses}",
    Event.VOID_SET: "closed for a time {about}",
    Event.HOUSE_COMPROMISED: "marked {houses} as compromised",
    Event.CASES_SEPARATED: "kept apart in housing {about}",
    Event.SEPARATION_ENDED: "no longer keeps apart in housing {about}",
    Event.PAYMENT_DRAFTED: "drafted {about}",
    Event.PAYMENT_CHANGED: "changed {about}",
    Event.PAYMENT_REQUESTED: "asked for {about}",
    Event.PAYMENT_DECIDED: "decided on {about}",
    Event.PAYMENT_MADE: "paid {about}",
    Event.PAYMENT_RECEIPTED: "attached the receipt of {about}",
    Event.PAYMENT_RECONCILED: "reconciled {about}",
    Event.ACCOUNTS_COMPARED: "compared bank accounts across {about}",
    Event.DISCLOSURE_ASKED: "asked for {about}",
    Event.DISCLOSURE_TAKEN_UP: "took up {about}",
    Event.DISCLOSURE_WEIGHED: "wrote the worksheet of {about}",
    Event.DISCLOSURE_CHOSEN: "chose the fields of {about}",
    Event.DISCLOSURE_PREPARED: "prepared {about}",
    Event.DISCLOSURE_DECIDED: "decided {about}",
    Event.DISCLOSURE_RELEASED: "released {about} to {officers}",
    Event.DISCLOSURE_FETCHED: "fetched {about}",
    Event.DISCLOSURE_ACKNOWLEDGED: "acknowledged {about}",
    Event.DISCLOSURE_TAKEN_BACK: "took back {about}",
    Event.DISCLOSURE_WITHDRAWN: "withdrew {about}",
    Event.AGENCY_ADDED: "added the agency {about}",
    Event.AGENCY_CHANGED: "changed the agency {about}",
    Event.MEMORANDUM_DRAFTED: "drafted {about} with {agencies}",
    Event.MEMORANDUM_CHANGED: "changed {about} with {agencies}",
    Event.MEMORANDUM_SIGNED: "recorded the signing of {about} with {agencies}",
    Event.DIRECTORY_SEARCHED: "searched for a person among {about}",
    Event.DIRECTORY_FOUND: "was shown what the search found: {about}",
    Event.DIRECTORY_FILED: "brought up to date {about}",
    Event.PAPER_ADDED: "added a paper to {about}",
    Event.PAPER_OPENED: "opened a paper of {about}",
    Event.PAPER_REMOVED: "removed a paper of {about}",
    Event.ALERT_RAISED: "raised {alerts} about {about}",
    Event.ALERT_DISMISSED: "dismissed {alerts} about {about}",
    Event.ALERT_CARRIED_OVER: "carried over {alerts} about {about}",
    Event.WEEK_REVIEWED: "reviewed week {week} of the ledger",
    Event.CASE_FLAGGED: "flagged {about}",
    Event.CASE_UNFLAGGED: "no longer flags {about}",
    Event.RECOVERY_ASKED: "asked that keys be recovered for {officers}: {about}",
    Event.RECOVERY_DECIDED: "decided on the recovery of keys for {officers}: {about}",
    Event.RECOVERY_EXPORTED: "fetched the sealed keys to be recovered for {officers}: {about}",
    Event.RECOVERY_IMPORTED: "took in the recovered keys: {about}",
    Event.DESTRUCTION_ASKED: "asked for the destruction of {about}",
    Event.DESTRUCTION_DECIDED: "decided on the destruction of {about}",
    Event.CASE_DESTROYED: "destroyed the records of {about}",
    Event.KEY_ACT_WITHDRAWN: "took back a request about the keys of {about}",
    Event.SHRED_PARTS_ARCHIVED: "archived the shred parts",
    Event.LEDGER_READ: "read the ledger",
    Event.LEDGER_EXPORTED: "exported the ledger",
    Event.LEDGER_VOLUME_CLOSED: "closed this volume of the ledger",
    Event.LEDGER_VOLUME_OPENED: "began a new volume of the ledger",
    Event.DETAILS_FORGOTTEN: "forgot the details of old entries",
    Event.ACT_ANNOUNCED: "announced an act of weight on {about}",
    Event.NOTARY_REFUSED: "noticed that the notary refuses to sign",
    Event.RECORDING_INTERRUPTED: "noticed that entries could not be recorded for a time",
    Event.WITNESS_REGISTERED: "registered an outside witness",
    Event.WITNESS_ENDED: "ended the registration of an outside witness",
    Event.CHECKPOINT_WITNESSED: "took in what the outside witness cosigned",
    Event.DISCLOSURE_LOG_READ: "read the disclosure log",
}
"""What follows the officer's name. An event that is not here is told by its label."""

READS = {
    "entry": "read entry {index} of the ledger",
    "subject": "asked the ledger who has seen {about}",
    "session": "read the session {session} in the ledger",
    "checkpoint": "looked at the newest checkpoint",
    "seals": "compared every key with the matrix",
    "alerts": "read the alerts",
    "alert": "read {about}",
    "weeks": "read the list of weekly reviews",
    "week": "read week {week} of the ledger",
    "figures": "read the figures of the ledger",
    "officer": "read what the ledger tells of {officers}",
    "matrix": "read the disclosure matrix",
    "proof": "saved the proof of an entry",
}
"""What follows the auditor's name when they read one of the bench's pages, by the page."""

UNSIGNED = {
    Event.SIGN_IN_FAILED: "Someone",
    Event.PASSWORD_GIVEN: "Someone",
    Event.ACCOUNT_LOCKED: "The vault",
    Event.ALERT_RAISED: "The vault",
    Event.NOTARY_REFUSED: "The vault",
    Event.RECORDING_INTERRUPTED: "The vault",
    Event.CHECKPOINT_WITNESSED: "The outside witness",
    Event.OFFICER_ENROLLED: "Someone",
}
"""Who is said to act when nobody was signed in; otherwise it was the command line."""

WHY_REFUSED = {
    "RoleMayNot": "not part of the role",
    "NotKnown": "not there, or not theirs to know of",
    "StepUpNeeded": "the second factor was not given",
    "Superseded": "someone else had saved it first",
}
_UNTOLD = frozenset(
    {"vouched", "code", "page", "continues", "route", "why", "rows", "index", "session", "week"}
)
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


def _says(entry: Entry, names: Names) -> str:
    page = str(entry.facts.get("page", "")) if entry.event == Event.LEDGER_READ else ""
    template = READS.get(page) or SAYS.get(entry.event) or f"– {label(Event, entry.event).lower()}: {{about}}"
    if page == "ledger" and entry.subjects:
        template += " about {about}"
    told = _about(entry, names, template)
    for part, words in told.items():
        template = template if words else _without(template, part)
    told["place"] = label(Compartment, entry.compartment) or "a sealed place"
    told["route"] = f"“{str(entry.facts.get('route', '')).replace('.', ', ').replace('-', ' ')}”"
    told |= {name: fact_words(name, entry.facts.get(name)) for name in ("index", "session", "week")}
    said = template.format_map(told)
    if entry.event == Event.REFUSED:
        why = WHY_REFUSED.get(str(entry.facts.get("why", "")), "a rule forbade it")
        said += (f" on {told['about']}" if told["about"] else "") + f": {why}"
    return said


def fact_words(name: str, value: Any) -> str:
    """A fact's value in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, int):
        return money(value) if name.endswith("cents") else f"{value:,}"
    text = str(value)
    return text if any(c.isdigit() for c in text) else text.replace("-", " ")


def fact_label(name: str) -> str:
    """A fact's name in words."""
    return name.removesuffix("-cents").replace("-", " ")


def tell(woven: Woven, names: Names) -> Line:
    """One entry as a sentence."""
    entry = woven.entry
    who = names.officer(entry.officer) if entry.officer else UNSIGNED.get(entry.event, "The command line")  # type: ignore[call-overload]
    told = [(name, value) for name, value in entry.facts.items() if name not in _UNTOLD]
    facts = [
        f"{fact_label(n)}: {names.of(f'officer:{v}') if n == 'officer' else fact_words(n, v)}"
        for n, v in told
    ]
    rows = [f"{counted(len(entry.rows), 'row')} changed"] if entry.rows else []
    return Line(
        index=woven.index,
        at=entry.at,
        event=label(Event, entry.event),
        sentence=f"{who} {_says(entry, names)}",
        told="; ".join(facts + rows),
        place=label(Compartment, entry.compartment),
        reason=label(Reason, entry.reason),
        outcome=entry.outcome,
        entry=entry,
    )
