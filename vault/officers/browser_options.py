"""What the vault asks of an officer's browser for a passkey, as JSON (W3C WebAuthn level 3, 5.1)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from webauthn import generate_authentication_options, generate_registration_options
from webauthn.helpers import options_to_json_dict
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from vault.officers.challenges import MINUTES
from vault.officers.models import Officer, Passkey
from vault.officers.passkeys import ALGORITHMS, Site

TIMEOUT = MINUTES * 60_000


def _named(rows: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=row.credential) for row in rows]


def to_use(site: Site, challenge: bytes, rows: Sequence[Passkey]) -> dict[str, Any]:
    """Ask for one of these passkeys, with the officer verified by the device."""
    options = generate_authentication_options(
        rp_id=site.rp_id,
        challenge=challenge,
        timeout=TIMEOUT,
        allow_credentials=_named(rows),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(options_to_json_dict(options))


def to_make(site: Site, challenge: bytes, officer: Officer, rows: Sequence[Passkey]) -> dict[str, Any]:
    """Ask for a new passkey on a device that has none of these, with the officer verified by the device."""
    options = generate_registration_options(
        rp_id=site.rp_id,
        rp_name="Vault",
        user_id=_handle(officer.id),
        user_name=officer.name,
        user_display_name=officer.full_name,
        challenge=challenge,
        timeout=TIMEOUT,
        attestation=AttestationConveyancePreference.NONE,
        # What it is called by stays in the vault, so that the officer can be asked for it by name.
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        supported_pub_key_algs=ALGORITHMS,
        exclude_credentials=_named(rows),
    )
    return dict(options_to_json_dict(options))


def _handle(officer: UUID) -> bytes:
    """How devices name the officer: by the id, which says nothing of the person."""
    return officer.bytes
