"""Holders' public keys, each followed back to a pinned founder before it is used."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from crypto.encoding import enc
from crypto.errors import CryptoError, NotCertified
from crypto.identity import Certificate, PublicIdentity, certify, check_certificate
from crypto.sealing import Holder
from vault.access.actor import Actor
from vault.access.grants import covers, is_live
from vault.access.models import EmergencyGrant, HolderKey, Lockbox
from vault.access.policy import Compartment, Hold, Permission, Role, hold, may
from vault.database import is_writing
from vault.running import Trust

LONGEST_CHAIN = 8
"""How many coordinators may vouch for each other in a row, from a founder on."""


# Asked on every act and look, so it is put together once.
_KEYS = (
    select(HolderKey)
    .where(HolderKey.holder.in_(bindparam("holders", expanding=True)))
    .order_by(HolderKey.holder, HolderKey.version)
)


class Distrusted(CryptoError):
    """A key or lockbox in the database that no chain to a pinned founder, or not the vault, vouches for."""


def _statement(key: HolderKey) -> bytes:
    """What the vault vouches for: whose key it is, for which role, and who certified it."""
    return enc(
        "vault/holder-key/v1",
        key.holder,
        key.kind,
        key.role,
        key.version,
        PublicIdentity.from_bytes(key.public).digest(),
        key.issued_by or b"",
        key.signature or b"",
    )


def vouch_for_key(key: HolderKey, trust: Trust) -> None:
    """Give a key the vault's own word, so that whoever has only a coordinator's seed can plant none."""
    key.code = trust.voucher.vouch(_statement(key))


def renew_key_code(key: HolderKey, trust: Trust) -> bool:
    """Give a key the vault's word by the newest vouching key, if it had it; return whether it changed."""
    code = trust.voucher.renewed(_statement(key), key.code)
    key.code = code or key.code
    return code is not None


def check_key_code(key: HolderKey, trust: Trust) -> None:
    """Raise Distrusted unless the vault itself kept this key as it is now."""
    if not trust.voucher.confirms(_statement(key), key.code):
        raise Distrusted("The vault did not keep this key as it is now.")


def _certificate(key: HolderKey, digest: bytes) -> Certificate:
    if key.issued_by is None or key.signature is None:
        raise NotCertified("This key has not been certified.")
    return Certificate(key.kind, key.holder, key.role, key.version, digest, key.issued_by, key.signature)


@lru_cache(maxsize=4096)
def _check_once(certificate: Certificate, public: PublicIdentity, issuer: PublicIdentity) -> None:
    """A certificate is a pure statement over bytes, so it is checked once per process."""
    check_certificate(certificate, public, issuer)


