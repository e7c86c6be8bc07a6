"""Holders' public keys, each followed back to a pinned founder before it is used."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crypto.errors import CryptoError, NotCertified
from crypto.identity import Certificate, PublicIdentity, certify, check_certificate
from crypto.sealing import Holder
from vault.access.actor import Actor
from vault.access.models import HolderKey
from vault.access.policy import Compartment, Hold, Role, hold
from vault.running import Trust

LONGEST_CHAIN = 8
"""How many coordinators may vouch for each other in a row, from a founder on."""


class Distrusted(CryptoError):
    """A key in the database is not certified by a coordinator whose chain ends at a pinned founder."""


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
        wanted = set(holders) - {holder for holder, _ in self._found}
        if wanted:
            for key in self._db.scalars(
                select(HolderKey).where(HolderKey.holder.in_(wanted)).order_by(HolderKey.version)
            ):
                self._found[key.holder, key.version] = key
                self._versions.setdefault(key.holder, []).append(key)
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


def certify_key(key: HolderKey, who: Actor, now: datetime) -> None:
    """Sign a holder's public key as the coordinator who compared its fingerprint."""
    public = PublicIdentity.from_bytes(key.public)
    certificate = certify(who.identity, who.officer, key.kind, key.holder, key.role, key.version, public)
    key.issued_by, key.signature, key.certified_at = who.officer, certificate.signature, now
