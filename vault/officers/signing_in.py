"""Signing in and out, and giving the second factor again; each failure is an entry of its own."""

from datetime import datetime
from uuid import UUID

from audit.entries import Fact
from crypto.identity import Decoy
from crypto.passwords import PasswordCost
from vault import decoy
from vault.access import delegating
from vault.access.actor import Actor
from vault.access.events import Event, record, record_apart
from vault.errors import NotKnown, NotSignedIn
from vault.officers import (
    admission,
    confirming,
    duress,
    failing,
    passkey_acts,
    passwords,
    proofs,
    returning,
    second_factors,
    sessions,
    unused,
)
from vault.officers.failing import Caller
from vault.officers.models import Purpose, SignedInSession
from vault.officers.sessions import Found
from vault.running import RunningVault


def give_password(vault: RunningVault, name: str, password: str, caller: Caller, now: datetime) -> str:
    """Check a name and password; return the cookie of a session that can only be asked for its second factor.

    A right password is an entry of its own: one without a sign-in after it is in a thief's hands. The one for
    duress is an entry of another name, by which the alarm is raised; all else is the same.
    Raises ProofRefused, the same whether the name, the password or a lock was the cause.
    """
    digest = proofs.address_digest(vault.root, caller.address)
    try:
        with vault.reading() as db:
            proofs.check_address(db, vault.settings, now, digest)
            known, identity = proofs.check_password(db, vault.root, vault.settings, name, password)
        with vault.writing() as db:
            officer = confirming.still_open(db, vault, known, identity, now)
            stage = "enrolment" if officer.enrolment_hash is not None else "password"
            duress.ensure(db, vault.root, officer)
            _, cookie = sessions.start(
                db, vault.root, vault.settings, officer, identity, stage, caller.device, now
            )
            record(
                db,
                Event.DURESS_PASSWORD_GIVEN if isinstance(identity, Decoy) else Event.PASSWORD_GIVEN,
                who=None,
                now=now,
                subjects=[f"officer:{officer.id}"],
                facts={"from": digest[:8]},
            )
    except proofs.ProofRefused as error:
        failing.note(vault, Event.SIGN_IN_FAILED, error, caller, "password", None, now)
        raise
    return cookie


def give_code(vault: RunningVault, found: Found, code: str, caller: Caller, now: datetime) -> str:
    """Check the second factor and begin the real session under a new cookie. Raises ProofRefused.

    `code` is what the officer typed, or the browser's answer for a passkey.
    """
    if found.row.stage != "password":
        raise NotSignedIn("Start by entering your name and password.")
    try:
        given = second_factors.receive(vault, found.officer.id, found.row.id, code, Purpose.SIGN_IN, now)
        with vault.writing() as db:
            officer = admission.held(db, found.officer.id)
            # A lock also stops the sign-in that was under way, else its codes could be guessed without end.
            unused.check_may_sign_in(db, vault, officer, now)
            proven = second_factors.check(db, vault, officer, found.identity, given, now)
            if db.get(SignedInSession, found.row.id) is None:  # It ended while this was under way.
                raise NotSignedIn("Start by entering your name and password.")
            # Whoever comes first on the day after ends what has lapsed, before they see any list.
            delegating.end_lapsed(db, delegating.unit_day(vault.settings, now), now)
            row, cookie = sessions.start(
                db, vault.root, vault.settings, officer, found.identity, "live", caller.device, now
            )
            ended = sessions.keep_within_limit(db, officer.id, vault.settings.sessions_per_officer, row.id)
            who = _actor(vault, Found(row, officer, found.identity), certified=False)
            second_factors.record_use(db, who, officer.id, proven, now)
            record(
                db,
                Event.SIGNED_IN,
                who=who,
                now=now,
                subjects=[f"officer:{officer.id}", *proven.subjects],
                facts={"role": officer.role, "other-sessions-ended": ended, **proven.facts},
            )
    except proofs.ProofRefused as error:
        failing.note(vault, Event.SIGN_IN_FAILED, error, caller, "second-factor", None, now)
        raise
    return cookie


