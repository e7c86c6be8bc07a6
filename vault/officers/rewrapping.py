"""The root key's outer layer around officers' keys, put on anew under the newest root key.

No password is needed: what lies inside stays shut.
"""

from crypto.errors import Refused
from crypto.root_ring import RootRing
from crypto.wraps import code_context, duress_context, kept_context, password_context
from vault.officers.models import DuressWrap, Officer, SecondFactor

TOTP_UNDER_DURESS = "totp-under-duress"
"""The label under which the secret of an officer's app is kept once more, for the decoy."""


def rewrap_officer(officer: Officer, root: RootRing) -> bool:
    """Put an officer's wraps under the newest root key; return whether anything changed.

    A wrap that none of the root keys opens is left as it is: it opens for nobody, before as after.
    """
    wrap = _renewed(root, officer.wrap_blob, password_context(officer.id, officer.key_version))
    paper = _renewed(root, officer.recovery_blob, code_context(officer.id, officer.key_version))
    officer.wrap_blob = wrap or officer.wrap_blob
    officer.recovery_blob = paper or officer.recovery_blob
    return wrap is not None or paper is not None


def rewrap_second_factor(factor: SecondFactor, root: RootRing) -> bool:
    """Put an officer's TOTP secret under the newest root key; return whether it changed."""
    secret = _renewed(root, factor.secret, kept_context("totp", factor.id))
    factor.secret = secret or factor.secret
    return secret is not None


def rewrap_duress(row: DuressWrap, root: RootRing) -> bool:
    """Put the lock for duress under the newest root key, whether anything lies behind it or not."""
    blob = _renewed(root, row.blob, duress_context(row.id, row.key_version))
    totp = _renewed(root, row.totp, kept_context(TOTP_UNDER_DURESS, row.id))
    row.blob, row.totp = blob or row.blob, totp or row.totp
    return blob is not None or totp is not None


def _renewed(root: RootRing, blob: bytes | None, context: bytes) -> bytes | None:
    try:
        return None if blob is None else root.rewrap(blob, context)
    except Refused:
        return None
