"""What happened to an officer's account lately, by the ledger, so that they see what was not them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit import tables
from audit.entries import Entry
from audit.errors import InvalidEntry
from vault.access.events import Event, is_vouched
from vault.officers.second_factors import Factor
from vault.running import RunningVault, Trust
from vault.templating import counted, when

SHOWN, MOST = 10, 50
"""Entries that are shown, and that are looked at: a stranger's thousand failures keep nobody waiting."""
TOLD = frozenset(
    {
        Event.SIGNED_IN, Event.PASSWORD_GIVEN, Event.DURESS_PASSWORD_GIVEN,
        Event.SIGN_IN_FAILED, Event.STEP_UP_FAILED,
        Event.ACCOUNT_LOCKED, Event.ACCOUNT_UNUSED, Event.OFFICER_RELEASED, Event.OFFICER_SIGNED_OUT,
        Event.OFFICER_ENROLLED, Event.OFFICER_INVITED_AGAIN, Event.OFFICER_CERTIFIED,
        Event.PASSWORD_CHANGED, Event.PASSWORD_RECOVERED, Event.NOTICES_CHOSEN,
        Event.PASSKEY_ADDED, Event.PASSKEY_REMOVED, Event.PASSKEY_SUSPECTED,
        Event.RECOVERY_CODES_MADE, Event.RECOVERY_CODE_USED, Event.APP_SET, Event.APP_REMOVED,
    }
)  # fmt: skip
"""What concerns how an officer signs in, and nothing of their work."""

ALARMING = frozenset({Event.ACCOUNT_LOCKED, Event.PASSKEY_SUSPECTED, Event.PASSWORD_RECOVERED})
NOT_YOU = "If that was not you, change your password and tell the administrator."


def _as_told(entry: Entry) -> Entry:
    """The entry as its officer is told of it: no page of theirs tells of duress."""
    if entry.event != Event.DURESS_PASSWORD_GIVEN:
        return entry
    failed = Event.STEP_UP_FAILED if entry.officer else Event.SIGN_IN_FAILED
    return replace(entry, event=str(failed if entry.outcome == "failed" else Event.PASSWORD_GIVEN))


def happened(db: Session, trust: Trust, officer: UUID) -> Iterator[Entry]:
    """The vault's own entries about an officer's account as they are told, newest first, at most `MOST`."""
    entry, subject = tables.entries.c, f"officer:{officer}"
    query = (
        select(entry.index, entry.leaf)
        .join_from(tables.subjects, tables.entries, tables.subjects.c.index == entry.index)
        .where(tables.subjects.c.subject == subject, entry.event.in_([str(event) for event in TOLD]))
        .order_by(entry.index.desc())
        .limit(MOST)
    )
    for index, leaf in db.execute(query):
        try:
            told = Entry.from_canonical(leaf)
        except InvalidEntry:
            continue
        if subject in told.subjects and is_vouched(told, index, trust.confirms):
            yield _as_told(told)


def newest(db: Session, trust: Trust, officer: UUID) -> list[Entry]:
    """What the officer's own page shows: the newest `SHOWN` entries, without the halves of a sign-in."""
    own = (one for one in happened(db, trust, officer) if one.event != Event.PASSWORD_GIVEN)
    return list(islice(own, SHOWN))


def since_last_sign_in(vault: RunningVault, officer: UUID) -> tuple[str, bool] | None:
    """Before a sign-in: when the last one was and what happened since, and whether that needs a look.

    None before the first. The password that was just given is not told of.
    """
    since: Counter[str] = Counter()
    with vault.reading() as db:
        for entry in happened(db, vault.trust, officer):
            if entry.event == Event.SIGNED_IN:
                return _words(vault, entry, since)
            since[entry.event] += 1
    return _words(vault, None, since) if sum(since.values()) >= MOST else None


def _words(vault: RunningVault, last: Entry | None, since: Counter[str]) -> tuple[str, bool]:
    tries = since.pop(Event.SIGN_IN_FAILED, 0) + since.pop(Event.STEP_UP_FAILED, 0)
    halves = since.pop(Event.PASSWORD_GIVEN, 1) - 1
    told = [f"{counted(tries, 'try', 'tries')} failed"] if tries else []
    if halves > 0:
        told.append(f"your password was given {counted(halves, 'time')} without a second factor")
    is_odd = bool(told) or bool(ALARMING & set(since))
    told += [Event(event).label.lower() for event in since]
    words = "Much happened to your account since you last signed in."
    if last is not None:
        words = f"You last signed in on {when(last.at, ZoneInfo(vault.settings.time_zone))}{_how(last)}."
    if told:
        words += f" Since then: {'; '.join(told)}. {NOT_YOU}"
    return words, is_odd


def _how(entry: Entry) -> str:
    factor = str(entry.facts.get("factor", ""))
    how = f", with your {Factor(factor).label.lower()}" if factor in set(Factor) else ""
    return f"{how}, at the server's terminal" if entry.facts.get("at") == "terminal" else how
