"""Admission by two people: the administrator opens, the officer enrols, the coordinator certifies."""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select

from audit.entries import Fact
from crypto.errors import CryptoError
from crypto.identity import Identity
from crypto.passwords import PasswordCost
from crypto.public import PublicIdentity
from crypto.root import RootKey
from vault.access import seals
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.keyring import Keyring, certify_key, vouch_for_key
from vault.access.models import HolderKey, SealRow
from vault.access.policy import CIRCLES, Role
from vault.database import RecordedSession
from vault.errors import NotKnown, RuleForbids
from vault.officers import proofs, returning, second_factors
from vault.officers.models import Officer, OfficerState, named
from vault.officers.passwords import lock_seed
from vault.running import Trust

CODE_DAYS = 3


def code_hash(code: str) -> bytes:
    """How an enrolment code is kept: 100 random bits need no stretching."""
    return hashlib.sha256(b"vault/enrolment/v1" + code.replace("-", "").strip().upper().encode()).digest()


def new_code() -> str:
    """A one-time enrolment code of 100 bits in groups of five, easy to read aloud."""
    letters = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
    text = "".join(secrets.choice(letters) for _ in range(20))
    return "-".join(text[i : i + 5] for i in range(0, 20, 5))


def groups_of(code: str) -> frozenset[str]:
    """The groups of five that an enrolment code is read aloud in, in lower case."""
    letters = code.replace("-", "").strip().lower()
    return frozenset(letters[i : i + 5] for i in range(0, len(letters), 5))


def add(
    db: RecordedSession, who: Actor | None, name: str, full_name: str, role: Role, now: datetime
) -> tuple[Officer, str]:
    """Open an account that can do nothing until its officer enrols; return it and the one-time code.

    Raises RuleForbids when the name is taken.
    """
    if db.scalars(named(name)).first() is not None:
        raise RuleForbids("Another officer signs in with that name. Choose a different one.")
    code = new_code()
    officer = Officer(
        id=uuid4(),
        name=name.strip().lower(),
        full_name=full_name,
        role=role,
        state=OfficerState.INVITED,
        key_version=0,
        auth_epoch=1,
        enrolment_hash=code_hash(code),
        enrolment_ends_at=now + timedelta(days=CODE_DAYS),
        added_at=now,
    )
    db.add(officer)
    record(
        db, Event.OFFICER_ADDED, who=who, now=now, subjects=[f"officer:{officer.id}"], facts={"role": role}
    )
    return officer, code


def find_invited(db: RecordedSession, name: str, code: str, now: datetime) -> Officer:
    """The officer whose enrolment code this is. Raises ProofRefused, the same for every mistake."""
    officer = db.scalars(named(name)).first()
    expected = officer.enrolment_hash if officer and officer.enrolment_hash else bytes(32)
    right = secrets.compare_digest(expected, code_hash(code))
    if officer is None or not right or not _is_awaited(officer, now):
        raise proofs.ProofRefused.under(
            name,
            "The name or the enrolment code was not right, or the code has run out. Check both, or ask the "
            "administrator for a new code.",
            officer,
        )
    return officer


def _is_awaited(officer: Officer, now: datetime) -> bool:
    """Whether this officer is still to enrol; whose access ended before they came is not."""
    ends = officer.enrolment_ends_at
    return officer.state is OfficerState.INVITED and ends is not None and now <= ends


def give_keys(
    db: RecordedSession, root: RootKey, officer: Officer, password: str, cost: PasswordCost
) -> tuple[Identity, str]:
    """Make the officer's keys, locked by their password; return them and the recovery code, shown once."""
    identity = Identity.generate()
    officer.key_version += 1
    code = lock_seed(db, officer, identity, password, root, cost)
    key = HolderKey(
        id=uuid4(),
        holder=officer.id,
        kind="officer",
        role=str(officer.role),
        version=officer.key_version,
        public=identity.public.to_bytes(),
    )
    vouch_for_key(key, db.trust)
    db.add(key)
    db.flush()
    return identity, code


def finish_enrolment(
    db: RecordedSession, root: RootKey, officer: Officer, identity: Identity, code: str, now: datetime
) -> None:
    """Take the first code from the officer's app as proof that it is set up. Raises ProofRefused."""
    if officer.state is not OfficerState.INVITED:
        raise NotKnown
    proofs.check_code(db, root, officer.id, identity, code, now)
    mark_enrolled(db, officer, now)


def mark_enrolled(db: RecordedSession, officer: Officer, now: datetime) -> None:
    """From now on the officer has a second factor, and waits to be certified."""
    officer.state = OfficerState.ENROLLED
    officer.enrolment_hash = officer.enrolment_ends_at = None
    record(
        db,
        Event.OFFICER_ENROLLED,
        who=None,
        now=now,
        subjects=[f"officer:{officer.id}"],
        facts={"key-version": officer.key_version},
    )


def fingerprint(db: RecordedSession, officer: Officer) -> tuple[str, ...]:
    """The eight words of the officer's current public key, to be compared in person."""
    key = db.scalars(
        select(HolderKey).where(HolderKey.holder == officer.id, HolderKey.version == officer.key_version)
    ).first()
    return PublicIdentity.from_bytes(key.public).fingerprint() if key else ()