class Keyring:
    """Public keys of holders, each followed back to a pinned founder before it is used."""

    def __init__(self, db: Session, trust: Trust) -> None:
        self._db = db
        self._trust = trust
        self._found: dict[tuple[UUID, int | None], HolderKey] = {}
        self._versions: dict[UUID, list[HolderKey]] = {}

    def fetch(self, holders: Iterable[UUID]) -> None:
        """Read the keys of these holders in one query."""
        wanted = set(holders) - self._versions.keys()
        if wanted:
            self._keep(wanted, self._db.scalars(_KEYS, {"holders": list(wanted)}))

    def fetch_to_seal(self, holders: Iterable[UUID]) -> None:
        """Read the keys of these holders anew and let nobody withdraw one until this act is kept."""
        wanted = set(holders)
        if wanted:
            query = _KEYS.with_for_update(read=True) if is_writing(self._db) else _KEYS
            fresh = query.execution_options(populate_existing=True)
            self._keep(wanted, self._db.scalars(fresh, {"holders": list(wanted)}))

    def _keep(self, holders: Iterable[UUID], keys: Iterable[HolderKey]) -> None:
        for holder in holders:
            self._versions[holder] = []
            self._found.pop((holder, None), None)
        for key in keys:
            self._found[key.holder, key.version] = key
            self._versions[key.holder].append(key)
            if key.withdrawn_at is None:
                self._found[key.holder, None] = key

    def key(self, holder: UUID, version: int | None) -> HolderKey:
        """A holder's key at this version, or its current one. Raises NotCertified when there is none."""
        self.fetch([holder])
        found = self._found.get((holder, version))
        if found is None:
            raise NotCertified("This holder has no key.")
        return found

    def public(self, holder: UUID, version: int | None) -> PublicIdentity:
        """The certified public key. Raises NotCertified or Distrusted; never returns an untrusted key."""
        return self._trusted(self.key(holder, version), LONGEST_CHAIN)

    def _trusted(self, key: HolderKey, links: int) -> PublicIdentity:
        public = PublicIdentity.from_bytes(key.public)
        digest = public.digest()
        if self._trust.pins(key.holder, key.kind, key.role, digest):
            return public
        if links == 0:
            raise Distrusted("A chain of certificates does not end.")
        certificate = _certificate(key, digest)
        check_key_code(key, self._trust)
        self.fetch([certificate.issued_by])
        # A coordinator's certificates outlive the coordinator's own access, so withdrawn keys count here.
        for issuer in self._versions.get(certificate.issued_by, []):
            if issuer.kind != "officer" or issuer.role != Role.COORDINATOR:
                continue
            try:
                _check_once(certificate, public, self._trusted(issuer, links - 1))
            except CryptoError:
                continue
            return public
        raise Distrusted("No coordinator whom the founders vouch for certified this key.")

    def holder(self, holder: UUID, version: int | None) -> Holder:
        """A certified holder, at this version of its key or the current one."""
        public = self.public(holder, version)
        key = self.key(holder, version)
        return Holder(key.kind, key.holder, key.version, public)

    def holder_of(self, holder: UUID, compartment: Compartment) -> Holder:
        """A holder to whom a lockbox of this compartment may be sealed now.

        The role is read from the certificate: an officer's row or a naming could have been written by anybody
        who writes to the database. Raises NotCertified for a role that the matrix never lets hold it.
        """
        found = self.holder(holder, None)
        if found.kind != "recovery":
            _check_in_matrix(compartment, self.key(holder, None))
        return found

    def holder_in_emergency(self, grant: EmergencyGrant, box: Lockbox, now: datetime) -> Holder:
        """The holder outside the matrix to whom this lockbox may be sealed under a grant that stands now.

        Raises Distrusted for a grant that the vault did not keep, or is over, or is about something else, and
        NotCertified for a role that may never ask for one.
        """
        if not (covers(grant, box) and is_live(grant, self._trust, now)):
            raise Distrusted("No grant that stands now is about this lockbox.")
        found = self.holder(grant.officer, None)
        if not may(Role(self.key(grant.officer, None).role), Permission.ASK_EMERGENCY):
            raise NotCertified("This role is never let in, not even in an emergency.")
        return found

    def fit(self, holders: Iterable[tuple[str, UUID]], compartment: Compartment) -> set[tuple[str, UUID]]:
        """These holders without officers to whom such a lockbox cannot be sealed.

        For acts over many lockboxes: somebody named past the vault gets nothing and keeps nobody else
        waiting, and the comparison with the matrix tells of it. No circle is left out, nor the recovery key.
        """
        return {
            (kind, holder) for kind, holder in holders if kind != "officer" or self._fits(holder, compartment)
        }

    def _fits(self, holder: UUID, compartment: Compartment) -> bool:
        try:
            self.holder_of(holder, compartment)
        except CryptoError:
            return False
        return True

    def maker(self, officer: UUID, version: int, kind: str, opens: str) -> PublicIdentity:
        """The key of an officer who may seal a "lockbox" of this compartment, or a "circle" of this role.

        Raises NotCertified for any other, so that a clerk who writes to the database cannot hand coordinators
        a key of the clerk's own to write under.
        """
        public = self.public(officer, version)
        key = self.key(officer, version)
        if kind == "lockbox":
            _check_in_matrix(Compartment(opens), key)
        elif key.kind != "officer" or key.role not in {Role.COORDINATOR, opens}:
            raise NotCertified("This officer may not hand on the key of that role.")
        return public


def _check_in_matrix(compartment: Compartment, key: HolderKey) -> None:
    if hold(compartment, Role(key.role)) is Hold.NEVER:
        raise NotCertified("The matrix never lets this role hold such a key.")


def certify_key(key: HolderKey, who: Actor, trust: Trust, now: datetime) -> None:
    """Sign a holder's public key as the coordinator who compared its fingerprint.

    Raises Distrusted for a key that is not as its holder made it.
    """
    check_key_code(key, trust)
    public = PublicIdentity.from_bytes(key.public)
    certificate = certify(who.identity, who.officer, key.kind, key.holder, key.role, key.version, public)
    key.issued_by, key.signature, key.certified_at = who.officer, certificate.signature, now
    vouch_for_key(key, trust)
