"""When the ledger itself says that somebody should look: pure rules over entries, one after the other.

A rule sees one entry and what the entries before it left in memory. Nothing else decides, so that everybody
who reads the same ledger, in one go or bit by bit, finds the same alerts.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

from vault.access.events import Event
from vault.access.policy import MATRIX, Compartment, Hold, Role
from vault.access.reading import BREAK_GLASS
from vault.officers.revoking import Ground
from vault.oversight.memory import WITHIN, Finding, Memory, Seen
from vault.oversight.models import Rule

DAY_BEGINS, DAY_ENDS = 6, 20
REFUSALS, REFUSALS_WITHIN = 5, timedelta(minutes=10)
FAILURES = 3
UNKNOWN_FAILURES = 5
"""Failures from one address for names that nobody has."""
EMPTY_SEARCHES = 3

HIGH_RISK = frozenset({Ground.DANGER, Ground.STOLEN})
"""The grounds on which ending somebody's access is an alert."""
KEY_ACTS = frozenset(
    {
        Event.RECOVERY_ASKED, Event.RECOVERY_EXPORTED, Event.RECOVERY_IMPORTED, Event.DESTRUCTION_ASKED,
        Event.CASE_DESTROYED, Event.ROOT_ROTATION_BEGUN, Event.ROOT_ROTATED, Event.NOTARY_ROTATED,
    }
)  # fmt: skip


def _found(
    rule: Rule, seen: Seen, first: int, who: str | None, subject: str | None, number: int, usual: int
) -> Finding:
    officer = UUID(who) if who else None
    return Finding(rule, first, seen.index, seen.at, officer, subject, number, usual)


def _about(seen: Seen) -> str | None:
    return next(iter([*seen.named("case"), *seen.named("person"), *seen.named("house")]), None)