def prove_at_terminal(vault: RunningVault, name: str, password: str, code: str, now: datetime) -> Actor:
    """Check password and second factor of an officer at the server's own terminal; no session begins.

    Raises ProofRefused, counted and recorded as at the door.
    """
    caller, digest = Caller("terminal", "the terminal"), proofs.address_digest(vault.root, "terminal")
    try:
        with vault.reading() as db:
            proofs.check_address(db, vault.settings, now, digest)
            known, identity = proofs.check_password(db, vault.root, vault.settings, name, password)
        if isinstance(identity, Decoy):  # Before the second factor, which may never come.
            alarm = [f"officer:{known.id}"]
            record_apart(vault, Event.DURESS_PASSWORD_GIVEN, who=None, now=now, subjects=alarm)
        given = second_factors.receive(vault, known.id, None, code, Purpose.SIGN_IN, now)
        with vault.writing() as db:
            officer = admission.get(db, known.id)
            unused.check_may_sign_in(db, vault, officer, now)
            proven = second_factors.check(db, vault, officer, identity, given, now)
            certified = admission.is_certified(db, vault.trust, officer)
            version = officer.key_version
            who = Actor(officer.id, officer.full_name, officer.role, certified, version, None, now, identity)
            second_factors.record_use(db, who, officer.id, proven, now)
            facts: dict[str, Fact] = {"role": officer.role, "at": "terminal", **proven.facts}
            subjects = [f"officer:{officer.id}"]
            record(db, Event.SIGNED_IN, who=who, now=now, subjects=subjects, facts=facts)
    except proofs.ProofRefused as error:
        failing.note(vault, Event.SIGN_IN_FAILED, error, caller, "terminal", None, now)
        raise
    decoy.show_to(decoy.Forced(who.officer, who.session) if who.is_under_duress else None)
    return who


def step_up(vault: RunningVault, who: Actor, session: UUID, code: str, caller: Caller, now: datetime) -> None:
    """Take the second factor again for what the matrix guards with it. Raises ProofRefused."""
    try:
        given = second_factors.receive(vault, who.officer, session, code, Purpose.STEP_UP, now)
        with vault.writing_always() as db:
            officer = admission.get(db, who.officer)
            proven = second_factors.check(db, vault, officer, who.identity, given, now)
            row = db.get(SignedInSession, session)
            if row is None:
                raise NotSignedIn("Your session has ended. Sign in again.")
            sessions.note_step_up(row, vault.root, now)
            second_factors.record_use(db, who, who.officer, proven, now)
            subjects = [f"officer:{who.officer}", *proven.subjects]
            record(db, Event.STEPPED_UP, who=who, now=now, subjects=subjects, facts=proven.facts)
    except proofs.ProofRefused as error:
        failing.note(vault, Event.STEP_UP_FAILED, error, caller, "step-up", who, now)
        raise


def sign_out(vault: RunningVault, who: Actor, session: UUID, now: datetime) -> None:
    """End this session at once; a copied cookie is worthless from here."""
    with vault.writing_always() as db:
        row = db.get(SignedInSession, session)
        if row is not None:
            sessions.end(db, row)
        record(db, Event.SIGNED_OUT, who=who, now=now, subjects=[f"officer:{who.officer}"])


def end_session(vault: RunningVault, who: Actor, session: UUID, now: datetime) -> None:
    """End one of the officer's own sessions. Raises NotKnown for anybody else's."""
    with vault.writing_always() as db:
        row = db.get(SignedInSession, session)
        if row is None or row.officer != who.officer:
            raise NotKnown
        sessions.end(db, row)
        record(db, Event.SESSION_ENDED, who=who, now=now, subjects=[f"officer:{who.officer}"])


