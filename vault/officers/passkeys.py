"""Passkeys: what a browser's answer proves, by W3C WebAuthn level 3, with the officer verified by the device.

A row carries the vault's own code over whose passkey it is and which key it has, so that whoever only
writes to the database plants none; the ledger remembers those that were removed.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import (
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_authenticator_data,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import AttestationFormat, CollectedClientData

from crypto.encoding import enc
from vault.errors import RuleForbids
from vault.officers import history
from vault.officers.models import Officer, Passkey
from vault.officers.proofs import SECOND_FACTOR_WRONG, ProofRefused
from vault.running import RunningVault, Trust
from vault.settings import Settings

MOST = 10
NAME_LENGTH = 40
ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
# Browsers leave a device's statement about itself in place even where none is asked for (level 3, 5.1.3).
FORMATS = {AttestationFormat.NONE, AttestationFormat.PACKED}


class PasskeyRefused(ProofRefused):
    """A passkey's answer proves nothing; the person reads what they read after any other mistake.

    `why` is for the ledger: unreadable, challenge, origin, credential, removed, not-kept-by-the-vault,
    user-verification, signature or counter.
    """

    def __init__(self, officer: UUID, why: str, passkey: UUID | None) -> None:
        super().__init__(SECOND_FACTOR_WRONG, officer)
        self.why = why
        self.passkey = passkey


@dataclass(frozen=True)
class Site:
    """Where browsers reach the vault: the origin they must name, and the name that passkeys are bound to."""

    origin: str
    rp_id: str


def site_of(settings: Settings) -> Site | None:
    """The vault's own site, or None where the settings name none and passkeys are not offered."""
    host = urlsplit(settings.public_origin).hostname
    return Site(settings.public_origin, host) if host else None


def needed_site(settings: Settings) -> Site:
    """The vault's own site. Raises RuleForbids where passkeys are not offered."""
    site = site_of(settings)
    if site is None:
        raise RuleForbids("Passkeys are not set up here. Ask the administrator to name the public origin.")
    return site


def _statement(row: Passkey) -> bytes:
    """What the vault vouches for: whose passkey it is, for which of their keys, and its public key."""
    added = round(row.added_at.timestamp() * 1000)
    return enc(
        "vault/passkey/v1",
        row.id,
        row.officer,
        row.key_version,
        row.name,
        row.credential,
        row.public_key,
        added,
    )


def is_vouched(row: Passkey, trust: Trust) -> bool:
    """Whether the vault itself kept this passkey as it is now."""
    return trust.voucher.confirms(_statement(row), row.code)


def renew_row_code(row: Passkey, trust: Trust) -> bool:
    """Give the row the vault's word by the newest vouching key, if it had it; return whether it changed."""
    code = trust.voucher.renewed(_statement(row), row.code)
    row.code = code or row.code
    return code is not None


def rows_of(db: Session, officer: UUID) -> list[Passkey]:
    """Every row that says it is a passkey of this officer, oldest first."""
    query = select(Passkey).where(Passkey.officer == officer)
    return list(db.scalars(query.order_by(Passkey.added_at, Passkey.id)))


def own(db: Session, trust: Trust, officer: Officer) -> list[Passkey]:
    """The officer's passkeys that the vault kept for the keys they have now, oldest first."""
    rows = rows_of(db, officer.id)
    return [row for row in rows if row.key_version == officer.key_version and is_vouched(row, trust)]


def drop(db: Session, officer: UUID) -> None:
    """End every passkey of an officer. The caller records it."""
    for row in rows_of(db, officer):
        db.delete(row)
    db.flush()


def is_answer(text: str) -> bool:
    """Whether what was sent as the second factor is a browser's answer and no typed code."""
    return text.startswith("{")


def challenge_in(officer: UUID, text: str) -> bytes:
    """Which challenge an answer of either kind says it answers. Raises PasskeyRefused."""
    return bytes(_client_data(officer, text).challenge)


def _client_data(officer: UUID, text: str) -> CollectedClientData:
    try:
        parse = (
            parse_registration_credential_json
            if '"attestationObject"' in text
            else parse_authentication_credential_json
        )
        return parse_client_data_json(parse(text).response.client_data_json)
    # Answers come from anybody, and reading a spoilt one raises whatever it raises.
    except Exception as error:
        raise PasskeyRefused(officer, "unreadable", None) from error


