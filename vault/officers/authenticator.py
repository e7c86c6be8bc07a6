"""An officer's authenticator app, replaced or removed later: the old one goes once the new one works."""

from datetime import datetime
from uuid import UUID

import pyotp
import segno

from audit.entries import Fact
from crypto.errors import Refused
from crypto.identity import keep_secret, recall_secret
from vault.access.actor import Actor
from vault.access.events import Event, record
from vault.access.reading import is_stepped_up
from vault.errors import NotKnown, NotSignedIn, RuleForbids, StepUpNeeded
from vault.officers import admission, duress, failing, history, passkeys, proofs, second_factors, sessions
from vault.officers.failing import Caller
from vault.officers.models import SecondFactor, SignedInSession
from vault.running import RunningVault

NEW_APP = "totp-new"
NOT_SHOWN = "That is not the code of the new entry. Enter the six digits that your app shows for it now."
NOT_TAKEN = "Your role signs in with a passkey, so the codes of an app are not taken. Nothing was set up."
LAST = "This is your only way to sign in. Add a passkey before you remove the app."


def squares(name: str, secret: str) -> tuple[int, str]:
    """The QR picture of an app's secret as a size and one SVG path, so that no markup is passed around."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="Vault")
    code = segno.make(uri, error="m", micro=False)
    path = "".join(
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(code.matrix) for x, dark in enumerate(row) if dark
    )
    return len(code.matrix), path


def _check_stepped_up(vault: RunningVault, who: Actor, now: datetime) -> None:
    if not is_stepped_up(vault, who, now):
        raise StepUpNeeded


def begin(vault: RunningVault, who: Actor, session: UUID, now: datetime) -> None:
    """Make a secret for a new app, kept in this session alone until its first code is given.

    Under duress too, so that only keeping the app cannot be recorded. Raises StepUpNeeded, and RuleForbids
    where the role takes no app.
    """
    _check_stepped_up(vault, who, now)
    with vault.writing_always() as db:
        officer = admission.get(db, who.officer)
        if not second_factors.takes_app(vault.settings, officer, passkeys.own(db, vault.trust, officer)):
            raise RuleForbids(NOT_TAKEN)
        secret = pyotp.random_base32().encode()
        kept = keep_secret(who.identity, NEW_APP, secret, who.officer, vault.root)
        db.get_one(SignedInSession, session).new_app = kept


def begun(vault: RunningVault, who: Actor, session: UUID) -> str | None:
    """The secret of the app that is being set up in this session, or None."""
    with vault.reading() as db:
        row = db.get(SignedInSession, session)
    if row is None or row.new_app is None:
        return None
    try:
        return recall_secret(who.identity, NEW_APP, row.new_app, who.officer, vault.root).decode()
    except Refused:
        return None


def confirm(vault: RunningVault, who: Actor, session: UUID, code: str, caller: Caller, now: datetime) -> None:
    """Take the first code of the new app, which from now on is the officer's only one; other sessions end.

    Raises StepUpNeeded, NotKnown when none was begun, and ProofRefused for a wrong code, which leaves the
    old app as it is.
    """
    _check_stepped_up(vault, who, now)
    secret = begun(vault, who, session)
    if secret is None:
        raise NotKnown
    try:
        _keep(vault, who, session, secret, _step_of(who, secret, code, now), now)
    except proofs.ProofRefused as error:
        failing.note(vault, Event.STEP_UP_FAILED, error, caller, "setting-up-an-app", who, now)
        raise


def _step_of(who: Actor, secret: str, code: str, now: datetime) -> int:
    step = proofs.matching_step(secret, code, now)
    if step is None:
        raise proofs.ProofRefused(NOT_SHOWN, who.officer)
    return step


def _keep(vault: RunningVault, who: Actor, session: UUID, secret: str, step: int, now: datetime) -> None:
    with vault.writing() as db:
        officer = admission.held(db, who.officer)
        row = db.get(SignedInSession, session)
        if row is None:
            raise NotSignedIn("Your session has ended. Sign in again.")
        row.new_app = None
        kept = keep_secret(who.identity, "totp", secret.encode(), who.officer, vault.root)
        factor = db.get(SecondFactor, who.officer)
        facts: dict[str, Fact] = {"replaced": factor is not None, history.TIME_STEP: step}
        facts |= {
            history.APP: history.digest_of_app(who.officer, secret),
            history.KEY_VERSION: officer.key_version,
        }
        if factor is None:
            db.add(SecondFactor(id=who.officer, secret=kept, last_step=step))
        else:
            factor.secret, factor.last_step = kept, step
        duress.clear(db, vault.root, officer)  # It holds the old app's secret, which no other key can open.
        facts |= {"other-sessions-ended": sessions.end_all(db, who.officer, session)}
        record(db, Event.APP_SET, who=who, now=now, subjects=[f"officer:{who.officer}"], facts=facts)


def remove(vault: RunningVault, who: Actor, session: UUID, now: datetime) -> None:
    """Take the app away; other sessions end.

    Raises StepUpNeeded, NotKnown without an app, and RuleForbids without a passkey.
    """
    _check_stepped_up(vault, who, now)
    with vault.writing() as db:
        officer = admission.held(db, who.officer)
        factor = db.get(SecondFactor, who.officer)
        if factor is None:
            raise NotKnown
        if not passkeys.own(db, vault.trust, officer):
            raise RuleForbids(LAST)
        db.delete(factor)
        facts: dict[str, Fact] = {history.KEY_VERSION: officer.key_version}
        facts |= {"other-sessions-ended": sessions.end_all(db, who.officer, session)}
        record(db, Event.APP_REMOVED, who=who, now=now, subjects=[f"officer:{who.officer}"], facts=facts)