def certify_officer(db: RecordedSession, who: Actor, trust: Trust, officer: Officer, now: datetime) -> bool:
    """Vouch for an officer's keys and role, and hand them their role's key; return whether it was handed on.

    A role key that the coordinator does not hold (the auditors') is handed on by an officer of that role.
    Raises RuleForbids when there is nothing to certify or an officer would vouch for themself.
    """
    if officer.id == who.officer:
        raise RuleForbids("Nobody certifies themself. Ask another coordinator.")
    if officer.state is not OfficerState.ENROLLED:
        raise RuleForbids("This officer has nothing waiting to be certified.")
    key = db.scalars(
        select(HolderKey).where(HolderKey.holder == officer.id, HolderKey.version == officer.key_version)
    ).one()
    key.role = str(officer.role)
    certify_key(key, who, trust, now)
    officer.state = OfficerState.ACTIVE
    db.flush()
    handed = officer.role not in CIRCLES or seals.hand_circle(db, who, trust, officer.role, officer.id, now)
    if officer.role is Role.COORDINATOR:
        for role in sorted(CIRCLES - {Role.COORDINATOR, Role.AUDITOR}):
            seals.hand_circle(db, who, trust, role, officer.id, now)
    given = returning.seal_again(db, who, trust, officer, now)
    record(
        db,
        Event.OFFICER_CERTIFIED,
        who=who,
        now=now,
        subjects=[f"officer:{officer.id}"],
        facts={"role": officer.role, "role-key-handed-on": handed, "sealed-again": given},
    )
    return handed


def waiting_for_circle(db: RecordedSession, role: Role) -> list[Officer]:
    """Active officers of a role to whom nobody has handed the role's key yet."""
    if role not in CIRCLES:
        return []
    circle = seals.circle_key(db, role)
    holders = select(SealRow.holder).where(SealRow.key == circle.holder, SealRow.epoch == circle.version)
    return list(
        db.scalars(
            select(Officer).where(
                Officer.role == role, Officer.state == OfficerState.ACTIVE, Officer.id.not_in(holders)
            )
        )
    )


def hand_on(db: RecordedSession, who: Actor, trust: Trust, officer: Officer, now: datetime) -> None:
    """Hand the role's key to a colleague of the same role. Raises NotKnown when this officer lacks it."""
    if officer not in waiting_for_circle(db, who.role) or not seals.hand_circle(
        db, who, trust, who.role, officer.id, now
    ):
        raise NotKnown
    record(
        db,
        Event.CIRCLE_HANDED_ON,
        who=who,
        now=now,
        subjects=[f"officer:{officer.id}"],
        facts={"role": who.role},
    )


def invite_again(db: RecordedSession, who: Actor | None, officer: Officer, role: Role, now: datetime) -> str:
    """Ask an officer to enrol again, in this role; return the one-time code.

    Nothing of before opens anything: password, recovery code, second factor, keys, seals and sessions are
    gone in the same act. In the same role they stay named where they were, and are given those keys again
    when the new key is certified. At the command line nobody is `who`. Raises RuleForbids for one's own
    account.
    """
    if who is not None and officer.id == who.officer:
        raise RuleForbids("You cannot ask yourself to enrol again. Ask another administrator.")
    ended = returning.take_keys(db, officer, now)
    second_factors.drop(db, officer.id)
    officer.wrap_salt = officer.wrap_cost = officer.wrap_blob = None
    officer.recovery_salt = officer.recovery_cost = officer.recovery_blob = None
    facts: dict[str, Fact] = {"role": role, "role-before": officer.role, "sessions-ended": ended}
    if role is not officer.role:
        returning.end_namings(db, officer, now)
    code = new_code()
    officer.role, officer.state = role, OfficerState.INVITED
    officer.locked_at = officer.unused_at = None
    officer.enrolment_hash, officer.enrolment_ends_at = code_hash(code), now + timedelta(days=CODE_DAYS)
    subjects = [f"officer:{officer.id}"]
    record(db, Event.OFFICER_INVITED_AGAIN, who=who, now=now, subjects=subjects, facts=facts)
    return code


def release(db: RecordedSession, who: Actor | None, officer: Officer, now: datetime) -> None:
    """Release an account that is locked, or off because nobody used it; `who` is None at the command line.

    The days of an unused account begin anew. Raises RuleForbids when it is neither.
    """
    if officer.locked_at is None and officer.unused_at is None:
        raise RuleForbids("This account is not locked.")
    facts: dict[str, Fact] = {"was-unused": officer.unused_at is not None}
    officer.locked_at = officer.unused_at = None
    subjects = [f"officer:{officer.id}"]
    record(db, Event.OFFICER_RELEASED, who=who, now=now, subjects=subjects, facts=facts)


def is_certified(db: RecordedSession, trust: Trust, officer: Officer) -> bool:
    """Whether the officer's current key is certified for the role they have, back to a pinned founder."""
    ring = Keyring(db, trust)
    try:
        ring.public(officer.id, officer.key_version)
    except CryptoError:
        return False
    key = ring.key(officer.id, officer.key_version)
    return key.withdrawn_at is None and key.role == officer.role and officer.state is OfficerState.ACTIVE


def get(db: RecordedSession, officer: UUID) -> Officer:
    """The officer with this id. Raises NotKnown."""
    found = db.get(Officer, officer)
    if found is None:
        raise NotKnown
    return found


def held(db: RecordedSession, officer: UUID) -> Officer:
    """The officer, standing still until this act is kept, so that of two at once the second waits."""
    row = select(Officer).where(Officer.id == officer).with_for_update()
    return db.scalars(row.execution_options(populate_existing=True)).one()


def get_by_name(db: RecordedSession, name: str) -> Officer:
    """The officer who signs in with this name. Raises NotKnown."""
    found = db.scalars(named(name)).first()
    if found is None:
        raise NotKnown
    return found