def _check_origin(officer: UUID, text: str, site: Site, passkey: UUID | None) -> None:
    said = _client_data(officer, text)
    if said.origin != site.origin or said.cross_origin:
        raise PasskeyRefused(officer, "origin", passkey)


def _find(db: Session, trust: Trust, officer: Officer, credential: bytes) -> Passkey:
    """The officer's own passkey of this name, locked until the act is kept. Raises PasskeyRefused."""
    row = db.scalars(select(Passkey).where(Passkey.credential == credential).with_for_update()).first()
    if row is None or row.officer != officer.id:
        raise PasskeyRefused(officer.id, "credential", None)
    if row.key_version != officer.key_version or not is_vouched(row, trust):
        raise PasskeyRefused(officer.id, "not-kept-by-the-vault", row.id)
    if history.was_removed(db, trust, row.id):
        raise PasskeyRefused(officer.id, "removed", row.id)
    return row


def check(
    db: Session, vault: RunningVault, officer: Officer, text: str, challenge: bytes, now: datetime
) -> Passkey:
    """Check a passkey's answer to a challenge that was just used up; keep its counter and when it was used.

    Raises PasskeyRefused.
    """
    site = needed_site(vault.settings)
    _check_origin(officer.id, text, site, None)
    answer = parse_authentication_credential_json(text)
    row = _find(db, vault.trust, officer, answer.raw_id)
    handle = answer.response.user_handle
    if handle and handle != officer.id.bytes:
        raise PasskeyRefused(officer.id, "credential", row.id)
    _check_verified(officer.id, answer.response.authenticator_data, row.id)
    try:
        verified = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=0,  # Compared below: only a right signature may say it went back.
            require_user_verification=True,
        )
    except Exception as error:
        raise PasskeyRefused(officer.id, "signature", row.id) from error
    if (verified.new_sign_count or row.sign_count) and verified.new_sign_count <= row.sign_count:
        raise PasskeyRefused(officer.id, "counter", row.id)
    row.sign_count, row.used_at = verified.new_sign_count, now
    db.flush()
    return row


def _check_verified(officer: UUID, data: bytes, passkey: UUID | None) -> None:
    """The device must say that it knows who holds it, by fingerprint, face or PIN."""
    try:
        is_verified = parse_authenticator_data(data).flags.uv
    except Exception as error:
        raise PasskeyRefused(officer, "unreadable", passkey) from error
    if not is_verified:
        raise PasskeyRefused(officer, "user-verification", passkey)


def read_new(
    vault: RunningVault, officer: Officer, name: str, text: str, challenge: bytes, now: datetime
) -> Passkey:
    """The row of a passkey that a browser just made, not yet kept. Raises PasskeyRefused."""
    site = needed_site(vault.settings)
    _check_origin(officer.id, text, site, None)
    try:
        answer = parse_registration_credential_json(text)
        made = parse_attestation_object(answer.response.attestation_object)
        is_format_known = made.fmt in FORMATS
    except Exception as error:
        raise PasskeyRefused(officer.id, "unreadable", None) from error
    if not is_format_known:
        raise PasskeyRefused(officer.id, "unreadable", None)
    if not made.auth_data.flags.uv:
        raise PasskeyRefused(officer.id, "user-verification", None)
    try:
        verified = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
    except Exception as error:
        raise PasskeyRefused(officer.id, "signature", None) from error
    row = Passkey(
        id=uuid4(),
        officer=officer.id,
        key_version=officer.key_version,
        name=name,
        credential=verified.credential_id,
        public_key=verified.credential_public_key,
        added_at=now,
        sign_count=verified.sign_count,
    )
    row.code = vault.trust.voucher.vouch(_statement(row))
    return row


def keep(db: Session, trust: Trust, officer: Officer, row: Passkey) -> None:
    """Keep a new passkey beside those the officer has. Raises RuleForbids. The caller records it."""
    known = own(db, trust, officer)
    if len(known) >= MOST:
        raise RuleForbids(f"You have {MOST} passkeys, and more are not kept. Remove one first.")
    if row.name.casefold() in {one.name.casefold() for one in known}:
        raise RuleForbids("You have a passkey of that name. Choose another name.")
    if db.scalars(select(Passkey.id).where(Passkey.credential == row.credential)).first() is not None:
        raise RuleForbids("That passkey is kept already. Use it, or make one on another device.")
    db.add(row)
    db.flush()