def planted(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """An entry without the vault's own code: somebody wrote to the database past it."""
    if not seen.is_vouched:
        yield _found(Rule.PLANTED, seen, seen.index, None, None, 1, 0)


def habit(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """More looks on a day than 20 and than thrice the median of 30 days worked; again at the double."""
    if not seen.is_look or seen.officer is None:
        return
    mine = memory.of(seen.officer)
    mine.looks += 1
    if mine.looks > mine.alarm_above:
        yield _found(Rule.HABIT, seen, seen.index, seen.officer, None, mine.looks, mine.alarm_above)
        mine.alarm_above *= 2


def odd_hours(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """The first look of a night, between 20:00 and 06:00, in an hour that is not usual for the officer."""
    if not seen.is_look or seen.officer is None:
        return
    mine, hour = memory.of(seen.officer), seen.local.hour
    mine.hours |= 1 << hour
    night = (seen.local - timedelta(hours=DAY_BEGINS)).date().isoformat()
    if DAY_BEGINS <= hour < DAY_ENDS or mine.is_usual(hour) or night == mine.night:
        return
    mine.night = night
    yield _found(Rule.ODD_HOURS, seen, seen.index, seen.officer, _about(seen), 1, 0)


def naming(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """A place was opened to an officer whose role never holds it, or only when named, and who was not.

    Who is named is taken from the entries alone, so that a naming planted in the database excuses nothing.
    """
    _follow_naming(seen, memory)
    if not seen.is_look or seen.officer is None or seen.compartment not in set(Compartment):
        return
    if BREAK_GLASS in seen.facts:
        return  # The vault says by what right, and that is an alert of its own.
    mine = memory.of(seen.officer)
    if mine.role not in set(Role):
        return
    hold = MATRIX[Compartment(seen.compartment)][Role(mine.role)]
    is_outside = hold is Hold.NAMED and not seen.is_covered(mine.named)
    if hold is Hold.NEVER or is_outside:
        yield _found(Rule.OUTSIDE_ASSIGNMENT, seen, seen.index, seen.officer, _about(seen), 1, 0)


def _follow_naming(seen: Seen, memory: Memory) -> None:
    if seen.outcome != "done":
        return
    role = seen.facts.get("role")
    if seen.event == Event.SIGNED_IN and seen.officer and isinstance(role, str):
        memory.of(seen.officer).role = role
    if seen.event not in {Event.OFFICER_NAMED, Event.OFFICER_UNNAMED} or seen.accused is None:
        return
    mine = memory.of(seen.accused)
    subject = next(iter([*seen.named("person"), *seen.named("case")]), None)
    mine.named = [kept for kept in mine.named if kept != subject]
    if seen.event == Event.OFFICER_NAMED and subject:
        mine.named.append(subject)


def refusals(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """Five refusals to one officer within ten minutes."""
    if seen.outcome == "refused" and seen.officer:
        recent = memory.of(seen.officer).refusals
        if (number := recent.add(seen, REFUSALS_WITHIN)) >= REFUSALS:
            yield _found(Rule.REFUSALS, seen, recent.take(), seen.officer, None, number, REFUSALS - 1)


def nothing_found(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """Three searches of the directory by one officer on one day that found nobody."""
    if seen.event != Event.DIRECTORY_FOUND or seen.facts.get("found") != 0 or seen.officer is None:
        return
    mine = memory.of(seen.officer)
    mine.nothing.append(seen.index)
    if (number := len(mine.nothing)) >= EMPTY_SEARCHES:
        first, mine.nothing = mine.nothing[0], []
        yield _found(Rule.NOTHING_FOUND, seen, first, seen.officer, None, number, EMPTY_SEARCHES - 1)


def failures(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """Within 15 minutes three failed sign-ins as one officer, or five from one address as nobody known."""
    if seen.event != Event.SIGN_IN_FAILED:
        return
    if seen.accused is not None:
        recent, enough = memory.of(seen.accused).failures, FAILURES
    else:
        recent, enough = memory.at_address(seen), UNKNOWN_FAILURES
    if (number := recent.add(seen, WITHIN)) >= enough:
        yield _found(Rule.SIGN_IN_FAILURES, seen, recent.take(), seen.accused, None, number, enough - 1)


def step_up_failures(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """Three wrong codes within 15 minutes in the middle of a session: perhaps it is not the officer's own."""
    if seen.event == Event.STEP_UP_FAILED and seen.accused:
        recent = memory.of(seen.accused).step_ups
        if (number := recent.add(seen, WITHIN)) >= FAILURES:
            yield _found(Rule.STEP_UP_FAILURES, seen, recent.take(), seen.accused, None, number, FAILURES - 1)


def locked(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """Each lock of an account."""
    if seen.event == Event.ACCOUNT_LOCKED:
        yield _found(Rule.LOCKED, seen, seen.index, seen.accused, None, 1, 0)


def under_duress(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """Each time an officer's password for duress is given."""
    if seen.event == Event.DURESS_PASSWORD_GIVEN:
        yield _found(Rule.DURESS, seen, seen.index, seen.accused, None, 1, 0)


def passkey_suspected(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """Each time the counter of a passkey went back."""
    if seen.event == Event.PASSKEY_SUSPECTED:
        yield _found(Rule.PASSKEY, seen, seen.index, seen.accused, None, 1, 0)


def high_risk(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """Each time access ended because somebody may be a danger; an act of several entries once."""
    if seen.event == Event.OFFICER_REVOKED and seen.facts.get("ground") in HIGH_RISK:
        yield _found(Rule.HIGH_RISK, seen, seen.index, seen.accused, None, 1, 0)


def key_act(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """Each recovery, destruction and change of the root or the notary's keys; a long act once."""
    if seen.event in KEY_ACTS and "continues" not in seen.facts:
        yield _found(Rule.KEY_ACT, seen, seen.index, seen.officer, _about(seen), 1, 0)


def break_glass(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """Each emergency access that is given, and each look under it."""
    is_given = seen.event == Event.EMERGENCY_GRANTED and seen.outcome == "done"
    if is_given or (seen.is_look and BREAK_GLASS in seen.facts):
        yield _found(Rule.BREAK_GLASS, seen, seen.index, seen.accused, _about(seen), 1, 0)


def unreviewed(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """Each emergency access that nobody reviewed within three working days."""
    if seen.event == Event.EMERGENCY_UNREVIEWED:
        yield _found(Rule.UNREVIEWED, seen, seen.index, seen.accused, _about(seen), 1, 0)


def flagged_case(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """An officer is named on a flagged case, or looks at it for the first time since it was flagged."""
    cases = seen.named("case")
    if seen.event in {Event.CASE_FLAGGED, Event.CASE_UNFLAGGED} and seen.outcome == "done":
        memory.flagged = [case for case in memory.flagged if case not in cases]
        memory.flagged += cases if seen.event == Event.CASE_FLAGGED else []
        for mine in memory.officers.values():
            mine.met = [case for case in mine.met if case not in cases]
        return
    is_naming = seen.event == Event.OFFICER_NAMED and seen.outcome == "done"
    who = seen.accused if is_naming else seen.officer
    if not (is_naming or seen.is_look) or who is None:
        return
    mine = memory.of(who)
    for case in cases:
        if case in memory.flagged and (is_naming or case not in mine.met):
            mine.met = [*mine.met, case]
            yield _found(Rule.FLAGGED_CASE, seen, seen.index, who, case, 1, 0)
            return  # An entry raises each alert once.


def witness_refused(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """Each time an outside witness tells that it refuses to cosign."""
    if seen.event == Event.WITNESS_REFUSED:
        yield _found(Rule.WITNESS, seen, seen.index, None, next(iter(seen.named("witness")), None), 1, 0)


def notary_refused(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """Each refusal of the notary to sign; it is entered once."""
    if seen.event == Event.NOTARY_REFUSED:
        yield _found(Rule.NOTARY, seen, seen.index, None, None, 1, 0)


def recording_interrupted(seen: Seen, memory: Memory) -> Iterator[Finding]:
    """Each time in which acts could not be recorded, with how many they were."""
    if seen.event == Event.RECORDING_INTERRUPTED:
        told = (seen.facts.get("refused"), seen.facts.get("delayed"))
        acts = sum(count for count in told if isinstance(count, int))
        yield _found(Rule.RECORDING, seen, seen.index, None, None, acts, 0)


RULES: tuple[Callable[[Seen, Memory], Iterator[Finding]], ...] = (
    planted, habit, odd_hours, naming, refusals, nothing_found, failures, step_up_failures, locked,
    under_duress, passkey_suspected, high_risk, key_act, break_glass, unreviewed, flagged_case,
    witness_refused, notary_refused, recording_interrupted,
)  # fmt: skip
BELIEVED = RULES[1:]
"""What is asked of an entry that the vault made; one that it did not make moves no memory."""


def watch(seen: Seen, memory: Memory) -> list[Finding]:
    """The alerts that this entry raises after all before it; `memory` is ready for the next."""
    if not seen.is_vouched:
        return list(planted(seen, memory))
    if seen.officer:
        memory.of(seen.officer).begin(seen.local)
    return [finding for rule in BELIEVED for finding in rule(seen, memory)]
