"""Alerts as sentences, and what an auditor does next about each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vault.oversight.grouping import Group
from vault.oversight.models import Alert, Rule
from vault.oversight.naming import Names

SAYS = {
    Rule.HABIT: "{who} looked {number} times on one day; up to {usual} would be ordinary",
    Rule.ODD_HOURS: "{who} looked at something at an hour that is not usual for them",
    Rule.OUTSIDE_ASSIGNMENT: "{who} opened something of {subject} without being named there",
    Rule.REFUSALS: "{who} was refused {number} times within ten minutes",
    Rule.NOTHING_FOUND: "{who} searched {number} times on one day and nobody was found",
    Rule.SIGN_IN_FAILURES: "{number} sign-ins as {who} failed within 15 minutes",
    Rule.LOCKED: "The account of {who} was locked",
    Rule.PASSKEY: "A passkey of {who} counts as that of a copied one does",
    Rule.HIGH_RISK: "The access of {who} ended because they, or somebody with their keys, may be a danger",
    Rule.STEP_UP_FAILURES: "{number} wrong codes were given in a session of {who} within 15 minutes",
    Rule.DURESS: "The password for duress of {who} was given: somebody may be forcing them",
    Rule.KEY_ACT: "{who} took a step to recover, destroy or change the keys of {subject}",
    Rule.FLAGGED_CASE: "{who} is new on {subject}, which is flagged",
    Rule.BREAK_GLASS: "{who} was let into {subject} in an emergency, outside the matrix",
    Rule.UNREVIEWED: "Nobody reviewed within three working days that {who} was let into {subject}",
    Rule.WITNESS: "An outside witness refuses to cosign: the ledger is not the one that it accepted before",
    Rule.PLANTED: "The vault did not make this entry: somebody wrote to the database past it",
    Rule.NOTARY: "The notary refused to sign the ledger",
    Rule.RECORDING: "For a time acts could not be recorded, and were refused or delayed: {number}",
}
NEXT = {
    Rule.HABIT: "Read the officer's day in the ledger, and ask which task it was for.",
    Rule.ODD_HOURS: "Compare with the duty roster. Was there an emergency, a move, a call at night?",
    Rule.OUTSIDE_ASSIGNMENT: "This must never happen. End the officer's access today and compare the keys.",
    Rule.REFUSALS: "See what was asked for. A wrong link repeats one address; curiosity tries many.",
    Rule.NOTHING_FOUND: "Open the searches: their words are in the details. Ask why these names.",
    Rule.SIGN_IN_FAILURES: "Ask the officer whether it was they. If not, their password may be known.",
    Rule.PASSKEY: "Have the officer remove that passkey today. See what was done with it before.",
    Rule.HIGH_RISK: "Read what they opened in their last weeks, and see that the keys are renewed today.",
    Rule.LOCKED: "Ask the officer whether it was they, before the administrator releases the account.",
    Rule.STEP_UP_FAILURES: "Ask the officer whether it was they. If not, have their sessions ended at once.",
    Rule.DURESS: "Follow the plan for duress now. Do not telephone their desk. They see an empty vault.",
    Rule.KEY_ACT: "Compare with the request and its two approvals.",
    Rule.FLAGGED_CASE: "See why the case was flagged, and whether this officer may work on it.",
    Rule.BREAK_GLASS: "Read in the entry’s details why, and see that another officer reviews it in time.",
    Rule.UNREVIEWED: "Ask the deputy or another coordinator for the review today.",
    Rule.WITNESS: "Change nothing. Compare both notes in the entry's details; keep the witness's folder.",
    Rule.PLANTED: "Keep a copy of the database, and run the verification on another machine today.",
    Rule.NOTARY: "Change nothing. Copy the database and the notary's folder; the entry's details say why.",
    Rule.RECORDING: "Ask the administrator what stopped it: a full disk, the database, or somebody's doing.",
}


@dataclass(frozen=True)
class AlertLine:
    """One alert as the auditor reads it."""

    alert: Alert
    sentence: str
    next_step: str
    who: str
    dismissed_by: str


def referred(alerts: Iterable[Alert]) -> set[str]:
    """Everything that must be looked up to tell of these alerts."""
    found: set[str] = set()
    for alert in alerts:
        found.update(f"officer:{ident}" for ident in (alert.officer, alert.dismissed_by) if ident)
        found.update([alert.subject] if alert.subject else [])
    return found


def tell_alert(alert: Alert, names: Names) -> AlertLine:
    """One alert as a sentence."""
    unknown = "nobody known" if alert.rule is Rule.SIGN_IN_FAILURES else "The command line"
    who = names.officer(alert.officer) if alert.officer else unknown
    nameless = "the vault" if alert.rule is Rule.KEY_ACT else "a record"
    sentence = SAYS[alert.rule].format(
        who=who,
        number=f"{alert.number:,}",
        usual=f"{alert.usual:,}",
        subject=names.of(alert.subject) if alert.subject else nameless,
    )
    dismissed_by = names.officer(alert.dismissed_by) if alert.dismissed_by else ""
    return AlertLine(alert, sentence, NEXT[alert.rule], who, dismissed_by)


@dataclass(frozen=True)
class GroupLine:
    """Alerts of one kind about one officer as the auditor reads them; how many of them are not listed."""

    group: Group
    who: str
    lines: Sequence[AlertLine]
    left: int


def tell_group(group: Group, names: Names) -> GroupLine:
    """One group with the newest of its alerts."""
    lines = [tell_alert(alert, names) for alert in group.newest]
    return GroupLine(group, lines[0].who, lines, group.number - len(lines))
