"""Emergency grants: what the vault itself vouched for, and which of them stand at a moment.

A grant excuses a seal and makes none: whoever plants a row opens nothing with it (800-53 AC-3(10)).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from crypto.encoding import enc
from vault.access.models import EmergencyGrant, Lockbox
from vault.access.policy import Compartment
from vault.running import Trust

# Asked on every look of an officer whom the matrix does not let in, so it is put together once.
_OWN = select(EmergencyGrant).where(
    EmergencyGrant.officer == bindparam("officer"),
    EmergencyGrant.compartment == bindparam("compartment"),
    EmergencyGrant.ended_at.is_(None),
)


def not_ended() -> Select[EmergencyGrant]:
    """The grants whose seals were not unmade yet, the oldest first."""
    query = select(EmergencyGrant).where(EmergencyGrant.ended_at.is_(None))
    return query.order_by(EmergencyGrant.granted_at, EmergencyGrant.id)


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _statement(grant: EmergencyGrant) -> bytes:
    """What the vault vouches for: who may open which lockboxes, who let them, and until when."""
    return enc(
        "vault/emergency-grant/v1",
        grant.id,
        grant.request,
        grant.officer,
        grant.case,
        str(grant.compartment),
        grant.granted_by,
        _instant(grant.granted_at),
        _instant(grant.ends_at),
        *(str(box) for box in grant.lockboxes),
    )


def vouch_for_grant(grant: EmergencyGrant, trust: Trust) -> None:
    """Give a grant the vault's own word, without which it excuses nothing."""
    grant.code = trust.voucher.vouch(_statement(grant))


def is_vouched(grant: EmergencyGrant, trust: Trust) -> bool:
    """Whether the vault itself kept this grant as it is now, but for when it ended."""
    return trust.voucher.confirms(_statement(grant), grant.code)


def renew_grant_code(grant: EmergencyGrant, trust: Trust) -> bool:
    """Give a grant the vault's word by the newest vouching key, if it had it; return whether it changed."""
    code = trust.voucher.renewed(_statement(grant), grant.code)
    grant.code = code or grant.code
    return code is not None


def is_live(grant: EmergencyGrant, trust: Trust, now: datetime) -> bool:
    """Whether a grant stands at this moment: vouched for, begun, and neither ended nor over."""
    is_time = grant.ended_at is None and grant.granted_at <= now < grant.ends_at
    return is_time and is_vouched(grant, trust)


def covers(grant: EmergencyGrant, box: Lockbox) -> bool:
    """Whether a grant is about this lockbox: one that was there when it was given."""
    is_there = grant.case == box.case and grant.compartment == box.compartment
    return is_there and str(box.id) in grant.lockboxes


def grant_over(
    db: Session,
    trust: Trust,
    officer: UUID,
    compartment: Compartment,
    boxes: Sequence[Lockbox],
    now: datetime,
) -> EmergencyGrant | None:
    """The grant under which this officer may open all of these lockboxes now; None when there is none."""
    own = db.scalars(_OWN, {"officer": officer, "compartment": compartment}).all()
    for grant in own:
        if boxes and all(covers(grant, box) for box in boxes) and is_live(grant, trust, now):
            return grant
    return None


def live_on(
    db: Session, trust: Trust, boxes: Iterable[Lockbox], now: datetime
) -> dict[UUID, list[EmergencyGrant]]:
    """The grants that stand now over each of these lockboxes, by lockbox; one question for all."""
    live = [grant for grant in db.scalars(not_ended()).all() if is_live(grant, trust, now)]
    return {box.id: [grant for grant in live if covers(grant, box)] for box in boxes}
