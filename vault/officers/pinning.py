"""A coordinator's new key pinned on the server: the way back when no coordinator is left to certify it.

Whoever can do this holds the server and its root key already; the eight words keep them from pinning the
wrong key by mistake. Certificates that the older key signed stay good, for its pins stay.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select

from crypto.public import PublicIdentity
from vault.access.events import Event, record
from vault.access.models import HolderKey
from vault.access.policy import Role
from vault.database import RecordedSession
from vault.errors import RuleForbids
from vault.officers import admission
from vault.officers.models import Officer, OfficerState
from vault.running import RunningVault, Trust


@dataclass(frozen=True)
class Awaited:
    """The officer whose key waits to be pinned, and the eight words of that key."""

    officer: Officer
    words: tuple[str, ...]
    digest: bytes


def find_awaited(db: RecordedSession, name: str) -> Awaited:
    """The coordinator who signs in with this name and waits to be certified.

    Raises NotKnown for a name that nobody has, and RuleForbids for an officer whom a coordinator certifies.
    """
    officer = admission.get_by_name(db, name)
    if officer.role is not Role.COORDINATOR:
        raise RuleForbids("Only a coordinator's key is pinned. A coordinator certifies everybody else.")
    if officer.state is not OfficerState.ENROLLED:
        raise RuleForbids(
            "This officer has no key that waits. First an administrator asks them to enrol again."
        )
    public = PublicIdentity.from_bytes(_key_of(db, officer).public)
    return Awaited(officer, public.fingerprint(), public.digest())


def _key_of(db: RecordedSession, officer: Officer) -> HolderKey:
    return db.scalars(
        select(HolderKey).where(HolderKey.holder == officer.id, HolderKey.version == officer.key_version)
    ).one()


def pin(vault: RunningVault, compared: Awaited, now: datetime) -> Trust:
    """Pin exactly the key whose words were compared; return what the vault believes from now on.

    `trust.toml` is written first, so that an interruption leaves nothing that cannot be done again.
    Raises RuleForbids when the key changed since the words were compared.
    """
    with vault.writing() as db:
        awaited = find_awaited(db, compared.officer.name)
        if awaited.digest != compared.digest:
            raise RuleForbids("The officer enrolled anew in the meantime. Compare the new eight words.")
        officer, role = awaited.officer, str(Role.COORDINATOR.value)
        pinned = dict.fromkeys([*vault.trust.founders, (officer.id, role, awaited.digest)])
        trust = replace(vault.trust, founders=tuple(pinned))
        trust.save(vault.settings.trust)
        _key_of(db, officer).certified_at = now
        officer.state = OfficerState.ACTIVE
        record(
            db,
            Event.OFFICER_CERTIFIED,
            who=None,
            now=now,
            subjects=[f"officer:{officer.id}"],
            facts={"role": officer.role, "pinned": True},
        )
    vault.trust = trust
    return trust
