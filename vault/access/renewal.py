"""Renews what an officer who left could open: role keys first, then lockboxes, then old role keys go.

Every step is a transaction of its own and whole, so that renewal may be stopped at any moment and goes on
from there, while the vault is in use.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import sleep
from uuid import UUID

from sqlalchemy import Select, and_, delete, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from audit.entries import Fact
from crypto.errors import CryptoError
from vault.access.actor import Actor
from vault.access.custody import KeyCase
from vault.access.departures import departed
from vault.access.emergencies import end_grants
from vault.access.events import Event, record
from vault.access.holders import belongs, circle_versions, circles_to_change, current_circles, officers
from vault.access.keyring import Keyring
from vault.access.listings import file_slips
from vault.access.models import DirectorySlip, HolderKey, Lockbox, SealRow
from vault.access.policy import Role
from vault.access.rekeying import rekey as rekey  # noqa: PLC0414 - asked for by this name
from vault.access.rekeying import rekey_free
from vault.access.rekeying import rows_of as rows_of  # noqa: PLC0414
from vault.access.seals import make_circle
from vault.database import RecordedSession
from vault.errors import RoleMayNot
from vault.running import RunningVault, Trust

AT_ONCE = 50
PATIENCE = 50
PAUSE_SECONDS = 0.02
"""How often, and how long apart, a lockbox that officers write into just then is tried in one call."""


@dataclass(frozen=True)
class Due:
    """What waits for a new key: role keys, how many lockboxes, and since when the oldest of them waits."""

    circles: list[HolderKey]
    lockboxes: int
    oldest: datetime | None


def _superseded(versions: Sequence[HolderKey]) -> list[HolderKey]:
    """Live versions of circles that have a newer one, but the auditors', to which old entries are sealed."""
    current = current_circles(versions)
    return [key for key in versions if key is not current[key.holder] and key.role != Role.AUDITOR]


def _is_due(versions: Sequence[HolderKey]) -> Select[UUID]:
    """The ids of lockboxes that are marked, or sealed to a circle version that is not the current one."""
    marked = select(Lockbox.id).where(Lockbox.rekey_due_at.is_not(None))
    old = [(key.holder, key.version) for key in _superseded(versions)]
    if not old:
        return marked
    sealed = select(SealRow.key).where(
        SealRow.key_kind == "lockbox", tuple_(SealRow.holder, SealRow.holder_version).in_(old)
    )
    return select(marked.union(sealed).subquery().c[0])


def due(db: Session) -> Due:
    """What waits for a new key now; counted by indexes, nothing is opened."""
    versions = circle_versions(db)
    current = current_circles(versions)
    circles = [key for key in current.values() if key.renew_due_at is not None]
    waiting = _is_due(versions).subquery()
    count = db.scalar(select(func.count()).select_from(waiting)) or 0
    marked = db.scalar(select(func.min(Lockbox.rekey_due_at)))
    since = [key.renew_due_at for key in circles] + [marked]
    if count:  # What an older role key opens waits since the role has a newer one.
        since += [current[key.holder].certified_at for key in _superseded(versions)]
    return Due(circles, count, min((moment for moment in since if moment is not None), default=None))


def _reaches(who: Actor) -> Select[UUID]:
    """The ids of the lockboxes that are sealed to this officer, directly or through a circle of theirs."""
    circle = aliased(SealRow)
    held = select(circle.key, circle.epoch).where(
        circle.key_kind == "circle",
        circle.holder == who.officer,
        circle.holder_version == who.key_version,
    )
    return select(SealRow.key).where(
        SealRow.key_kind == "lockbox",
        SealRow.epoch == Lockbox.epoch,
        SealRow.key == Lockbox.id,
        or_(
            and_(SealRow.holder == who.officer, SealRow.holder_version == who.key_version),
            tuple_(SealRow.holder, SealRow.holder_version).in_(held),
        ),
    )


