"""Every event the ledger can tell of, in one list, and the ways to record one.

Facts are references, enums, dates and numbers. Free text, searched words and recipients' names go into
`details`, sealed to the auditors.
"""
# It is longer than other modules, because the one list of events grows with every feature.

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit.entries import Details, Entry, Fact, new_entry_id, seal_details
from audit.errors import LedgerUnavailable
from audit.ledger import Receipt
from crypto.identity import PublicIdentity
from vault.access.actor import Actor
from vault.access.keyring import Keyring
from vault.access.models import HolderKey
from vault.access.policy import Compartment, Reason, Role
from vault.database import RecordedSession
from vault.decoy import is_empty_house
from vault.running import RunningVault, Trust
from vault.vocabulary import Labelled


class Event(Labelled):
    """What happened, in the past tense, as the auditor reads it."""

    # officers
    VAULT_FOUNDED = "vault-founded", "Vault founded"
    OFFICER_ADDED = "officer-added", "Officer added"
    OFFICER_ENROLLED = "officer-enrolled", "Officer enrolled"
    OFFICER_CERTIFIED = "officer-certified", "Officer certified"
    OFFICER_REVOKED = "officer-revoked", "Officer's access ended"
    OFFICER_RELEASED = "officer-released", "Account released"
    ACCOUNT_UNUSED = "account-unused", "Unused account put off"
    APP_SET = "authenticator-app-set", "Authenticator app set up"
    APP_REMOVED = "authenticator-app-removed", "Authenticator app removed"
    OFFICER_INVITED_AGAIN = "officer-invited-again", "Officer asked to enrol again"
    ACCESS_REVIEW_BEGUN = "access-review-begun", "Review of access begun"
    ACCESS_REVIEWED = "access-reviewed", "Officer's access reviewed"
    ACCESS_REVIEW_FINISHED = "access-review-finished", "Review of access finished"
    CIRCLE_HANDED_ON = "circle-handed-on", "Role key handed to an officer"
    SIGN_IN_FAILED = "sign-in-failed", "Sign-in failed"
    PASSWORD_GIVEN = "password-given", "Right password given, second factor awaited"
    DURESS_PASSWORD_GIVEN = "duress-password-given", "Password for duress given"
    DURESS_PAGE_SAVED = "duress-page-saved", "Page about duress saved"
    SIGNED_IN = "signed-in", "Signed in"
    SIGNED_OUT = "signed-out", "Signed out"
    SESSION_ENDED = "session-ended", "Session ended"
    OFFICER_SIGNED_OUT = "officer-signed-out", "Officer signed out by the administrator"
    NOTICES_CHOSEN = "notices-chosen", "Notices by mail chosen"
    PASSWORD_CHANGED = "password-changed", "Password changed"
    PASSWORD_RECOVERED = "password-recovered", "Password set with the recovery code"
    STEPPED_UP = "stepped-up", "Second factor given again"
    STEP_UP_FAILED = "step-up-failed", "Second factor refused"
    ACCOUNT_LOCKED = "account-locked", "Account locked"
    NAME_LOCKED = "name-locked", "Too many sign-ins under a name that nobody has"
    PASSKEY_ADDED = "passkey-added", "Passkey added"
    PASSKEY_REMOVED = "passkey-removed", "Passkey removed"
    PASSKEY_SUSPECTED = "passkey-suspected", "Passkey may have been copied"
    RECOVERY_CODES_MADE = "recovery-codes-made", "Backup codes made"
    RECOVERY_CODE_USED = "recovery-code-used", "Backup code used"
    # looks and refusals
    OPENED = "opened", "Sealed place opened"
    REFUSED = "refused", "Refused"
    # emergencies
    EMERGENCY_ASKED = "emergency-asked", "Emergency access asked for"
    EMERGENCY_GRANTED = "emergency-granted", "Emergency access given"
    EMERGENCY_REFUSED = "emergency-refused", "Emergency access refused"
    EMERGENCY_ENDED = "emergency-ended", "Emergency access ended"
    EMERGENCY_REVIEWED = "emergency-reviewed", "Emergency access reviewed"
    EMERGENCY_UNREVIEWED = "emergency-unreviewed", "Emergency access not reviewed in time"
    # referrals and cases
    REFERRAL_RECEIVED = "referral-received", "Referral received"
    REFERRAL_DECIDED = "referral-decided", "Referral decided"
    CASE_OPENED = "case-opened", "Case opened"
    CASE_MOVED = "case-moved", "Case moved to another state"
    OFFICER_NAMED = "officer-named", "Officer named"
    OFFICER_UNNAMED = "officer-unnamed", "Officer no longer named"
    DELEGATION_ASKED = "delegation-asked", "Stand-in asked for"
    DELEGATION_ARRANGED = "delegation-arranged", "Stand-in arranged"
    DELEGATION_BEGUN = "delegation-begun", "Stand-in begun"
    DELEGATION_ENDED = "delegation-ended", "Stand-in ended"
    PERSON_ADDED = "person-added", "Person added"
    RECORD_CHANGED = "record-changed", "Record changed"
    NOTE_ADDED = "note-added", "Note added"
    THREAT_ASSESSED = "threat-assessed", "Threat assessed"
    CEILING_SET = "ceiling-set", "Support ceiling set"
    # housing
    HOUSE_ADDED = "house-added", "Safe house added"
    HOUSE_CHANGED = "house-changed", "Safe house changed"
    HOUSING_SEARCHED = "housing-searched", "Safe housing searched"
    STAY_HELD = "stay-held", "Beds held"
    STAY_CHANGED = "stay-changed", "Stay changed"
    VOID_SET = "void-set", "House closed for a time"
    HOUSE_COMPROMISED = "house-compromised", "House compromised"
    CASES_SEPARATED = "cases-separated", "Cases kept apart in housing"
    SEPARATION_ENDED = "separation-ended", "Cases no longer kept apart in housing"
    # expenses
    PAYMENT_DRAFTED = "payment-drafted", "Payment request drafted"
    PAYMENT_CHANGED = "payment-changed", "Payment request changed"
    PAYMENT_REQUESTED = "payment-requested", "Payment requested"
    PAYMENT_DECIDED = "payment-decided", "Payment decided"
    PAYMENT_MADE = "payment-made", "Payment made"
    PAYMENT_RECEIPTED = "payment-receipted", "Receipt attached"
    PAYMENT_RECONCILED = "payment-reconciled", "Payment reconciled"
    ACCOUNTS_COMPARED = "accounts-compared", "Bank accounts compared across cases"
    # disclosure
    DISCLOSURE_ASKED = "disclosure-asked", "Disclosure asked for"
    DISCLOSURE_TAKEN_UP = "disclosure-taken-up", "Disclosure taken up"
    DISCLOSURE_WEIGHED = "disclosure-weighed", "Disclosure worksheet written"
    DISCLOSURE_CHOSEN = "disclosure-chosen", "Fields chosen for disclosure"
    DISCLOSURE_PREPARED = "disclosure-prepared", "Disclosure prepared"
    DISCLOSURE_DECIDED = "disclosure-decided", "Disclosure decided"
    DISCLOSURE_RELEASED = "disclosure-released", "Packet released"
    DISCLOSURE_FETCHED = "disclosure-fetched", "Packet fetched"
    DISCLOSURE_ACKNOWLEDGED = "disclosure-acknowledged", "Packet acknowledged"
    DISCLOSURE_TAKEN_BACK = "disclosure-taken-back", "Packet taken back unfetched"
    DISCLOSURE_WITHDRAWN = "disclosure-withdrawn", "Disclosure withdrawn"
    # agencies
    AGENCY_ADDED = "agency-added", "Agency added"
    AGENCY_CHANGED = "agency-changed", "Agency changed"
    MEMORANDUM_DRAFTED = "memorandum-drafted", "Memorandum drafted"
    MEMORANDUM_CHANGED = "memorandum-changed", "Memorandum changed"
    MEMORANDUM_SIGNED = "memorandum-signed", "Memorandum signed"
    # keys
    CIRCLE_RENEWED = "circle-renewed", "Role key renewed"
    CIRCLE_RETIRED = "circle-retired", "Old role key retired"
    LOCKBOX_REKEYED = "lockbox-rekeyed", "Lockbox given a new key"
    KEYS_ADOPTED = "keys-adopted", "Keys taken over from an earlier version"
    ROOT_ROTATION_BEGUN = "root-rotation-begun", "Change of the root key begun"
    KEYS_REWRAPPED = "keys-rewrapped", "Keys locked anew under the new root key"
    ROOT_ROTATED = "root-rotated", "Root key changed"
    NOTARY_ROTATED = "notary-rotated", "Notary's keys changed"
    RECOVERY_ASKED = "recovery-asked", "Recovery asked for"
    RECOVERY_DECIDED = "recovery-decided", "Recovery decided"
    RECOVERY_EXPORTED = "recovery-exported", "Recovery seals exported"
    RECOVERY_IMPORTED = "recovery-imported", "Recovered keys imported"
    DESTRUCTION_ASKED = "destruction-asked", "Destruction of a case's records asked for"
    DESTRUCTION_DECIDED = "destruction-decided", "Destruction of a case's records decided"
    CASE_DESTROYED = "case-destroyed", "Case's records destroyed"
    KEY_ACT_WITHDRAWN = "key-act-withdrawn", "Recovery or destruction withdrawn"
    SHRED_PARTS_ARCHIVED = "shred-parts-archived", "Shred parts archived"
    SEALS_AUDITED = "seals-audited", "Seals compared with the matrix"
    # the directory of names
    DIRECTORY_SEARCHED = "directory-searched", "Person searched for"
    DIRECTORY_FOUND = "directory-found", "Search result shown"
    DIRECTORY_FILED = "directory-filed", "Directory brought up to date"
    # papers
    PAPER_ADDED = "paper-added", "Paper added"
    PAPER_OPENED = "paper-opened", "Paper opened"
    PAPER_REMOVED = "paper-removed", "Paper removed"
    # oversight
    LEDGER_READ = "ledger-read", "Ledger read"
    LEDGER_EXPORTED = "ledger-exported", "Ledger exported"
    LEDGER_VOLUME_CLOSED = "ledger-volume-closed", "Volume of the ledger closed"
    LEDGER_VOLUME_OPENED = "ledger-volume-opened", "Volume of the ledger begun"
    DETAILS_FORGOTTEN = "details-forgotten", "Old details forgotten"
    ACT_ANNOUNCED = "act-announced", "Announced: an act that cannot be undone"
    NOTARY_REFUSED = "notary-refused", "Notary refused to sign"
    RECORDING_INTERRUPTED = "recording-interrupted", "Recording interrupted"
    WITNESS_REGISTERED = "witness-registered", "Outside witness registered"
    WITNESS_ENDED = "witness-ended", "Outside witness no longer asked"
    WITNESS_REFUSED = "witness-refused", "Outside witness refused to cosign"
    CHECKPOINT_WITNESSED = "checkpoint-witnessed", "Witness's cosignature taken in"
    DISCLOSURE_LOG_READ = "disclosure-log-read", "Disclosure log read"
    ALERT_RAISED = "alert-raised", "Alert raised"
    ALERT_DISMISSED = "alert-dismissed", "Alert dismissed"
    ALERT_CARRIED_OVER = "alert-carried-over", "Alert carried over"
    WEEK_REVIEWED = "week-reviewed", "Week reviewed"
    CASE_FLAGGED = "case-flagged", "Case flagged"
    CASE_UNFLAGGED = "case-unflagged", "Case no longer flagged"


