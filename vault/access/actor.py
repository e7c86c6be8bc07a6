"""The officer who acts, with the keys that their password and second factor unlocked."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from crypto.identity import Decoy, Identity
from vault.access.policy import Permission, Role, may


@dataclass(frozen=True)
class Actor:
    """A signed-in officer. `session` is the first 8 hex digits of the session's hash, as entries name it."""

    officer: UUID
    name: str
    role: Role
    certified: bool
    key_version: int
    session: str | None
    stepped_up_at: datetime | None
    identity: Identity = field(repr=False)

    @property
    def is_under_duress(self) -> bool:
        """Whether they signed in with their password for duress: nothing was ever sealed to these keys."""
        return isinstance(self.identity, Decoy)

    def may(self, permission: Permission) -> bool:
        """Whether this officer's role, once certified, has the permission."""
        return permission is Permission.USE_VAULT or (self.certified and may(self.role, permission))
