"""An officer as lists of what waits know them, without their having signed in: nothing opens for them."""

from crypto.identity import Identity
from vault.access.actor import Actor
from vault.database import RecordedSession
from vault.officers.admission import is_certified
from vault.officers.models import Officer
from vault.running import Trust


def without_keys(db: RecordedSession, trust: Trust, officer: Officer) -> Actor:
    """The officer as an actor whose keys were made a moment ago: nothing was ever sealed to them."""
    certified = is_certified(db, trust, officer)
    return Actor(
        officer=officer.id,
        name=officer.full_name,
        role=officer.role,
        certified=certified,
        key_version=officer.key_version,
        session=None,
        stepped_up_at=None,
        identity=Identity.generate(),
    )