def beyond(db: Session, who: Actor) -> list[Lockbox]:
    """The lockboxes that are due and that this officer cannot open: others must, or recovery."""
    query = select(Lockbox).where(Lockbox.id.in_(_is_due(circle_versions(db))), ~exists(_reaches(who)))
    return list(db.scalars(query.order_by(Lockbox.subject, Lockbox.compartment)))


def renew_circle(db: RecordedSession, who: Actor, trust: Trust, role: Role, now: datetime) -> HolderKey:
    """Make the next version of a role's circle, for every certified officer who must hold it.

    Needs nothing of the old version, and whoever makes the auditors' keeps nothing of it. Raises RoleMayNot
    for anybody but a coordinator, whose signature alone makes a circle trusted.
    """
    if who.role is not Role.COORDINATOR or not who.certified:
        raise RoleMayNot("Role keys are renewed by a coordinator.")
    old = [key for key in circles_to_change(db) if key.role == role]
    newest = old[-1]
    ring = Keyring(db, trust)
    members = [key.holder for key in officers(db) if belongs(key, role)]
    gone = departed(db, trust, members)
    members = [member for member in members if member not in gone]
    ring.fetch_to_seal(members)
    holders = []
    for member in members:
        try:
            holders.append(ring.holder(member, None))
        except CryptoError:  # Somebody put there past the vault gets nothing, and keeps nobody else waiting.
            continue
    made = make_circle(db, role, newest.holder, newest.version + 1, who, trust, holders, now)
    for key in old:
        key.renew_due_at = None
    record(
        db,
        Event.CIRCLE_RENEWED,
        who=who,
        now=now,
        subjects=[f"circle:{made.holder}"],
        facts={"role": role, "version": made.version, "holders": len(holders)},
    )
    return made


def _renew_circles(vault: RunningVault, who: Actor, now: datetime, limit: int) -> int:
    with vault.writing() as db:
        current = current_circles(circles_to_change(db)).values()
        roles = [Role(key.role) for key in current if key.renew_due_at is not None][:limit]
        for role in sorted(roles):
            renew_circle(db, who, vault.trust, role, now)
    return len(roles)


@dataclass(frozen=True)
class _Slice:
    """What one transaction did, which lockboxes nobody may open, and whether some were in use."""

    done: int
    refused: frozenset[UUID]
    busy: bool


def _next(db: Session, who: Actor, passed: frozenset[UUID], limit: int) -> list[UUID]:
    """The ids of lockboxes that this officer renews next: marked ones, then what old role keys open.

    Each question walks an index and stops at the limit, so that a slice costs the same however many wait.
    """
    seal = aliased(SealRow)
    mine = and_(Lockbox.id.not_in(passed), Lockbox.destroyed_at.is_(None), exists(_reaches(who)))
    marked = select(Lockbox.id).where(Lockbox.rekey_due_at.is_not(None), mine)
    found = list(db.scalars(marked.order_by(Lockbox.rekey_due_at, Lockbox.id).limit(limit)))
    for key in _superseded(circle_versions(db)):
        if len(found) == limit:
            break
        sealed = (
            select(seal.key)
            .join(Lockbox, Lockbox.id == seal.key)
            .where(seal.holder == key.holder, seal.holder_version == key.version, seal.key_kind == "lockbox")
        )
        more = sealed.where(mine, Lockbox.id.not_in(found)).limit(limit - len(found))
        found += db.scalars(more)
    return found


def _rekey_some(
    vault: RunningVault, who: Actor, now: datetime, limit: int, passed: frozenset[UUID]
) -> _Slice:
    with vault.writing() as db:
        waiting = _next(db, who, passed, limit)
        query = select(Lockbox).where(Lockbox.id.in_(waiting)).order_by(Lockbox.subject, Lockbox.compartment)
        locked = query.with_for_update(key_share=True, skip_locked=True)
        boxes = list(db.scalars(locked.execution_options(populate_existing=True)))
        keys = KeyCase(db, who, vault.trust)
        opened, refused = _openable(keys, boxes)
        done, damaged = rekey_free(db, who, vault.trust, opened, keys, now)
    refused |= damaged
    return _Slice(len(done), refused, len(done) + len(refused) < len(waiting))