ROWS_PER_ENTRY = 40
"""An entry is at most 8 KiB; an act that changes more rows is told in several entries."""

VOUCHED = "vouched"
"""The fact by which an entry shows that the holder of the root key made it."""


def auditors_key(db: Session, trust: Trust) -> PublicIdentity:
    """The public key of the auditors' circle, certified back to a pinned founder.

    Raises Distrusted or NotCertified for a key that somebody put there past the vault, so that no details are
    sealed to it, and LookupError when the vault was never founded.
    """
    row = db.scalars(
        select(HolderKey)
        .where(HolderKey.kind == "circle", HolderKey.role == Role.AUDITOR, HolderKey.withdrawn_at.is_(None))
        .order_by(HolderKey.version.desc())
        .limit(1)
    ).first()
    if row is None:
        raise LookupError("the auditors have no key")
    return Keyring(db, trust).public(row.holder, row.version)


def compose(
    db: Session,
    trust: Trust,
    vouch: Callable[[bytes], str],
    event: Event,
    *,
    who: Actor | None,
    now: datetime,
    subjects: Sequence[str],
    compartment: Compartment | None = None,
    fields: Sequence[str] = (),
    reason: Reason | None = None,
    outcome: str = "done",
    rows: Mapping[str, str] | None = None,
    facts: Mapping[str, Fact] | None = None,
    details: Mapping[str, str | list[str]] | None = None,
    name: UUID | None = None,
) -> tuple[Entry, Details | None]:
    """An entry, and its details sealed to the auditors; `name` is its id where it must be made only once."""
    entry_id = name or new_entry_id(now)
    sealed = seal_details(details, entry_id, auditors_key(db, trust)) if details else None
    entry = Entry(
        id=entry_id,
        at=now,
        event=str(event),
        officer=who.officer if who else None,
        session=who.session if who else None,
        subjects=tuple(dict.fromkeys(subjects)),
        compartment=str(compartment) if compartment else None,
        fields=tuple(fields),
        reason=str(reason) if reason else None,
        outcome=outcome,
        rows=rows or {},
        facts=facts or {},
        details=sealed.commitment if sealed else None,
    )
    return replace(entry, facts={**entry.facts, VOUCHED: vouch(entry.canonical())}), sealed