def begin_enrolment(
    vault: RunningVault, name: str, code: str, password: str, caller: Caller, now: datetime
) -> tuple[str, str]:
    """Make a new officer's keys; return the enrolment session's cookie and the recovery code, shown once.

    Raises ProofRefused, the same for a wrong name, a wrong code and one that has run out; then RuleForbids
    for a password that guessers would find.
    """
    digest = proofs.address_digest(vault.root, caller.address)
    try:
        with vault.writing() as db:
            proofs.check_address(db, vault.settings, now, digest)
            officer = admission.find_invited(db, name, code, now)
            # The code was read out and written down, so that it must not live on as the password.
            passwords.check_new(vault.settings, officer, password, admission.groups_of(code))
            returning.take_keys(
                db, officer, now
            )  # An enrolment that was begun and left gives way to this one.
            cost = PasswordCost.from_text(vault.settings.password_cost)
            identity, recovery = admission.give_keys(db, vault.root, officer, password, cost)
            proofs.new_second_factor(db, vault.root, officer.id, identity)
            record(
                db,
                Event.OFFICER_ENROLLED,
                who=None,
                now=now,
                subjects=[f"officer:{officer.id}"],
                facts={"key-version": officer.key_version, "step": "password"},
            )
            _, cookie = sessions.start(
                db, vault.root, vault.settings, officer, identity, "enrolment", caller.device, now
            )
    except proofs.ProofRefused as error:
        failing.note(vault, Event.SIGN_IN_FAILED, error, caller, "enrolment", None, now)
        raise
    return cookie, recovery


def finish_enrolment(vault: RunningVault, found: Found, code: str, caller: Caller, now: datetime) -> None:
    """Confirm the authenticator app, or keep a first passkey instead, and end the enrolment session.

    `code` is the app's, or what the browser made. Raises ProofRefused.
    """
    if found.row.stage != "enrolment":
        raise NotSignedIn("Start with your enrolment code.")
    try:
        given = second_factors.receive(vault, found.officer.id, found.row.id, code, Purpose.ADDING, now)
        with vault.writing() as db:
            officer = admission.get(db, found.officer.id)
            if given.challenge is None:
                admission.finish_enrolment(db, vault.root, officer, found.identity, code, now)
            else:
                passkey_acts.enrol_with(db, vault, officer, given.text, given.challenge, now)
            sessions.end_all(db, officer.id, None)
    except proofs.ProofRefused as error:
        failing.note(vault, Event.SIGN_IN_FAILED, error, caller, "enrolment", None, now)
        raise


def change_password(
    vault: RunningVault, found: Found, who: Actor, old: str, new: str, caller: Caller, now: datetime
) -> str:
    """Change the password after checking the old one; return the new recovery code.

    Raises ProofRefused, and RuleForbids for a password that guessers would find.
    """
    confirming.confirm_password(vault, found, who, old, "password-change", caller, now)
    with vault.writing() as db:
        return passwords.change(db, vault.root, vault.settings, who, new, found, now)


def recover_password(
    vault: RunningVault, name: str, recovery_code: str, totp: str, new: str, caller: Caller, now: datetime
) -> str:
    """Come back with the recovery code; return the next one. Raises ProofRefused and RuleForbids."""
    digest = proofs.address_digest(vault.root, caller.address)
    try:
        with vault.writing() as db:
            proofs.check_address(db, vault.settings, now, digest)
            return passwords.recover(db, vault, name, recovery_code, totp, new, now)
    except proofs.ProofRefused as error:
        failing.note(vault, Event.SIGN_IN_FAILED, error, caller, "recovery", None, now)
        raise


def _actor(vault: RunningVault, found: Found, certified: bool) -> Actor:
    return Actor(
        officer=found.officer.id,
        name=found.officer.full_name,
        role=found.officer.role,
        certified=certified,
        key_version=found.officer.key_version,
        session=sessions.short_hash(found.row),
        stepped_up_at=sessions.proved_at(found.row, vault.root),
        identity=found.identity,
    )


def recognise(vault: RunningVault, cookie: str, now: datetime) -> tuple[Found, Actor] | None:
    """Whose cookie this is, with their keys unlocked for this request; None when it opens no session."""
    with vault.reading() as db:
        found = sessions.find(db, vault.root, vault.settings, cookie, now)
        if found is None:
            return None
        certified = found.row.stage == "live" and admission.is_certified(db, vault.trust, found.officer)
    if (now - found.row.seen_at).total_seconds() >= sessions.TOUCH_SECONDS:
        with vault.writing() as db:
            row = db.get(SignedInSession, found.row.id)
            if row is None:
                return None
            delegating.end_lapsed(db, delegating.unit_day(vault.settings, now), now)
            row.seen_at = now
    return found, _actor(vault, found, certified)
