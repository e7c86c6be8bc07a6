"""The founding of a vault: its root key, its recovery key, its circles, and the officers it begins with.

The founders' keys are pinned outside the database; every later key is certified by a coordinator.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from sqlalchemy import select

from audit.ledger import Ledger
from audit.notes import NotaryKeys
from crypto.passwords import PasswordCost
from crypto.public import PublicIdentity
from crypto.recovery import create_recovery, recovery_public
from crypto.root_ring import RootRing, has_root_key
from crypto.sealing import Holder
from vault import migrations
from vault.access import seals
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.keyring import vouch_for_key
from vault.access.models import HolderKey
from vault.access.policy import CIRCLES, Role
from vault.database import Database, RecordedSession, connect
from vault.errors import RuleForbids
from vault.officers import admission, proofs
from vault.officers.models import OfficerState
from vault.running import RECOVERY, RunningVault, Trust
from vault.settings import Settings
from vault.vouching import Voucher, add_vouching_key


@dataclass(frozen=True)
class Founder:
    """One of the first officers, as the one who founds the vault names them."""

    name: str
    full_name: str
    role: Role
    password: str


@dataclass(frozen=True)
class Credentials:
    """What a founder takes away, shown once."""

    name: str
    full_name: str
    role: Role
    totp_secret: str
    recovery_code: str


@dataclass(frozen=True)
class Founded:
    """The founders' credentials and the recovery key's five shares, to be written down and parted."""

    officers: tuple[Credentials, ...]
    shares: tuple[str, ...]


def found(settings: Settings, founders: Sequence[Founder], now: datetime) -> Founded:
    """Found a vault where there is none. Raises RuleForbids when one is there or a needed role is missing."""
    roles = {founder.role for founder in founders}
    if not {Role.COORDINATOR, Role.AUDITOR, Role.ADMINISTRATOR} <= roles:
        raise RuleForbids("A vault is founded with a coordinator, an auditor and an administrator.")
    if has_root_key(settings.keys):
        raise RuleForbids("There is a vault here already. Choose another data folder.")
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.notary.mkdir(mode=0o700, parents=True, exist_ok=True)
    root = RootRing.create(settings.keys, settings.token)
    notary = NotaryKeys.generate(settings.origin)
    notary.save(settings.notary_key)
    settings.notary_public.write_text("".join(f"{key.to_text()}\n" for key in notary.verifier_keys()))
    database = Database(connect(settings.database_url))
    migrations.upgrade(database.engine)
    recovery, shares = create_recovery()
    public = recovery_public(recovery)
    add_vouching_key(database.engine, root, os.urandom(32), 1, now)
    trust = Trust((), public.digest(), Voucher(database.engine, root), settings.profile)
    vault = RunningVault(settings, database, root, trust, Ledger(database.engine), lambda: now)
    try:
        with vault.writing() as db:
            credentials = _first_officers(db, vault, founders, public, now)
        vault.trust.save(settings.trust)
    finally:
        vault.close()
    return Founded(credentials, shares)


def _first_officers(
    db: RecordedSession,
    vault: RunningVault,
    founders: Sequence[Founder],
    recovery: PublicIdentity,
    now: datetime,
) -> tuple[Credentials, ...]:
    """Admit the founders, pin their keys, and make the circles, each sealed to those who must hold it."""
    cost = PasswordCost.from_text(vault.settings.password_cost)
    actors, credentials, pinned = [], [], []
    for founder in founders:
        officer, _ = admission.add(db, None, founder.name, founder.full_name, founder.role, now)
        identity, code = admission.give_keys(db, vault.root, officer, founder.password, cost)
        secret = proofs.new_second_factor(db, vault.root, officer.id, identity)
        officer.state, officer.enrolment_hash, officer.enrolment_ends_at = OfficerState.ACTIVE, None, None
        db.scalars(select(HolderKey).where(HolderKey.holder == officer.id)).one().certified_at = now
        pinned.append((officer.id, str(officer.role.value), identity.public.digest()))
        credentials.append(Credentials(officer.name, officer.full_name, officer.role, secret, code))
        actors.append(Actor(officer.id, officer.full_name, officer.role, True, 1, None, None, identity))
    key = HolderKey(
        id=uuid4(), holder=RECOVERY, kind="recovery", role="", version=1, public=recovery.to_bytes()
    )
    vouch_for_key(key, vault.trust)
    db.add(key)
    db.flush()
    vault.trust = replace(vault.trust, founders=tuple(pinned))
    coordinator = next(actor for actor in actors if actor.role is Role.COORDINATOR)
    _make_circles(db, vault.trust, coordinator, actors, now)
    record(
        db,
        Event.VAULT_FOUNDED,
        who=coordinator,
        now=now,
        subjects=[f"officer:{actor.officer}" for actor in actors],
    )
    return tuple(credentials)


def _make_circles(
    db: RecordedSession, trust: Trust, coordinator: Actor, actors: Sequence[Actor], now: datetime
) -> None:
    """Make every role's circle: the coordinator holds each but the auditors', founders hold their own."""
    for role in sorted(CIRCLES):
        first = Role.AUDITOR if role is Role.AUDITOR else Role.COORDINATOR
        holders = [
            Holder("officer", actor.officer, 1, actor.identity.public)
            for actor in actors
            if actor.role in {first, role}
        ]
        seals.found_circle(db, role, coordinator, trust, holders, now)