def is_vouched(entry: Entry, index: int, confirms: Callable[[bytes, str, int], bool]) -> bool:
    """Whether the vault itself made this entry: whoever only writes to the database cannot."""
    facts = dict(entry.facts)
    told = facts.pop(VOUCHED, None)
    return isinstance(told, str) and confirms(replace(entry, facts=facts).canonical(), told, index)


def record(
    db: RecordedSession,
    event: Event,
    *,
    who: Actor | None,
    now: datetime,
    subjects: Sequence[str],
    compartment: Compartment | None = None,
    fields: Sequence[str] = (),
    reason: Reason | None = None,
    facts: Mapping[str, Fact] | None = None,
    details: Mapping[str, str | list[str]] | None = None,
) -> UUID:
    """Add to this transaction the entry that tells of every row changed in it since the last entry.

    Raises audit.errors.LedgerUnavailable in the empty house of a session under duress.
    """
    pend, vouch = _means(db)
    rows = sorted(db.changed_rows().items())
    first: UUID | None = None
    for start in range(0, max(len(rows), 1), ROWS_PER_ENTRY):
        entry, sealed = compose(
            db,
            db.trust,
            vouch,
            event,
            who=who,
            now=now,
            subjects=subjects,
            compartment=compartment,
            fields=fields,
            reason=reason,
            rows=dict(rows[start : start + ROWS_PER_ENTRY]),
            facts=facts if first is None else {"continues": first},
            details=details if first is None else None,
        )
        pend(db, entry, sealed)
        db.entries.append(entry.id)
        first = first or entry.id
    return db.entries[-1] if first is None else first