def _openable(keys: KeyCase, boxes: Sequence[Lockbox]) -> tuple[list[Lockbox], frozenset[UUID]]:
    """Those that open, and the ids of those that do not, which verification tells of; none blocks others."""
    try:
        keys.fetch(boxes)
    except CryptoError:
        pass
    else:
        return list(boxes), frozenset()
    opened = []
    for box in boxes:
        try:
            keys.lockbox(box)
        except CryptoError:
            continue
        opened.append(box)
    return opened, frozenset(box.id for box in boxes) - {box.id for box in opened}


def _retire(vault: RunningVault, who: Actor, now: datetime, limit: int) -> int:
    """Take away old role keys that open no lockbox and no slip any more."""
    with vault.writing() as db:
        old = [key for key in _superseded(circles_to_change(db)) if not _is_needed(db, key)][:limit]
        for key in old:
            seals = and_(
                SealRow.key_kind == "circle", SealRow.key == key.holder, SealRow.epoch == key.version
            )
            db.execute(delete(SealRow).where(seals))
            key.withdrawn_at = now
            facts: dict[str, Fact] = {"role": key.role, "version": key.version}
            record(db, Event.CIRCLE_RETIRED, who=who, now=now, subjects=[f"circle:{key.holder}"], facts=facts)
    return len(old)


def _is_needed(db: Session, key: HolderKey) -> bool:
    """Whether anything is still sealed to an old version of a circle."""
    seals = select(SealRow.id).where(SealRow.holder == key.holder, SealRow.holder_version == key.version)
    if db.scalars(seals.limit(1)).first() is not None:
        return True
    return key.role == Role.COORDINATOR and _has_slips(db, key.version)


def _has_slips(db: Session, version: int) -> bool:
    slips = select(DirectorySlip.id).where(DirectorySlip.holder_version == version)
    return db.scalars(slips.limit(1)).first() is not None


def _file_old_slips(vault: RunningVault, who: Actor, old: Sequence[HolderKey], now: datetime) -> int:
    """File the slips that were sealed to an old version of the coordinators' circle, which then may go."""
    with vault.writing() as db:
        versions = [key.version for key in old if key.role == Role.COORDINATOR]
        if not any(_has_slips(db, version) for version in versions):
            return 0
        return file_slips(db, who, vault.trust, now)


def renew_some(vault: RunningVault, who: Actor, now: datetime, limit: int) -> int:
    """Renew up to `limit` things in one transaction; return how many, and 0 when nothing is left to do.

    Role keys first, then the lockboxes that have waited longest, then old role keys go. A lockbox that this
    officer cannot open is left for others (`beyond`). Raises RoleMayNot for anybody but a coordinator.
    """
    if who.role is not Role.COORDINATOR or not who.certified:
        raise RoleMayNot("Keys are renewed by a coordinator.")
    end_grants(vault, now)  # What was opened in an emergency is marked before what is due is asked for.
    with vault.reading() as db:
        versions = circle_versions(db)
    if any(key.renew_due_at is not None for key in current_circles(versions).values()):
        return _renew_circles(vault, who, now, limit)
    passed: frozenset[UUID] = frozenset()
    for _ in range(PATIENCE):
        found = _rekey_some(vault, who, now, limit, passed)
        passed |= found.refused
        if found.done:
            return found.done
        if found.busy:
            sleep(PAUSE_SECONDS)  # Somebody writes there now.
        elif not found.refused:
            break
    old = _superseded(versions)
    if not old:
        return 0
    return _file_old_slips(vault, who, old, now) or _retire(vault, who, now, limit)


def renew(vault: RunningVault, who: Actor, progress: Callable[[int], None]) -> None:
    """Renew everything that this officer can, and say after each transaction how much it was."""
    while done := renew_some(vault, who, vault.now(), AT_ONCE):
        progress(done)