def _means(
    db: RecordedSession,
) -> tuple[Callable[[Session, Entry, Details | None], None], Callable[[bytes], str]]:
    """How this session adds an entry, and how the vault vouches for it."""
    if is_empty_house(db):
        raise LedgerUnavailable("Nothing is recorded under duress.")
    if db.pend is None or db.trust is None or db.vouch is None:
        raise RuntimeError("only a session opened by RunningVault.writing() can record")
    return db.pend, db.vouch


def record_apart(
    vault: RunningVault,
    event: Event,
    *,
    who: Actor | None,
    now: datetime,
    subjects: Sequence[str],
    compartment: Compartment | None = None,
    fields: Sequence[str] = (),
    reason: Reason | None = None,
    outcome: str = "done",
    facts: Mapping[str, Fact] | None = None,
    details: Mapping[str, str | list[str]] | None = None,
) -> Receipt:
    """Make an entry durable in a transaction of its own: a look before it is shown, or a refusal.

    Raises audit.errors.LedgerUnavailable; then nothing may be shown. Never call it inside `writing()`.
    """
    with vault.database.reading() as db:  # Under duress too the auditors' key is the real one.
        made = compose(
            db,
            vault.trust,
            vault.vouch,
            event,
            who=who,
            now=now,
            subjects=subjects,
            compartment=compartment,
            fields=fields,
            reason=reason,
            outcome=outcome,
            facts=facts,
            details=details,
        )
    return vault.weave([made])[0]
